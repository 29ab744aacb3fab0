//! The end of a workspace's ledger: how far it is numbered, and the hash of everything before.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Tx, Writes, args, sql};

use crate::ledger::Chain;

/// Where the ledger ends.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct Head {
    /// The number of the last operation.
    pub operations: i64,
    /// The number of the last posting.
    pub postings: i64,
    /// How often the wallets were changed.
    pub settings: i64,
    /// How often it was changed who somebody is, or what they may do.
    pub people: i64,
    /// The hash of everything.
    pub chain: [u8; 32],
    /// When the last operation was written down.
    pub recorded_at: Timestamp,
}

/// Takes the head for this transaction: whoever else posts waits until it ends.
pub(super) async fn lock(tx: &mut Tx, workspace: WorkspaceId) -> rapport_store::Result<Head> {
    let take = sql!(
        "INSERT INTO loyalty_heads (workspace, operations, postings, settings, chain, recorded_at) VALUES ($1, $2, $2, $2, $3, $2)
         ON CONFLICT (workspace) DO UPDATE SET settings = loyalty_heads.settings
         RETURNING operations, postings, settings, people, chain, recorded_at"
    );
    tx.fetch_one(take, args![workspace, 0_i64, Chain::default().0]).await
}

/// Moves the head on, which this transaction holds.
pub(super) fn save(writes: &mut Writes, workspace: WorkspaceId, head: &Head) {
    let save = sql!(
        "INSERT INTO loyalty_heads (workspace, operations, postings, settings, chain, recorded_at) VALUES {rows}
         ON CONFLICT (workspace) DO UPDATE SET operations = EXCLUDED.operations, postings = EXCLUDED.postings, chain = EXCLUDED.chain,
             recorded_at = EXCLUDED.recorded_at"
    );
    let Head { operations, postings, settings, chain, recorded_at, .. } = head;
    writes.execute_later(save, [args![workspace, *operations, *postings, *settings, *chain, *recorded_at]]);
}

/// Moves the head on from where it was, which is the lock too: the transaction is refused when it is not there any more, since a head without a number of operations
/// cannot be.
pub(super) fn save_from(writes: &mut Writes, workspace: WorkspaceId, was: &Head, head: &Head) {
    let save = sql!(
        "WITH v (workspace, was, settings, people, operations, postings, chain, recorded_at) AS (VALUES {rows})
         UPDATE loyalty_heads SET postings = v.postings, chain = v.chain, recorded_at = v.recorded_at,
             operations = CASE WHEN loyalty_heads.operations = v.was AND loyalty_heads.settings = v.settings AND loyalty_heads.people = v.people
                 THEN v.operations END
         FROM v WHERE loyalty_heads.workspace = v.workspace"
    );
    let Head { operations, postings, settings, people, chain, recorded_at } = head;
    let row = args![workspace, was.operations, *settings, *people, *operations, *postings, *chain, *recorded_at];
    writes.execute_later(save, [row]);
}

/// Notes that the programme, its rules or its wallets changed, so that whoever keeps them in memory reads them again.
pub(super) async fn settings_changed(tx: &mut Tx, workspace: WorkspaceId) -> rapport_store::Result<()> {
    lock(tx, workspace).await?;
    let note = sql!("UPDATE loyalty_heads SET settings = settings + CAST(1 AS BIGINT) WHERE workspace = $1");
    tx.execute(note, args![workspace]).await.map(drop)
}

/// Notes that it changed who somebody is or what they may do, so that whoever keeps that in memory reads it again.
pub(super) async fn people_changed(tx: &mut Tx, workspace: WorkspaceId) -> rapport_store::Result<()> {
    lock(tx, workspace).await?;
    let note = sql!("UPDATE loyalty_heads SET people = people + CAST(1 AS BIGINT) WHERE workspace = $1");
    tx.execute(note, args![workspace]).await.map(drop)
}

/// The head as it stands, if anything was ever posted.
///
/// # Errors
/// The store's.
pub async fn read(db: &mut impl Queries, workspace: WorkspaceId) -> rapport_store::Result<Option<Head>> {
    let find = sql!(
        "SELECT operations, postings, settings, people, chain, recorded_at FROM loyalty_heads WHERE workspace = $1"
    );
    db.fetch_optional(find, args![workspace]).await
}
