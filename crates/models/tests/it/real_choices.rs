//! By what a model of buying is best chosen: each way to choose goes by weeks that no fit saw, and is then judged by the weeks after those, with the models
//! fitted anew to all before. The data is not part of the repository: without it the test says that it is skipped.

use rapport_models::buying::{Buying, Choice, History, Kind, Purchase, Score, Summary};

use crate::given;

/// Purchases of all customers with the day of each.
fn whole_cdnow() -> Option<Vec<Purchase>> {
    let text = String::from_utf8(given::bytes("cdnow/CDNOW_master.txt.zst")?).unwrap();
    let purchase = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let date: u32 = fields[1].parse().unwrap();
        let days = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let day = (date / 10_000 - 1997) * 365 + days[(date / 100 % 100) as usize - 1] + date % 100 - 1;
        let customer = fields[0].parse::<u32>().unwrap() - 1;
        Purchase { customer, time: f64::from(day), amount: fields[3].parse().unwrap() }
    };
    Some(text.lines().skip(1).filter(|it| !it.trim().is_empty()).map(purchase).collect())
}

fn online_retail() -> Option<Vec<Purchase>> {
    let (lines, _) = crate::real_recommendations::online_retail()?;
    Some(lines.iter().map(|it| Purchase { customer: it.person, time: it.day, amount: 1.0 }).collect())
}

/// Of those who bought before `until`: what they did, and on how many days they bought from then to `end`.
fn window(purchases: &[Purchase], until: f64, end: f64) -> (Vec<History>, Vec<u32>) {
    let summaries = Summary::of(purchases, 1.0, 7.0, until).unwrap();
    let mut days: Vec<(u32, u32)> = purchases
        .iter()
        .filter(|it| it.time >= until && it.time < end)
        .map(|it| (it.customer, it.time as u32))
        .collect();
    days.sort_unstable();
    days.dedup();
    let mut counts = vec![0; summaries.len()];
    days.iter().for_each(|it| counts[it.0 as usize] += 1);
    summaries.iter().zip(counts).filter_map(|(it, count)| it.map(|it| (it.history, count))).unzip()
}

/// How each model did, in the order of [`Kind::ALL`], with the logarithm of the probability of each customer's count.
struct Held {
    kinds: Vec<Kind>,
    scores: Vec<Score>,
    logs: Vec<Vec<f64>>,
}

/// `None` where no model can be fitted.
fn held(purchases: &[Purchase], until: f64, end: f64) -> Option<Held> {
    let (histories, later) = window(purchases, until, end);
    let horizon = (end - until) / 7.0;
    let choice = Choice::between(&histories, &later, horizon).ok()?;
    let fitted = choice.candidates.iter().filter_map(|it| it.outcome.as_ref().ok().map(|own| (it.kind, own)));
    let mut found = Held { kinds: Vec::new(), scores: Vec::new(), logs: Vec::new() };
    for (kind, (model, score)) in fitted {
        let some = histories.iter().zip(&later).step_by(histories.len().div_ceil(5_000));
        let log = |(it, count): (&History, &u32)| {
            model.probabilities(it, horizon, *count as usize)[*count as usize].max(1e-300).ln()
        };
        found.kinds.push(kind);
        found.scores.push(*score);
        found.logs.push(some.map(log).collect());
    }
    Some(found)
}

impl Held {
    /// The place at which something is least.
    fn least(&self, of: impl Fn(usize) -> f64) -> usize {
        (0..self.kinds.len()).min_by(|a, b| of(*a).total_cmp(&of(*b))).unwrap()
    }

    /// By how many standard errors one model's logarithms are above another's, customer by customer.
    fn apart(&self, one: usize, other: usize) -> f64 {
        let off: Vec<f64> = self.logs[one].iter().zip(&self.logs[other]).map(|(a, b)| a - b).collect();
        let n = off.len() as f64;
        let mean = off.iter().sum::<f64>() / n;
        let spread = off.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (n - 1.0);
        if spread > 0.0 { mean / (spread / n).sqrt() } else { 0.0 }
    }

    /// The least bias among those whose logarithmic score is within so many standard errors of the best one's.
    fn least_bias_within(&self, errors: f64) -> usize {
        let best = self.least(|it| -self.scores[it].log_score);
        let near = |it: usize| it == best || self.apart(best, it) <= errors;
        self.least(|it| if near(it) { self.scores[it].bias.abs() } else { f64::INFINITY })
    }

    /// The best logarithmic score among those whose bias is at most so much above the least.
    fn best_within_bias(&self, tolerance: f64) -> usize {
        let least = self.scores.iter().map(|it| it.bias.abs()).fold(f64::INFINITY, f64::min);
        let near = |it: usize| self.scores[it].bias.abs() <= least + tolerance;
        self.least(|it| if near(it) { -self.scores[it].log_score } else { f64::INFINITY })
    }
}

const WAYS: [&str; 9] = [
    "logarithmic score",
    "least bias among those 1 standard error from it",
    "least bias among those 2 standard errors from it",
    "best score among those 5 points from the least bias",
    "least bias",
    "least mean absolute error",
    "least root mean square",
    "always Pareto/NBD",
    "the best one afterwards",
];

/// The table of the guide: over ten parts of CDNOW, all of it, and Online Retail in two halves and whole, each in several windows.
#[test]
#[ignore = "minutes of one core: run it with --ignored --nocapture"]
fn ways_to_choose_a_model_of_buying() {
    let (Some(cdnow), Some(retail)) = (whole_cdnow(), online_retail()) else { return };
    let part = |of: &[Purchase], count: u32, at: u32| -> Vec<Purchase> {
        let own = of.iter().filter(|it| it.customer % count == at);
        own.map(|it| Purchase { customer: it.customer / count, ..*it }).collect()
    };
    // Weeks to which models are fitted, by which they are chosen, and by which that is judged.
    let long = [(26, 39, 78), (26, 52, 78), (39, 52, 78), (39, 58, 78), (20, 30, 52)];
    let short = [(20, 30, 53), (26, 39, 53), (26, 34, 53), (34, 43, 53)];
    let mut cases: Vec<(String, Vec<Purchase>, &[(u32, u32, u32)])> = Vec::new();
    (0..10).for_each(|at| cases.push((format!("CDNOW {at}"), part(&cdnow, 10, at), &long)));
    (0..2).for_each(|at| cases.push((format!("Online Retail {at}"), part(&retail, 2, at), &short)));
    cases.push(("CDNOW".to_string(), cdnow, &long));
    cases.push(("Online Retail".to_string(), retail, &short));
    let groups = ["CDNOW", "Online Retail", ""];
    let mut sums = vec![vec![[0.0; 5]; WAYS.len()]; groups.len()];
    let mut counts = [0.0; 3];
    for (name, purchases, windows) in &cases {
        for (until, middle, end) in *windows {
            let [until, middle, end] = [until, middle, end].map(|it| f64::from(*it) * 7.0);
            let (Some(before), Some(after)) = (held(purchases, until, middle), held(purchases, middle, end)) else {
                continue;
            };
            if before.kinds.len() < 3 || after.kinds.len() < 3 {
                continue;
            }
            let score = |it: usize| before.scores[it];
            let best = after.least(|it| -after.scores[it].log_score);
            let picked = [
                before.least(|it| -score(it).log_score),
                before.least_bias_within(1.0),
                before.least_bias_within(2.0),
                before.best_within_bias(0.05),
                before.least(|it| score(it).bias.abs()),
                before.least(|it| score(it).mean_absolute),
                before.least(|it| score(it).root_mean_square),
                0,
                best,
            ];
            let told = |it: &Held| {
                it.scores.iter().map(|it| format!("{:.4} {:+.3}", it.log_score, it.bias)).collect::<Vec<_>>()
            };
            println!("{name} {until} {middle} {end}: {:?} then {:?} {picked:?}", told(&before), told(&after));
            for (group, _) in groups.iter().enumerate().filter(|it| name.starts_with(*it.1)) {
                counts[group] += 1.0;
                for (sum, it) in sums[group].iter_mut().zip(picked) {
                    let own = after.scores[it];
                    let lost = after.scores[best].log_score - own.log_score;
                    let found = f64::from(u8::from(it == best));
                    let all = [lost, own.bias.abs(), own.mean_absolute, own.root_mean_square, found];
                    sum.iter_mut().zip(all).for_each(|(sum, it)| *sum += it);
                }
            }
        }
    }
    for ((group, sums), count) in groups.iter().zip(&sums).zip(counts) {
        println!(
            "{group}, {count} windows: lost of the logarithmic score, bias, mean absolute error, root mean square, how often the best"
        );
        for (way, sum) in WAYS.iter().zip(sums) {
            println!("  {way}: {:?}", sum.map(|it| (it / count * 1e4).round() / 1e4));
        }
    }
}
