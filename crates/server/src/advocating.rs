//! Referrals that come in, and what follows of advocacy for the person: `advocacy.count`, how often they spoke for the company so far, and `advocacy.last_at`,
//! when they did last. Conditions and journeys read them; a loyalty program tells the events.
//!
//! `Referral Made` is of whoever told others, `Referral Converted` of whoever came by it, both with the same `referral_id`; in any order.
//!
//! Always holds: the count at any instant is that of the acts that were known by then; what is heard of late restates the instants after it too.
//!
//! Does not do: tell facts when staff later hide a review, or change how a text is understood: that counts from the person's next act on.

pub mod sample;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use rapport_domain::shop_events::{
    MENTION_PUBLISHED, PRODUCT_REVIEWED, REFERRAL_CONVERTED, REFERRAL_MADE, SURVEY_ANSWERED,
};
use rapport_domain::{Event, Handle, PersonId, SourceId, Timestamp, WorkspaceId, plain};
use rapport_feedback::advocacy::records::{self, CONVERTED, MADE};
use rapport_feedback::advocacy::{Act, Customers, Told};
use rapport_profiles::Applied;
use rapport_profiles::records::facts::{self, FactRow};
use rapport_profiles::records::persons::{self, PersonRow};
use rapport_profiles::records::{identifiers, orders};
use rapport_store::{Queries, Tx};
use serde_json::{Value, json};

use crate::installation::Installation;

/// How often they spoke for the company.
pub const COUNT: &str = "advocacy.count";
/// When they did last.
pub const LAST_AT: &str = "advocacy.last_at";

const BEGINNING: Timestamp = Timestamp(i64::MIN);
/// The longest name of a referral.
const LONGEST: usize = 200;
/// So many names at once.
const AT_ONCE: usize = 5_000;

/// From when on something changed, and by which event.
type Changed = BTreeMap<PersonId, (Timestamp, SourceId, [u8; 16])>;

/// Hears a batch of events, in the transaction that applies it.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &mut Applied,
) -> Result<()> {
    for (at, old) in &applied.superseded {
        if [REFERRAL_MADE, REFERRAL_CONVERTED].contains(&events[*at].name.as_str()) {
            records::forget(tx, workspace, old.0).await?;
        }
    }
    let mut changed = Changed::new();
    for (event, it) in events.iter().zip(&applied.events) {
        let step = match event.name.as_str() {
            REFERRAL_MADE => MADE,
            REFERRAL_CONVERTED => CONVERTED,
            SURVEY_ANSWERED | PRODUCT_REVIEWED | MENTION_PUBLISHED => "",
            _ => continue,
        };
        if !step.is_empty() {
            let Some(key) = referral(event) else { continue };
            records::tell(tx, workspace, event.id.0, (&key, step), (it.handle, it.occurred_at)).await?;
        }
        // Who came has not spoken, and whoever brought them spoke before.
        if step != CONVERTED {
            let known = changed.entry(it.person).or_insert((it.occurred_at, event.source, event.id.0));
            if it.occurred_at < known.0 {
                *known = (it.occurred_at, event.source, event.id.0);
            }
        }
    }
    if let Some(event) = events.first() {
        let moved: BTreeSet<PersonId> = applied.moved.iter().flat_map(|it| [it.from, it.to]).collect();
        // All of their history is another one now.
        changed.extend(moved.into_iter().map(|person| (person, (BEGINNING, event.source, event.id.0))));
    }
    tell(installation, tx, workspace, changed, applied).await
}

/// What a referral is called.
fn referral(event: &Event) -> Option<String> {
    let named = match event.properties.get("referral_id")? {
        Value::String(text) => plain::one_line(text, LONGEST),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(named).filter(|it| !it.is_empty())
}

async fn tell(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    changed: Changed,
    applied: &mut Applied,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let now = installation.clock.now();
    let persons: Vec<PersonId> = changed.keys().copied().collect();
    let mut owners: BTreeMap<Handle, PersonId> = BTreeMap::new();
    let mut first: BTreeMap<PersonId, Handle> = BTreeMap::new();
    for row in identifiers::by_persons(tx, workspace, &persons).await? {
        owners.insert(row.handle, row.person);
        first.entry(row.person).or_insert(row.handle);
    }
    let handles: Vec<Handle> = owners.keys().copied().collect();
    let mut spoke: BTreeMap<PersonId, Vec<Timestamp>> = BTreeMap::new();
    for told in records::of_persons(tx, workspace, (&persons, &handles)).await?.into_iter().filter(|it| it.in_favour) {
        if let Some(person) = owners.get(&told.handle) {
            spoke.entry(*person).or_default().push(told.at);
        }
    }
    let mut rows = Vec::new();
    for (person, (from, source, event_id)) in changed {
        let Some(handle) = first.get(&person) else { continue };
        let times = spoke.remove(&person).unwrap_or_default();
        let told = news(&times, from, now);
        rows.extend(told.into_iter().map(|(key, at, value)| {
            let row = FactRow {
                handle: *handle,
                fact_key: key.to_owned(),
                valid_from: at,
                recorded_at: now,
                value: value.to_string(),
                source,
                event_id,
            };
            (person, row, value)
        }));
    }
    applied.told.extend(rows.iter().map(|it| (it.0, it.1.valid_from, it.1.fact_key.clone(), it.2.clone())));
    let rows: Vec<FactRow> = rows.into_iter().map(|it| it.1).collect();
    Ok(facts::insert(tx, workspace, &rows).await?)
}

/// What is to be told from an instant on of somebody who spoke at these times, in order. Of whoever never did, nothing; unless what they said went to somebody else.
fn news(times: &[Timestamp], from: Timestamp, now: Timestamp) -> Vec<(&'static str, Timestamp, Value)> {
    let Some(last) = times.last() else {
        return if from == BEGINNING { vec![(COUNT, now, json!(0))] } else { Vec::new() };
    };
    let mut told: Vec<(&'static str, Timestamp, Value)> = Vec::new();
    for (at, count) in times.iter().zip(1_u64..).filter(|(at, _)| **at >= from) {
        // Of several at one instant the last count holds.
        if told.last().is_some_and(|it| it.1 == *at) {
            told.pop();
        }
        told.push((COUNT, *at, json!(count)));
    }
    if !told.is_empty() {
        told.push((LAST_AT, *last, json!(last.to_rfc3339())));
    }
    told
}

/// The acts of whom identifiers belong to now.
///
/// # Errors
/// The store's.
pub async fn acts(db: &mut impl Queries, workspace: WorkspaceId, told: Vec<Told>) -> rapport_store::Result<Vec<Act>> {
    let mut owners: BTreeMap<Handle, PersonId> = BTreeMap::new();
    for some in Act::handles(&told).chunks(AT_ONCE) {
        let rows = identifiers::by_handles(db, workspace, some).await?;
        owners.extend(rows.into_iter().map(|row| (row.handle, row.person)));
    }
    Ok(told.into_iter().map(|it| Act::by(it, |handle| owners.get(&handle).copied())).collect())
}

/// What those bought who acted, and who came by them, and how many customers there are: by the end of the time, and by its beginning.
///
/// # Errors
/// The store's.
pub async fn customers(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    acts: &[&Act],
    at: (Timestamp, Timestamp),
) -> rapport_store::Result<Customers> {
    let people: BTreeSet<PersonId> =
        acts.iter().flat_map(|it| it.person.into_iter().chain(it.came.iter().copied())).collect();
    let people: Vec<PersonId> = people.into_iter().collect();
    let mut bought = BTreeMap::new();
    for some in people.chunks(AT_ONCE) {
        let rows = persons::by_ids(db, workspace, some).await?;
        let times = |row: PersonRow| Some((row.person, (row.first_order_at?, row.last_order_at?)));
        bought.extend(rows.into_iter().filter_map(times));
    }
    let count = |it: i64| u64::try_from(it).unwrap_or_default();
    let now = count(orders::buyers(db, workspace, at.1).await?);
    let before = count(orders::buyers(db, workspace, at.0).await?);
    Ok(Customers { now, before, bought })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_at_an_instant_is_that_of_the_acts_until_then() {
        let at = |seconds: i64| Timestamp(seconds * Timestamp::SECOND);
        let times = [at(1), at(3), at(3), at(9)];
        let told = news(&times, at(2), at(20));
        assert_eq!(
            told,
            [(COUNT, at(3), json!(3)), (COUNT, at(9), json!(4)), (LAST_AT, at(9), json!(at(9).to_rfc3339()))]
        );
        assert_eq!(news(&times, BEGINNING, at(20))[0], (COUNT, at(1), json!(1)));
        assert_eq!(news(&[], at(2), at(20)), []);
        assert_eq!(news(&[], BEGINNING, at(20)), [(COUNT, at(20), json!(0))]);
    }
}
