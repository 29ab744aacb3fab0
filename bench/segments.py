"""Segments: filling them over a whole history, and memberships under a steady load."""

import asyncio
import json
import random
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone

import live
from files import sample_shop
from server import MemoryWatch, Server, quantile

NAMES = ["Product Viewed", "Product Added", "Order Completed", "Message Opened", "Checkout Started"]


def conditions(count):
    """So many different conditions, half of them with a window that runs out; most find a few per cent of the people, as segments do."""
    chance = random.Random(3)
    for number in range(count):
        name, least, days = chance.choice(NAMES), 2 + number % 5, chance.choice([1, 3, 7, 14, 30, 60, 90, 180, 365])
        window = f" in the last {days} days" if number % 2 else ""
        many = 20 + number if not window else 3 + days // 10
        yield [
            f'performed "{name}" at least {many} times{window} where not coupon = "x{number}"',
            f'sum revenue of "Order Completed" >= {300 + 5 * number}{window}',
            f'never performed "{name}"{window} and performed "Product Viewed" at least {100 + number} times',
            f'sequence ("Product Viewed", "{name}") spanning 1 hour in the last {1 + days // 30} days and performed "{name}" at least {many} times',
            f'overdue "Order Completed" by {1 + number / 100:.2f} after {least + 3} gaps',
        ][number % 5]


def segments(binary, folder, customers=140_000, count=200, seconds=120, rate=5_000):
    """A shop's history, then segments one by one and the rest at once, then a steady load."""
    shop = sample_shop(binary, folder, customers)
    with Server(binary, folder) as server, MemoryWatch(server) as memory:
        texts = list(conditions(count))
        strangers(server, 1_000_000 - 210_000 if customers >= 100_000 else 1_000)
        filled(server, [])
        first = filled(server, [("first", texts[0])])
        print(f"first segment filled in {first:.1f} s", flush=True)
        rest = filled(server, [(f"s{number}", text) for number, text in enumerate(texts[1:])])
        one_more = filled(server, [
            ("probe", 'performed "Came Along" at least 1 times in the last 5 seconds'),
        ])
        print(f"others {rest:.1f} s, one more {one_more:.1f} s, {server.memory():.0f} MB", flush=True)
        before = server.processor_seconds()
        probes = Probes(server, seconds)
        probes.start()
        waits, _ = asyncio.run(live.steady(server, seconds, rate))
        probes.join()
        return {
            "events of history": shop["events"], "segments": count, "first segment filled s": first, "the others at once filled s": rest,
            "one more filled s": one_more, "events/s": rate, "ack p99 ms": quantile(waits, 0.99) * 1e3,
            "entry visible p50 s": quantile(probes.entered, 0.5), "entry visible p99 s": quantile(probes.entered, 0.99),
            "exit visible after its instant p50 s": quantile(probes.exited, 0.5), "exit visible p99 s": quantile(probes.exited, 0.99),
            "lag at the end": server.lag(), "cores used": (server.processor_seconds() - before) / seconds, "memory MB": max(memory.samples),
        }


def strangers(server, people):
    """Visitors who came once: most profiles are such."""
    chance, names = random.Random(5), ["Product Viewed", "Product List Viewed"]
    def lines():
        for number in range(people):
            at = datetime.now(timezone.utc) - timedelta(seconds=chance.randrange(365 * 86_400))
            # The customers of the steady load are known by both of their names.
            device = f'"anonymousId":"{number:08x}-0000-4000-8000-000000000001",' if number < 50_000 else ""
            yield (
                f'{{"type":"track","event":"{names[number % 2]}",{device}"userId":"user-{number}","messageId":"stranger-{number}",'
                f'"timestamp":"{at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}","properties":{{"product_id":"sku-{number % 900}"}}}}'
            )
    live.pour(server, list(lines()), 500, 4)
    while server.lag() > 0:
        time.sleep(0.5)


def filled(server, wanted):
    """Makes segments; seconds until all have members."""
    began = time.monotonic()
    for key, text in wanted:
        server.call("POST", "/api/v1/segments", {"key": key, "name": key, "text": text})
    while True:
        rows = server.call("GET", "/api/v1/segments")["rows"]
        failed = [row for row in rows if row["state"] == "failed"]
        if failed:
            raise RuntimeError(json.dumps(failed[0]))
        if all(row["state"] == "live" for row in rows):
            return time.monotonic() - began
        time.sleep(0.1)


class Probes(threading.Thread):
    """Somebody new every few seconds, who comes into a segment and leaves it when its window runs out."""

    def __init__(self, server, seconds):
        super().__init__(daemon=True)
        self.server, self.until = server, time.monotonic() + seconds
        self.entered, self.exited = [], []

    def run(self):
        while time.monotonic() < self.until - 8:
            user = f"probe-{uuid.uuid4().hex}"
            line = f'{{"type":"track","event":"Came Along","userId":"{user}","messageId":"{user}","timestamp":"{live.now()}"}}'
            sent = time.monotonic()
            asyncio.run(self.send(line))
            self.entered.append(self.wait(1) - sent)
            self.exited.append(max(0.0, self.wait(0) - sent - 5.0))

    async def send(self, line):
        connection = await live.Connection().open(self.server)
        await connection.send(live.request(self.server, [line]))
        connection.writer.close()

    def wait(self, members):
        """When the segment has so many members."""
        while True:
            rows = self.server.call("GET", "/api/v1/segments")["rows"]
            if next(row["size"] for row in rows if row["key"] == "probe") == members:
                return time.monotonic()
            time.sleep(0.05)
