//! How often people are written to, as a policy says: each has one of its caps for a time, and then another or the same.
//!
//! Always holds: whoever has a cap keeps it until its time is over; a new one is a decision, noted in the transaction in which a message of marketing first
//! depends on it.

use std::collections::BTreeMap;

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_engagement::lots::{self, Chosen};
use rapport_engagement::sending::Pace;
use rapport_experiments::policies::decisions::{self, DecisionRow};
use rapport_experiments::policies::{Policy, State};
use rapport_store::{Queries, Result};

use super::choosing;
use super::live::LivePolicies;

/// What such decisions are for.
pub const SUBJECT: &str = "frequency";

/// How often each of these people is written to at most; nothing is noted.
///
/// # Errors
/// The store's.
pub async fn paces(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    live: &LivePolicies,
    persons: &[PersonId],
    now: Timestamp,
) -> Result<Vec<Option<Pace>>> {
    let policies = live.get(db, workspace).await?;
    let Some(policy) = policies.of_frequency() else { return Ok(vec![None; persons.len()]) };
    if policy.state == State::Fixed {
        let fixed = policy.fixed_arm.as_deref().and_then(|arm| pace(policy, arm, None));
        return Ok(vec![fixed; persons.len()]);
    }
    let mut last: BTreeMap<PersonId, DecisionRow> = BTreeMap::new();
    for row in decisions::of_subject(db, workspace, (policy.number, SUBJECT), persons).await? {
        last.entry(row.person).or_insert(row);
    }
    let first = choosing::first_of(db, workspace, persons).await?;
    let known = choosing::known(db, workspace, &policy.design.features, persons, now).await?;
    let arms: Vec<String> = policy.design.arms.iter().map(|arm| arm.key.clone()).collect();
    let one = |person: &PersonId| {
        let last = last.get(person);
        if let Some(row) = last.filter(|row| row.epoch == policy.epoch && now < row.closes_at) {
            return pace(policy, &row.arm, None);
        }
        let turn = choosing::turn(*first.get(person)?, last);
        let found = policy.chances(known.get(person).cloned().unwrap_or_default(), &arms)?;
        let (arm, _) = found.drawn(choosing::place(policy, SUBJECT, &turn))?;
        let arm = arm.to_owned();
        let chosen = Chosen {
            person: *person,
            policy: policy.key.clone(),
            subject: SUBJECT.to_owned(),
            turn,
            arm: arm.clone(),
            chances: lots::Chances { arms: found.arms, features: found.features, decides: found.decides },
        };
        pace(policy, &arm, Some(chosen))
    };
    Ok(persons.iter().map(one).collect())
}

fn pace(policy: &Policy, arm: &str, chosen: Option<Chosen>) -> Option<Pace> {
    let cap = policy.design.arms.get(policy.design.place(arm)?)?.cap?;
    Some(Pace { most: cap.most, within: i64::from(cap.hours) * Timestamp::HOUR, chosen })
}
