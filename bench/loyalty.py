"""The points ledger beside plain SQL transactions on PostgreSQL that promise the same: durable, idempotent, lots used in their order, an event for others."""

import json
import pathlib
import re
import subprocess
import tempfile

# What one transfer is there, by hand: the account is locked, the operation's id is unique, a debit names the lots it used, the event commits with it.
# Ids are those of a client that counts, as in our own run: on neither side do they lie all over their index.
SCHEMA = """
DROP SCHEMA IF EXISTS points CASCADE;
CREATE SCHEMA points;
CREATE SEQUENCE points.client CACHE 1000;
CREATE TABLE points.balance (member bigint PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0));
CREATE TABLE points.operation (operation bigserial PRIMARY KEY, id text NOT NULL UNIQUE, kind text NOT NULL, member bigint NOT NULL, amount bigint NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE points.lot (lot bigserial PRIMARY KEY, member bigint NOT NULL, amount bigint NOT NULL, available bigint NOT NULL CHECK (available >= 0), earned_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz);
CREATE INDEX ON points.lot (member, expires_at, earned_at, lot) WHERE available > 0;
CREATE TABLE points.posting (posting bigserial PRIMARY KEY, operation bigint NOT NULL, lot bigint, member bigint NOT NULL, amount bigint NOT NULL);
CREATE INDEX ON points.posting (member, posting);
CREATE TABLE points.outbox (position bigserial PRIMARY KEY, name text NOT NULL, payload jsonb NOT NULL);
INSERT INTO points.balance SELECT n, 1000 FROM generate_series(1, {members}) n;
INSERT INTO points.lot (member, amount, available) SELECT n, 1000, 1000 FROM generate_series(1, {members}) n;
ANALYZE points.balance; ANALYZE points.lot;
"""
EARN = """
\\set member random(1, {members})
\\set amount random(1, 90)
BEGIN;
INSERT INTO points.operation (id, kind, member, amount) VALUES ('uniform ' || nextval('points.client'), 'earn', :member, :amount) RETURNING operation \\gset
UPDATE points.balance SET available = available + :amount WHERE member = :member;
INSERT INTO points.lot (member, amount, available, expires_at) VALUES (:member, :amount, :amount, now() + interval '90 days') RETURNING lot \\gset
INSERT INTO points.posting (operation, lot, member, amount) VALUES (:operation, :lot, :member, :amount);
INSERT INTO points.outbox (name, payload) VALUES ('points.earned', jsonb_build_object('operation', CAST(:operation AS bigint), 'amount', CAST(:amount AS bigint)));
COMMIT;
"""
# One statement takes from the lots in their order; the running sum says how much of each.
SPEND = """
\\set member random(1, {members})
\\set amount random(1, 40)
BEGIN;
SELECT available >= :amount AS enough FROM points.balance WHERE member = :member FOR UPDATE \\gset
INSERT INTO points.operation (id, kind, member, amount) VALUES ('uniform ' || nextval('points.client'), 'spend', :member, :amount) RETURNING operation \\gset
\\if :enough
UPDATE points.balance SET available = available - :amount WHERE member = :member;
WITH turn AS (
    SELECT lot, available, SUM(available) OVER (ORDER BY expires_at NULLS LAST, earned_at, lot) - available AS before FROM points.lot WHERE member = :member AND available > 0
), used AS (
    UPDATE points.lot l SET available = l.available - LEAST(t.available, :amount - t.before) FROM turn t WHERE l.lot = t.lot AND t.before < :amount
    RETURNING l.lot, LEAST(t.available, :amount - t.before) AS part
)
INSERT INTO points.posting (operation, lot, member, amount) SELECT :operation, lot, :member, -part FROM used;
INSERT INTO points.outbox (name, payload) VALUES ('points.spent', jsonb_build_object('operation', CAST(:operation AS bigint), 'amount', CAST(:amount AS bigint)));
\\endif
COMMIT;
"""


def loyalty(program, folder, postgres, members=100_000, transfers=200_000, lots=1_000_000, seconds=20):
    """Rates of both on the same disk, one after the other."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        out = subprocess.run([program, own, str(members), str(transfers), str(lots)], stdout=subprocess.PIPE, text=True, check=True).stdout
    own = json.loads(out)
    uniform, hot = (plain_sql(folder, postgres, members, many, seconds) for many in (members, 1))
    row = lambda ours, theirs: {"ours": ours, "PostgreSQL": theirs, "ours / PostgreSQL": ours / theirs}
    alone = lambda ours: {"ours": ours, "PostgreSQL": "", "ours / PostgreSQL": ""}
    return {
        f"transfers/s, {members:,} members": row(own["uniform_per_s"], uniform),
        "transfers/s, all of one member": row(own["hot_per_s"], hot),
        "one member / all members": row(own["hot_per_s"] / own["uniform_per_s"], hot / uniform),
        "one after the other, median ms": alone(own["alone_p50_ms"]),
        "the disk's sync, median ms": alone(own["sync_ms"]),
        "of 1,000 times thirty at once for the last points, exactly one won": alone(own["races_one_won"]),
        "balance and lots of a member with 10,000 postings, ms": alone(own["member_ms"]),
        f"{lots:,} lots lapse, s": alone(own["expired_s"]),
        "others wait meanwhile, p99 ms": alone(own["serving_p99_ms"]),
    }


def plain_sql(folder, postgres, members, spread, seconds):
    """Transfers a second by pgbench, with as many connections as does it best of three tries."""
    subprocess.run(["psql", "-qX", postgres, "-v", "ON_ERROR_STOP=1", "-c", SCHEMA.format(members=members)], check=True, stderr=subprocess.DEVNULL)
    scripts = []
    for name, text in (("earn", EARN), ("spend", SPEND)):
        path = pathlib.Path(folder) / f"{name}.sql"
        path.write_text(text.format(members=spread))
        scripts += ["-f", str(path)]
    best = 0.0
    for clients in (16, 50, 90):
        command = ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), *scripts, postgres]
        out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True).stdout
        best = max(best, float(re.search(r"tps = ([\d.]+)", out).group(1)))
    return best
