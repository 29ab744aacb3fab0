"""Models of customers: ours beside the packages that do the same, on the same data, in turn, by processor time of one thread each."""

import json
import os
import pathlib
import subprocess
import sys

from files import DATA

PEERS = pathlib.Path(__file__).with_name("models_peers.py")
ROUNDS = 2


def rows(folder):
    """What is run: name, goal, ours, the other and theirs."""
    groceries, paths = DATA / "groceries" / "groceries.csv", DATA / "attribution" / "PathData.csv"
    made = lambda name: f"{folder}/{name}"
    yield "BG/NBD, CDNOW", "under 5 ms", ("bg-nbd", made("cdnow")), "lifetimes", "bg-nbd"
    yield "BG/NBD, 1 million customers, times in days", "under 500 ms", ("bg-nbd", made("million-days")), "lifetimes", "bg-nbd"
    yield "BG/NBD, 1 million customers, no two alike", "under 500 ms", ("bg-nbd", made("million")), "lifetimes", "bg-nbd"
    yield "Pareto/NBD, CDNOW", "under 30 ms", ("pareto-nbd", made("cdnow")), "lifetimes", "pareto-nbd"
    yield "Pareto/NBD, 100,000 customers, no two alike", "under 1,000 ms", ("pareto-nbd", made("hundred-thousand")), "lifetimes", "pareto-nbd"
    yield "Histories out of 1 million purchases", "under 100 ms", ("summaries", made("purchases")), "lifetimes", "summaries"
    yield "Cox, 100,000 × 10, no times alike", "under 300 ms", ("cox", made("cox")), "lifelines", "cox"
    yield "Cox, 100,000 × 10, times in days", "under 300 ms", ("cox", made("cox-days")), "lifelines", "cox"
    yield "Item sets, Groceries, support .001", "under 30 ms", ("item-sets", groceries), "mlxtend", "item-sets"
    yield "Item sets and rules, confidence .5", "under 30 ms", ("rules", groceries), "mlxtend", "rules"
    yield "The same", "under 30 ms", ("rules", groceries), "efficient-apriori", "rules-apriori"
    yield "Boosting, 500,000 × 20, 100 trees", "at most 1.2 times theirs", ("boosting", made("boosting"), "21", "100"), "LightGBM", "boosting"
    yield "Boosting, Telco, 300 trees", "at most 1.2 times theirs", ("boosting", made("telco"), "20", "300"), "LightGBM", "boosting"
    yield "TreeSHAP, Telco, 300 trees", "at most theirs", ("reasons", made("telco"), "20", "300"), "LightGBM", "reasons"
    yield "k-means, 200,000 × 8, 8 groups, 5 starts", "at most theirs", ("k-means", made("groups"), "8"), "scikit-learn", "k-means"
    yield "Mixture, full, 200,000 × 8, 8 groups, 20 steps", "at most theirs", ("mixture", made("groups"), "8"), "scikit-learn", "mixture"
    yield "HDBSCAN, 20,000 × 8", "under 1,000 ms", ("density", made("dense"), "8"), "scikit-learn", "density"
    yield "ALS, MovieLens 100k, 64 dimensions, 10 turns", "at most theirs", ("als", made("films"), "64", "10"), "implicit", "als"
    yield "ALS, 800,000 pairs, 64 dimensions, 10 turns", "at most theirs", ("als", made("pairs"), "64", "10"), "implicit", "als"
    yield "Offers of ten for everyone, 800,000 pairs", "at most theirs", ("offers", made("pairs"), "64", "10"), "implicit", "offers"
    yield "Offers of ten for everyone, 800,000 pairs, both place people anew", "at most theirs", ("offers", made("pairs"), "64", "10"), "implicit", "offers-anew"
    yield "Offers of ten for one person, 800,000 pairs, the middle of many calls", "under 10 ms", ("one-offer", made("pairs"), "64", "10"), "implicit", "one-offer"
    yield "Smoothing, the form by AICc, 144 months", "at most theirs", ("smoothing", made("months")), "statsmodels", "smoothing"
    yield "Markov attribution, 10,000 paths", "under 10 ms, exact", ("markov", paths), "ChannelAttribution", "markov"
    yield "Structural model, three abilities, 301 × 9", "under 2 ms", ("abilities", DATA / "sem" / "HolzingerSwineford1939.csv"), "semopy", "abilities"
    yield "Structural model, democracy, 75 × 11", "under 2 ms", ("democracy", DATA / "sem" / "PoliticalDemocracy.csv"), "semopy", "democracy"


def models(program, folder, quick=False):
    """Rows with milliseconds, ratios, memory and what each found, or nothing where the data sets are not here."""
    if not (DATA / "cdnow").exists():
        return {"": None}
    peers = [sys.executable, str(PEERS)]
    child([*peers, "make", folder, *(["quick"] if quick else [])])
    found = {}
    for name, goal, own, other, theirs in rows(folder):
        tried = [(child([program, *own]), child([*peers, theirs, *own[1:]])) for _ in range(1 if quick else ROUNDS)]
        ours, others = (min(column, key=lambda it: it["s"]) for column in zip(*tried))
        found[f"{name} ({other})"] = row(goal, ours, others)
        print(f"   {name} ({other}): {1000 * ours['s']:.2f} ms, {1000 * others['s']:.2f} ms", flush=True)
    return found


def row(goal, ours, others):
    return {
        "wanted": goal,
        "met": "yes" if is_met(goal, 1000 * ours["s"], 1000 * others["s"]) else "**no**",
        "ours, ms": 1000 * ours["s"],
        "theirs, ms": 1000 * others["s"],
        "theirs / ours": others["s"] / ours["s"],
        "ours, MB": ours["MB"],
        "theirs, MB": others["MB"],
        "ours found": f"{ours['says']:,.9g}",
        "they found": f"{others['says']:,.9g}",
    }


def is_met(goal, ours, theirs):
    """Whether the goal of a row holds, in milliseconds: "under 500 ms" or "at most 1.2 times theirs"."""
    words = goal.split()
    if words[0] == "under":
        return ours < float(words[1].replace(",", ""))
    return ours <= theirs * (float(words[2]) if "times" in words else 1)


def child(arguments):
    """What it prints in its last line, on one thread."""
    one = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS")}
    asked = subprocess.run([str(it) for it in arguments], capture_output=True, text=True, env=os.environ | one)
    if asked.returncode:
        raise RuntimeError(f"{arguments}: {asked.returncode} {asked.stderr}")
    return json.loads(asked.stdout.strip().splitlines()[-1]) if asked.stdout else {}
