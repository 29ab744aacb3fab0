//! Payments whose receipt nobody tells: called off when their time is over.
//!
//! Always holds: it does not matter who comes first, the night work or somebody who pays on the receipt or tells it: from its instant on the payment does not count, and its points come back once.
//!
//! Does not: touch a payment whose receipt was told; that goes back with the receipt.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Tx, args, sql};

use super::super::head;
use super::super::redemptions::Scene;
use super::{NOBODY, Payment, call_off, of_receipt};
use crate::Error;

/// Whether the time of any is over.
///
/// # Errors
/// The store's.
pub async fn are_due(db: &mut impl Queries, workspace: WorkspaceId, now: Timestamp) -> rapport_store::Result<bool> {
    let due = sql!("SELECT id FROM loyalty_payments WHERE workspace = $1 AND due_at <= $2 LIMIT 1");
    let due: Option<(String,)> = db.fetch_optional(due, args![workspace, now]).await?;
    Ok(due.is_some())
}

/// Calls off up to `most` payments whose receipt was not told in time; how many there were.
///
/// # Errors
/// The store's, or that what it reads back does not fit together.
pub async fn expire(tx: &mut Tx, scene: Scene<'_>, most: u32) -> Result<usize, Error> {
    head::lock(tx, scene.workspace).await?;
    let due = sql!("SELECT * FROM loyalty_payments WHERE workspace = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $3");
    let due: Vec<Payment> = tx.fetch_all(due, args![scene.workspace, scene.now, most]).await?;
    let count = due.len();
    for row in due {
        lapse(tx, scene, row).await?;
    }
    Ok(count)
}

/// All payments of a receipt that is not told yet, after those are called off whose time is over. Whoever calls holds the head.
pub(super) async fn in_time(tx: &mut Tx, scene: Scene<'_>, receipt: (&str, &str)) -> Result<Vec<Payment>, Error> {
    let mut all = Vec::new();
    for row in of_receipt(tx, scene.workspace, receipt).await? {
        let is_over = row.due_at.is_some_and(|due| due <= scene.now);
        all.push(if is_over { lapse(tx, scene, row).await? } else { row });
    }
    Ok(all)
}

async fn lapse(tx: &mut Tx, scene: Scene<'_>, mut row: Payment) -> Result<Payment, Error> {
    if let Err(refusal) = call_off(tx, scene, &mut row, NOBODY).await? {
        tracing::warn!(
            code = refusal.code(),
            "points that paid a receipt which nobody told could not go back; it is tried again in a day"
        );
        row.due_at = Some(scene.now.plus(Timestamp::DAY));
        row.write(tx, scene.workspace).await?;
    }
    Ok(row)
}
