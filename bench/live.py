"""Live events: a burst beside PostgreSQL's COPY, and the whole at once."""

import asyncio
import random
import time
import uuid
from datetime import datetime, timezone

from server import MemoryWatch, Server, quantile

BATCH = 100
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
DETAIL = (
    '"properties":{"product_id":"sku-%(product)d","name":"Ceramic cup number %(product)d","brand":"House of Clay","category":"Kitchen/Cups","price":12.95,'
    '"quantity":1,"currency":"EUR","position":%(position)d,"device":"%(device)s","url":"https://shop.example/products/%(product)d?utm_source=newsletter",'
    '"image_url":"https://cdn.example/images/%(product)d.jpg"%(order)s},"context":{"library":{"name":"@segment/analytics-node","version":"3.1.0"},'
    '"locale":"de-DE","ip":"192.0.2.%(address)d","userAgent":"' + AGENT + '","page":{"path":"/products/%(product)d",'
    '"referrer":"https://search.example/","title":"Ceramic cup number %(product)d - House of Clay"},'
    '"campaign":{"name":"autumn","source":"newsletter","medium":"email"}}}'
)
NAMES = ["Product Viewed"] * 60 + ["Product List Viewed"] * 25 + ["Product Added"] * 10 + ["Checkout Started"] * 3 + ["Order Completed"] * 2


def event(chance, number, stamp):
    """An event of about 1 KB: of 50,000 known customers, one in five by device only, one in a hundred signing in."""
    person, draw = chance.randrange(50_000), chance.random()
    who = f'"anonymousId":"{person:08x}-0000-4000-8000-000000000001"'
    if draw > 0.2:
        who += f',"userId":"user-{person}"'
    name = chance.choice(NAMES)
    order = ""
    if name == "Order Completed":
        order = f',"order_id":"order-{stamp}-{number}","revenue":"{chance.randrange(500, 9000) / 100}"'
    detail = DETAIL % {
        "product": chance.randrange(900), "position": number % BATCH, "address": number % 250, "order": order,
        "device": chance.choice(["phone", "desktop", "tablet"]),
    }
    return f'{{"type":"track","event":"{name}",{who},"messageId":"bench-{stamp}-{number:032x}","timestamp":"{now()}",{detail}'


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def request(server, lines):
    body = ('{"batch":[' + ",".join(lines) + f'],"sentAt":"{now()}"}}').encode()
    head = (
        f"POST /v1/batch HTTP/1.1\r\nHost: bench\r\nAuthorization: {server.authorization()}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Connection:
    """One kept-alive connection, a request at a time."""

    async def open(self, server):
        self.reader, self.writer = await asyncio.open_connection(server.host, server.port)
        return self

    async def send(self, data):
        self.writer.write(data)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        body = await self.reader.readexactly(length)
        return int(head.split(b" ", 2)[1]), body


async def burst(server, requests, connections=16):
    """Sends everything as fast as it is taken; seconds, and each request's time to its 200."""
    waiting, waits, refused = list(reversed(requests)), [], 0

    async def sender():
        nonlocal refused
        connection = await Connection().open(server)
        while waiting:
            data = waiting.pop()
            began = time.monotonic()
            status, body = await connection.send(data)
            if status == 429:
                refused += 1
                waiting.append(data)
                await asyncio.sleep(0.2)
            elif status == 200:
                waits.append(time.monotonic() - began)
            else:
                raise RuntimeError(f"{status}: {body[:300]}")

    began = time.monotonic()
    await asyncio.gather(*(sender() for _ in range(connections)))
    return time.monotonic() - began, waits, refused


def pour(server, lines, batch=BATCH, connections=16):
    """Sends lines as fast as they are taken."""
    asyncio.run(burst(server, [request(server, lines[at : at + batch]) for at in range(0, len(lines), batch)], connections))


async def at_pace(server, count, rate, make, answered=lambda due, ready, body: None, wanted=200):
    """Makes and sends `count` requests, `rate` a second, however long answers take; `answered` hears when each was due and was ready, and its body."""
    idle, tasks = asyncio.Queue(), set()
    for _ in range(32):
        idle.put_nowait(await Connection().open(server))

    async def one(data, due, ready):
        connection = await idle.get()
        status, body = await connection.send(data)
        idle.put_nowait(connection)
        if status != wanted:
            raise RuntimeError(f"{status}: {body[:300]}")
        answered(due, ready, body)

    began = time.monotonic()
    for number in range(count):
        due = began + number / rate
        await asyncio.sleep(max(0, due - time.monotonic()))
        data = make(number)
        task = asyncio.create_task(one(data, due, time.monotonic()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


def batches(server, chance):
    """What makes one batch of live events after another."""
    stamp = uuid.uuid4().hex[:8]
    return lambda batch: request(server, [event(chance, batch * BATCH + at, stamp) for at in range(BATCH)])


def intake(binary, folder, postgres, events=300_000):
    """A burst over HTTP, and COPY of the same lines into an indexed table."""
    chance = random.Random(1)
    lines = [event(chance, number, "burst") for number in range(events)]
    with Server(binary, folder) as server, MemoryWatch(server) as memory:
        requests = [request(server, lines[at : at + BATCH]) for at in range(0, events, BATCH)]
        before = server.processor_seconds()
        seconds, waits, refused = asyncio.run(burst(server, requests))
        lag, acknowledged = server.lag(), time.monotonic()
        while server.lag() > 0:
            time.sleep(0.2)
        drained = time.monotonic() - acknowledged
        cpu = server.processor_seconds() - before
        result = {
            "events": events, "bytes each": sum(map(len, lines)) // events, "events/s": events / seconds, "ack p50 ms": quantile(waits, 0.5) * 1e3,
            "ack p99 ms": quantile(waits, 0.99) * 1e3, "refused (429)": refused, "lag after the last 200": lag, "drained after s": drained,
            "cpu µs an event, with profiles and lake": cpu / events * 1e6, "memory MB": max(memory.samples),
        }
    result["COPY events/s"] = copy(postgres, lines) if postgres else None
    return result


def copy(url, lines):
    """Rows a second into a durable table with a unique message id."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_lines")
        connection.execute("CREATE TABLE bench_lines (message_id TEXT PRIMARY KEY, line JSONB NOT NULL)")
        began = time.monotonic()
        with connection.cursor() as cursor, cursor.copy("COPY bench_lines (message_id, line) FROM STDIN") as copying:
            for number, line in enumerate(lines):
                copying.write_row((f"bench-{number:032x}", line))
        seconds = time.monotonic() - began
        connection.execute("DROP TABLE bench_lines")
    return len(lines) / seconds


def whole(binary, folder, seconds=600, rate=5_000):
    """A steady load for ten minutes; acknowledgement, visibility in answers, memory."""
    with Server(binary, folder) as server, MemoryWatch(server) as memory:
        before = server.processor_seconds()
        waits, seen = asyncio.run(steady(server, seconds, rate))
        lag = server.lag()
        cpu = server.processor_seconds() - before
        samples = memory.samples
        third = len(samples) // 3
        return {
            "events": len(waits) * BATCH, "ack p50 ms": quantile(waits, 0.5) * 1e3, "ack p99 ms": quantile(waits, 0.99) * 1e3,
            "ack worst ms": max(waits) * 1e3, "visible p50 s": quantile(seen, 0.5), "visible worst s": max(seen), "lag at the end": lag,
            "cores used": cpu / seconds, "written to the disk MB/s": server.written() / seconds, "memory, middle third MB": max(samples[third : 2 * third]), "memory, last third MB": max(samples[2 * third :]),
        }


async def steady(server, seconds, rate):
    waits, seen, stamp, began = [], [], uuid.uuid4().hex[:8], time.monotonic()

    async def probes():
        """An event of its own every two seconds, asked for until the answer counts it."""
        connection = await Connection().open(server)
        sent = 0
        while time.monotonic() - began < seconds:
            sent += 1
            line = f'{{"type":"track","event":"Probe","userId":"probe","messageId":"probe-{stamp}-{sent}","timestamp":"{now()}"}}'
            await connection.send(request(server, [line]))
            at = time.monotonic()
            while await asyncio.to_thread(probed, server) < sent:
                await asyncio.sleep(0.05)
            seen.append(time.monotonic() - at)
            await asyncio.sleep(2)

    probing = asyncio.create_task(probes())
    make = batches(server, random.Random(2))
    await at_pace(server, seconds * rate // BATCH, rate / BATCH, make, lambda due, ready, body: waits.append(time.monotonic() - ready))
    await probing
    return waits, seen


def probed(server):
    question = {"kind": "trend", "series": [{"event": "Probe"}], "interval": "day", "period": {"last": "2d"}}
    answer = server.call("POST", "/api/v1/questions/ask", question)
    return sum(line["total"] or 0 for line in answer["detail"]["series"])
