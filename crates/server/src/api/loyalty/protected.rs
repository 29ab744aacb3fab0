//! What no price may depend on: refuses offers and rewards that go by it through segments, segments through which live ones would, and a programme that adds to it what
//! live ones go by.
//!
//! Always holds: a segment that no live offer or reward goes by may ask for anything.
//!
//! Does not: look at what an offer or a reward asks for itself; that is refused with whatever else is wrong with one.

use std::collections::BTreeMap;

use rapport_domain::WorkspaceId;
use rapport_loyalty::Document;
use rapport_loyalty::document::State;
use rapport_loyalty::offers::{Offer, OfferLimits};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::{documents, programs};
use rapport_loyalty::rewards::Reward;
use rapport_segments::Condition;
use rapport_segments::records::segments::{self, SegmentRow};
use rapport_store::Queries;

use crate::problem::Problem;

/// Segments by key.
type Known = BTreeMap<String, Condition>;

/// Refuses an offer that goes by what no price may depend on through a segment, or a segment of a segment.
pub(super) async fn refuse_offer(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    offer: &Offer,
    limits: &OfferLimits,
) -> Result<(), Problem> {
    refuse(db, workspace, &[("offer.when".to_owned(), &offer.when)], limits).await
}

/// Refuses a reward that does.
pub(super) async fn refuse_reward(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    reward: &Reward,
    limits: &OfferLimits,
) -> Result<(), Problem> {
    let conditions: Vec<(String, &Condition)> =
        reward.conditions().map(|(place, condition)| (format!("reward.{place}"), condition)).collect();
    refuse(db, workspace, &conditions, limits).await
}

async fn refuse(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    conditions: &[(String, &Condition)],
    limits: &OfferLimits,
) -> Result<(), Problem> {
    if conditions.iter().all(|(_, condition)| condition.segment_keys().is_empty()) {
        return Ok(());
    }
    let known: Known = segments::conditions(&segments::all(db, workspace).await?).into_iter().collect();
    for (place, condition) in conditions {
        if let Some((key, fact)) = protected(limits, &reached(condition.segment_keys(), &known)) {
            let why = format!("the segment `{key}` goes by `{fact}`, which no price may depend on");
            return Err(Problem::invalid(place, why));
        }
    }
    Ok(())
}

/// Refuses a segment through which a live offer or a live reward would go by what no price may depend on. `known` are the segments as they were before.
///
/// # Errors
/// Which offer or reward it is, and by what it would go; the store's.
pub(crate) async fn refuse_segment(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    known: &[SegmentRow],
    (key, condition): (&str, &Condition),
) -> Result<(), Problem> {
    let Some(latest) = programs::versions(db, workspace).await?.pop() else { return Ok(()) };
    let mut all: Known = segments::conditions(known).into_iter().collect();
    all.insert(key.to_owned(), condition.clone());
    let Some((asks, fact)) = protected(&latest.program.offers, &reached(vec![key], &all)) else { return Ok(()) };
    let offers: Vec<Offer> = live(db, workspace).await?;
    let rewards: Vec<Reward> = live(db, workspace).await?;
    let goes_by_it = |condition: &Condition| reached(condition.segment_keys(), &all).contains_key(key);
    let offer = offers.iter().find(|it| goes_by_it(&it.when)).map(|it| format!("the offer `{}`", it.key));
    let place = |it: &Reward| it.conditions().find_map(|(place, condition)| goes_by_it(condition).then_some(place));
    let reward = || rewards.iter().find_map(|it| Some(format!("the reward `{}` (`{}`)", it.key, place(it)?)));
    let Some(user) = offer.or_else(reward) else { return Ok(()) };
    let through = if asks == key { String::new() } else { format!(" through the segment `{asks}`") };
    let why = format!(
        "{user} is live and goes by this segment, which would go by `{fact}`{through}; no price may depend on that, so take the segment out of it first"
    );
    Err(Problem::invalid("condition", why))
}

/// Refuses a programme that would forbid prices what a live offer or a live reward goes by already, by itself or through segments.
///
/// # Errors
/// Which offer or reward it is, and by what it goes; the store's.
pub(super) async fn refuse_program(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    program: &Program,
) -> Result<(), Problem> {
    let Some(latest) = programs::versions(db, workspace).await?.pop() else { return Ok(()) };
    let limits = &program.offers;
    if limits.protected.iter().all(|fact| latest.program.offers.protected.contains(fact)) {
        return Ok(());
    }
    let known: Known = segments::conditions(&segments::all(db, workspace).await?).into_iter().collect();
    for offer in live::<Offer>(db, workspace).await? {
        if let Some(by) = dependence(limits, offer.facts(), offer.when.segment_keys(), &known) {
            return Err(Problem::conflict(
                "loyalty_protected_in_use",
                format!("The offer `{}` is live and goes by {by}, on which no price may depend then.", offer.key),
                "Take that out of it, or pause it, and save again.",
            ));
        }
    }
    for reward in live::<Reward>(db, workspace).await? {
        for (place, condition) in reward.conditions() {
            if let Some(by) = dependence(limits, condition.fact_keys(), condition.segment_keys(), &known) {
                return Err(Problem::conflict(
                    "loyalty_protected_in_use",
                    format!(
                        "The reward `{}` is live, and its `{place}` goes by {by}, on which no price may depend then.",
                        reward.key
                    ),
                    "Take that out of it, or pause it, and save again.",
                ));
            }
        }
    }
    Ok(())
}

/// By what no price may depend on somebody goes, who asks for these facts and segments: the fact, and the segment that asks for it where it is not they themselves. In the text form of
/// conditions, which is the same in every language.
fn dependence(limits: &OfferLimits, facts: Vec<&str>, segments: Vec<&str>, known: &Known) -> Option<String> {
    if let Some(fact) = limits.protected(facts.into_iter()) {
        return Some(format!("`{fact}`"));
    }
    let (key, fact) = protected(limits, &reached(segments, known))?;
    Some(format!("`{fact}` (`in segment {key}`)"))
}

/// What is live of a kind.
async fn live<D: Document>(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<D>, Problem> {
    let latest = documents::latest_of_each(documents::versions::<D>(db, workspace).await?);
    Ok(latest.into_iter().filter(|it| it.state == State::Live).map(|it| it.document).collect())
}

/// These segments, and those that they ask for in turn.
fn reached<'a>(mut asked: Vec<&'a str>, known: &'a Known) -> BTreeMap<&'a str, &'a Condition> {
    let mut all: BTreeMap<&str, &Condition> = BTreeMap::new();
    while let Some(key) = asked.pop() {
        let Some(condition) = known.get(key) else { continue };
        if all.insert(key, condition).is_none() {
            asked.extend(condition.segment_keys());
        }
    }
    all
}

/// The first of these segments that asks for what no price may depend on, and for what.
fn protected<'a>(limits: &OfferLimits, segments: &BTreeMap<&'a str, &'a Condition>) -> Option<(&'a str, &'a str)> {
    segments.iter().find_map(|(&key, &condition)| {
        let fact = limits.protected(condition.fact_keys().into_iter())?;
        Some((key, fact))
    })
}
