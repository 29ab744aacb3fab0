//! Accounts: organisations that profiles belong to.

use rapport_domain::{AccountId, Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

/// The account of this name at the sources, made if it is new; a given name renews the old one.
pub async fn ensure(
    tx: &mut Tx,
    workspace: WorkspaceId,
    group_id: &str,
    name: Option<&str>,
    fresh: AccountId,
    at: Timestamp,
) -> Result<AccountId> {
    let insert = sql!(
        "INSERT INTO accounts (workspace, account, group_id, name, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace, group_id) DO UPDATE SET name = COALESCE(excluded.name, accounts.name)"
    );
    tx.execute(insert, args![workspace, fresh, group_id, name, at]).await?;
    let find = sql!("SELECT account FROM accounts WHERE workspace = $1 AND group_id = $2");
    tx.scalar(find, args![workspace, group_id]).await
}

/// Makes an identifier a member since the earliest time told.
pub async fn add_member(
    tx: &mut Tx,
    workspace: WorkspaceId,
    account: AccountId,
    handle: Handle,
    since: Timestamp,
) -> Result<()> {
    let text = sql!(
        "INSERT INTO account_members (workspace, account, handle, since) VALUES ($1, $2, $3, $4)
         ON CONFLICT (workspace, account, handle) DO UPDATE SET since = excluded.since WHERE excluded.since < account_members.since"
    );
    tx.execute(text, args![workspace, account, handle, since]).await?;
    Ok(())
}

/// The accounts of a person: (account, name at the sources, display name).
pub async fn of_handles(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    handles: &[Handle],
) -> Result<Vec<(AccountId, String, Option<String>)>> {
    let text = sql!(
        "SELECT DISTINCT a.account, a.group_id, a.name FROM accounts a
         JOIN account_members m ON m.workspace = a.workspace AND m.account = a.account
         WHERE a.workspace = $1 AND m.handle IN ($2) ORDER BY a.group_id"
    );
    db.fetch_all(text, args![workspace, handles]).await
}
