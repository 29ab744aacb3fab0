"""Writes what the Python package vaderSentiment 3.3.2 says: of the ground-truth texts (figures only), and of made-up texts (with the text).

    python3 -m venv venv && venv/bin/pip install vaderSentiment==3.3.2
    venv/bin/python reference.py <folder of vader_groundtruth>     # then: zstd -19 --rm groundtruth.txt made_up.jsonl

A line of figures: compound in ten-thousandths, then negative, neutral and positive in thousandths.
"""
import json, random, subprocess, sys
from vaderSentiment import vaderSentiment as v

analyzer = v.SentimentIntensityAnalyzer()

def figures(text):
    it = analyzer.polarity_scores(text)
    return [round(it["compound"] * 10000)] + [round(it[key] * 1000) for key in ("neg", "neu", "pos")]

def read(name):
    path = f"{sys.argv[1]}/{name}"
    raw = subprocess.check_output(["zstdcat", path]) if name.endswith(".zst") else open(path, "rb").read()
    return [line.split("\t", 2)[2] for line in raw.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")]

with open("groundtruth.txt", "w") as out:
    for name in ("tweets_GroundTruth.txt", "movieReviewSnippets_GroundTruth.txt.zst", "amazonReviewSnippets_GroundTruth.txt", "nytEditorialSnippets_GroundTruth.txt"):
        for text in read(name):
            print(*figures(text), file=out)

draw = random.Random(5)
rated, emoji = sorted(analyzer.lexicon), sorted(analyzer.emojis)
named = ("no or nor never so this without doubt least at very but kind of just enough sort the shit bomb bad ass bus stop yeah right kiss of death to die "
         "for beating heart badass isn't couldn't've NOT not dont cannot rarely").split()
plain = "order box the a it was is delivery Straße ISTANBUL İstanbul ǅ ﬁne 很好 e\u0301 123 I U.S. \u200b \u202e ΟΔΟΣ".split(" ")
spaces = [" "] * 30 + ["  ", "\t", "\n", "\x1c", "\x1f", "\x85", "\xa0", "\u3000", "\u200b", "\x00", ""]
def word():
    kind = draw.random()
    pool = rated if kind < 0.25 else named if kind < 0.6 else sorted(v.BOOSTER_DICT) if kind < 0.72 else emoji if kind < 0.78 else plain
    it = draw.choice(pool)
    if draw.random() < 0.15: it = it.upper()
    if draw.random() < 0.1: it = it.capitalize()
    if draw.random() < 0.1: it = draw.choice(["(", "\"", "'", "...", "*", "¿"]) + it
    if draw.random() < 0.2: it += draw.choice([",", ".", "!", "!!!", "?", "??", "????", ")", "'s", "…", ":)"])
    return it
with open("made_up.jsonl", "w") as out:
    for _ in range(4000):
        text = "".join(word() + draw.choice(spaces) for _ in range(draw.randrange(0, 25)))
        print(json.dumps([text, *figures(text)], ensure_ascii=False), file=out)
