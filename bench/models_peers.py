"""The others beside our models, one a process: `models_peers.py make FOLDER [quick]` makes what both are given, `models_peers.py WHAT FILE [NUMBER ...]`
prints the processor seconds of the best of several runs, the most memory, and one figure of the result, as `models_rate` does of ours.

A file of numbers is its columns, one after the other, as f64 with the least byte first.
"""

import csv
import json
import subprocess
import sys
import time
import warnings

from files import DATA

warnings.filterwarnings("ignore")


def timed(run, says):
    started, best, runs = time.process_time(), float("inf"), 0
    while runs < 1 or (time.process_time() - started < 8 and runs < 5):
        before = time.process_time()
        found = run()
        best = min(best, time.process_time() - before)
        runs += 1
    memory = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
    print(json.dumps({"s": best, "MB": memory, "says": float(says(found))}))


def make(folder, quick=None):
    import numpy as np

    draw, part = np.random.default_rng(7), 100 if quick else 1

    def write(name, columns):
        np.concatenate([np.asarray(it, dtype="<f8") for it in columns]).tofile(f"{folder}/{name}")

    lines = list(csv.reader(open(DATA / "cdnow" / "cdnow_customers_summary_with_transactions.csv")))[1:]
    write("cdnow", [[float(line[at]) for line in lines] for at in (1, 2, 3)])
    any_time = simulated(draw, 1_000_000 // part)
    write("million", any_time)
    write("million-days", [any_time[0], *(np.ceil(it * 7) / 7 for it in any_time[1:])])
    write("hundred-thousand", [it[: 100_000 // part] for it in any_time])
    purchases = 1_000_000 // part
    write("purchases", [draw.integers(0, purchases // 5, purchases), draw.integers(0, 546, purchases), draw.gamma(2, 20, purchases)])
    rows = 100_000 // part
    columns = draw.uniform(-1, 1, (10, rows))
    ends, seen = draw.exponential(100, rows) / np.exp(0.3 * columns[:5].sum(axis=0)), draw.uniform(0, 200, rows)
    times, ended = np.minimum(ends, seen), ends <= seen
    write("cox", [*columns, times, ended])
    write("cox-days", [*columns, np.ceil(times), ended])
    rows = 500_000 // part
    columns = draw.normal(size=(20, rows))
    label = columns[0] + columns[1] * columns[2] + np.abs(columns[3]) + draw.normal(size=rows) > 0.8
    write("boosting", [*columns, label])
    for name, columns in zip(("films", "pairs"), pairs(draw, part)):
        write(name, columns)
    at = np.arange(144)
    write("months", [(100 + 2 * at) * (1 + 0.2 * np.sin(at * np.pi / 6)) * np.exp(0.03 * draw.normal(size=144))])
    write("telco", telco())
    centres = draw.uniform(-10, 10, (8, 8))
    for name, rows in (("groups", 200_000), ("dense", 20_000)):
        write(name, (centres[np.arange(rows // part) % 8] + 3 * draw.normal(size=(rows // part, 8))).T)


def pairs(draw, part):
    """Who had to do with what: MovieLens as it is, and as many as 800,000 pairs by taste and popularity. A person, an item, a weight."""
    import numpy as np

    text = subprocess.run(["zstd", "-dc", str(DATA / "movielens_100k" / "u.data.zst")], check=True, capture_output=True, text=True).stdout
    films = np.array([line.split("\t")[:3] for line in text.splitlines()], dtype=float).T
    people, items, rows = 6_040 // part, 3_700 // part, 1_200_000 // part
    person = draw.integers(0, people, rows)
    liked = np.where(draw.uniform(size=rows) < 0.5, person * 7 % items + draw.integers(0, 200 // part + 1, rows), items * draw.uniform(size=rows) ** 3)
    made = np.unique(np.stack([person, liked.astype(int) % items]), axis=1)[:, : 800_000 // part]
    return np.stack([films[0] - 1, films[1] - 1, np.ones(films.shape[1])]), np.stack([*made, np.ones(made.shape[1])])


def simulated(draw, customers):
    """Customers of BG/NBD as CDNOW's are, known for 27 to 38.86 weeks."""
    import numpy as np

    rate, leaves = draw.gamma(0.243, 1 / 4.414, customers), draw.beta(0.793, 2.426, customers)
    known = draw.uniform(27, 38.86, customers)
    x, last, there = np.zeros(customers), np.zeros(customers), np.arange(customers)
    while len(there):
        after = last[there] + draw.exponential(1, len(there)) / np.maximum(rate[there], 1e-300)
        bought = after <= known[there]
        there = there[bought]
        last[there], x[there] = after[bought], x[there] + 1
        there = there[draw.uniform(size=len(there)) >= leaves[there]]
    return x, last, known


def telco():
    """Telco's columns as numbers, each word as its place among the column's words; the last is who left."""
    lines = list(csv.reader(open(DATA / "telco_churn" / "WA_Fn-UseC_-Telco-Customer-Churn.csv")))[1:]
    for at in range(1, 21):
        column = [line[at].strip() for line in lines]
        try:
            yield [float(it or "nan") for it in column]
        except ValueError:
            words = sorted(set(column))
            yield [words.index(it) for it in column]


def columns(file, count):
    import numpy as np

    return np.fromfile(file, dtype="<f8").reshape(int(count), -1)


def bg_nbd(file):
    import lifetimes

    x, t_x, t = columns(file, 3)
    timed(lambda: lifetimes.BetaGeoFitter().fit(x, t_x, t), lambda it: lifetimes_says(it, "bg", x, t_x, t))


def pareto_nbd(file):
    import lifetimes

    x, t_x, t = columns(file, 3)
    timed(lambda: lifetimes.ParetoNBDFitter().fit(x, t_x, t), lambda it: lifetimes_says(it, "pareto", x, t_x, t))


def lifetimes_says(fitter, kind, x, t_x, t):
    """The log-likelihood in the time of the data, which it reports in another scale and as a mean."""
    import numpy as np
    from lifetimes import BetaGeoFitter, ParetoNBDFitter

    if kind == "pareto":
        return ParetoNBDFitter._conditional_log_likelihood(fitter.params_.values, x, t_x, t).sum()
    logs = np.log(fitter.params_.values)
    return -BetaGeoFitter._negative_log_likelihood(logs, x, t_x, t, np.ones(len(x)), 0.0) * len(x)


def summaries(file):
    import pandas as pd
    from lifetimes.utils import summary_data_from_transaction_data

    customer, day, amount = columns(file, 3)
    day = pd.Timestamp("1997-01-01") + pd.to_timedelta(day, unit="D")
    rows = pd.DataFrame({"customer": customer.astype(int), "day": day, "amount": amount})
    run = lambda: summary_data_from_transaction_data(rows, "customer", "day", "amount", observation_period_end="1998-06-30", freq="D")
    timed(run, lambda it: it.frequency.sum())


def cox(file):
    import pandas as pd
    from lifelines import CoxPHFitter

    found = columns(file, 12)
    rows = pd.DataFrame({f"c{at}": it for at, it in enumerate(found[:10])} | {"time": found[10], "ended": found[11]})
    timed(lambda: CoxPHFitter().fit(rows, "time", "ended"), lambda it: it.log_likelihood_)


def baskets(file):
    of = {}
    for line in open(file).read().splitlines()[1:]:
        basket, item = line.split(",", 1)
        of.setdefault(basket, []).append(item)
    return list(of.values())


def one_hot(file):
    import pandas as pd
    from mlxtend.preprocessing import TransactionEncoder

    encoder, found = TransactionEncoder(), baskets(file)
    return pd.DataFrame(encoder.fit_transform(found), columns=encoder.columns_)


def item_sets(file):
    from mlxtend.frequent_patterns import fpgrowth

    table = one_hot(file)
    timed(lambda: fpgrowth(table, min_support=0.001), len)


def rules(file):
    from mlxtend.frequent_patterns import association_rules, fpgrowth

    table = one_hot(file)
    timed(lambda: association_rules(fpgrowth(table, min_support=0.001), metric="confidence", min_threshold=0.5), len)


def rules_apriori(file):
    from efficient_apriori import apriori

    found = baskets(file)
    timed(lambda: apriori(found, min_support=0.001, min_confidence=0.5)[1], len)


LIGHTGBM = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.1, "min_data_in_leaf": 20, "lambda_l2": 1.0, "num_threads": 1, "verbose": -1}


def boosting(file, count, trees):
    import lightgbm
    import numpy as np

    found = columns(file, count)
    table, label = np.ascontiguousarray(found[:-1].T), found[-1]
    run = lambda: lightgbm.train(LIGHTGBM, lightgbm.Dataset(table, label), int(trees))
    timed(run, lambda it: np.log1p(np.exp(np.where(label > 0, -1, 1) * it.predict(table, raw_score=True))).mean())


def reasons(file, count, trees):
    import lightgbm
    import numpy as np

    found = columns(file, count)
    table = np.ascontiguousarray(found[:-1].T)
    model = lightgbm.train(LIGHTGBM, lightgbm.Dataset(table, found[-1]), int(trees))
    timed(lambda: model.predict(table, pred_contrib=True, num_threads=1), len)


def rows_of(file, count):
    import numpy as np

    return np.ascontiguousarray(columns(file, count).T)


def k_means(file, count):
    from sklearn.cluster import KMeans

    table = rows_of(file, count)
    timed(lambda: KMeans(8, n_init=5, random_state=1).fit(table), lambda it: it.inertia_)


def mixture(file, count):
    from sklearn.mixture import GaussianMixture

    table = rows_of(file, count)
    timed(lambda: GaussianMixture(8, max_iter=20, tol=0, random_state=1).fit(table), lambda it: it.score(table) * len(table))


def density(file, count):
    from sklearn.cluster import HDBSCAN

    table = rows_of(file, count)
    timed(lambda: HDBSCAN(min_cluster_size=15, min_samples=15, copy=True).fit(table), lambda it: it.labels_.max() + 1)


def fitted_als(file, factors, turns):
    import numpy as np
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix

    person, item, weight = columns(file, 3)
    table = csr_matrix((weight, (person.astype(int), item.astype(int))))
    model = AlternatingLeastSquares(factors=int(factors), regularization=20.0, alpha=5.0, iterations=int(turns), num_threads=1, random_state=1, dtype=np.float32)
    return table, model


def als(file, factors, turns):
    table, model = fitted_als(file, factors, turns)
    run = lambda: (model.fit(table, show_progress=False), model)[1]
    timed(run, lambda it: (it.item_factors[:, 0] ** 2).sum() > 0)


def offers(file, factors, turns):
    import numpy as np

    table, model = fitted_als(file, factors, turns)
    model.fit(table, show_progress=False)
    timed(lambda: model.recommend(np.arange(table.shape[0]), table, N=10), lambda it: it[0].size)


def offers_anew(file, factors, turns):
    """As ours does: who is asked about is placed by their own items, whether or not they were there at the fit; theirs are not offered, and nothing else is left out."""
    import numpy as np

    table, model = fitted_als(file, factors, turns)
    model.fit(table, show_progress=False)
    run = lambda: model.recommend(np.arange(table.shape[0]), table, N=10, filter_already_liked_items=True, recalculate_user=True)
    timed(run, lambda it: it[0].size)


def one_offer(file, factors, turns):
    """The middle of the times of many calls, one person each, every tenth three times over."""
    table, model = fitted_als(file, factors, turns)
    model.fit(table, show_progress=False)
    times, found = [], 0
    for person in [*range(0, table.shape[0], 10)] * 3:
        before = time.perf_counter()
        items, _ = model.recommend(person, table[person], N=10, filter_already_liked_items=True, recalculate_user=True)
        times.append(time.perf_counter() - before)
        found += items.size
    memory = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024
    print(json.dumps({"s": sorted(times)[len(times) // 2], "MB": memory, "says": found}))


def smoothing(file):
    """The forms that ours tries of a series above zero: noise, trend and season, none with noise that adds and a season that multiplies."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    values = columns(file, 1)[0]
    forms = [(noise, trend, damped, season) for noise in ("add", "mul") for trend, damped in ((None, False), ("add", False), ("add", True)) for season in (None, "add", "mul") if not (noise == "add" and season == "mul")]

    def run():
        fits = [ETSModel(values, error=noise, trend=trend, damped_trend=damped, seasonal=season, seasonal_periods=12 if season else None).fit(disp=False) for noise, trend, damped, season in forms]
        return min(it.aicc for it in fits)

    timed(run, lambda it: it)


def markov(file):
    import contextlib
    import os

    import pandas as pd

    # It prints an advertisement.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        import ChannelAttribution

    rows = pd.read_csv(file)
    first = rows.path[0].split(" > ")[0]
    wanted = {"var_value": "total_conversion_value", "var_null": "total_null", "verbose": False, "flg_pro": False}
    run = lambda: ChannelAttribution.markov_model(rows, "path", "total_conversions", **wanted)
    timed(run, lambda it: it.set_index("channel_name").total_conversions[first])


ABILITIES = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9"
DEMOCRACY = """ind60 =~ x1 + x2 + x3
dem60 =~ y1 + y2 + y3 + y4
dem65 =~ y5 + y6 + y7 + y8
dem60 ~ ind60
dem65 ~ ind60 + dem60
y1 ~~ y5
y2 ~~ y4 + y6
y3 ~~ y7
y4 ~~ y8
y6 ~~ y8"""


def structural(text, file):
    import pandas as pd
    import semopy

    rows = pd.read_csv(file)

    def run():
        model = semopy.Model(text)
        model.fit(rows)
        return model

    timed(run, lambda it: semopy.calc_stats(it)["chi2"].iloc[0])


def abilities(file):
    structural(ABILITIES, file)


def democracy(file):
    structural(DEMOCRACY, file)


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")](*sys.argv[2:])
