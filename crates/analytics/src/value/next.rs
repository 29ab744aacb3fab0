//! When somebody buys next, by their own cycle: as a date, between two.
//!
//! Always holds: it is said only of whoever has bought again and is probably still there; how often such an interval held is measured on the weeks held out.

use rapport_models::buying::{Cycle as Fitted, History};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::purchases::{Bought, Known};
use super::{WEEK, date_of};
use crate::scores::Sure;

/// So much lies before an interval, and as much after it: four of five times it holds.
const OUTSIDE: f64 = 0.1;
/// With a lower probability that somebody is still there, they are not waited for.
const THERE: f64 = 0.5;
/// With fewer people whose interval is over it is not told how often it held.
const LEAST_JUDGED: usize = 20;

/// How people come back, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cycle {
    /// How regular one person is: 1 is at random.
    pub k: f64,
    /// The shape of the distribution of rates over people.
    pub shape: f64,
    /// Its scale, in weeks.
    pub scale: f64,
    /// Of those who bought again in the weeks held out, and whose interval was over, the share who did within it; it should be 80 %.
    pub held: Option<Sure>,
}

/// When somebody is expected to buy next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ValueNext)]
pub struct Next {
    /// The day: as likely before as after.
    pub expected_at: String,
    /// With 80 % between this day,
    pub earliest: String,
    /// and this one.
    pub latest: String,
}

/// The day that is so many weeks ahead.
#[expect(clippy::cast_possible_truncation, reason = "a cast of a number too large is the largest")]
fn days(weeks: f64) -> i32 {
    (WEEK * weeks).ceil().clamp(1.0, 1e6) as i32
}

/// Days since the last purchase.
#[expect(clippy::cast_possible_truncation, reason = "days that were counted")]
fn days_since(history: &History) -> i32 {
    (WEEK * (history.age - history.recency)).round() as i32
}

impl Cycle {
    /// Fitted to what everybody did, and judged by what those did whose cut is earlier. `None` where it cannot be told.
    pub(super) fn fit(bought: &Bought, all: &[History], (cut, end): (i32, i32)) -> Option<Self> {
        let fitted = Fitted::fit(all).ok().filter(Fitted::is_sound)?;
        Some(Self { k: fitted.k, shape: fitted.shape, scale: fitted.scale, held: held(bought, (cut, end)) })
    }

    fn fitted(&self) -> Fitted {
        Fitted { k: self.k, shape: self.shape, scale: self.scale }
    }

    /// When somebody who did this is expected next, if they are probably still there.
    pub(super) fn next(&self, done: &Known, alive: f64) -> Option<Next> {
        if alive < THERE {
            return None;
        }
        let found = self.fitted().next(&done.history, OUTSIDE)?;
        // The day that is the present of what they did.
        let now = done.last + days_since(&done.history);
        let date = |weeks: f64| date_of(now.saturating_add(days(weeks)));
        Some(Next { expected_at: date(found.median), earliest: date(found.low), latest: date(found.high) })
    }
}

/// How often intervals held that were told at a day in the past, by what was known then.
fn held(bought: &Bought, (cut, end): (i32, i32)) -> Option<Sure> {
    let known: Vec<(usize, Known)> =
        bought.buyers.iter().enumerate().filter_map(|(at, it)| Some((at, it.known(cut)?))).collect();
    let histories: Vec<History> = known.iter().map(|it| it.1.history).collect();
    let cycle = Fitted::fit(&histories).ok()?;
    let mut held = Vec::new();
    for (at, known) in &known {
        let Some(next) = cycle.next(&known.history, OUTSIDE) else { continue };
        let later = bought.buyers[*at].days.iter().map(|it| it.day).find(|day| *day >= cut && *day < end);
        let until = cut - 1 + days(next.high);
        if let Some(day) = later.filter(|_| until < end) {
            let is_within = day >= cut - 1 + days(next.low) && day <= until;
            held.push(f64::from(u8::from(is_within)));
        }
    }
    (held.len() >= LEAST_JUDGED).then(|| Sure::mean(&held))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Buyer, Day};
    use rapport_domain::PersonId;

    #[test]
    fn who_buys_by_the_clock_is_expected_on_their_day_and_who_is_gone_is_not() {
        let cycle = Cycle { k: 100.0, shape: 3.0, scale: 0.08, held: None };
        // Every four weeks, the last time three weeks before day 20,000, which is not known yet.
        let days: Vec<Day> = (0..12).map(|n| Day { day: 20_000 - 1 - 21 - 28 * n, micros: None }).rev().collect();
        let known = Buyer { person: PersonId(1), days }.known(20_000).unwrap();
        let next = cycle.next(&known, 0.9).unwrap();
        assert!(date_of(20_004) <= next.expected_at && next.expected_at <= date_of(20_009), "{next:?}");
        assert!(next.earliest >= date_of(20_000) && next.earliest <= next.expected_at);
        assert!(next.latest >= next.expected_at && next.latest <= date_of(20_016), "{next:?}");
        assert_eq!(cycle.next(&known, 0.4), None, "probably gone");
        let once = Buyer { person: PersonId(1), days: vec![Day { day: 19_000, micros: None }] }.known(20_000).unwrap();
        assert_eq!(cycle.next(&once, 0.9), None, "no cycle yet");
    }
}
