//! What a version says of one person, with its interval and its reasons.
//!
//! Always holds: the same history and version say the same; probabilities are between 0 and 1, amounts are not below zero; reasons name numbers, and say
//! what goes with a score, not what would change it.

use std::collections::HashMap;

use rapport_models::buying::{Buying, History, Horizon, Model as Fitted};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{Content, to_come};
use super::next::Next;
use super::purchases::{Known as Done, Usual};
use super::{Settings, WEEK};

/// What an interval leaves out below, and above.
const TAIL: f64 = 0.025;
/// So much of the distribution may lie beyond the counts that are looked at.
const REST: f64 = 1e-3;
/// Counts are looked at up to here; whoever buys more often has a normal distribution's interval.
const COUNTS: usize = 400;
/// So much is remembered of people with the same history.
const KEPT: usize = 200_000;
/// So many times the own gap without a purchase is late.
const LATE: f64 = 2.0;

/// A reason for a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueReason)]
pub struct Reason {
    /// `once`, `often`, `on_time`, `late`, `spends_more`, `spends_less`, `spends_as_usual`.
    pub code: String,
    /// Its numbers, in the order of the sentence.
    pub numbers: Vec<f64>,
    /// The sentence.
    pub text: String,
}

/// What is known of somebody, in words of the page.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueKnown)]
pub struct Known {
    /// Days on which they bought.
    pub purchases: u32,
    /// Weeks since the first.
    pub weeks_known: f64,
    /// Weeks since the last.
    pub weeks_since: f64,
    /// What they spent in all.
    pub spent: f64,
}

/// The rest of a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueDetail)]
pub struct Detail {
    /// The probability that they are still there.
    pub alive: f64,
    /// Purchases expected within the horizon.
    pub purchases: f64,
    /// As few as this, or fewer, with 2.5 %.
    pub purchases_low: f64,
    /// As many as this, or more, with 2.5 %.
    pub purchases_high: f64,
    /// What they are expected to spend a purchase.
    pub spend: f64,
    /// How many weeks ahead it looks.
    pub horizon_weeks: u32,
    /// When they are expected to buy next, of whoever bought again and is probably still there.
    #[serde(default)]
    pub next: Option<Next>,
    /// What they did.
    pub known: Known,
    /// Why.
    pub reasons: Vec<Reason>,
}

/// A score, in the workspace's currency.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// What they are worth: expected spend within the horizon, discounted, times the margin.
    pub value: f64,
    /// The lower end of its interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The rest.
    pub detail: Detail,
}

/// Scores people by a version.
#[derive(Debug)]
pub struct Scorer {
    pub(super) content: Content,
    model: Fitted,
    horizon: Horizon,
    weeks: u32,
    /// What was said of whoever had the same history.
    said: HashMap<(u32, u64, u64), Counts>,
}

/// What a model says of the number of purchases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counts {
    pub(super) alive: f64,
    discounted: f64,
    pub(super) expected: f64,
    low: f64,
    high: f64,
    pub(super) variance: f64,
}

impl Scorer {
    /// By this version; `None` where what was kept of it is not whole.
    pub fn new(content: Content, settings: &Settings) -> Option<Self> {
        let (model, horizon) = (content.model.fitted()?, settings.horizon());
        Some(Self { content, model, horizon, weeks: settings.horizon_weeks, said: HashMap::new() })
    }

    /// What the model says of the purchases of somebody who did this.
    pub fn counts(&mut self, done: &Done) -> Counts {
        let key = (done.history.frequency, done.history.recency.to_bits(), done.history.age.to_bits());
        if self.said.len() >= KEPT {
            self.said.clear();
        }
        let (model, horizon) = (&self.model, &self.horizon);
        *self.said.entry(key).or_insert_with(|| Counts::of(model, &done.history, horizon))
    }

    /// What a purchase is expected to bring, and what one to come is worth today.
    fn worth(&self, done: &Done, counts: &Counts) -> (f64, f64) {
        let spend = self.content.worth.expected(done, self.content.usual.spend);
        let each = if counts.expected > 0.0 { counts.discounted / counts.expected } else { 1.0 };
        (spend, spend * each * self.horizon.margin)
    }

    /// What somebody is worth.
    pub fn value(&self, done: &Done, counts: &Counts) -> f64 {
        counts.expected * self.worth(done, counts).1
    }

    /// Everything about somebody who did this.
    pub fn score(&self, done: &Done, counts: &Counts) -> Score {
        let (spend, worth) = self.worth(done, counts);
        let days_since = WEEK * (done.history.age - done.history.recency);
        Score {
            value: counts.expected * worth,
            low: counts.low * worth,
            high: counts.high * worth,
            detail: Detail {
                alive: counts.alive,
                purchases: counts.expected,
                purchases_low: counts.low,
                purchases_high: counts.high,
                spend,
                horizon_weeks: self.weeks,
                next: self.content.cycle.as_ref().and_then(|it| it.next(done, counts.alive)),
                known: Known {
                    purchases: done.history.frequency + 1,
                    weeks_known: done.history.age,
                    weeks_since: days_since / WEEK,
                    spent: done.spent,
                },
                reasons: reasons(done, &self.content.usual, days_since),
            },
        }
    }

    /// The model.
    pub fn model(&self) -> &Fitted {
        &self.model
    }
}

impl Counts {
    pub(super) fn of(model: &Fitted, history: &History, horizon: &Horizon) -> Self {
        let weeks = horizon.period * f64::from(horizon.periods);
        let (discounted, expected) = to_come(model, history, horizon);
        let alive = model.alive(history).clamp(0.0, 1.0);
        let mut most = ((2.0 * expected) as usize + 4).min(COUNTS);
        loop {
            let chances = model.probabilities(history, weeks, most);
            let sum: f64 = chances.iter().sum();
            if sum < 1.0 - REST && most < COUNTS {
                most = (2 * most).min(COUNTS);
                continue;
            }
            let reached = |share: f64| {
                let mut all = 0.0;
                let at = chances.iter().position(|it| {
                    all += it;
                    all >= share
                });
                at.unwrap_or(most) as f64
            };
            // The rest of the distribution is put at its end.
            let rest = (1.0 - sum).max(0.0);
            let squares = chances.iter().enumerate().map(|(n, it)| it * (n as f64).powi(2)).sum::<f64>();
            let variance = (squares + rest * (most as f64 + 1.0).powi(2) - expected * expected).max(0.0);
            // Who is probably gone has an upper end of none, and a mean above it.
            let high = reached(1.0 - TAIL).max(expected);
            return Self { alive, discounted, expected, low: reached(TAIL).min(expected), high, variance };
        }
    }
}

fn reasons(done: &Done, usual: &Usual, days_since: f64) -> Vec<Reason> {
    let reason = |code: &str, numbers: Vec<f64>, text: String| Reason { code: code.to_owned(), numbers, text };
    let mut found = Vec::new();
    let purchases = done.history.frequency + 1;
    let days_known = WEEK * done.history.age;
    if purchases == 1 {
        found.push(reason("once", vec![days_since], format!("Bought once, {days_since:.0} days ago.")));
    } else {
        let gap = WEEK * done.history.recency / f64::from(done.history.frequency);
        let text = format!("Bought {purchases} times in {days_known:.0} days, every {gap:.0} days or so.");
        found.push(reason("often", vec![f64::from(purchases), days_known, gap], text));
        let numbers = vec![days_since, gap];
        if days_since > LATE * gap.max(1.0) {
            let text = format!("The last time was {days_since:.0} days ago, long after the usual {gap:.0}.");
            found.push(reason("late", numbers, text));
        } else {
            let text = format!("The last time was {days_since:.0} days ago, which is not late for them.");
            found.push(reason("on_time", numbers, text));
        }
    }
    if done.mean > 0.0 && usual.spend > 0.0 {
        let numbers = vec![done.mean, usual.spend];
        let (own, all) = (done.mean, usual.spend);
        let (code, text) = match own / all {
            more if more >= 1.25 => ("spends_more", format!("Spends {own:.2} a purchase; all customers {all:.2}.")),
            less if less <= 0.8 => ("spends_less", format!("Spends {own:.2} a purchase; all customers {all:.2}.")),
            _ => ("spends_as_usual", format!("Spends {own:.2} a purchase, about as much as all customers.")),
        };
        found.push(reason(code, numbers, text));
    }
    found
}

/// Classes of how often people bought, by the least number of purchases of each.
pub(super) const OFTEN: [u32; 6] = [1, 2, 3, 4, 6, 10];
/// Classes of how long ago they bought last, by the least number of weeks of each.
pub(super) const LATELY: [f64; 6] = [0.0, 4.0, 8.0, 13.0, 26.0, 52.0];

/// The cell of the matrix: `f2r3`, by the places of the classes.
pub fn part_of(known: &Known) -> String {
    let often = OFTEN.iter().rposition(|it| known.purchases >= *it).unwrap_or(0);
    let lately = LATELY.iter().rposition(|it| known.weeks_since >= *it).unwrap_or(0);
    format!("f{often}r{lately}")
}

/// The quarter in which somebody bought first: `2025-Q3`.
pub fn cohort_of(first: i32) -> String {
    let date = super::date_of(first);
    let month: u32 = date.get(5..7).and_then(|it| it.parse().ok()).unwrap_or(1);
    format!("{}-Q{}", date.get(..4).unwrap_or_default(), (month - 1) / 3 + 1)
}

#[cfg(test)]
mod tests {
    use rapport_models::buying::ParetoNbd;

    use super::*;

    fn done(frequency: u32, recency: f64, age: f64, mean: f64) -> Done {
        let history = History { frequency, recency, age };
        Done {
            history,
            first: 0,
            last: 0,
            priced: frequency,
            again: mean,
            mean,
            spent: mean * f64::from(frequency + 1),
        }
    }

    fn codes(done: &Done) -> Vec<String> {
        let since = WEEK * (done.history.age - done.history.recency);
        reasons(done, &Usual { gap_days: 30.0, spend: 40.0 }, since).into_iter().map(|it| it.code).collect()
    }

    #[test]
    fn reasons_name_what_goes_with_a_score() {
        assert_eq!(codes(&done(0, 0.0, 3.0, 39.0)), ["once", "spends_as_usual"]);
        assert_eq!(codes(&done(4, 20.0, 22.0, 60.0)), ["often", "on_time", "spends_more"]);
        assert_eq!(codes(&done(4, 20.0, 40.0, 10.0)), ["often", "late", "spends_less"]);
        assert_eq!(codes(&done(0, 0.0, 3.0, 0.0)), ["once"], "nothing was spent in the workspace's currency");
    }

    #[test]
    fn classes_and_quarters_have_their_edges() {
        let known = |purchases, weeks_since| Known { purchases, weeks_known: 99.0, weeks_since, spent: 0.0 };
        assert_eq!(part_of(&known(1, 0.0)), "f0r0");
        assert_eq!(part_of(&known(5, 13.0)), "f3r3");
        assert_eq!(part_of(&known(10, 12.99)), "f5r2");
        assert_eq!(part_of(&known(99, 999.0)), "f5r5");
        assert_eq!(
            (cohort_of(0), cohort_of(89), cohort_of(90)),
            ("1970-Q1".into(), "1970-Q1".into(), "1970-Q2".into())
        );
    }

    /// Oracle: mean and variance of the counts that the model itself says, far out.
    #[test]
    fn intervals_are_those_of_the_models_counts() {
        let model = Fitted::ParetoNbd(ParetoNbd { r: 0.55, alpha: 10.6, s: 0.6, beta: 11.7 });
        let horizon = Horizon { period: 1.0, periods: 52, discount: 0.0, margin: 1.0 };
        for history in
            [History { frequency: 0, recency: 0.0, age: 30.0 }, History { frequency: 30, recency: 38.0, age: 38.0 }]
        {
            let found = Counts::of(&model, &history, &horizon);
            let chances = model.probabilities(&history, 52.0, 390);
            let mean: f64 = chances.iter().enumerate().map(|(n, it)| n as f64 * it).sum();
            let square: f64 = chances.iter().enumerate().map(|(n, it)| (n as f64).powi(2) * it).sum();
            assert!((found.expected - mean).abs() < 0.02 * mean + 1e-3, "{} {mean}", found.expected);
            let variance = square - mean * mean;
            assert!((found.variance - variance).abs() < 0.1 * variance + 1e-2, "{} {variance}", found.variance);
            let below: f64 = chances[..found.high as usize].iter().sum();
            assert!(below < 1.0 - TAIL && below + chances[found.high as usize] >= 1.0 - TAIL - 1e-9);
            assert!((found.discounted - found.expected).abs() < 1e-9, "no discount");
        }
    }
}
