"""What `cargo xtask bench` runs: us and the peers in turn on the same data, then the table in docs/benchmarks.md.

python3 bench/run.py --programs FOLDER [--postgres URL] [--only NAME[,NAME]] [--quick]

Parts that are not run keep their figures in bench/results.json. `--quick` is small and writes nothing: it only shows that the bench works.
"""

import argparse
import datetime
import json
import pathlib
import platform
import shutil
import subprocess
import tempfile

import answers
import decisions
import engage
import experiments
import files
import live
import loyalty
import models
import search
import segments
import text
import tills

ROOT = pathlib.Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results.json"
REPORT = ROOT / "docs" / "benchmarks.md"


def parts(options):
    programs, quick = pathlib.Path(options.programs), options.quick
    binary = str(programs / "rapport")
    return {
        "idle": ("An idle server", "under 150 MB", lambda at: idle(binary, at)),
        "import": ("Import of Online Retail", "under 15 s and 500 MB", lambda at: {"": files.online_retail(binary, at)}),
        "questions": (
            "Funnel and retention over 6 million events, beside chDB",
            "funnel at most 0.7 of chDB's processor time, retention at most 1.0",
            lambda at: files.questions(str(programs / "question_rate"), at),
        ),
        "experiments": (
            "An experiment read out over 10 million exposures, beside DuckDB", "under 1 s",
            lambda at: {"": experiments.experiments(str(programs / "experiment_rate"), at, 100 if quick else 10_000)},
        ),
        "offers": (
            "Offers from a shop of 5,000 items", "under 1 ms from memory, and one point read where a person is named",
            lambda at: {"": files.offers(str(programs / "recommend_rate"), 100 if quick else 2_000)},
        ),
        "timeline": (
            "A person's timeline among 10 million events", "10,000 events under 50 ms",
            lambda at: {"": files.timeline(str(programs / "timeline_rate"), 1 if quick else 10)},
        ),
        "intake": (
            "A burst over HTTP, 100 events of about 1 KB a request, beside PostgreSQL's COPY of the same lines",
            "at least 20,000 events/s, the lag drained",
            lambda at: {"": live.intake(binary, at, options.postgres, 30_000 if quick else 300_000)},
        ),
        "sample": (
            "Import of 10 million sample events", "under 1 GB",
            lambda at: {"": files.sample_shop(binary, at, 1_000 if quick else 140_000)},
        ),
        "segments": (
            "Segments over a shop's history, and memberships at 5,000 events/s",
            "1 million profiles: a segment over ten million events filled in under 10 s, entry and exit visible within 1 s at p99, memory under 2 GB; one segment in one pass at most the processor time of the best SQL in chDB and DuckDB",
            lambda at: {"": {
                **(segments.segments(binary, at, 1_000, 20, 20) if quick else segments.segments(binary, at)),
                **files.segment(str(programs / "question_rate"), f"{at}/batch"),
            }},
        ),
        "engage": (
            "Journeys and mails: 200,000 on their way at 5,000 events/s, then signed mails to a server on the same two cores, then a million queued",
            "event to message p99 under 1 s, at least 100 mails/s, memory flat",
            lambda at: {"": engage.engage(binary, str(programs / "mail_sink"), at, *((2_000, 10, 500, 20_000) if quick else ()))},
        ),
        "decisions": (
            "Decisions for a waiting page: a slot's content and a flag's variant, asked for 1,000 times a second each, sender on the same two cores",
            "slot p99 under 20 ms",
            lambda at: {"": decisions.decisions(binary, at, *((1_000, 5, 200) if quick else ()))},
        ),
        "text": (
            "What texts say, on one thread by processor time, beside vaderSentiment and scikit-learn on the same texts",
            "rules at least 50 times vaderSentiment's rate, learning from 100,000 texts under 10 s and at most scikit-learn's time, themes of 100,000 under 30 s and 1 GB",
            lambda at: text.text(str(programs / "examples" / "text_rate"), at, 5 if quick else 100),
        ),
        "search": (
            "Finding what people wrote by its words, beside SQLite's FTS5 on the same texts: English, Portuguese and Chinese",
            "over a million texts under 50 ms at p95",
            lambda at: search.search(str(programs / "examples" / "search_rate"), at, 20 if quick else 1_000),
        ),
        "models": (
            "Models of customers, on one thread by processor time, beside the packages that do the same on the same data",
            "by row; what each found is a log-likelihood, a mean log loss, an inertia, a count or a credit, by which it is seen that both did the same",
            lambda at: models.models(str(programs / "examples" / "models_rate"), at, quick),
        ),
        "loyalty": (
            "The points ledger: durable transfers with lots, idempotency keys and domain events, 1,000 at any moment, beside plain SQL transactions on PostgreSQL that promise the same",
            "at least 10,000/s and 5 times PostgreSQL, one after the other at most twice the disk's sync, one member within 20 % of all, lots of a member with 10,000 postings under 5 ms, a million lots lapse in under 60 s while serving",
            lambda at: loyalty.loyalty(str(programs / "examples" / "ledger_rate"), at, options.postgres, *((1_000, 5_000, 10_000, 3) if quick else ())),
        ),
        "tills": (
            "Loyalty over HTTP among a million members: customers at tills, fifty a second, orders rated by a hundred rules, points posted, sender on the same two cores",
            "each step of a till p99 under 50 ms, an order rated in under 2 ms",
            lambda at: {"": tills.tills(binary, at, *((1_000, 100, 80, 500, 20, 4) if quick else ()))},
        ),
        "answers": (
            "Answers to a survey on its page, each the whole response of somebody, sender on the same two cores",
            "accepted (on the disk) p99 under 20 ms at 500/s",
            lambda at: {"": answers.answers(binary, at, *((3, 100) if quick else ()))},
        ),
        "whole": (
            "The whole at once: ten minutes at 5,000 events/s, sender and server on the same two cores",
            "acknowledged p99 under 50 ms, visible in answers under 2 s, memory flat",
            lambda at: {"": live.whole(binary, at, 30 if quick else 600)},
        ),
    }


def idle(binary, folder):
    files.sample_shop(binary, folder, 4_000)
    return {"": files.idle(binary, folder)}


def machine(binary):
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    cores = len([line for line in open("/proc/cpuinfo") if line.startswith("processor")])
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal")) // 1024**2
    asked = pathlib.Path(binary).exists()
    version = subprocess.run([binary, "--version"], capture_output=True, text=True).stdout.strip() if asked else "without the server"
    return f"{model}, {cores} cores, {memory} GB, {platform.system()} {platform.release()}; {version}"


def number(value):
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def report(results):
    lines = [
        "# Benchmarks", "",
        "`cargo xtask bench` runs all of this and writes this page; `cargo xtask bench NAME` runs a part. Ratios within one run count, not seconds: the machine is a small virtual one. "
        "No timing decides a test.", "",
    ]
    for name, part in results.items():
        lines += [f"## {part['title']}", "", f"`{name}`. Wanted: {part['wanted']}. Run on {part['date']}: {part['machine']}.", ""]
        rows = part["rows"]
        if list(rows) == [""]:
            lines += ["| What | Figure |", "|---|---:|", *(f"| {what} | {number(value)} |" for what, value in rows[""].items())]
        else:
            columns = list(next(iter(rows.values())))
            lines += ["| | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
            lines += [f"| {name} | " + " | ".join(number(row[column]) for column in columns) + " |" for name, row in rows.items()]
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--programs", required=True)
    parser.add_argument("--postgres")
    parser.add_argument("--only")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    all_parts = parts(options)
    wanted = options.only.split(",") if options.only else list(all_parts)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in wanted:
        title, bar, run = all_parts[name]
        print(f"== {title} ({bar})", flush=True)
        folder = tempfile.mkdtemp(prefix="rapport-bench-")
        try:
            rows = run(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if rows == {"": None}:
            print("   skipped: the data set is not here")
            continue
        print(json.dumps(rows, indent=2), flush=True)
        date = datetime.date.today().isoformat()
        results[name] = {"title": title, "wanted": bar, "date": date, "machine": machine(f"{options.programs}/rapport"), "rows": rows}
        if not options.quick:
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            REPORT.write_text(report({name: results[name] for name in all_parts if name in results}))


if __name__ == "__main__":
    main()
