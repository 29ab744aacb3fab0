//! Which model offers best in this workspace, and how good that is: tried on the past, judged on weeks that the choice has not seen.
//!
//! The last weeks are three windows of the same length. Plans are tried on the first two, and the best is judged on the third. At each window's beginning a history is what was known
//! then; wanted is what somebody bought in the window and had had nothing to do with before.
//!
//! Always holds: nothing of a window is in the histories that a model learns from, or is asked with, for that window; what the choice is judged by, the choice has not seen; the
//! same events and seed give the same version.
//!
//! Does not do: keep what was learnt ([`KeptPlan`]), or say what an offer would have brought.

mod cards;
mod content;
mod windows;

use std::collections::BTreeSet;

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_models::Fault;
use rapport_models::recommend::{Evaluation, Filter, Model, Popular, Split, choose, plans};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::build::Gathered;
use super::plan::KeptPlan;
use super::rows::{OF_ITEMS, each};
use crate::analytics::{Analytics, Context};
use crate::asking::Asking;
use crate::error::Result;
use crate::scores::{Sure, Verdict};

pub use content::{Against, Content, Figures, Group, Metrics, Seen, Tried};
use windows::{Windows, week};

/// Offers that are judged.
pub const OFFERED: usize = 10;
/// Into how many steps learning is divided.
pub const STEPS: usize = 4;
/// Less time than this tells nothing of what people take next.
const LEAST_WEEKS: i64 = 8;
/// With fewer people what is like what is chance.
const LEAST_PEOPLE: usize = 100;
/// With fewer items there is nothing to choose.
const LEAST_ITEMS: usize = 20;
/// With fewer people who took something new no plan can be told from another.
const LEAST_TAKEN: usize = 30;

/// What staff choose of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = RecommendationSettings)]
pub struct Wishes {
    /// How many weeks each of the three windows has: 1 to 13; a sixth of the time there is, 2 to 8, unless said.
    pub held_weeks: Option<u32>,
    /// After how many days a plan is chosen anew: 1 to 90.
    pub fit_days: u32,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { held_weeks: None, fit_days: 7 }
    }
}

impl Wishes {
    /// What is wrong with them: the field, and what is expected.
    ///
    /// # Errors
    /// The first field that is out of its bounds.
    pub fn check(&self) -> std::result::Result<(), (&'static str, &'static str)> {
        if !self.held_weeks.is_none_or(|it| (1..=13).contains(&it)) {
            return Err(("held_weeks", "1 to 13 weeks, or null"));
        }
        if !(1..=90).contains(&self.fit_days) {
            return Err(("fit_days", "1 to 90 days"));
        }
        Ok(())
    }
}

/// The version before.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    /// Its number.
    pub version: i64,
    /// What it keeps.
    pub content: Content,
}

/// What people did with items, by windows: what is learnt from.
#[derive(Debug)]
pub struct Past(Windows);

impl Analytics {
    /// What everybody but these did with items until the present of the data, as [`Past::learn`] takes it.
    ///
    /// # Errors
    /// The lake's and the store's. Inside, that there is too little time.
    pub async fn past(
        &self,
        workspace: WorkspaceId,
        context: &Context,
        settings: &super::Settings,
        wishes: &Wishes,
        restricted: &BTreeSet<PersonId>,
    ) -> Result<std::result::Result<Past, Verdict>> {
        let asking = Asking::begin(&self.store, &self.lake, self.budget, workspace, None, context).await?;
        let end = context.complete_until().plus(1);
        let since = end.plus(-i64::from(settings.days) * Timestamp::DAY);
        let first = asking.snapshot.times().map_or(end, |(first, _)| first.max(since));
        let cuts = match cuts(first, end, wishes) {
            Ok(cuts) => cuts,
            Err(verdict) => return Ok(Err(verdict)),
        };
        let without = self.without(workspace, restricted, since).await?;
        let mut gathered = Gathered::new(context, end, settings, without, cuts.iter().map(|it| it.0).collect());
        each(&asking, OF_ITEMS, (first, end), |row| {
            gathered.take(row);
            true
        })
        .await?;
        Ok(Ok(Past(Windows::of(gathered, settings, (first, cuts, end), restricted.len()))))
    }
}

/// The beginnings of the three windows.
fn cuts(first: Timestamp, end: Timestamp, wishes: &Wishes) -> std::result::Result<[Timestamp; 3], Verdict> {
    let weeks = (end.0 - first.0) / week();
    if weeks < LEAST_WEEKS {
        let text = format!(
            "Too little time: events of {weeks} weeks are known, and it takes at least {LEAST_WEEKS} to tell what people take next."
        );
        let count = |it: i64| usize::try_from(it).unwrap_or(0);
        return Err(Verdict::too_few("too_little_time", count(weeks), count(LEAST_WEEKS), text));
    }
    // At least a third is left to learn from before the first.
    let held = wishes.held_weeks.map_or((weeks / 6).clamp(2, 8), i64::from).min(2 * weeks / 9).max(1);
    Ok([3, 2, 1].map(|back| end.plus(-back * held * week())))
}

/// A version, before anybody decided about it, and its card.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    /// What it keeps.
    pub content: Content,
    /// Its card.
    pub card: crate::scores::card::Card,
}

impl Past {
    /// Chooses a plan and judges it. `step` is told how many of [`STEPS`] are done.
    ///
    /// # Errors
    /// The data do not carry a model: the sentence that says why.
    pub fn learn(
        self,
        before: Option<&Before>,
        usual: &KeptPlan,
        seed: u64,
        step: &dyn Fn(usize),
    ) -> std::result::Result<Learned, Verdict> {
        let windows = self.0;
        let fault = |fault: Fault| Verdict::of(&fault);
        let seen = windows.seen();
        enough(&seen)?;
        let (tried_on, judged_on) = windows.splits().map_err(fault)?;
        step(1);
        let known = |split: &Split| {
            split
                .wanted
                .iter()
                .enumerate()
                .filter(|it| !it.1.is_empty() && !split.known.of_person(it.0).is_empty())
                .count()
        };
        let taken = tried_on.iter().map(&known).min().unwrap_or(0).min(known(&judged_on));
        if taken < LEAST_TAKEN {
            let text = format!(
                "Too few people who took something new: {taken} of those who were known before, in the weeks that models are tried on, where it takes at least {LEAST_TAKEN}."
            );
            return Err(Verdict::too_few("too_few_taken", taken, LEAST_TAKEN, text));
        }
        let first = tried_on.first().ok_or_else(|| Verdict::too_few("too_little_time", 0, 1, "There is no window."))?;
        // As they are kept, so that what is tried is what a table learns later.
        let mut all: Vec<_> = plans(&first.known, seed).iter().map(|it| KeptPlan::of(it).plan()).collect();
        all.push(usual.plan());
        let choice = choose(&all, &tried_on, OFFERED, seed).map_err(fault)?;
        step(2);
        let plan = KeptPlan::of(choice.plan());
        let judged = evaluated(&plan, &judged_on)?;
        let popular = evaluated(&KeptPlan::Popular { whether: true }, &judged_on)?;
        let metrics = Metrics::of(&judged, &popular, &judged_on, windows.last(), seed).map_err(fault)?;
        step(3);
        let against = before.and_then(|before| Against::of(before, &judged, &seen, &judged_on, seed));
        step(STEPS);
        let content = Content { plan, tried: Tried::all(&choice), metrics, against, seen };
        Ok(Learned { card: cards::card(&content, &windows), content })
    }
}

fn enough(seen: &Seen) -> std::result::Result<(), Verdict> {
    let few = |code: &str, have: u64, need: usize, text: String| {
        Err(Verdict::too_few(code, usize::try_from(have).unwrap_or(usize::MAX), need, text))
    };
    if seen.people < LEAST_PEOPLE as u64 {
        let text = format!(
            "Too few customers: {} had to do with products, and it takes at least {LEAST_PEOPLE} to tell what goes with what.",
            seen.people
        );
        return few("too_few_people", seen.people, LEAST_PEOPLE, text);
    }
    if seen.items < LEAST_ITEMS as u64 {
        let text = format!(
            "Too few products: {} are known from events, and with fewer than {LEAST_ITEMS} there is nothing to choose from.",
            seen.items
        );
        return few("too_few_items", seen.items, LEAST_ITEMS, text);
    }
    Ok(())
}

/// How a plan does on a window, by the way in which the product offers: what is missing is filled with what is popular.
fn evaluated(plan: &KeptPlan, split: &Split) -> std::result::Result<Evaluation, Verdict> {
    let fault = |fault: Fault| Verdict::of(&fault);
    let model: Model = plan.plan().fit(&split.known).map_err(fault)?;
    let popular = Popular::of(&split.known);
    let filter = Filter { reasons: 0, ..Filter::best(OFFERED) };
    let offer =
        |_: usize, own: &[(u32, f64)]| model.recommend_or(&popular, own, &filter).iter().map(|it| it.item).collect();
    Evaluation::by(split, OFFERED, offer).map_err(fault)
}

/// Of people who were known before.
fn of_known(it: &Evaluation) -> Evaluation {
    let persons = it.persons.iter().copied().filter(|it| it.known > 0).collect();
    Evaluation { k: it.k, persons, coverage: it.coverage }
}

/// By how much one is above another, of people who were known before.
fn above(one: &Evaluation, other: &Evaluation, seed: u64) -> std::result::Result<Sure, Fault> {
    of_known(one).above(&of_known(other), seed).map(Sure::from)
}

#[cfg(test)]
mod tests;
