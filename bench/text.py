"""What texts say: ours beside the Python packages that do the same, on the same texts, by processor time of one thread each."""

import os
import random
import subprocess
import time

from files import DATA

SETS = ["tweets_GroundTruth.txt", "movieReviewSnippets_GroundTruth.txt.zst", "amazonReviewSnippets_GroundTruth.txt", "nytEditorialSnippets_GroundTruth.txt"]


def text(program, folder, thousands=100):
    """Rows for rules, learning and themes, or nothing where the data set is not here."""
    rated = list(ground_truth())
    if not rated:
        return {"": None}
    many = list(halves(rated, thousands * 1_000))
    write(f"{folder}/texts", [text for _, text in rated])
    write(f"{folder}/rated", [f"{rating}\t{text}" for rating, text in many])
    write(f"{folder}/many", [text for _, text in many])
    # All of ours first: a child's memory is counted from what its parent had when it was made.
    rules, learning, themes = (ours(program, what, f"{folder}/{file}") for what, file in (("rules", "texts"), ("learn", "rated"), ("themes", "many")))
    return {
        "sentiment by rules, texts a second": row(rules[0] / rules[1], their_rules([text for _, text in rated]), rules[2]),
        f"learning from {thousands},000 rated texts, s": row(learning[1], their_learning(many), learning[2]),
        f"themes of {thousands},000 texts, s": row(themes[1], their_themes([text for _, text in many]), themes[2]),
    }


def write(file, lines):
    with open(file, "w") as out:
        out.writelines(f"{line}\n" for line in lines)


def ground_truth():
    """The rating and the text of the four sets of Hutto and Gilbert (2014)."""
    for name in SETS:
        path = DATA / "vader_groundtruth" / name
        if not path.exists():
            return
        packed = path.read_bytes()
        plain = subprocess.run(["zstd", "-dc"], input=packed, stdout=subprocess.PIPE, check=True).stdout if name.endswith(".zst") else packed
        for line in plain.decode("utf-8", "replace").split("\n"):
            parts = line.split("\t", 2)
            if len(parts) == 3:
                yield float(parts[1]), " ".join(parts[2].split())


def halves(rated, count):
    """As many texts as wanted, each made of halves of two real ones; the rating is the mean of theirs."""
    draw = random.Random(5)
    long = [(rating, text.split()) for rating, text in rated if len(text.split()) > 6]
    for _ in range(count):
        (one, a), (two, b) = draw.choice(long), draw.choice(long)
        yield (one + two) / 2, " ".join([*a[: len(a) // 2], ".", *b[len(b) // 2 :]])


def ours(program, *arguments):
    """What it prints, its processor seconds and its most memory in MB."""
    child = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    printed = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise RuntimeError(f"{program} {arguments}: {status}")
    return float(printed), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def row(own, theirs, memory):
    return {"ours": own, "theirs": theirs, "ours / theirs": own / theirs, "ours, MB": memory}


def their_rules(texts):
    """Texts a second of vaderSentiment, whose figures the tests hold ours against."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    before = time.process_time()
    for it in texts:
        analyzer.polarity_scores(it)
    return len(texts) / (time.process_time() - before)


def their_learning(rated):
    """Seconds of scikit-learn's ridge regression on the same n-grams; ours fits twice, as the first fit calibrates the second."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_union

    grams = make_union(TfidfVectorizer(ngram_range=(1, 2), min_df=2), TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2))
    before = time.process_time()
    Ridge(alpha=1.0, solver="sparse_cg").fit(grams.fit_transform([text for _, text in rated]), [rating for rating, _ in rated])
    return time.process_time() - before


def their_themes(texts):
    """Seconds of scikit-learn's k-means over tf-idf of words: the same number of groups, without clauses, labels, coherence and stability."""
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    before = time.process_time()
    KMeans(40, n_init=4, random_state=1).fit(TfidfVectorizer(min_df=3, stop_words="english", max_features=20_000).fit_transform(texts))
    return time.process_time() - before
