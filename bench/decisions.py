"""Decisions for a page that is waiting: what a slot shows to a person, and which variant of a flag is theirs."""

import asyncio
import hashlib
import hmac
import json
import random
import time

from live import at_pace, now, pour
from segments import filled
from server import Server, quantile


def decisions(binary, folder, people=20_000, seconds=30, rate=1_000):
    """Time from when a request was due to its answer at a steady rate, each for anybody of the people."""
    with Server(binary, f"{folder}/data", scopes=("read", "write", "admin")) as server:
        prepare(server, people)
        secret = server.call("GET", "/api/v1/sending/settings")["visitor_secret"].encode()
        chance = random.Random(4)

        def slot(key):
            user = f"user-{chance.randrange(people)}"
            proof = hmac.new(secret, user.encode(), hashlib.sha256).hexdigest()
            return get(f"/v1/slots/{key}?writeKey={server.write_key}&userId={user}&userHash={proof}")

        def flag():
            body = json.dumps({"context": {"targetingKey": f"user-{chance.randrange(people)}"}}).encode()
            return post(server, "/ofrep/v1/evaluate/flags/headline", body)

        figures = {"people": people, "requests/s": rate}
        for name, ask in (("slot", lambda: slot("hero")), ("slot that keeps count", lambda: slot("counted")), ("flag", flag)):
            waits, own, before = [], [], server.processor_seconds()

            def answered(due, ready, body):
                waits.append(time.monotonic() - due)
                own.append(b"Back, Reader" in body or b'"promise"' in body)

            asyncio.run(at_pace(server, seconds * rate, rate, lambda number: ask(), answered))
            figures |= {
                f"{name} p50 ms": quantile(waits, 0.5) * 1e3, f"{name} p99 ms": quantile(waits, 0.99) * 1e3, f"{name} worst ms": max(waits) * 1e3,
                f"{name}: answers of its own for": sum(own), f"{name} cores used": (server.processor_seconds() - before) / seconds,
            }
        return figures


def prepare(server, people):
    """People, half of whom bought, a slot that greets buyers by name, the same with a holdout and a cap, and a flag that half of all get."""
    lines = []
    for number in range(people):
        who, at = f'"userId":"user-{number}"', now()
        lines.append(f'{{"type":"identify",{who},"messageId":"i{number}","timestamp":"{at}","traits":{{"firstName":"Reader{number}"}}}}')
        lines.append(f'{{"type":"track",{who},"messageId":"c{number}","timestamp":"{at}","event":"Consent Granted","properties":{{"channel":"in_app","method":"form"}}}}')
        if number % 2:
            lines.append(f'{{"type":"track",{who},"messageId":"o{number}","timestamp":"{at}","event":"Order Completed","properties":{{"order_id":"o{number}","revenue":10}}}}')
    pour(server, lines)
    server.settle()
    filled(server, [("buyers", 'performed "Order Completed"')])
    texts = {"own": "Back, {{ profile.first_name | default('you') }}", "usual": "Welcome"}
    keys = {name: template(server, name, title) for name, title in texts.items()}
    variants = [{"segment": "buyers", "show": {"template": keys["own"]}}, {"show": {"template": keys["usual"]}}]
    server.call("PUT", "/api/v1/slots/hero", {"name": "Hero", "definition": {"variants": variants}})
    # Each view of this one is written down before its answer.
    kept = {"variants": variants, "holdout_percent": 10, "cap": {"most": 1_000, "within": "7d"}}
    server.call("PUT", "/api/v1/slots/counted", {"name": "Counted", "definition": kept})
    variants = [{"key": "usual", "weight": 1, "value": "Check out", "is_control": True}, {"key": "promise", "weight": 1, "value": "At your door tomorrow"}]
    design = {
        "name": "Headline", "hypothesis": "A promise makes more people buy", "kind": "experiment", "variants": variants,
        "primary": {"key": "conversion", "name": "buyers"}, "plan": {"effect": 0.5, "power": 0.8},
    }
    server.call("POST", "/api/v1/experiments", {"key": "headline", "design": design})
    server.call("POST", "/api/v1/experiments/headline/act", {"act": "start", "version": 1})


def template(server, name, title):
    content = {"slot": {"en": {"title": title, "body": "b", "url": "https://shop.example/"}}}
    made = server.call("POST", "/api/v1/message-templates", {"template": {"name": name, "purpose": "marketing", "default_language": "en", "content": content}})
    return made["summary"]["key"]


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def post(server, path, body):
    head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nX-API-Key: {server.write_key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
