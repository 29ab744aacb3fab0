//! What lost means, as data, and who is lost by it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Settings;
use super::triggers::{self, Happenings};
use crate::foretelling::{self, Asked, Foretold, LEAST_PEOPLE, Looks, ROWS, Row, Rows, Words, moments};
use crate::scores::Verdict;
use crate::scores::measured::{Came, Grouping};
use crate::value::Bought;

/// The horizon is proposed between these weeks.
const PROPOSED: (i32, i32) = (4, 26);
/// With fewer gaps between purchases none is proposed by them.
const LEAST_GAPS: usize = 20;

/// All that a version keeps.
pub type Content = foretelling::Content<Definition>;
/// The version before.
pub type Before = foretelling::Before<Definition>;
/// A version, before anybody decided about it.
pub type Learned = foretelling::Learned<Definition>;

/// What lost means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnDefinition)]
pub struct Definition {
    /// Who buys nothing for so many weeks is lost.
    pub horizon_weeks: i32,
    /// Who has bought nothing for so many weeks is lost already.
    pub active_weeks: i32,
    /// Whether the horizon was proposed by the data.
    pub is_proposed: bool,
}

impl Foretold for Definition {
    const WORDS: Words = Words {
        few: [("too_few_lost", "were lost"), ("too_few_stayed", "stayed")],
        nothing: "What is known of customers tells no better than chance who will be lost.",
        all_but: "who is lost",
        spent_where: false,
    };

    fn horizon(&self) -> i32 {
        7 * self.horizon_weeks
    }

    fn is_alike(&self, other: &Self) -> bool {
        (self.horizon_weeks, self.active_weeks) == (other.horizon_weeks, other.active_weeks)
    }
}

impl Definition {
    /// As staff chose it, or as the data propose it.
    ///
    /// # Errors
    /// There are too few people, or too few gaps between purchases.
    pub fn of(bought: &Bought, end: i32, settings: &Settings) -> Result<Self, Verdict> {
        let people = bought.buyers.len();
        if people < LEAST_PEOPLE {
            let text = format!(
                "Too few customers: {people} have bought, and it takes at least {LEAST_PEOPLE} to tell how people differ."
            );
            return Err(Verdict::too_few("too_few_people", people, LEAST_PEOPLE, text));
        }
        let chosen = settings.horizon_weeks.and_then(|it| i32::try_from(it).ok());
        let horizon_weeks = match chosen {
            Some(weeks) => weeks,
            None => proposed(bought, end)?,
        };
        let active = settings.active_weeks.and_then(|it| i32::try_from(it).ok());
        Ok(Self { horizon_weeks, active_weeks: active.unwrap_or(2 * horizon_weeks), is_proposed: chosen.is_none() })
    }

    /// Within how many days before a moment it is looked what happened: a horizon, but a month at least and half a year at most.
    pub fn window(&self) -> i32 {
        self.horizon().clamp(28, 182)
    }

    fn moments(&self, bought: &Bought, end: i32) -> Result<Vec<i32>, Verdict> {
        moments(bought.first_day().unwrap_or(end), end, self.horizon_weeks)
    }

    /// The days that are learnt from, a horizon apart, the last of them the present; `more` are looked at as well.
    ///
    /// # Errors
    /// There is too little time.
    pub fn looks(&self, bought: &Bought, end: i32, more: &[i32]) -> Result<Looks, Verdict> {
        let mut days = self.moments(bought, end)?;
        days.extend(more.iter().filter(|it| **it < end));
        days.push(end);
        days.sort_unstable();
        days.dedup();
        Ok(Looks { days, is_present: true, active: 7 * self.active_weeks, anybody: false, most: ROWS })
    }
}

/// The weeks within which nine of ten purchases follow the one before, as far as there is time for three of them.
fn proposed(bought: &Bought, end: i32) -> Result<i32, Verdict> {
    let mut gaps: Vec<i32> = Vec::new();
    for buyer in &bought.buyers {
        let days = &buyer.days[..buyer.days.partition_point(|it| it.day < end)];
        gaps.extend(days.windows(2).map(|pair| pair[1].day - pair[0].day));
    }
    if gaps.len() < LEAST_GAPS {
        let text = format!(
            "Too few customers bought again to propose when somebody is lost: {} times, where it takes at least {LEAST_GAPS}. Say a horizon in the settings.",
            gaps.len()
        );
        return Err(Verdict::too_few("no_horizon", gaps.len(), LEAST_GAPS, text));
    }
    gaps.sort_unstable();
    let usual = (gaps[gaps.len() * 9 / 10] + 6) / 7;
    let time = (end - bought.first_day().unwrap_or(end)) / 7 / 4;
    Ok(usual.clamp(PROPOSED.0, PROPOSED.1).min(time.max(PROPOSED.0)))
}

/// Whether whoever a row is of bought nothing within the horizon from a day on.
fn lost(bought: &Bought, horizon: i32) -> impl Fn(&Row, i32) -> Option<bool> {
    move |row, day| {
        let buyer = bought.buyers.binary_search_by_key(&row.person, |it| it.person).ok().map(|it| &bought.buyers[it]);
        Some(buyer.is_none_or(|it| it.later(day, day + horizon).0 == 0))
    }
}

/// Learns who is lost, and what comes before it. `rows` and `happenings` are those of [`Definition::looks`]; `step` is told how many of [`STEPS`](foretelling::STEPS) are
/// done.
///
/// # Errors
/// The data do not carry a model: the sentence that says why.
pub fn learn(
    (bought, rows, happenings): (&Bought, &Rows, &Happenings),
    definition: Definition,
    (end, before): (i32, Option<&Before>),
    groupings: &[Grouping],
    seed: u64,
    step: &dyn Fn(usize),
) -> Result<Learned, Verdict> {
    let moments = definition.moments(bought, end)?;
    let outcome = lost(bought, definition.horizon());
    let asked = Asked { bought, rows, definition, end, moments: &moments, outcome: &outcome, before, groupings, seed };
    let mut learned = foretelling::learn(&asked, step)?;
    learned.content.triggers = Some(triggers::looked_for(happenings, bought, definition.horizon()));
    Ok(learned)
}

/// What became of those whom a version spoke of when it was fitted. `None` before its horizon has passed, and where nobody was lost or can be looked at.
pub fn came(bought: &Bought, rows: &Rows, content: &Content, end: i32) -> Option<Came> {
    foretelling::came((bought, rows), content, &lost(bought, content.definition.horizon()), end)
}
