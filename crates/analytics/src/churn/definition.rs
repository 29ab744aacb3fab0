//! What lost means, as data, and who is lost by it.

use rapport_domain::PersonId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::triggers::{self, Happenings};
use super::{Contract, Settings, Subscriptions};
use crate::foretelling::{self, Asked, Foretold, LEAST_PEOPLE, Looks, ROWS, Row, Rows, Words, moments};
use crate::scores::Verdict;
use crate::scores::measured::{Came, Grouping};
use crate::value::Bought;

/// The horizon is proposed between these weeks.
const PROPOSED: (i32, i32) = (4, 26);
/// Within so many weeks a subscription ends, where nobody said.
const USUAL: i32 = 4;
/// With fewer gaps between purchases none is proposed by them.
const LEAST_GAPS: usize = 20;

/// All that a version keeps.
pub type Content = foretelling::Content<Definition>;
/// The version before.
pub type Before = foretelling::Before<Definition>;
/// A version, before anybody decided about it.
pub type Learned = foretelling::Learned<Definition>;

/// What lost means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ChurnDefinition)]
pub struct Definition {
    /// Who buys nothing for so many weeks is lost; with a contract, whose subscription ends within them.
    pub horizon_weeks: i32,
    /// Who has bought nothing for so many weeks is lost already; 0 with a contract.
    pub active_weeks: i32,
    /// Whether the horizon was proposed by the data.
    pub is_proposed: bool,
    /// By which events somebody has a subscription and which end it; null where a loss is that somebody buys nothing.
    #[serde(default)]
    pub contract: Option<Contract>,
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
        let what = |it: &Self| (it.horizon_weeks, it.active_weeks);
        what(self) == what(other) && self.contract == other.contract
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
        Ok(Self {
            horizon_weeks,
            active_weeks: active.unwrap_or(2 * horizon_weeks),
            is_proposed: chosen.is_none(),
            contract: None,
        })
    }

    /// Where customers have a subscription.
    ///
    /// # Errors
    /// There are too few people.
    pub fn by_contract(
        contract: &Contract,
        subscriptions: &Subscriptions,
        settings: &Settings,
    ) -> Result<Self, Verdict> {
        let people = subscriptions.people();
        if people < LEAST_PEOPLE {
            let text = format!(
                "Too few customers: {people} have or had a subscription, and it takes at least {LEAST_PEOPLE} to tell how people differ."
            );
            return Err(Verdict::too_few("too_few_subscribers", people, LEAST_PEOPLE, text));
        }
        let chosen = settings.horizon_weeks.and_then(|it| i32::try_from(it).ok());
        Ok(Self {
            horizon_weeks: chosen.unwrap_or(USUAL),
            active_weeks: 0,
            is_proposed: false,
            contract: Some(contract.clone()),
        })
    }

    /// Who has not bought for so many days is no row. With a contract everybody is one of whom anything is known, as long as they have a subscription
    /// ([`Subscriptions::keep`]).
    pub fn active(&self) -> i32 {
        if self.contract.is_some() { i32::MAX } else { 7 * self.active_weeks }
    }

    /// Within how many days before a moment it is looked what happened: a horizon, but a month at least and half a year at most.
    pub fn window(&self) -> i32 {
        self.horizon().clamp(28, 182)
    }

    fn moments(
        &self,
        (bought, subscriptions): (&Bought, Option<&Subscriptions>),
        end: i32,
    ) -> Result<Vec<i32>, Verdict> {
        let first = subscriptions.map_or_else(|| bought.first_day(), Subscriptions::first_day);
        moments(first.unwrap_or(end), end, self.horizon_weeks)
    }

    /// The present alone; at most so many rows are made.
    pub fn now(&self, end: i32, most: usize) -> Looks {
        let anybody = self.contract.is_some();
        Looks { days: vec![end], is_present: true, active: self.active(), anybody, most }
    }

    /// The days that are learnt from, a horizon apart, the last of them the present; `more` are looked at as well.
    ///
    /// # Errors
    /// There is too little time.
    pub fn looks(
        &self,
        (bought, subscriptions): (&Bought, Option<&Subscriptions>),
        end: i32,
        more: &[i32],
    ) -> Result<Looks, Verdict> {
        let mut days = self.moments((bought, subscriptions), end)?;
        days.extend(more.iter().filter(|it| **it < end));
        days.push(end);
        days.sort_unstable();
        days.dedup();
        Ok(Looks { days, ..self.now(end, ROWS) })
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

/// Whether somebody bought nothing within the horizon from a day on, or had no subscription any more by its end.
pub(super) fn is_lost(
    (bought, subscriptions): (&Bought, Option<&Subscriptions>),
    person: PersonId,
    (from, until): (i32, i32),
) -> bool {
    if let Some(all) = subscriptions {
        return all.is_lost(person, from, until);
    }
    let buyer = bought.buyers.binary_search_by_key(&person, |it| it.person).ok().map(|it| &bought.buyers[it]);
    buyer.is_none_or(|it| it.later(from, until).0 == 0)
}

/// Learns who is lost, and what comes before it. `rows` and `happenings` are those of [`Definition::looks`], with a contract those of people who had a subscription;
/// `step` is told how many of [`STEPS`](foretelling::STEPS) are done.
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
    let (subscriptions, horizon) = (happenings.subscriptions(), definition.horizon());
    let moments = definition.moments((bought, subscriptions), end)?;
    let gone = |person: PersonId, day: i32| is_lost((bought, subscriptions), person, (day, day + horizon));
    let outcome = |row: &Row, day: i32| Some(gone(row.person, day));
    let asked = Asked { bought, rows, definition, end, moments: &moments, outcome: &outcome, before, groupings, seed };
    let mut learned = foretelling::learn(&asked, step)?;
    learned.content.triggers = Some(triggers::looked_for(happenings, &gone));
    Ok(learned)
}

/// What became of those whom a version spoke of when it was fitted. `None` before its horizon has passed, and where nobody was lost or can be looked at.
pub fn came(
    (bought, rows, subscriptions): (&Bought, &Rows, Option<&Subscriptions>),
    content: &Content,
    end: i32,
) -> Option<Came> {
    let horizon = content.definition.horizon();
    let outcome = |row: &Row, day: i32| Some(is_lost((bought, subscriptions), row.person, (day, day + horizon)));
    foretelling::came((bought, rows), content, &outcome, end)
}
