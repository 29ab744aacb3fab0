"""Finding texts by their words: ours beside SQLite's FTS5, on the same texts, for the same words, one thread each."""

import csv
import io
import json
import random
import sqlite3
import subprocess
import time

from files import DATA
from text import ground_truth, halves, write

ROUNDS = 5


def search(program, folder, thousands=1_000):
    """Rows for making the index and for finding in it, or nothing where the data sets are not here."""
    english = [text for _, text in ground_truth()]
    portuguese, chinese = list(reviews("olist_sample/olist_order_reviews_dataset.csv.zst", "review_comment_message")), list(reviews("chinese_reviews/waimai_10k.csv", "review"))
    if not (english and portuguese and chinese):
        return {"": None}
    count = thousands * 1_000
    draw = random.Random(7)
    texts = [text for _, text in halves([(0, text) for text in english], count * 7 // 10)]
    texts += [text for _, text in halves([(0, text) for text in portuguese], count * 2 // 10)]
    texts += [draw.choice(chinese) + "。" + draw.choice(chinese) for _ in range(count - len(texts))]
    draw.shuffle(texts)
    words = list(queries(english, portuguese, chinese, draw))
    write(f"{folder}/texts", texts)
    write(f"{folder}/words", words)
    own = json.loads(subprocess.run([program, f"{folder}/texts", f"{folder}/words"], stdout=subprocess.PIPE, text=True, check=True).stdout)
    made, times = theirs(f"{folder}/fts5", texts, words)
    at = lambda share: times[(len(times) - 1) * share // 100]
    row = lambda ours, theirs: {"ours": ours, "SQLite FTS5": theirs, "ours / FTS5": ours / theirs}
    return {
        f"index of {count:,} texts, s": row(own["made_s"], made),
        "the newest 50 of one to three words and the number of all, median, ms": row(own["p50_ms"], at(50)),
        "the same, p95, ms": row(own["p95_ms"], at(95)),
        "worst, ms": row(own["worst_ms"], at(100)),
    }


def reviews(path, column):
    file = DATA / path
    if not file.exists():
        return
    raw = file.read_bytes()
    plain = subprocess.run(["zstd", "-dc"], input=raw, stdout=subprocess.PIPE, check=True).stdout if path.endswith(".zst") else raw
    for line in csv.DictReader(io.StringIO(plain.decode("utf-8-sig"))):
        text = " ".join((line[column] or "").split())
        if text:
            yield text


def queries(english, portuguese, chinese, draw):
    """What people type: a common word, two, a phrase, a word left out, some Chinese."""
    plain = lambda text: [word for word in text.split() if word.isalpha() and len(word) > 2]
    for _ in range(150):
        words = plain(draw.choice(english)) or ["parcel"]
        at = draw.randrange(len(words))
        yield words[at].lower()
        yield " ".join(draw.sample(words, min(2, len(words)))).lower()
        yield '"' + " ".join(words[at : at + 2]).lower() + '"'
    for _ in range(50):
        words = plain(draw.choice(portuguese)) or ["entrega"]
        yield " ".join(draw.sample(words, min(3, len(words)))).lower()
    for _ in range(50):
        text = "".join(c for c in draw.choice(chinese) if "\u4e00" <= c <= "\u9fff") or "很好"
        at = draw.randrange(max(1, len(text) - 2))
        yield text[at : at + 2]
    yield from ("the", "and", "a the", "é", "好", "good -bad")


def theirs(file, texts, words):
    """Seconds to make the index, and the times of all searches in ms. It has English stems only, and finds no Chinese words within others."""
    db = sqlite3.connect(file)
    before = time.perf_counter()
    db.execute("CREATE VIRTUAL TABLE texts USING fts5(body, content='', tokenize='porter unicode61 remove_diacritics 2')")
    db.executemany("INSERT INTO texts (rowid, body) VALUES (?, ?)", enumerate(texts))
    db.commit()
    made = time.perf_counter() - before
    times = []
    for number in range(ROUNDS + 1):
        for typed in words:
            match = " ".join(f"NOT {part[1:]}" if part.startswith("-") else part for part in typed.split()) if '"' not in typed else typed
            before = time.perf_counter()
            db.execute("SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid DESC LIMIT 50", (match,)).fetchall()
            db.execute("SELECT COUNT(*) FROM texts WHERE texts MATCH ?", (match,)).fetchall()
            if number:
                times.append((time.perf_counter() - before) * 1_000)
    return made, sorted(times)
