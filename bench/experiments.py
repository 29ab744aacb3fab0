"""An experiment read out over ten million exposures: ours beside DuckDB's SQL on the same files."""

import json
import subprocess
import time

from files import BEGIN, DAY, live_files

WEEK = 7 * DAY
KNOWN = BEGIN + 28 * DAY + 1
MICROS = "epoch_us(occurred_at)"


def experiments(program, folder, thousands):
    """Seconds and processor seconds of the best of five, and the ratio; the figures must agree."""
    import duckdb

    at = f"{folder}/experiment"
    subprocess.run([program, "make", at, str(thousands)], check=True)
    files = f"read_parquet('{live_files(at)}/*.parquet', union_by_name = true)"
    ours = json.loads(subprocess.run([program, "ask", at], check=True, capture_output=True, text=True).stdout)
    sql = f"""
    WITH exposed AS (
        SELECT person, min({MICROS}) AS first, min("p:variant:s") AS variant, max("p:variant:s") AS other, count(*) AS exposures
        FROM {files} WHERE name = 'Experiment Viewed' AND "p:experiment:s" = 'checkout' AND {MICROS} < {KNOWN} GROUP BY person
    ), bought AS (
        SELECT person, {MICROS} AS bought_at, "p:revenue:m" / 1e6 AS revenue FROM {files} WHERE name = 'Order Completed'
    ), persons AS (
        SELECT person, any_value(variant) AS variant, any_value(other) AS other, any_value(exposures) AS exposures,
            any_value(first) + {WEEK} <= {KNOWN} AS mature,
            count(bought_at) FILTER (bought_at >= first AND bought_at < first + {WEEK}) AS orders, count(bought_at) FILTER (bought_at < first AND bought_at >= first - {WEEK}) AS orders_before,
            coalesce(sum(revenue) FILTER (bought_at >= first AND bought_at < first + {WEEK}), 0) AS revenue,
            coalesce(sum(revenue) FILTER (bought_at < first AND bought_at >= first - {WEEK}), 0) AS revenue_before
        FROM exposed LEFT JOIN bought USING (person) GROUP BY person
    )
    SELECT variant, count(*) FILTER (variant = other), sum(exposures) FILTER (variant = other), count(*) FILTER (variant = other AND mature),
        count(*) FILTER (variant = other AND mature AND orders > 0), count(*) FILTER (variant = other AND mature AND orders_before > 0),
        sum(revenue) FILTER (variant = other AND mature), sum(revenue_before) FILTER (variant = other AND mature),
        sum(revenue) FILTER (variant = other AND mature), sum(orders) FILTER (variant = other AND mature),
        sum(revenue * revenue) FILTER (variant = other AND mature), sum(revenue * revenue_before) FILTER (variant = other AND mature),
        count(*) FILTER (variant <> other)
    FROM persons GROUP BY variant ORDER BY variant
    """
    duck = duckdb.connect()
    duck.execute("SET threads = 2")
    wall = cpu = float("inf")
    rows = None
    for _ in range(5):
        began, before = time.monotonic(), time.process_time()
        rows = duck.execute(sql).fetchall()
        wall, cpu = min(wall, time.monotonic() - began), min(cpu, time.process_time() - before)
    for (persons, exposures, counted, sums), row in zip(ours["variants"], rows, strict=True):
        if [persons, exposures, counted] != [int(it) for it in row[1:4]] or any(abs(a - b) > 1e-9 * (1 + abs(b)) for a, b in zip(sums, map(float, row[4:10]))):
            raise RuntimeError(f"ours {persons} {exposures} {counted} {sums}, DuckDB {row}")
    if ours["mixed"] != sum(row[12] for row in rows):
        raise RuntimeError(f"ours {ours['mixed']} mixed, DuckDB {rows}")
    return {
        "events": ours["events"], "persons": sum(variant[0] for variant in ours["variants"]) + ours["mixed"],
        "ours s": ours["seconds"], "DuckDB s": wall, "ours cpu s": ours["cpu_seconds"], "DuckDB cpu s": cpu, "ours / DuckDB, cpu": ours["cpu_seconds"] / cpu,
    }
