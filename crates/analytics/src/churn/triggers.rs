//! What comes before a loss more than it should: of people at a moment, what happened to them within a window before it, in its order, beside whether they then were
//! lost.
//!
//! Always holds: what counts had happened *and been heard of* before the moment; everybody is looked at once, at a moment that chance chose and not what became of them,
//! within a window as long for all and of which all is known; every pattern that was looked at counts for the rate of false findings.
//!
//! Does not do: say that what comes before a loss brings it about; find patterns (`rapport_models::patterns`).

mod happened;
mod mining;
mod told;

use std::collections::HashMap;

use rapport_domain::PersonId;
use rapport_models::Fault;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Content, Rows};
use crate::scores::Verdict;

pub use happened::{Happened, Happenings, Vocabulary, Written};
pub use mining::{Trigger, mine};
pub use told::Told;

/// So many of both kinds it takes.
const LEAST_OF_BOTH: usize = 50;
/// The share of false findings at which something is told.
const FALSE: f64 = 0.05;

/// What was found, and among how many patterns.
type Mined = Result<(Vec<Trigger>, u64), Fault>;

/// What comes before a loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnTriggers)]
pub struct Triggers {
    /// Within so many days before a moment.
    pub window_days: i32,
    /// How many people were looked at, each at one moment.
    pub people: u64,
    /// How many of them then were lost.
    pub lost: u64,
    /// How many patterns were looked at.
    pub patterns: u64,
    /// Those that are more than chance, the surest first.
    pub found: Vec<Trigger>,
    /// Why it could not be looked for; null where it could.
    pub verdict: Option<Verdict>,
}

/// Looks for what comes before a loss in what happened before the moments; `gone` says who was lost within the horizon from a day on.
pub(super) fn looked_for(happenings: &Happenings, gone: &dyn Fn(PersonId, i32) -> bool) -> Triggers {
    let is_lost = |it: &Happened| gone(it.person, happenings.day(it.look));
    let happened: Vec<&Happened> = happenings.all.iter().collect();
    let lost: Vec<bool> = happenings.all.iter().map(is_lost).collect();
    let many = lost.iter().filter(|it| **it).count();
    let found = |patterns: u64, found: Vec<Trigger>, verdict: Option<Verdict>| Triggers {
        window_days: happenings.window,
        people: happened.len() as u64,
        lost: many as u64,
        patterns,
        found,
        verdict,
    };
    let none = |verdict: Verdict| found(0, Vec::new(), Some(verdict));
    for (code, have, what) in [("too_few_lost", many, "were lost"), ("too_few_stayed", lost.len() - many, "stayed")] {
        if have < LEAST_OF_BOTH {
            let text = format!(
                "Too few customers {what} of whom the {} days before are known: {have}, and it takes at least {LEAST_OF_BOTH}.",
                happenings.window
            );
            return none(Verdict::too_few(code, have, LEAST_OF_BOTH, text));
        }
    }
    match mine(&happened, &lost, &happenings.vocabulary) {
        Ok((told, patterns)) => found(patterns, told, None),
        Err(fault) => none(Verdict::of(&fault)),
    }
}

/// Which of the triggers that a version found each of these people have now, in the order of their rows: places in its list.
pub(super) fn present(content: &Content, rows: &Rows, happenings: &Happenings) -> Vec<Vec<usize>> {
    let Some(triggers) = &content.triggers else { return vec![Vec::new(); rows.rows.len()] };
    let patterns: Vec<Option<Vec<Vec<u32>>>> =
        triggers.found.iter().map(|it| happenings.vocabulary.places(&it.steps)).collect();
    let own: HashMap<PersonId, &Happened> = happenings.all.iter().map(|it| (it.person, it)).collect();
    let has = |it: &Happened| {
        let shown =
            patterns.iter().enumerate().filter(|(_, steps)| steps.as_ref().is_some_and(|steps| it.shows(steps)));
        shown.map(|(at, _)| at).collect()
    };
    rows.rows.iter().map(|row| own.get(&row.person).map_or_else(Vec::new, |it| has(it))).collect()
}
