//! How far members are, as facts that conditions and journeys test: `challenge.{key}.progress` (in this round), `.target` (of the next step), `.completed` (how often); of a streak
//! `streak.{key}.current`, `.longest` and `.ends_at` (when it is lost unless something more is done); `badge.{key}` (since when they have it).
//!
//! Always holds: read from what was reckoned, never from what an event says; what has not changed is not told again.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{Event, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::{badges, challenges, leaderboards, members};
use rapport_profiles::Applied;
use rapport_store::Tx;
use serde_json::{Value, json};

use crate::points::facts::{self, Told};
use crate::tiers::facts::{causes, number};

/// Domain events of challenges, badges and leaderboards, and the names under which they are told.
pub const NAMES: [(&str, &str); 9] = [
    (challenges::JOINED, "Challenge Joined"),
    (challenges::PROGRESSED, "Challenge Progressed"),
    (challenges::COMPLETED, "Challenge Completed"),
    (challenges::LAPSED, "Challenge Progress Lost"),
    (badges::RECEIVED, "Badge Received"),
    (badges::TAKEN_BACK, "Badge Taken Back"),
    (leaderboards::JOINED, "Leaderboard Joined"),
    (leaderboards::LEFT, "Leaderboard Left"),
    (leaderboards::WON, "Leaderboard Won"),
];

/// Tells how far these people are, by what the batch says of each.
///
/// # Errors
/// The store's.
pub async fn tell(
    tx: &mut Tx,
    workspace: WorkspaceId,
    people: &[PersonId],
    (events, applied): (&[Event], &mut Applied),
    now: Timestamp,
) -> Result<()> {
    let causes = causes(people, (events, applied), now);
    let standing = stand(tx, workspace, people).await?;
    facts::tell(tx, workspace, (&causes, standing), applied, now).await
}

async fn stand(tx: &mut Tx, workspace: WorkspaceId, people: &[PersonId]) -> Result<Told> {
    let found = members::of_persons(tx, workspace, people).await?;
    let persons: BTreeMap<i64, PersonId> = found.iter().map(|(person, member)| (member.0, *person)).collect();
    let numbers: Vec<MemberId> = found.into_values().collect();
    let mut all = Told::new();
    let mut put = |member: i64, facts: Vec<(String, Value)>| {
        if let Some(person) = persons.get(&member) {
            let (_, own) = all.entry(*person).or_insert_with(|| (Timestamp(i64::MIN), BTreeMap::new()));
            own.extend(facts);
        }
    };
    for row in challenges::progress_of(tx, workspace, &numbers).await? {
        let key = row.challenge;
        let own = [("progress", number(row.have)), ("target", number(row.target)), ("completed", json!(row.completed))];
        put(row.member, own.map(|(part, value)| (format!("challenge.{key}.{part}"), value)).into());
        if row.longest > 0 {
            let ends_at = json!(row.ends_at.map(Timestamp::to_rfc3339));
            let own = [("current", json!(row.streak)), ("longest", json!(row.longest)), ("ends_at", ends_at)];
            put(row.member, own.map(|(part, value)| (format!("streak.{key}.{part}"), value)).into());
        }
    }
    let mut since: BTreeMap<(i64, String), Value> = BTreeMap::new();
    for row in badges::of_members(tx, workspace, &numbers).await? {
        let held = since.entry((row.member, row.badge)).or_insert(Value::Null);
        if row.taken_at.is_none() && held.is_null() {
            *held = json!(row.given_at.to_rfc3339());
        }
    }
    for ((member, badge), value) in since {
        put(member, vec![(format!("badge.{badge}"), value)]);
    }
    Ok(all)
}
