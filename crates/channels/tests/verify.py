"""Verifies the signatures of a mail with dkimpy: `verify.py MAIL RECORDS`, RECORDS being {"name in the DNS": "TXT record"} as JSON.
Prints one line a signature, `ok` or `bad`."""

import json
import sys

import dkim

message = open(sys.argv[1], "rb").read()
records = json.load(open(sys.argv[2], encoding="utf-8"))


def txt(name, timeout=5):
    record = records.get(name.decode().rstrip("."))
    return record.encode() if record else None


for index in range(message.lower().count(b"dkim-signature:")):
    try:
        print("ok" if dkim.DKIM(message).verify(idx=index, dnsfunc=txt) else "bad")
    except dkim.DKIMException as error:
        print("bad", error)
