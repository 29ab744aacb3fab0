//! When people buy again: how long after a purchase until the next one (Kaplan and Meier 1958), and after how long hardly anybody still does.
//!
//! Always holds: everybody counts once, by the first purchase that they made within a span of time. Which of somebody's waits is looked at is known when it begins, and so is not chosen by how long it then lasts; and intervals, which are of
//! independent waits, hold. Whoever had not bought again when the data end is known to have waited at least so long. Figures are told as far as enough people bought so long ago; with too few there is a sentence instead.
//!
//! Does not do: say who will be lost ([`super::Run`]), or why.

mod lapse;
#[cfg(test)]
mod tests;
mod waits;

use rapport_domain::PersonId;
use rapport_models::estimate::TAILS;
use rapport_models::survival::{KaplanMeier, Lifetimes, Weighting, log_rank};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scores::{Sure, Verdict};
use crate::value::{Bought, date_of};
use waits::Wait;

pub use lapse::{LAPSED, LAPSING, Lapse};

/// So many days back waits begin at most: those of the first year are then watched for a year or longer, and older ones are of another time.
const SPAN: i32 = 7 * 104;
/// With fewer people nothing is told.
const LEAST_PEOPLE: usize = 30;
/// Nor if fewer of them bought again.
const LEAST_AGAIN: usize = 10;
/// The weeks of the table.
const WEEKS: [i32; 7] = [1, 2, 4, 8, 13, 26, 52];
/// The last week of the curve.
const LAST: i32 = 52;

/// When people buy again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnWhen)]
pub struct When {
    /// Everybody counts by the first purchase that they made since this day.
    pub since: String,
    /// Everybody.
    pub all: Waits,
    /// Those who had never bought before.
    pub new: Waits,
    /// Those who had.
    pub returning: Waits,
    /// Whether these two differ; null where that cannot be told.
    pub difference: Option<Difference>,
    /// After how long hardly anybody still buys again; null as long as that is not seen.
    pub lapse: Option<Lapse>,
    /// How many people who bought are left out, as their data may not be used.
    pub left_out: u64,
}

/// How long people wait until they buy again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnWaits)]
pub struct Waits {
    /// How many people.
    pub people: u64,
    /// How many of them bought again.
    pub bought_again: u64,
    /// Why nothing is told of them; null where something is.
    pub verdict: Option<Verdict>,
    /// For so many days after the purchase it is told: so long ago enough of them bought.
    pub known_days: u32,
    /// Within some weeks.
    pub weeks: Vec<ByWeek>,
    /// Within each week, as far as it is told.
    pub curve: Vec<Point>,
    /// Within which time half of them bought again.
    pub half: Half,
}

/// Who bought again within so many weeks, and who later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnWaitsByWeek)]
pub struct ByWeek {
    /// Weeks after the purchase.
    pub weeks: u32,
    /// The share that had bought again by then; null where too few bought so long ago.
    pub share: Option<Sure>,
    /// How many had been watched for so long and had not bought again.
    pub waiting: u64,
    /// Of those who had not, the share that then did within the horizon; null where too few were watched for so long.
    pub later: Option<Sure>,
}

/// A point of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnWaitsPoint)]
pub struct Point {
    /// Weeks after the purchase.
    pub weeks: u32,
    /// The share that had bought again by then.
    pub share: Sure,
    /// How many had been watched for so long and had not bought again.
    pub waiting: u64,
}

/// The median of waits, those who never buy again among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnWaitsHalf)]
pub struct Half {
    /// Within so many days half bought again; null where that had not come to pass as far as it is told.
    pub days: Option<u32>,
    /// The lower end of its interval of 95 %.
    pub low: Option<u32>,
    /// The upper end; null where it lies beyond what is told.
    pub high: Option<u32>,
}

/// New customers beside returning ones (log-rank test: Mantel 1966).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnWaitsDifference)]
pub struct Difference {
    /// Who buys again sooner: `new` or `returning`.
    pub sooner: String,
    /// How many of the new ones would have bought again, if both were alike.
    pub new_expected: f64,
    /// How many of the returning ones.
    pub returning_expected: f64,
    /// The statistic of the test: chi-square with one degree of freedom.
    pub statistic: f64,
    /// How likely one as large is by chance.
    pub p: f64,
}

impl When {
    /// Of what everybody bought before a day, with a horizon in days.
    pub(super) fn of(bought: &Bought, (end, horizon): (i32, i32)) -> Self {
        // Whoever buys for the first time within a horizon of the data's beginning may well have bought before it, and nobody knows.
        let since = bought.first_day().map_or(end, |it| it.saturating_add(horizon).max(end - SPAN));
        let all: Vec<Wait> = bought.buyers.iter().filter_map(|it| Wait::of(it, since, end)).collect();
        let part = |is_new: bool| all.iter().filter(|it| it.is_new == is_new).copied().collect::<Vec<Wait>>();
        let [new, returning] = [true, false].map(part);
        let is_told = [&new, &returning].iter().all(|it| told(it).is_ok());
        Self {
            since: date_of(since),
            difference: if is_told { difference(&all) } else { None },
            lapse: told(&all).ok().and_then(|curve| Lapse::of(&all, &curve, horizon)),
            all: Waits::of(&all, horizon),
            new: Waits::of(&new, horizon),
            returning: Waits::of(&returning, horizon),
            left_out: bought.restricted,
        }
    }

    /// Counts who of these people has waited so long that hardly anybody still buys again, and who soon will have. Marks by which they are found, in their order.
    pub(super) fn marks(&mut self, bought: &Bought, people: &[PersonId], end: i32) -> Vec<Option<&'static str>> {
        let none = || vec![None; people.len()];
        self.lapse.as_mut().map_or_else(none, |it| it.marks(bought, people, end))
    }
}

impl Waits {
    fn of(waits: &[Wait], horizon: i32) -> Self {
        let found = Self { people: waits.len() as u64, bought_again: over(waits) as u64, ..Self::default() };
        let curve = match told(waits) {
            Ok(curve) => curve,
            Err(verdict) => return Self { verdict: Some(verdict), ..found },
        };
        let known = waits::known(waits);
        let waiting = |weeks: i32| waits::lasting(waits, 7 * weeks);
        let share = |weeks: i32| {
            let is_known = 7 * weeks <= known;
            is_known.then(|| waits::share(&curve, waiting(weeks), 7 * weeks)).flatten()
        };
        let row = |weeks: i32| ByWeek {
            weeks: weeks.unsigned_abs(),
            share: share(weeks),
            waiting: waiting(weeks) as u64,
            later: waits::later(waits, 7 * weeks, horizon).map(|it| it.0),
        };
        let point = |weeks: i32| {
            let share = share(weeks)?;
            Some(Point { weeks: weeks.unsigned_abs(), share, waiting: waiting(weeks) as u64 })
        };
        Self {
            known_days: known.unsigned_abs(),
            weeks: WEEKS.map(row).to_vec(),
            curve: (1..=LAST).map_while(point).collect(),
            half: half(&curve, known),
            ..found
        }
    }
}

fn over(waits: &[Wait]) -> usize {
    waits.iter().filter(|it| it.is_over).count()
}

/// The share that still waits after each day, or why it is not told.
fn told(waits: &[Wait]) -> Result<KaplanMeier, Verdict> {
    for (code, have, need, what) in [
        ("too_few_people", waits.len(), LEAST_PEOPLE, "bought"),
        ("too_few_again", over(waits), LEAST_AGAIN, "bought again"),
    ] {
        if have < need {
            let text = format!("Too few people {what}: {have}, and it takes at least {need}.");
            return Err(Verdict::too_few(code, have, need, text));
        }
    }
    waits::curve(waits).map_err(|fault| Verdict::of(&fault))
}

fn half(curve: &KaplanMeier, known: i32) -> Half {
    let found = curve.quantile(0.5, TAILS);
    // Beyond what is told a curve hangs on a few.
    let day = |it: Option<f64>| it.filter(|it| *it <= f64::from(known)).map(|it| it as u32);
    Half { days: day(found.value), low: day(found.low), high: day(found.high) }
}

fn difference(waits: &[Wait]) -> Option<Difference> {
    let (days, is_over) = waits::columns(waits);
    let lifetimes = Lifetimes::new(&days, &is_over);
    let groups: Vec<usize> = waits.iter().map(|it| usize::from(it.is_new)).collect();
    let test = log_rank(&lifetimes, &groups, Weighting::LogRank).ok()?;
    let curve = KaplanMeier::fit(&lifetimes).ok()?;
    // What is expected of a group, if all are alike: of each of its people, what had come together by the end of their wait.
    let hazard = |it: &Wait| {
        let steps = &curve.steps[..curve.steps.partition_point(|step| step.time <= f64::from(it.days))];
        steps.last().map_or(0.0, |step| step.cumulative_hazard)
    };
    let expected = |is_new: bool| waits.iter().filter(|it| it.is_new == is_new).map(hazard).sum::<f64>();
    let new_again = waits.iter().filter(|it| it.is_new && it.is_over).count() as f64;
    let [new_expected, returning_expected] = [true, false].map(expected);
    let sooner = if new_again > new_expected { "new" } else { "returning" };
    Some(Difference {
        sooner: sooner.to_owned(),
        new_expected,
        returning_expected,
        statistic: test.statistic,
        p: test.p,
    })
}
