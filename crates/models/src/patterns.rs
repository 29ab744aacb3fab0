//! What often happens one after the other: patterns in the sequences of events of many persons, and which of them tell two outcomes apart.
//!
//! * [`Patterns::mine`]: every pattern that at least so many persons show (PrefixSpan, Pei et al. 2001), with limits on gaps and on the whole span of time.
//! * [`Patterns::top`]: the k most common ones, without a threshold to guess.
//! * [`Patterns::closed`] and [`Patterns::maximal`]: those that no larger one makes superfluous.
//! * [`Patterns::discriminative`]: what comes more often before the one outcome than before the other, with odds ratios and false discovery.
//!
//! Always holds: a person counts once for a pattern, however often it is in their events; a threshold is a fraction of whole numbers ([`Share`]); events
//! of the same time are one step, in which none comes before another.
//!
//! Does not do: say that what comes before an outcome brings it about.

mod condensed;
mod contrast;
mod growth;

pub use contrast::Contrast;

use crate::baskets::Share;
use crate::fault::{Fault, none_of};

/// What happened to somebody at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, in any unit.
    pub time: f64,
    /// What, as places in the caller's list.
    pub items: Vec<u32>,
}

/// Events as steps: in the order of their times, those of one time together.
pub fn steps(events: &[(f64, u32)]) -> Vec<Step> {
    let mut events = events.to_vec();
    events.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let step = |same: &[(f64, u32)]| Step { time: same[0].0, items: same.iter().map(|it| it.1).collect() };
    events.chunk_by(|a, b| a.0 == b.0).map(step).collect()
}

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The share of all persons who show a pattern, at least.
    pub support: Share,
    /// The least time from one step of a pattern to the next.
    pub least_gap: f64,
    /// The longest time from one step to the next.
    pub longest_gap: f64,
    /// The longest time from the first step to the last.
    pub window: f64,
    /// Patterns of no fewer items than this.
    pub shortest: usize,
    /// Patterns of no more items than this.
    pub longest: usize,
    /// How many patterns there may be before the answer is that there are too many.
    pub most: usize,
}

impl Limits {
    /// Patterns of any size, whatever time lies between, up to a million of them.
    pub fn support(support: Share) -> Self {
        let endless = f64::INFINITY;
        let (least_gap, longest_gap, window) = (0.0, endless, endless);
        Self { support, least_gap, longest_gap, window, shortest: 1, longest: usize::MAX, most: 1_000_000 }
    }
}

/// Steps in their order, with who shows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    /// The items of each step, ascending.
    pub steps: Vec<Vec<u32>>,
    /// How many persons show it.
    pub persons: u64,
    /// How many of them had the outcome, if one was given.
    pub with_outcome: u64,
}

impl Pattern {
    /// How many items it has.
    pub fn items(&self) -> usize {
        self.steps.iter().map(Vec::len).sum()
    }
}

/// The patterns that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patterns {
    /// Each once, the most common first, of equals the shorter.
    pub patterns: Vec<Pattern>,
    /// How many persons there are.
    pub persons: u64,
    /// How many of them had the outcome, if one was given.
    pub with_outcome: u64,
}

impl Patterns {
    /// All patterns that enough persons show. Each person is their steps in ascending times.
    pub fn mine(persons: &[Vec<Step>], limits: &Limits) -> Result<Self, Fault> {
        check(persons, &[])?;
        growth::grow(persons, &[], limits, None)
    }

    /// The `k` most common patterns of at least `limits.shortest` items, and those as common as the last; `limits.support` is not gone below.
    pub fn top(persons: &[Vec<Step>], k: usize, limits: &Limits) -> Result<Self, Fault> {
        check(persons, &[])?;
        growth::grow(persons, &[], limits, Some(k))
    }

    /// All patterns that enough persons show, of either outcome together, with how many of them had it. For [`Patterns::discriminative`].
    pub fn mine_with_outcome(persons: &[Vec<Step>], outcome: &[bool], limits: &Limits) -> Result<Self, Fault> {
        if outcome.len() != persons.len() {
            return Err(Fault::Shape { what: "outcomes", have: outcome.len(), need: persons.len() });
        }
        check(persons, outcome)?;
        growth::grow(persons, outcome, limits, None)
    }
}

fn check(persons: &[Vec<Step>], outcome: &[bool]) -> Result<(), Fault> {
    if persons.is_empty() {
        return Err(Fault::TooFew { what: "persons", have: 0, need: 1 });
    }
    if !outcome.is_empty() && (outcome.iter().all(|it| *it) || !outcome.contains(&true)) {
        return Err(Fault::OneClass);
    }
    none_of(persons, |steps| steps.iter().any(|it| !it.time.is_finite()), |row| Fault::NotFinite { row })?;
    none_of(persons, |steps| steps.windows(2).any(|it| it[0].time >= it[1].time), |row| Fault::OutOfOrder { row })
}

#[cfg(test)]
mod tests;
