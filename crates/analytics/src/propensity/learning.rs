//! From rows and what people then did to a version.

use std::collections::BTreeSet;

use super::{Before, Content, Definition, Learned, Truth};
use crate::foretelling::{self, Asked, LEAST_PEOPLE, Looks, ROWS, Rows, moments};
use crate::scores::Verdict;
use crate::scores::measured::{Came, Grouping};
use crate::value::Bought;

/// The days that are learnt from, a horizon apart, the last of them the present; `first` is the first day that anything is known of, `more` are looked at as well.
///
/// # Errors
/// There is too little time.
pub fn looks(definition: &Definition, first: i32, end: i32, more: &[i32]) -> Result<Looks, Verdict> {
    let weeks = i32::try_from(definition.horizon_weeks).unwrap_or(i32::MAX / 7);
    let mut days = moments(first, end, weeks)?;
    days.extend(more.iter().filter(|it| **it < end));
    days.push(end);
    days.sort_unstable();
    days.dedup();
    Ok(Looks { days, is_present: true, active: definition.active_days(), anybody: true, most: ROWS })
}

/// Learns who will do it. `rows` are those of [`looks`] of the same `first` and `end`; `step` is told how many of [`STEPS`](foretelling::STEPS) are done.
///
/// # Errors
/// The data do not carry a model: the sentence that says why.
pub fn learn(
    (bought, rows, truth): (&Bought, &Rows, &Truth),
    definition: Definition,
    (first, end, before): (i32, i32, Option<&Before>),
    groupings: &[Grouping],
    seed: u64,
    step: &dyn Fn(usize),
) -> Result<Learned, Verdict> {
    let weeks = i32::try_from(definition.horizon_weeks).unwrap_or(i32::MAX / 7);
    let moments = moments(first, end, weeks)?;
    let outcome = truth.outcome(bought, &definition);
    let asked_about = rows.rows.iter().filter(|row| {
        let day = rows.days[row.look];
        moments.contains(&day) && outcome(row, day).is_some()
    });
    let people = asked_about.map(|it| it.person).collect::<BTreeSet<_>>().len();
    if people < LEAST_PEOPLE {
        let text = format!(
            "Too few people: {people} could have been asked about, and it takes at least {LEAST_PEOPLE} to tell how people differ."
        );
        return Err(Verdict::too_few("too_few_asked", people, LEAST_PEOPLE, text));
    }
    let asked = Asked {
        bought,
        rows,
        definition: definition.clone(),
        end,
        moments: &moments,
        outcome: &outcome,
        before,
        groupings,
        seed,
    };
    foretelling::learn(&asked, step)
}

/// What became of those whom a version spoke of when it was fitted. `None` before its horizon has passed, and where nobody did it or can be looked at.
pub fn came((bought, rows, truth): (&Bought, &Rows, &Truth), content: &Content, end: i32) -> Option<Came> {
    let outcome = truth.outcome(bought, &content.definition);
    foretelling::came((bought, rows), content, &outcome, end)
}
