//! A model that goes: with its versions at once, and what it said of people as a job, since they may be many.

use anyhow::Result;
use rapport_analytics::scores::records::models::{self, ModelRow};
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::Tx;
use rapport_store::jobs::NewJob;
use serde_json::json;

use super::{FORGET, Settings, said};
use crate::beat::Beat;
use crate::installation::Installation;

/// Takes a model away. Its facts are told to be nothing, and its scores forgotten, in the background.
///
/// # Errors
/// The store's.
pub async fn remove(installation: &Installation, tx: &mut Tx, workspace: WorkspaceId, row: &ModelRow) -> Result<()> {
    models::remove(tx, workspace, &row.model).await?;
    // Whatever is said from then on is said by another model of the same name.
    let (at, facts) = (installation.clock.now().plus(1), Settings::of(row).facts(&row.model));
    let mut job = NewJob::new(workspace, FORGET, json!({"model": row.model, "facts": facts, "at": at.0}));
    job.unique_key = Some(row.model.clone());
    installation.store.jobs().enqueue(tx, job).await?;
    Ok(())
}

pub(super) async fn forget(beat: &Beat<'_>, model: &str) -> Result<()> {
    let payload = &beat.claim.payload;
    let at = Timestamp(payload["at"].as_i64().unwrap_or(0));
    let facts: Vec<String> = serde_json::from_value(payload["facts"].clone()).unwrap_or_default();
    let mut told = 0;
    while said::leave(beat, model, &facts, at).await? {
        told += 1;
        // It is not stopped on request: nobody could ask for the rest.
        beat.at(told, told + 1).await?;
    }
    while said::unmark(beat, model, at).await? {}
    let mut tx = beat.installation.store.begin(rapport_store::Priority::Background).await?;
    beat.installation.store.jobs().complete(&mut tx, beat.claim).await?;
    Ok(tx.commit().await?)
}
