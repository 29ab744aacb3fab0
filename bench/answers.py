"""Answers to a survey: how long somebody waits until what they gave is kept."""

import asyncio
import json
import random
import time

from live import at_pace
from server import Server, quantile

SURVEY = {
    "title": {"en": "One question"}, "default_language": "en",
    "pages": [{"questions": [{"key": "nps", "text": {"en": "Would you recommend us?"}, "required": True, "answer": {"kind": "nps"}}]}],
    "ends": [{"text": {"en": "Thank you"}}],
}


def answers(binary, folder, seconds=60, rate=500):
    """Time from when a form was due to the answer that comes when it is on the disk; each is of somebody else and completes a response."""
    with Server(binary, f"{folder}/data", scopes=("read", "write", "admin")) as server:
        server.call("POST", "/api/v1/surveys", {"key": "nps", "name": "Recommendation", "definition": SURVEY})
        for act, revision in (("publish", 1), ("open", 2)):
            server.call("POST", "/api/v1/surveys/nps/act", {"act": act, "revision": revision})
        path = "/s/" + server.call("POST", "/api/v1/surveys/nps/links", {"mode": "many"})["url"].rsplit("/", 1)[1]
        chance, waits, before = random.Random(6), [], server.processor_seconds()

        def form(_):
            body = f"page=0&start={chance.randbytes(16).hex()}&shown=nps&q.nps={chance.randrange(11)}"
            return f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

        asyncio.run(at_pace(server, seconds * rate, rate, form, lambda due, ready, body: waits.append(time.monotonic() - due), wanted=303))
        cores = (server.processor_seconds() - before) / seconds
        summary = server.call("GET", "/api/v1/surveys/nps")["summary"]
        assert summary["completed"] == seconds * rate, json.dumps(summary)
        return {
            "answers/s": rate, "answers": len(waits), "p50 ms": quantile(waits, 0.5) * 1e3, "p99 ms": quantile(waits, 0.99) * 1e3,
            "worst ms": max(waits) * 1e3, "cores used": cores,
        }
