"""Journeys and mails: from an event to its message while very many are on their way, and what goes out to a mail server here."""

import asyncio
import json
import os
import random
import sqlite3
import subprocess
import threading
import time
from datetime import datetime

from live import BATCH, at_pace, batches, now, pour
from server import MemoryWatch, Server, quantile, wait_until

# So many domains share the mails, so that no domain's pace decides.
DOMAINS = 100


class Sink:
    """The mail server that counts."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.taken = {"mails": 0}
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.taken = json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def engage(binary, program, folder, on_their_way=200_000, seconds=60, rate=5_000, queued=1_000_000):
    """Event to message, mails a second, and memory with a long queue."""
    key = f"{folder}/dkim.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    data = f"{folder}/data"
    with Sink(program) as sink:
        settings = {
            "RAPPORT_MAIL_HOST": "127.0.0.1", "RAPPORT_MAIL_PORT": str(sink.port), "RAPPORT_MAIL_SECURITY": "plain",
            "RAPPORT_MAIL_DKIM_KEY": key, "RAPPORT_MAIL_DKIM_DOMAIN": "shop.example", "RAPPORT_MAIL_DKIM_SELECTOR": "bench",
            "RAPPORT_PUBLIC_URL": "https://shop.example", "RAPPORT_LOG_LEVEL": "warn",
        }
        os.environ.update(settings)
        try:
            with Server(binary, data, scopes=("read", "write", "admin")) as server, MemoryWatch(server) as memory:
                figures = decided(server, data, on_their_way, seconds, rate)
                figures["memory MB"] = max(memory.samples)
                save_settings(server, paused=False)
            change(data, "UPDATE messages SET due_at = ? WHERE state = 'queued'", [micros()])
            with Server(binary, data, scopes=("read", "write", "admin")) as server:
                figures |= sent(server, sink, data)
            multiply(data, queued)
            with Server(binary, data, scopes=("read", "write", "admin")) as server, MemoryWatch(server) as memory:
                figures |= long_queue(sink, memory, seconds, queued)
            return figures
        finally:
            for name in settings:
                del os.environ[name]


def save_settings(server, paused):
    own = {"from": {"name": "Shop", "address": "news@shop.example"}, "quiet": None, "caps": [], "paused": paused}
    server.call("PUT", "/api/v1/sending/settings", {"settings": own})


def launch(server, name, definition):
    made = server.call("POST", "/api/v1/journeys", {"name": name, "definition": definition})
    key = made["summary"]["key"]
    server.call("POST", f"/api/v1/journeys/{key}/launch", {})
    wait_until(f"{name} is live", lambda: server.call("GET", f"/api/v1/journeys/{key}")["summary"]["state"] == "live")
    return key


def comers(count):
    """Everybody agrees to mails and begins a trial, which they are in for the whole bench."""
    for number in range(max(count, 1)):
        who, at = f'"userId":"user-{number}"', now()
        address = f"reader{number}@domain{number % DOMAINS}.example"
        yield f'{{"type":"identify",{who},"messageId":"i{number}","timestamp":"{at}","traits":{{"email":"{address}","firstName":"Reader"}}}}'
        yield f'{{"type":"track",{who},"messageId":"c{number}","timestamp":"{at}","event":"Consent Granted","properties":{{"channel":"email","method":"form"}}}}'
        yield f'{{"type":"track",{who},"messageId":"t{number}","timestamp":"{at}","event":"Trial Begun"}}'


def decided(server, data, on_their_way, seconds, rate):
    """So many wait in a journey; then live traffic, whose checkouts are each written about at once. Nothing is handed over yet."""
    save_settings(server, paused=True)
    letterhead = {"name": "Shop", "address": "1 Street, Town", "url": "https://shop.example", "logo_url": ""}
    server.call("PUT", "/api/v1/letterhead", letterhead)
    server.call("POST", "/api/v1/journeys", {"ready": "welcome"})
    mail = {"id": "mail", "step": {"message": {"channel": "email", "template": "welcome", "next": None}}}
    wait = {"id": "wait", "step": {"wait": {"how": {"for": "30d"}, "next": "mail"}}}
    trial = launch(server, "Trial", {"entry": {"event": {"name": "Trial Begun"}}, "start": "wait", "nodes": [wait, mail]})
    checkout = {"entry": {"event": {"name": "Checkout Started"}}, "reentry": "after_exit", "start": "mail", "nodes": [mail]}
    launch(server, "Checkout", checkout)
    lines = list(comers(on_their_way))
    began = time.monotonic()
    pour(server, lines)
    wait_until("everybody is on their way", lambda: server.call("GET", f"/api/v1/journeys/{trial}/report")["active"] >= on_their_way)
    came = time.monotonic() - began
    # What is measured is a day like any other: the customers' devices are known, and nothing of the arrival is left to do.
    pour(server, [seen(number) for number in range(50_000)])
    server.settle()
    before, began_at = server.processor_seconds(), micros()
    requests = seconds * rate // BATCH
    asyncio.run(at_pace(server, requests, rate / BATCH, batches(server, random.Random(3))))
    wait_until("all events are applied", lambda: server.lag() == 0)
    # The last ones are decided a moment after they were applied.
    time.sleep(5)
    cpu = server.processor_seconds() - before
    rows = read(data, f"SELECT decided_at, payload FROM messages WHERE state = 'queued' AND decided_at >= {began_at}")
    waits = [decided_at / 1e6 - instant(json.loads(payload)["occurred_at"]) for decided_at, payload in rows]
    return {
        "on their way": on_their_way, "who came in a second": on_their_way / came, "events": requests * BATCH, "events/s": rate, "messages": len(waits),
        "event to message p50 s": quantile(waits, 0.5), "event to message p99 s": quantile(waits, 0.99), "worst s": max(waits), "cores used": cpu / (seconds + 5),
    }


def seen(person):
    """A page viewed by a customer whose device it tells."""
    who = f'"anonymousId":"{person:08x}-0000-4000-8000-000000000001","userId":"user-{person}"'
    return f'{{"type":"track","event":"Product Viewed",{who},"messageId":"seen-{person}","timestamp":"{now()}"}}'


def sent(server, sink, data):
    """What was decided goes out: mails a second as the mail server counts them."""
    before, cpu = sink.taken["mails"], server.processor_seconds()
    wait_until("the first mail goes out", lambda: sink.taken["mails"] > before, 90)
    began, first = time.monotonic(), sink.taken["mails"]
    wait_until("all mails went out", lambda: read(data, "SELECT COUNT(*) FROM messages WHERE state IN ('queued', 'sending')")[0][0] == 0)
    seconds = time.monotonic() - began
    # The mail server tells what it has once a second.
    time.sleep(1.5)
    taken = sink.taken
    if taken["signed"] != taken["mails"] or taken["greeted"] != taken["mails"]:
        raise RuntimeError(f"not all mails are signed and written for their reader: {taken}")
    return {
        "mails/s": (taken["mails"] - first) / max(seconds, 0.001), "bytes a mail": taken["bytes"] // taken["mails"],
        "cpu ms a mail": (server.processor_seconds() - cpu) / (taken["mails"] - before) * 1e3,
    }


def multiply(data, queued):
    """Queues so many copies of the messages that there are, each a message of its own. The server is stopped."""
    columns = [row[1] for row in read(data, "PRAGMA table_info(messages)")]
    changed = {
        "id": "'msg_bench' || n || '_' || m.id", "state": "'queued'", "due_at": str(micros()), "attempts": "0",
        **dict.fromkeys(["instance", "message_id", "provider_id", "response", "sent_at", "reason"], "NULL"),
    }
    values = ", ".join(changed.get(column, f"m.{column}") for column in columns)
    rounds = -(-queued // read(data, "SELECT COUNT(*) FROM messages WHERE state = 'sent'")[0][0])
    change(
        data,
        f"WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {rounds}) "
        f"INSERT INTO messages ({', '.join(columns)}) SELECT {values} FROM counted CROSS JOIN messages m WHERE m.state = 'sent' LIMIT {queued}",
    )


def long_queue(sink, memory, seconds, queued):
    before, began = sink.taken["mails"], time.monotonic()
    wait_until("the first mail goes out", lambda: sink.taken["mails"] > before, 90)
    time.sleep(seconds)
    rate = (sink.taken["mails"] - before) / (time.monotonic() - began)
    samples, third = memory.samples, len(memory.samples) // 3
    return {
        "queued": queued, "mails/s with that queue": rate, "memory with that queue, middle third MB": max(samples[third : 2 * third]),
        "memory with that queue, last third MB": max(samples[2 * third :]),
    }


def read(data, text):
    """Rows of the product database, read beside the server."""
    db = sqlite3.connect(f"file:{data}/rapport.db?mode=ro", uri=True)
    try:
        return db.execute(text).fetchall()
    finally:
        db.close()


def change(data, text, values=()):
    """Changes the product database of a server that is stopped."""
    db = sqlite3.connect(f"{data}/rapport.db")
    with db:
        db.execute(text, values)
    db.close()


def micros():
    return time.time_ns() // 1000


def instant(value):
    """Seconds since 1970 of a time in a payload."""
    return datetime.fromisoformat(value).timestamp()
