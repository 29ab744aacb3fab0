"""Files and questions: imports, the sample shop at ten million events, funnel and retention beside chDB, a timeline, an idle server."""

import json
import pathlib
import re
import sqlite3
import subprocess
import time

from server import Server, measured

DATA = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
DAY = 86_400_000_000
BEGIN = 1_704_067_200_000_000
STEPS = ["Product Viewed", "Product Added", "Order Completed"]


def online_retail(binary, folder):
    file = DATA / "online_retail" / "online_retail.csv.zst"
    if not file.exists():
        return None
    wall, cpu, memory, output = measured([binary, "import", str(file), "--data", folder, "--as", "orders", "--json"])
    report = json.loads(output[output.index("{") :])["report"]
    again, _, _, _ = measured([binary, "import", str(file), "--data", folder, "--as", "orders", "--json"])
    return {"rows": report["rows_read"], "wall s": wall, "cpu s": cpu, "memory MB": memory, "the same again, wall s": again}


def sample_shop(binary, folder, customers):
    """The simulator writes through the same intake as anyone."""
    _, cpu, memory, output = measured([binary, "demo", "--customers", str(customers), "--data", folder, "--no-serve"])
    events = int(re.search(r"(\d+) events", output)[1])
    return {"customers": customers, "events": events, "cpu s": cpu, "cpu µs an event": cpu / events * 1e6, "memory MB": memory}


def questions(program, folder):
    """Processor seconds of our answers and of chDB's, on the same files."""
    subprocess.run([program, "make", folder], check=True)
    results = {}
    for layout in ["cells", "time"]:
        at = f"{folder}/{layout}"
        files = live_files(at)
        ours = subprocess.run([program, "ask", at], check=True, capture_output=True, text=True).stdout
        for line in ours.splitlines():
            ours = json.loads(line)
            theirs, counts = clickhouse(ours["question"], files)
            if counts != ours["counts"]:
                raise RuntimeError(f"{layout}, {ours['question']}: ours {ours['counts']}, chDB {counts}")
            results[f"{ours['question']}, {layout}"] = {"ours cpu s": ours["cpu_seconds"], "chDB cpu s": theirs, "ratio": ours["cpu_seconds"] / theirs}
    return results


def segment(program, folder):
    """Processor seconds of finding one behavioural segment, ours, chDB's and DuckDB's, on the same files."""
    import chdb
    import duckdb

    subprocess.run([program, "make", folder], check=True)
    now = BEGIN + 30 * DAY
    since = lambda days: now - days * DAY
    results = {}
    for layout in ["cells", "time"]:
        at = f"{folder}/{layout}"
        ours = json.loads(subprocess.run([program, "ask", at, "segment"], check=True, capture_output=True, text=True).stdout)
        files = live_files(at)

        def sql(source, time, count_if):
            viewed = count_if(f"name = 'Product Viewed' AND occurred_at > {time(since(14))}")
            bought = count_if(f"name = 'Order Completed' AND occurred_at > {time(since(7))}")
            return (
                f"SELECT count(*) FROM (SELECT person FROM {source} WHERE (name = 'Product Viewed' AND occurred_at > {time(since(14))} "
                f"OR name = 'Order Completed' AND occurred_at > {time(since(7))}) AND occurred_at <= {time(now)} "
                f"GROUP BY person HAVING {viewed} >= 3 AND {bought} = 0)"
            )

        clickhouse_sql = sql(f"file('{files}/*.parquet', Parquet)", lambda at: f"fromUnixTimestamp64Micro({at}, 'UTC')", lambda test: f"countIf({test})")
        duck = duckdb.connect()
        duck.execute("SET threads = 2")
        duck_sql = sql(f"read_parquet('{files}/*.parquet')", lambda at: f"make_timestamptz({at})", lambda test: f"count(*) FILTER ({test})")
        peers = {
            "chDB": lambda: int(str(chdb.query(clickhouse_sql + " SETTINGS max_threads = 2", "CSV"))),
            "DuckDB": lambda: duck.execute(duck_sql).fetchone()[0],
        }
        results[f"a segment in one pass, {layout}, ours cpu s"] = ours["cpu_seconds"]
        for peer, ask in peers.items():
            best = float("inf")
            for _ in range(5):
                before = time.process_time()
                found = ask()
                best = min(best, time.process_time() - before)
            if [found] != ours["counts"]:
                raise RuntimeError(f"{layout}: ours {ours['counts']}, {peer} {found}")
            results[f"the same, {layout}, {peer} cpu s"] = best
            results[f"ours / {peer}, {layout}"] = ours["cpu_seconds"] / best
    return results


def live_files(folder):
    """A folder with links to the files that a question reads."""
    database = sqlite3.connect(f"{folder}/rapport.db")
    live = [row[0] for row in database.execute("SELECT id FROM lake_file WHERE removed_seq IS NULL")]
    paths = {path.stem: str(path) for path in pathlib.Path(folder, "lake").rglob("*.parquet")}
    links = pathlib.Path(folder, "links")
    links.mkdir()
    for name in live:
        (links / f"{name}.parquet").symlink_to(paths[name])
    return str(links)


def clickhouse(question, files):
    import chdb

    source = f"file('{files}/*.parquet', Parquet)"
    micros = "toUnixTimestamp64Micro(occurred_at)"
    if question == "funnel":
        conditions = ", ".join(f"name = '{step}'" for step in STEPS)
        names = ", ".join(f"'{step}'" for step in STEPS)
        sql = (
            f"SELECT countIf(level >= 1), countIf(level >= 2), countIf(level >= 3) FROM (SELECT windowFunnel({DAY})(toUInt64({micros}), {conditions}) AS level "
            f"FROM {source} WHERE name IN ({names}) GROUP BY person)"
        )
    else:
        days = int(question.split()[1]) + 1
        conditions = ", ".join(f"day = {day}" for day in range(days))
        sums = ", ".join(f"sum(r[{day + 1}])" for day in range(days))
        until = f"fromUnixTimestamp64Micro({BEGIN + days * DAY})"
        sql = (
            f"SELECT {sums} FROM (SELECT retention({conditions}) AS r FROM (SELECT person, intDiv({micros} - {BEGIN}, {DAY}) AS day "
            f"FROM {source} WHERE occurred_at < {until}) GROUP BY person)"
        )
    best, counts = float("inf"), None
    for _ in range(5):
        before = time.process_time()
        text = str(chdb.query(sql + " SETTINGS max_threads = 2", "CSV"))
        best = min(best, time.process_time() - before)
        counts = [int(number) for number in text.strip().split(",")]
    return best, counts


def timeline(program, millions):
    """One person's 10,000 events among all; the program prints milliseconds."""
    output = subprocess.run([program, str(millions)], check=True, capture_output=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("one person"))
    times = lambda rows: [float(ms) for ms in re.findall(rf"\b{rows} rows ([\d.]+) ms", line)]
    return {"10,000 events, best ms": min(times(10000)), "10,000 events, worst ms": max(times(10000)), "newest 50, best ms": min(times(50))}


def offers(program, thousands):
    """How long the table takes, and an answer from it; the program prints its figures."""
    return json.loads(subprocess.run([program, str(thousands)], check=True, capture_output=True, text=True).stdout)


def idle(binary, folder):
    """A server on a shop that nobody visits, and after one look at Home."""
    with Server(binary, folder) as server:
        time.sleep(15)
        before = server.memory()
        began = time.monotonic()
        server.call("GET", "/api/v1/home")
        took = time.monotonic() - began
        time.sleep(5)
        return {"memory MB": before, "after Home MB": server.memory(), "Home, first answer s": took}
