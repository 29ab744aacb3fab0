//! Learning what decisions brought, once their time is over.
//!
//! Always holds: events are read before the transaction, the reward and what the policy knows are written in one; what was cut off is done again and learns
//! nothing twice. Of whoever is restricted, or refused to be understood in numbers, nothing is read, and their decision teaches nothing.

use std::collections::BTreeMap;

use anyhow::Result;
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_experiments::policies::Policy;
use rapport_experiments::policies::decisions::{self, DecisionRow};
use rapport_experiments::policies::settling;
use rapport_lake::EventRow;
use rapport_store::Priority;

use super::rewards;
use crate::api::questions::context;
use crate::installation::Installation;
use crate::modelling;
use crate::records::workspaces;

/// So long after its time a decision is still open, for events that are on their way.
pub const GRACE: i64 = Timestamp::HOUR;
/// So many decisions are settled in one transaction.
const BATCH: i64 = 200;

/// Learns what is due in all workspaces; how many decisions were learnt.
///
/// # Errors
/// The store's and the lake's; what was learnt before stays.
pub async fn settle(installation: &Installation) -> Result<usize> {
    let mut count = 0;
    for workspace in workspaces::ids(&mut installation.store.read()).await? {
        let known = installation.policies.get(&mut installation.store.read(), workspace).await?;
        for policy in known.by_key.values() {
            count += settle_one(installation, workspace, policy).await?;
        }
    }
    Ok(count)
}

async fn settle_one(installation: &Installation, workspace: WorkspaceId, policy: &Policy) -> Result<usize> {
    let now = installation.clock.now();
    let mut count = 0;
    loop {
        let db = &mut installation.store.read();
        let due = decisions::due(db, workspace, policy.number, now.plus(-GRACE), BATCH).await?;
        if due.is_empty() {
            return Ok(count);
        }
        let came = came(installation, workspace, policy, due).await?;
        let mut tx = installation.store.begin(Priority::Background).await?;
        count += settling::settle(&mut tx, workspace, policy.number, &came, now).await?;
        tx.commit().await?;
        installation.policies.forget(workspace);
    }
}

/// What each decision brought; nothing of whoever nothing may be learnt of, or is nobody any more.
async fn came(
    installation: &Installation,
    workspace: WorkspaceId,
    policy: &Policy,
    due: Vec<DecisionRow>,
) -> Result<Vec<(DecisionRow, Option<f64>)>> {
    let without = modelling::without(installation, workspace).await?;
    let context = context(installation, workspace).await.map_err(|it| anyhow::anyhow!("{}", it.detail()))?;
    let mut persons: Vec<PersonId> = due.iter().map(|row| row.person).filter(|it| !without.contains(it)).collect();
    persons.sort_unstable();
    persons.dedup();
    let from = due.iter().map(|row| row.decided_at).min();
    let until = due.iter().map(|row| row.closes_at).max();
    let snapshot = installation.lake.snapshot(workspace).await?;
    let mut events: BTreeMap<PersonId, Vec<EventRow>> = BTreeMap::new();
    if !persons.is_empty() {
        for event in installation.lake.events_of(&snapshot, persons.clone(), from, until).await? {
            events.entry(event.person).or_default().push(event);
        }
    }
    let one = |row: DecisionRow| {
        let is_known = persons.binary_search(&row.person).is_ok();
        let own = events.get(&row.person).map_or(&[][..], Vec::as_slice);
        let own = rewards::within(own, row.decided_at, row.closes_at);
        let reward =
            is_known.then(|| rewards::reward(&policy.design, &row.arm, &own, context.currency.as_str())).flatten();
        (row, reward)
    };
    Ok(due.into_iter().map(one).collect())
}
