//! How fast the crate is, on one thread: `models_rate WHAT FILE [NUMBER]` prints the processor seconds of the best of several runs, the most memory, and
//! one figure of the result, by which it is seen that others who were given the same found the same. `bench/models.py` makes the files and asks the others.
//!
//! A file of numbers is its columns, one after the other, as f64 with the least byte first; baskets and paths are text.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use rapport_models::attribution::{Markov, Path};
use rapport_models::baskets::{Consequents, ItemSets, Limits, Share};
use rapport_models::buying::{BgNbd, Histories, History, MbgNbd, ParetoNbd, Purchase, Summary};
use rapport_models::forecast::{Ets, Series};
use rapport_models::groups::{Covariance, Density, KMeans, Mixture, Options, Points};
use rapport_models::learn::{Boosting, BoostingOptions, Feature, Outcome, Table};
use rapport_models::recommend::{self, Als, AlsOptions, Filter, Interaction, Recommender as _};
use rapport_models::structural::{Divisor, Model, Scale};
use rapport_models::survival::{Cox, Lifetimes, Ties};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, file, rest @ ..] = &arguments[..] else { panic!("models_rate WHAT FILE [NUMBER]") };
    let number = rest.first().map_or(0, |it| it.parse().expect("a number"));
    match what.as_str() {
        "bg-nbd" | "mbg-nbd" | "pareto-nbd" => buying(what, file),
        "summaries" => summaries(file),
        "cox" => cox(&columns(file, 12)),
        "item-sets" | "rules" => baskets(what, file),
        "boosting" | "reasons" => boosting(what, columns(file, number), rest),
        "k-means" | "mixture" | "density" => groups(what, &columns(file, number)),
        "als" | "offers" | "one-offer" => recommend(what, &columns(file, 3), rest),
        "smoothing" => smoothing(&columns(file, 1)[0]),
        "markov" => markov(file),
        "abilities" | "democracy" => structural(what, file),
        other => panic!("there is no {other}"),
    }
}

/// The processor time of the quickest of several runs, as long as they take no more than some seconds together, and what the result says.
fn timed<T>(mut run: impl FnMut() -> T, says: impl Fn(T) -> f64) {
    // What Linux says of this thread, in nanoseconds: nothing here runs on another.
    let now = || {
        let said = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux says how long a thread ran");
        said.split_whitespace().next().and_then(|time| time.parse::<f64>().ok()).expect("a number") / 1e9
    };
    // The system's clock moves in steps of milliseconds: what is quicker is run many times in a row.
    let (started, mut best, mut last, mut batch, mut runs) = (now(), f64::INFINITY, None::<T>, 1u32, 0);
    while runs < 1 || (now() - started < 8.0 && runs < 5) {
        let before = now();
        for _ in 0..batch {
            drop(last.take());
            last = Some(black_box(run()));
        }
        let took = now() - before;
        if took < 0.05 && batch < 1 << 16 {
            batch *= 4;
        } else {
            (best, runs) = (best.min(took / f64::from(batch)), runs + 1);
        }
    }
    println!("{{\"s\": {best:e}, \"MB\": {:.1}, \"says\": {:e}}}", memory(), last.map_or(f64::NAN, says));
}

/// The time of the middle one of many calls: what somebody waits for.
fn middle(calls: impl Iterator<Item = usize>, mut call: impl FnMut(usize) -> usize) {
    let mut found = 0;
    let mut timed = |at: usize| {
        let before = Instant::now();
        found += black_box(call(at));
        before.elapsed().as_secs_f64()
    };
    let mut times: Vec<f64> = calls.map(&mut timed).collect();
    times.sort_by(f64::total_cmp);
    println!("{{\"s\": {:e}, \"MB\": {:.1}, \"says\": {found}}}", times[times.len() / 2], memory());
}

/// The most memory of this process so far, in MB.
fn memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = status.lines().find_map(|it| it.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    most.unwrap_or(0.0) / 1024.0
}

fn columns(file: &str, columns: usize) -> Vec<Vec<f64>> {
    let bytes = std::fs::read(file).expect("the file can be read");
    let number = |it: &[u8]| f64::from_le_bytes(it.try_into().expect("eight bytes"));
    let rows = bytes.len() / 8 / columns;
    bytes.chunks_exact(8 * rows).map(|column| column.chunks_exact(8).map(number).collect()).collect()
}

fn buying(what: &str, file: &str) {
    let found = columns(file, 3);
    let one = |at: usize| History { frequency: found[0][at] as u32, recency: found[1][at], age: found[2][at] };
    let people: Vec<History> = (0..found[0].len()).map(one).collect();
    drop(found);
    let histories = || Histories::new(&people).expect("possible histories");
    let fit = || match what {
        "bg-nbd" => BgNbd::fit(&histories()).map(|it| it.log_likelihood),
        "mbg-nbd" => MbgNbd::fit(&histories()).map(|it| it.log_likelihood),
        _ => ParetoNbd::fit(&histories()).map(|it| it.log_likelihood),
    };
    timed(fit, |it| it.expect("a fit"));
}

fn summaries(file: &str) {
    let found = columns(file, 3);
    let one = |at: usize| Purchase { customer: found[0][at] as u32, time: found[1][at], amount: found[2][at] };
    let purchases: Vec<Purchase> = (0..found[0].len()).map(one).collect();
    drop(found);
    let again = |all: Vec<Option<Summary>>| all.iter().flatten().map(|it| f64::from(it.history.frequency)).sum();
    timed(|| Summary::of(&purchases, 1.0, 7.0, 546.0).expect("summaries"), again);
}

fn cox(found: &[Vec<f64>]) {
    let ended: Vec<bool> = found[11].iter().map(|it| *it > 0.0).collect();
    let lifetimes = Lifetimes::new(&found[10], &ended);
    timed(|| Cox::fit(&lifetimes, &found[..10], Ties::Efron).expect("a fit"), |it| it.log_likelihood);
}

fn baskets(what: &str, file: &str) {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    let (mut items, mut of) = (HashMap::new(), HashMap::<&str, Vec<u32>>::new());
    for (basket, item) in text.lines().skip(1).filter_map(|it| it.split_once(',')) {
        let next = items.len() as u32;
        of.entry(basket).or_default().push(*items.entry(item).or_insert(next));
    }
    let baskets: Vec<Vec<u32>> = of.into_values().collect();
    let limits = Limits::support(Share::decimal("0.001").expect("a share"));
    let sets = || ItemSets::mine(&baskets, &limits).expect("sets");
    let confidence = Share::decimal("0.5").expect("a share");
    match what {
        "item-sets" => timed(sets, |it| it.len() as f64),
        _ => timed(|| sets().rules(confidence, Consequents::Any), |it| it.rules.len() as f64),
    }
}

fn boosting(what: &str, mut found: Vec<Vec<f64>>, rest: &[String]) {
    let trees = rest[1].parse().expect("a number of trees");
    let labels: Vec<bool> = found.pop().expect("labels").iter().map(|it| *it > 0.0).collect();
    let feature = |(at, it): (usize, Vec<f64>)| Feature::numbers(format!("f{at}"), it);
    let table = Table::new(found.into_iter().enumerate().map(feature).collect()).expect("a table");
    let options = BoostingOptions { trees, leaves: vec![31], row_share: 1.0, feature_share: 1.0, ..Default::default() };
    let fit = || Boosting::fit(&table, Outcome::Class(&labels), None, &options).expect("a fit");
    if what == "reasons" {
        let model = fit();
        return timed(|| model.explain(&table).expect("reasons"), |it| it.rows.len() as f64);
    }
    timed(fit, |model| {
        let one = |(score, label): (f64, &bool)| (if *label { -score } else { score }).exp().ln_1p();
        let scores = model.scores(&table).expect("scores");
        scores.into_iter().zip(&labels).map(one).sum::<f64>() / labels.len() as f64
    });
}

fn groups(what: &str, found: &[Vec<f64>]) {
    let points = Points::of(found).expect("finite rows");
    let options = Options { starts: 5, ..Options::groups(8, 1) };
    let twenty = Options { starts: 1, steps: 20, ..options };
    match what {
        "k-means" => timed(|| KMeans::fit(&points, &options).expect("groups"), |it| it.inertia),
        "mixture" => {
            timed(|| Mixture::fit(&points, Covariance::Full, &twenty).expect("groups"), |it| it.log_likelihood)
        }
        _ => timed(|| Density::fit(&points, 15, 15).expect("groups"), |it| it.stabilities.len() as f64),
    }
}

fn recommend(what: &str, found: &[Vec<f64>], rest: &[String]) {
    let one = |at: usize| Interaction { person: found[0][at] as u32, item: found[1][at] as u32, weight: found[2][at] };
    let rows: Vec<Interaction> = (0..found[0].len()).map(one).collect();
    let count = |column: &[f64]| column.iter().fold(0.0_f64, |most, it| most.max(*it)) as usize + 1;
    let histories =
        recommend::Histories::of(&rows, count(&found[0]), count(&found[1])).expect("people and their items");
    let number = |at: usize| rest[at].parse().expect("a number");
    let options = AlsOptions { factors: number(0), turns: number(1), ..AlsOptions::default() };
    let fit = || Als::fit(&histories, &options).expect("a fit");
    if what == "als" {
        return timed(fit, |it| f64::from(u8::from(it.losses.iter().all(|it| it.is_finite()))));
    }
    let model = fit().model;
    let filter = Filter { reasons: 0, ..Filter::best(10) };
    if what == "one-offer" {
        // Every tenth person, three times over: the first calls find nothing in the cache.
        let some = (0..histories.persons()).step_by(10);
        return middle(some.clone().chain(some.clone()).chain(some), |person| {
            model.recommend(histories.of_person(person), &filter).len()
        });
    }
    let everyone: Vec<&[(u32, f64)]> = histories.iter().collect();
    let all = || model.recommend_each(&everyone, &filter).iter().map(Vec::len).sum::<usize>();
    timed(all, |it| it as f64);
}

fn smoothing(values: &[f64]) {
    let series = Series::new(values, 12).expect("a series");
    timed(|| Ets::choose(&series).expect("a fit"), |it| it.aicc);
}

fn markov(file: &str) {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    let mut names = HashMap::new();
    let mut path = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let mut channel = |name: &str| {
            let next = names.len() as u32;
            *names.entry(name.to_string()).or_insert(next)
        };
        Path {
            channels: cells[0].split(" > ").map(&mut channel).collect(),
            conversions: number(cells[1]) as u64,
            value: number(cells[2]),
            nulls: number(cells[3]) as u64,
        }
    };
    let paths: Vec<Path> = text.lines().skip(1).map(&mut path).collect();
    timed(|| Markov::fit(&paths).expect("a chain"), |it| it.credits[0].conversions);
}

fn structural(what: &str, file: &str) {
    const ABILITIES: &str = "visual =~ x1 + x2 + x3\ntextual =~ x4 + x5 + x6\nspeed =~ x7 + x8 + x9";
    const DEMOCRACY: &str = "ind60 =~ x1 + x2 + x3\ndem60 =~ y1 + y2 + y3 + y4\ndem65 =~ y5 + y6 + y7 + y8\ndem60 ~ ind60\n\
        dem65 ~ ind60 + dem60\ny1 ~~ y5\ny2 ~~ y4 + y6\ny3 ~~ y7\ny4 ~~ y8\ny6 ~~ y8";
    let text = std::fs::read_to_string(file).expect("the file can be read");
    let fields = |line: &str| line.split(',').map(|it| it.trim().trim_matches('"').to_string()).collect::<Vec<_>>();
    let mut lines = text.lines().filter(|it| !it.is_empty());
    let names = fields(lines.next().expect("names"));
    let rows: Vec<Vec<String>> = lines.map(fields).collect();
    let number = |text: &String| text.parse().unwrap_or(f64::NAN);
    let columns: Vec<Vec<f64>> = (0..names.len()).map(|at| rows.iter().map(|row| number(&row[at])).collect()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let text = if what == "abilities" { ABILITIES } else { DEMOCRACY };
    let fit = || Model::read(text, &names, Scale::Marker).expect("a model").fit(&columns, Divisor::N).expect("a fit");
    timed(fit, |it| it.measures.chi_square);
}
