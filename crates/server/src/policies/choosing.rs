//! With which chance policies take each arm for people, and keeping what was chosen.
//!
//! Always holds: facts are read as they are at that moment, and kept with the decision, so that what is learnt is what was known; a decision is noted under the
//! person's first identifier, or that by which they are there.

use std::collections::BTreeMap;

use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_engagement::lots::{self, Asked, Chosen};
use rapport_experiments::policies::decisions::{self, DecisionRow, OPEN};
use rapport_experiments::policies::learner::Features;
use rapport_experiments::policies::{Chances, Policy};
use rapport_profiles::records::{facts, identifiers};
use rapport_store::{Json, Queries, Result, Tx};
use serde_json::Value;

use super::live::{Known, LivePolicies};

/// What is known of people now, as numbers, by a policy's features in their order.
///
/// # Errors
/// The store's.
pub async fn known(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    keys: &[String],
    persons: &[PersonId],
    now: Timestamp,
) -> Result<BTreeMap<PersonId, Features>> {
    let mut all: BTreeMap<PersonId, Features> = persons.iter().map(|it| (*it, vec![None; keys.len()])).collect();
    if keys.is_empty() {
        return Ok(all);
    }
    for (person, key, value) in facts::current_keys_of(db, workspace, persons, keys, now).await? {
        let place = keys.iter().position(|it| *it == key);
        if let (Some(place), Some(own)) = (place, all.get_mut(&person)) {
            own[place] = number(&value);
        }
    }
    Ok(all)
}

/// A fact's value as a number: of true and false 1 and 0.
pub fn number(value: &str) -> Option<f64> {
    match serde_json::from_str(value).ok()? {
        Value::Number(it) => it.as_f64().filter(|it| it.abs() < 1e15),
        Value::Bool(it) => Some(f64::from(u8::from(it))),
        _ => None,
    }
}

/// The chances of each that is asked for, where its policy is one; nothing is noted.
///
/// # Errors
/// The store's.
pub async fn chances_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    live: &LivePolicies,
    asked: &[Asked],
    now: Timestamp,
) -> Result<Vec<Option<lots::Chances>>> {
    let policies = live.get(db, workspace).await?;
    let people = people(db, workspace, &policies, asked, now).await?;
    let one = |it: &Asked| {
        let policy = policies.of_ways(&it.policy)?;
        let features = people.get(&(it.policy.as_str(), it.person)).cloned().unwrap_or_default();
        let found = policy.chances(features, &it.arms)?;
        Some(lots::Chances { arms: found.arms, features: found.features, decides: found.decides })
    };
    Ok(asked.iter().map(one).collect())
}

async fn people<'a>(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    policies: &Known,
    asked: &'a [Asked],
    now: Timestamp,
) -> Result<BTreeMap<(&'a str, PersonId), Features>> {
    let mut by_policy: BTreeMap<&str, Vec<PersonId>> = BTreeMap::new();
    for it in asked {
        by_policy.entry(&it.policy).or_default().push(it.person);
    }
    let mut all = BTreeMap::new();
    for (key, mut persons) in by_policy {
        let Some(policy) = policies.of_ways(key) else { continue };
        persons.sort_unstable();
        persons.dedup();
        let found = known(db, workspace, &policy.design.features, &persons, now).await?;
        all.extend(found.into_iter().map(|(person, features)| ((key, person), features)));
    }
    Ok(all)
}

/// The first identifier of each of these people.
///
/// # Errors
/// The store's.
pub async fn first_of(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, Handle>> {
    let mut first = BTreeMap::new();
    for row in identifiers::by_persons(db, workspace, persons).await? {
        first.entry(row.person).or_insert(row.handle);
    }
    Ok(first)
}

/// Notes what journeys chose.
///
/// # Errors
/// The store's.
pub async fn note(
    tx: &mut Tx,
    workspace: WorkspaceId,
    live: &LivePolicies,
    chosen: &[Chosen],
    now: Timestamp,
) -> Result<()> {
    let policies = live.get(tx, workspace).await?;
    let mut persons: Vec<PersonId> = chosen.iter().map(|it| it.person).collect();
    persons.sort_unstable();
    persons.dedup();
    let first = first_of(tx, workspace, &persons).await?;
    let row = |it: &Chosen| {
        let policy = policies.by_key.get(&it.policy)?;
        let who = (it.person, *first.get(&it.person)?);
        let chances = Chances {
            arms: it.chances.arms.clone(),
            features: it.chances.features.clone(),
            decides: it.chances.decides,
        };
        decision(policy, who, (it.subject.clone(), it.turn.clone()), &it.arm, chances, now)
    };
    let rows: Vec<DecisionRow> = chosen.iter().filter_map(row).collect();
    decisions::insert(tx, workspace, &rows).await?;
    Ok(())
}

/// A decision as it is kept; none of an arm without a chance.
pub fn decision(
    policy: &Policy,
    (person, handle): (PersonId, Handle),
    (subject, turn): (String, String),
    arm: &str,
    chances: Chances,
    now: Timestamp,
) -> Option<DecisionRow> {
    let (_, propensity) = chances.arms.iter().find(|(key, _)| key == arm)?;
    Some(DecisionRow {
        policy: policy.number,
        epoch: policy.epoch,
        subject,
        turn,
        handle,
        person,
        arm: arm.to_owned(),
        propensity: *propensity,
        decided_at: now,
        day: now.utc_day(),
        closes_at: now.plus(i64::from(policy.design.reward.hours) * Timestamp::HOUR),
        state: OPEN.to_owned(),
        reward: None,
        chances: Json(chances),
    })
}

/// A place from 0 to 1 that is the same for the same decision.
pub fn place(policy: &Policy, subject: &str, turn: &str) -> f64 {
    let text = format!("{}/{}/{subject}/{turn}", policy.key, policy.epoch);
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..8]);
    (u64::from_le_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Which decision follows somebody's last one for the same thing: named by that, so that two at once are one.
pub fn turn(handle: Handle, last: Option<&DecisionRow>) -> String {
    format!("{}:{}", handle.0, last.map_or(0, |row| row.decided_at.0))
}
