//! Waits from a purchase to the next one, one a person.
//!
//! Always holds: a wait that is not over lasts until the last day that is known; an interval is finite, and is as wide as what was seen allows also where nobody, or everybody, bought again.

use std::cmp::Reverse;

use rapport_models::Fault;
use rapport_models::estimate::TAILS;
use rapport_models::survey::{self, Confidence};
use rapport_models::survival::{KaplanMeier, Lifetimes};

use super::LEAST_PEOPLE;
use crate::scores::Sure;
use crate::value::Buyer;

/// The wait after the first purchase that somebody made within the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// How many days it lasted, or has lasted so far.
    pub(super) days: i32,
    /// Whether they bought again.
    pub(super) is_over: bool,
    /// How many days ago it began, as of the last day that is known: so long it could be watched.
    pub(super) watched: i32,
    /// Whether they had never bought before.
    pub(super) is_new: bool,
}

impl Wait {
    /// `None` of whoever bought nothing from the day `since` to before the day `end`.
    pub(super) fn of(buyer: &Buyer, since: i32, end: i32) -> Option<Self> {
        let days = &buyer.days[..buyer.days.partition_point(|it| it.day < end)];
        let at = days.partition_point(|it| it.day < since);
        let from = days.get(at)?.day;
        let (watched, next) = (end - 1 - from, days.get(at + 1).map(|it| it.day - from));
        Some(Self { days: next.unwrap_or(watched), is_over: next.is_some(), watched, is_new: at == 0 })
    }

    /// Whether it was watched for so many days, and was not over by then.
    fn lasts(&self, days: i32) -> bool {
        self.days > days || (self.days == days && !self.is_over)
    }
}

/// How many were watched for so many days, and were not over by then.
pub(super) fn lasting(waits: &[Wait], days: i32) -> usize {
    waits.iter().filter(|it| it.lasts(days)).count()
}

/// As many days ago enough of them began. Which ones may be told so far thus hangs on when people bought, and not on how long they then waited.
pub(super) fn known(waits: &[Wait]) -> i32 {
    let mut watched: Vec<i32> = waits.iter().map(|it| it.watched).collect();
    watched.sort_unstable_by_key(|it| Reverse(*it));
    watched.get(LEAST_PEOPLE - 1).copied().unwrap_or(0)
}

/// How long they lasted, and whether they were over then.
pub(super) fn columns(waits: &[Wait]) -> (Vec<f64>, Vec<bool>) {
    waits.iter().map(|it| (f64::from(it.days), it.is_over)).unzip()
}

/// The share that still waits after each day.
pub(super) fn curve(waits: &[Wait]) -> Result<KaplanMeier, Fault> {
    let (days, is_over) = columns(waits);
    KaplanMeier::fit(&Lifetimes::new(&days, &is_over))
}

/// The share whose wait was over by a day, `lasting` of which were watched for so long and were not; `None` after the last day that was seen.
pub(super) fn share(curve: &KaplanMeier, lasting: usize, days: i32) -> Option<Sure> {
    let left = curve.at(f64::from(days), TAILS)?;
    let mut share = Sure { value: 1.0 - left.value, low: 1.0 - left.high, high: 1.0 - left.low };
    // Greenwood's formula knows no more than what happened: of what never did it says that it never does, and once all are over it says nothing.
    if left.value >= 1.0 {
        share.high = at_most(lasting);
    }
    if left.value <= 0.0 {
        let last = curve.steps.iter().position(|it| it.survival <= 0.0)?;
        let before = last.checked_sub(1).and_then(|it| curve.at(curve.steps[it].time, TAILS));
        share.low = 1.0 - before.map_or(1.0, |it| it.high) * at_most(curve.steps[last].at_risk);
    }
    Some(share)
}

/// The upper end of the interval of a share of which nobody was seen among so many (Wilson 1927).
fn at_most(people: usize) -> f64 {
    survey::share(0, people as u64, Confidence::default()).map_or(1.0, |(_, (_, high))| high)
}

/// Of those who still wait after a day, the share whose wait is over within so many days more; and how many of them could be watched for so long. `None` where these are too few.
pub(super) fn later(waits: &[Wait], days: i32, horizon: i32) -> Option<(Sure, usize)> {
    let more = |it: &Wait| Wait { days: it.days - days, watched: it.watched - days, ..*it };
    let rest: Vec<Wait> = waits.iter().filter(|it| it.days > days).map(more).collect();
    let people = rest.iter().filter(|it| it.watched >= horizon).count();
    if people < LEAST_PEOPLE {
        return None;
    }
    Some((share(&curve(&rest).ok()?, lasting(&rest, horizon), horizon)?, people))
}
