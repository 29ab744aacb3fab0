//! What journeys hear: events as they are applied, what is newly known of people, identifiers that change hands, memberships that change.

use anyhow::Result;
use rapport_domain::{Event, Handle, PersonId, WorkspaceId};
use rapport_engagement::plans::Plans;
use rapport_engagement::service::entering::{self, Heard};
use rapport_lake::EventRow;
use rapport_profiles::{Applied, AppliedEvent};
use rapport_segments::EventView;
use rapport_segments::live;
use rapport_store::{Priority, Tx, outbox};

use super::with;
use crate::installation::Installation;
use crate::pipeline::SplitBefore;

/// How far changes of membership were heard.
const CONSUMER: &str = "journeys";
/// So many at a time.
const BATCH: u32 = 500;

/// Hears a batch of events, in the transaction that applies it.
///
/// # Errors
/// The store's.
pub async fn hear(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    events: &[Event],
    applied: &Applied,
    position: i64,
) -> Result<()> {
    let moves: Vec<(Handle, PersonId, PersonId)> = applied.moved.iter().map(|it| (it.handle, it.from, it.to)).collect();
    follow(installation, tx, workspace, &moves).await?;
    let plans = installation.plans.within(tx, workspace).await?;
    let with = with(installation, workspace, &plans);
    if plans.is_empty() {
        return Ok(());
    }
    entering::hear_facts(tx, with, applied.told.iter().map(|(person, _, key, _)| (*person, key.as_str()))).await?;
    let concerned: Vec<usize> = (0..events.len()).filter(|at| plans.listens_to(&events[*at].name)).collect();
    if concerned.is_empty() {
        return Ok(());
    }
    // As they will be in the lake, so that a condition says the same here and there.
    let rows: Vec<EventRow> = concerned.iter().map(|at| row(&events[*at], &applied.events[*at])).collect();
    let heard: Vec<Heard<'_>> = concerned
        .iter()
        .zip(&rows)
        .map(|(at, row)| Heard {
            person: row.person,
            handle: row.handle,
            event: EventView {
                name: &row.name,
                occurred_at: row.occurred_at,
                order_key: row.order_key,
                properties: row.properties(),
            },
            properties: &applied.events[*at].properties,
            is_imported: events[*at].natural_key.is_some(),
        })
        .collect();
    Ok(entering::hear(tx, with, &heard, position).await?)
}

/// What identifiers brought in goes with them to the person they belong to now: (identifier, whose it was, whose it is).
///
/// # Errors
/// The store's.
pub async fn follow(
    installation: &Installation,
    tx: &mut Tx,
    workspace: WorkspaceId,
    moves: &[(Handle, PersonId, PersonId)],
) -> Result<()> {
    if moves.is_empty() {
        return Ok(());
    }
    let plans = installation.plans.within(tx, workspace).await?;
    // Also where no journey is live any more: what is kept of people goes with them.
    if plans.keeps_people || !plans.is_empty() {
        entering::moved(tx, with(installation, workspace, &plans), moves).await?;
    }
    Ok(())
}

/// An event as it will be in the lake.
pub(crate) fn row(event: &Event, applied: &AppliedEvent) -> EventRow {
    let event = Event {
        properties: applied.properties.clone(),
        context: applied.context.clone(),
        occurred_at: applied.occurred_at,
        ..event.clone()
    };
    EventRow::of_event(&event, applied.person, applied.handle, &SplitBefore).0
}

/// Hears changes of membership that were written since; whether there were any.
///
/// # Errors
/// The store's.
pub async fn hear_memberships(installation: &Installation, workspace: WorkspaceId, plans: &Plans) -> Result<bool> {
    let mut any = false;
    loop {
        let batch = outbox::batch(&mut installation.store.read(), workspace, CONSUMER, BATCH).await?;
        if batch.events.is_empty() {
            return Ok(any);
        }
        let changes: Vec<(String, PersonId, bool)> = batch
            .events
            .iter()
            .filter(|event| [live::ENTERED, live::EXITED].contains(&event.name.as_str()))
            .filter_map(|event| {
                let segment = event.payload["segment"].as_str()?.to_owned();
                Some((segment, event.person?, event.name == live::ENTERED))
            })
            .collect();
        let mut tx = installation.store.begin(Priority::Background).await?;
        entering::hear_memberships(&mut tx, with(installation, workspace, plans), &changes).await?;
        outbox::applied(&mut tx, workspace, CONSUMER, &batch).await?;
        tx.commit().await?;
        any |= !changes.is_empty();
    }
}
