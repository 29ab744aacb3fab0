//! Where members stand, as facts that conditions and journeys test: `tier.{ladder}` (the tier's key), `.since`, `.until`, `.next` (the next tier's) and `.missing` (how much is missing to it).
//!
//! Always holds: read from what was reckoned, never from what an event says; what has not changed is not told again.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{Event, PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::{members, tiers};
use rapport_profiles::Applied;
use rapport_store::Tx;
use serde_json::{Number, Value, json};

use crate::points::facts::{self, Cause, Told};
use crate::scoring::OURSELVES;

/// Domain events of ladders, and the names under which they are told.
pub const NAMES: [(&str, &str); 4] = [
    (tiers::REACHED, "Tier Reached"),
    (tiers::LOST, "Tier Lost"),
    (tiers::KEPT, "Tier Kept"),
    (tiers::PROGRESSED, "Tier Progress Changed"),
];

/// Tells where these people stand, by what the batch says of each.
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

/// By which event of a batch something is told of each of these people. Of whoever the batch says nothing itself (an order of theirs went back), by the last thing that it says; where no
/// event says anything (staff parted a person), by ourselves, from now on.
pub(crate) fn causes(
    people: &[PersonId],
    (events, applied): (&[Event], &Applied),
    now: Timestamp,
) -> BTreeMap<PersonId, Cause> {
    let mut causes: BTreeMap<PersonId, Cause> = BTreeMap::new();
    for (event, it) in events.iter().zip(&applied.events) {
        let cause = (it.occurred_at, event.source, event.id.0);
        let known = causes.entry(it.person).or_insert(cause);
        *known = (*known).max(cause);
    }
    let last = causes.values().max().copied().unwrap_or((now, OURSELVES, [0; 16]));
    people.iter().map(|it| (*it, causes.get(it).copied().unwrap_or(last))).collect()
}

async fn stand(tx: &mut Tx, workspace: WorkspaceId, people: &[PersonId]) -> Result<Told> {
    let found = members::of_persons(tx, workspace, people).await?;
    let persons: BTreeMap<i64, PersonId> = found.iter().map(|(person, member)| (member.0, *person)).collect();
    let numbers: Vec<MemberId> = found.into_values().collect();
    let mut all = Told::new();
    for row in tiers::standings(tx, workspace, &numbers).await? {
        let Some(person) = persons.get(&row.member) else { continue };
        let key = |part: &str| format!("tier.{}{part}", row.ladder);
        let time = |at: Option<Timestamp>| json!(at.map(Timestamp::to_rfc3339));
        let since = row.tier.as_ref().map(|_| row.since);
        let (_, own) = all.entry(*person).or_insert_with(|| (Timestamp(i64::MIN), BTreeMap::new()));
        own.extend([
            (key(""), json!(row.tier)),
            (key(".since"), time(since)),
            (key(".until"), time(row.until)),
            (key(".next"), json!(row.next_tier)),
            (key(".missing"), row.missing.map_or(Value::Null, number)),
        ]);
    }
    Ok(all)
}

/// Millionths as a number of JSON.
pub(crate) fn number(micros: i64) -> Value {
    if micros % 1_000_000 == 0 {
        return json!(micros / 1_000_000);
    }
    let text = rapport_domain::money::format_micros(micros);
    text.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}
