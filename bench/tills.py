"""Loyalty over HTTP: a till that finds members, tells receipts and redeems; orders rated by a hundred rules; points posted by a program."""

import asyncio
import itertools
import json
import random
import time

from live import Connection, now, pour
from server import MemoryWatch, Server, quantile

TILL = "/api/v1/loyalty/till"


def tills(binary, folder, members=1_000_000, rules=100, customers=1_000, postings=20_000, rate=50, seconds=40):
    """What a member at a till waits for, and what rating costs, among so many members. Fifty customers a second are four visits a day of every member."""
    server = Server(binary, f"{folder}/data", scopes=("read", "write", "admin"))
    # Before it starts: it has its folder to itself.
    key = server.run("key", "create", "--api", "--scope", "till", "--data", server.folder).split()[-1]
    with server, MemoryWatch(server) as memory:
        people = random.Random(7).sample(range(members), customers)
        fill(server, members, people)
        save_rules(server, rules)
        known = server.call("GET", "/api/v1/loyalty/members?limit=200")["rows"]
        waits = asyncio.run(one_by_one(server, [rating(member) for member in itertools.islice(itertools.cycle(known), customers)]))
        figures = {
            "members": members, "rules": rules,
            "an order rated on request, p50 ms": quantile(waits, 0.5) * 1e3, "an order rated on request, p99 ms": quantile(waits, 0.99) * 1e3,
        }
        figures |= at_the_till(server, key, people, rate, seconds)
        figures |= posted(server, known, postings)
        return figures | {"highest memory MB": max(memory.samples)}


def fill(server, members, people):
    """Everybody signs up and by that becomes a member; some say their numbers."""
    wallet = {"key": "points", "name": "Points", "worth": "0.01"}
    program = {
        "name": "Club", "zone": "Europe/Berlin", "currency": "EUR", "country_code": "49", "counts_from": "2020-01-01", "wallets": [wallet],
        "enrolment": {"by": "event", "event": "Signed Up"},
    }
    server.call("PUT", "/api/v1/loyalty/program", {"version": 0, "program": program})
    reward = {"name": "Coffee", "gives": {"kind": "code"}, "prices": [{"points": 10}]}
    server.call("PUT", "/api/v1/loyalty/rewards/coffee", {"version": 0, "state": "live", "reward": reward})
    # The programme listens to what a rule looks at.
    save(server, "welcome", {"name": "Welcome", "event": "Signed Up", "gives": {"kind": "fixed", "points": 100}})
    lines = (line(number) for number in range(members))
    while part := list(itertools.islice(lines, 200_000)):
        pour(server, part)
    pour(server, [
        f'{{"type":"identify","userId":"user-{number}","messageId":"i{number}","timestamp":"{now()}","traits":{{"phone":"{phone(number)}"}}}}' for number in people
    ])
    server.settle()


def line(number):
    return f'{{"type":"track","userId":"user-{number}","messageId":"s{number}","timestamp":"{now()}","event":"Signed Up"}}'


def phone(number):
    return f"+49151{number:08}"


def save(server, key, rule):
    server.call("PUT", f"/api/v1/loyalty/rules/{key}", {"version": 0, "state": "live", "rule": rule})


def save_rules(server, rules):
    """Rules on orders: each for orders of a kind, a tenth of them with a cap."""
    for number in range(rules):
        rule = {"name": f"Rule {number}", "event": "Order Completed", "gives": {"kind": "amount", "points": 1 + number % 3, "each": "10"}}
        if number % 10 == 0:
            rule["caps"] = [{"most": 1_000, "of": "points", "per": "member", "every": "month"}]
        if number:
            text = f'channel = "channel {number}" and category = "category {number % 7}"'
            server.call("PUT", f"/api/v1/loyalty/rules/r{number}", {"version": 0, "state": "live", "rule": rule, "text": text})
        else:
            save(server, "r0", rule)


def order(chance, id):
    return {"order_id": id, "revenue": 55, "subtotal": 55, "currency": "EUR", "channel": f"channel {chance.randrange(100)}", "category": f"category {chance.randrange(7)}"}


def rating(member):
    chance = random.Random(member["member_id"])
    return "/api/v1/loyalty/ratings", {"event": "Order Completed", "properties": order(chance, "tried"), "person_id": member["person_id"]}


def request(server, path, body, key=None):
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key or server.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def ask(connection, server, path, body, key=None):
    """One request; how long it took, and the answer's JSON."""
    data, began = request(server, path, body, key), time.monotonic()
    status, text = await connection.send(data)
    if status != 200:
        raise RuntimeError(f"{path}: {status} {text[:300]}")
    return time.monotonic() - began, json.loads(text)


async def one_by_one(server, requests):
    connection = await Connection().open(server)
    return [(await ask(connection, server, path, body))[0] for path, body in requests]


def at_the_till(server, key, people, rate, seconds):
    """Customers come to the tills at a steady pace, each to whichever is free: they are found by their number, what they bought is told, a coffee
    is redeemed. Then eight tills with a queue before each, to see how many they can take."""
    waits, idle, visits = {"lookup": [], "receipts": [], "redemptions": []}, [], itertools.count()

    async def customer(came):
        connection, visit = idle.pop() if idle else await Connection().open(server), next(visits)

        async def step(path, body, since):
            answer = (await ask(connection, server, f"{TILL}/{path}", {"store": f"store {visit % 8}", **body}, key))[1]
            waits[path].append(time.monotonic() - since)
            return answer

        # The first step waits since they came, however late that was noticed.
        member = (await step("lookup", {"phone": phone(people[visit % len(people)])}, came))["member_id"]
        bought = {"revenue": "55.00", "subtotal": "55.00", "currency": "EUR"}
        await step("receipts", {"receipt": f"{visit}", "member_id": member, "order": bought}, time.monotonic())
        coffee = {"id": f"r{visit}", "member_id": member, "reward": "coffee", "points": 10, "receipt": f"{visit}"}
        await step("redemptions", coffee, time.monotonic())
        idle.append(connection)

    async def come():
        began = time.monotonic()
        async with asyncio.TaskGroup() as coming:
            for number in range(rate * seconds):
                due = began + number / rate
                await asyncio.sleep(max(0, due - time.monotonic()))
                coming.create_task(customer(due))
        shares = (("p50", 0.5), ("p99", 0.99))
        steps = {f"till: {name}, {word} ms": quantile(found, share) * 1e3 for name, found in waits.items() for word, share in shares}
        return steps | {"eight tills with queues, customers/s": await all_they_can(seconds / 4)}

    async def all_they_can(seconds):
        began, before = time.monotonic(), len(waits["redemptions"])

        async def till():
            while time.monotonic() - began < seconds:
                await customer(time.monotonic())

        await asyncio.gather(*(till() for _ in range(8)))
        return (len(waits["redemptions"]) - before) / (time.monotonic() - began)

    return {"customers at the tills a second": rate} | asyncio.run(come())


def posted(server, known, count, at_once=64):
    """Operations a second over HTTP, one a request, each with an id of its own."""
    numbers = iter(range(count))

    async def sender():
        connection = await Connection().open(server)
        for number in numbers:
            operation = {"id": f"bench-{number}", "member_id": known[number % len(known)]["member_id"], "act": {"kind": "earn", "amount": 1 + number % 90}}
            await ask(connection, server, "/api/v1/loyalty/operations", {"operations": [operation]})

    async def all_senders():
        await asyncio.gather(*(sender() for _ in range(at_once)))

    began = time.monotonic()
    asyncio.run(all_senders())
    return {f"points posted over HTTP, {at_once} at a time, operations/s": count / (time.monotonic() - began)}
