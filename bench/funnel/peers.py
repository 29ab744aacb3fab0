"""Makes the events of the funnel experiment and asks chDB and DuckDB the same question.

python3 bench/funnel/peers.py make FOLDER    6 million events of 300,000 persons in 30 days, seed 1:
                                             FOLDER/time: one file a day; FOLDER/bucket: 8 buckets sorted by (person, time)
python3 bench/funnel/peers.py ask FOLDER     CPU seconds and answers, minimum of 5 runs, 2 threads
"""

import os
import sys
import time

DAYS, PERSONS, EVENTS, BUCKETS = 30, 300_000, 6_000_000, 8
DAY = 86_400_000_000
BEGIN = 1_704_067_200_000_000
NAMES = ["page_view", "view_item", "search", "add_to_cart", "login", "purchase"]
SHARES = [0.52, 0.22, 0.12, 0.08, 0.04, 0.02]


def bucket(person, count):
    """The lake's hash: the finalizer of SplitMix64."""
    import numpy as np

    h = person.astype(np.uint64)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    h ^= h >> np.uint64(31)
    return (h & np.uint64(count - 1)).astype(np.int64)


def make(folder):
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(1)
    # Random positive 63-bit persons, a few of them much more active than most.
    persons = rng.integers(1, 2**63 - 1, PERSONS)
    weight = rng.gamma(0.8, 1.0, PERSONS)
    person = persons[rng.choice(PERSONS, EVENTS, p=weight / weight.sum())]
    # Half the events come in visits: close to another event of the same person.
    at = BEGIN + rng.integers(0, DAYS * DAY, EVENTS)
    order = np.lexsort((at, person))
    person, at = person[order], at[order]
    follows = (rng.random(EVENTS) < 0.5) & (np.roll(person, 1) == person)
    near = np.roll(at, 1) + rng.integers(1_000_000, 1_800_000_000, EVENTS)
    at = np.minimum(np.where(follows, near, at), BEGIN + DAYS * DAY - 1)
    name = rng.choice(len(NAMES), EVENTS, p=SHARES).astype(np.int32)

    def write(path, rows):
        words = pa.DictionaryArray.from_arrays(pa.array(name[rows]), pa.array(NAMES)).cast(pa.string())
        times = pa.array(at[rows]).cast(pa.timestamp("us", "UTC"))
        table = pa.table({"person": person[rows], "occurred_at": times, "name": words})
        pq.write_table(table, path, compression="zstd", compression_level=1, row_group_size=131_072, data_page_size=1 << 20)

    os.makedirs(f"{folder}/time", exist_ok=True)
    os.makedirs(f"{folder}/bucket", exist_ok=True)
    day = (at - BEGIN) // DAY
    for d in range(DAYS):
        rows = np.flatnonzero(day == d)
        write(f"{folder}/time/{d:02}.parquet", rows[np.argsort(at[rows], kind="stable")])
    of = bucket(person, BUCKETS)
    for b in range(BUCKETS):
        rows = np.flatnonzero(of == b)
        write(f"{folder}/bucket/{b:02}.parquet", rows[np.lexsort((at[rows], person[rows]))])


FUNNEL = """
SELECT countIf(level >= 1), countIf(level >= 2), countIf(level >= 3) FROM (
  SELECT windowFunnel(86400000000)(toUInt64(toUnixTimestamp64Micro(occurred_at)),
         name = 'view_item', name = 'add_to_cart', name = 'purchase') AS level
  FROM file('{files}', Parquet) WHERE name IN ('view_item', 'add_to_cart', 'purchase') GROUP BY person)
SETTINGS max_threads = 2
"""

CHAIN = """
WITH e AS (SELECT person, occurred_at AS t, name FROM read_parquet('{files}') WHERE name IN ('view_item', 'add_to_cart', 'purchase')),
s1 AS (SELECT *, max(CASE WHEN name = 'view_item' THEN t END) OVER w AS a FROM e WINDOW w AS (PARTITION BY person ORDER BY t ROWS UNBOUNDED PRECEDING)),
s2 AS (SELECT *, max(CASE WHEN name = 'add_to_cart' AND t <= a + INTERVAL 1 DAY THEN a END) OVER w AS b FROM s1 WINDOW w AS (PARTITION BY person ORDER BY t ROWS UNBOUNDED PRECEDING)),
s3 AS (SELECT person, max(CASE WHEN name = 'purchase' AND t <= b + INTERVAL 1 DAY THEN 3 WHEN b IS NOT NULL THEN 2 WHEN a IS NOT NULL THEN 1 ELSE 0 END) AS level FROM s2 GROUP BY person)
SELECT count(*) FILTER (level >= 1), count(*) FILTER (level >= 2), count(*) FILTER (level >= 3) FROM s3
"""


def ask(folder):
    import chdb
    import duckdb

    def best(run):
        figures = []
        for _ in range(5):
            before = time.process_time()
            answer = run()
            figures.append(time.process_time() - before)
        return min(figures), answer

    database = duckdb.connect()
    database.execute("SET threads = 2")
    for layout in ["time", "bucket"]:
        files = f"{folder}/{layout}/*.parquet"
        cpu, answer = best(lambda: str(chdb.query(FUNNEL.format(files=files), "CSV")).strip())
        print(f"chDB windowFunnel   {layout:7} {cpu:.2f} CPU s [{answer}]")
        cpu, answer = best(lambda: database.execute(CHAIN.format(files=files)).fetchall()[0])
        print(f"DuckDB window chain {layout:7} {cpu:.2f} CPU s {list(answer)}")


if __name__ == "__main__":
    {"make": make, "ask": ask}[sys.argv[1]](sys.argv[2])
