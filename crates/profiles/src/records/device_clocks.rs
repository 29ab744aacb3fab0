//! How wrong each device's clock is: the smallest difference seen between when we received something and when it said it sent it.

use rapport_domain::WorkspaceId;
use rapport_store::{Queries, Result, Tx, args, sql};

/// The smallest offsets of these devices, in microseconds.
pub async fn offsets(db: &mut impl Queries, workspace: WorkspaceId, devices: &[i64]) -> Result<Vec<(i64, i64)>> {
    let text = sql!("SELECT device, offset_micros FROM device_clocks WHERE workspace = $1 AND device IN ($2)");
    db.fetch_all(text, args![workspace, devices]).await
}

/// Keeps smaller offsets.
pub async fn lower(tx: &mut Tx, workspace: WorkspaceId, offsets: &[(i64, i64)]) -> Result<()> {
    let text = sql!(
        "INSERT INTO device_clocks (workspace, device, offset_micros) VALUES {rows}
         ON CONFLICT (workspace, device) DO UPDATE SET offset_micros = excluded.offset_micros
         WHERE excluded.offset_micros < device_clocks.offset_micros"
    );
    let rows = offsets.iter().map(|(device, offset)| args![workspace, *device, *offset]);
    tx.execute_many(text, rows).await?;
    Ok(())
}

/// Forgets devices; how many were known.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, devices: &[i64]) -> Result<u64> {
    let text = sql!("DELETE FROM device_clocks WHERE workspace = $1 AND device IN ($2)");
    tx.execute(text, args![workspace, devices]).await
}
