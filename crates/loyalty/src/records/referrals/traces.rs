//! What people left behind: digests of devices, payments, networks and addresses, for a few weeks.

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

use crate::referrals::signals::{Signal, Trace};

/// Keeps what was left behind; of the same again, when it was seen last.
///
/// # Errors
/// The store's.
pub async fn keep(tx: &mut Tx, workspace: WorkspaceId, rows: &[(Trace, Handle, Timestamp)]) -> Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_referral_traces (workspace, signal, digest, handle, seen_at) VALUES {rows}
         ON CONFLICT (digest, handle, workspace) DO UPDATE SET seen_at = EXCLUDED.seen_at
         WHERE loyalty_referral_traces.seen_at < EXCLUDED.seen_at"
    );
    let row = |(trace, handle, at): &(Trace, Handle, Timestamp)| {
        args![workspace, trace.signal.code(), trace.digest.as_slice(), *handle, *at]
    };
    tx.execute_many(add, rows.iter().map(row)).await.map(drop)
}

/// What these identifiers left behind since an instant.
///
/// # Errors
/// The store's.
pub async fn of_handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
    since: Timestamp,
) -> Result<Vec<(Handle, Trace)>> {
    let find = sql!(
        "SELECT handle, signal, digest FROM loyalty_referral_traces WHERE handle IN ($2) AND +workspace = $1 AND seen_at >= $3"
    );
    if handles.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(Handle, String, Vec<u8>)> = db.fetch_all(find, args![workspace, handles, since]).await?;
    let trace = |(handle, signal, digest): (Handle, String, Vec<u8>)| {
        Some((handle, Trace { signal: Signal::read(&signal)?, digest: digest.try_into().ok()? }))
    };
    Ok(rows.into_iter().filter_map(trace).collect())
}

/// Whoever left the same behind.
///
/// # Errors
/// The store's.
pub async fn sharing(db: &mut impl Queries, workspace: WorkspaceId, traces: &[Trace]) -> Result<Vec<Handle>> {
    let mut found = Vec::new();
    for trace in traces {
        let find = sql!(
            "SELECT DISTINCT handle FROM loyalty_referral_traces WHERE digest = $2 AND workspace = $1 ORDER BY handle LIMIT $3"
        );
        let rows: Vec<(Handle,)> = db.fetch_all(find, args![workspace, trace.digest.as_slice(), SHARING_MAX]).await?;
        // What a crowd has in common (the network of an airport) says nothing of two people.
        if rows.len() < SHARING_MAX as usize {
            found.extend(rows.into_iter().map(|(handle,)| handle));
        }
    }
    Ok(found)
}

/// So many identifiers with one trace are a crowd.
const SHARING_MAX: u32 = 50;

/// Forgets up to `most` of what was seen last before an instant, the oldest first; how many there were.
///
/// # Errors
/// The store's.
pub async fn purge(tx: &mut Tx, workspace: WorkspaceId, before: Timestamp, most: u32) -> Result<usize> {
    let delete = sql!(
        "DELETE FROM loyalty_referral_traces WHERE (digest, handle) IN (SELECT digest, handle FROM loyalty_referral_traces
             WHERE workspace = $1 AND seen_at < $2 ORDER BY seen_at LIMIT $3) AND workspace = $1"
    );
    let gone = tx.execute(delete, args![workspace, before, most]).await?;
    Ok(usize::try_from(gone).expect("no more than were asked for"))
}

/// Whether something was seen last before an instant.
///
/// # Errors
/// The store's.
pub async fn are_old(db: &mut impl Queries, workspace: WorkspaceId, before: Timestamp) -> Result<bool> {
    let find = sql!(
        "SELECT seen_at FROM loyalty_referral_traces WHERE workspace = $1 AND seen_at < $2 ORDER BY seen_at LIMIT $3"
    );
    let found: Option<(Timestamp,)> = db.fetch_optional(find, args![workspace, before, 1_i64]).await?;
    Ok(found.is_some())
}
