//! Accounts: organisations that profiles belong to.

use rapport_domain::{AccountId, Handle, PersonId, SourceId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

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

/// Makes an identifier a member since the earliest time told. Whether that is news.
pub async fn add_member(
    tx: &mut Tx,
    workspace: WorkspaceId,
    account: AccountId,
    handle: Handle,
    since: Timestamp,
) -> Result<bool> {
    let text = sql!(
        "INSERT INTO account_members (workspace, account, handle, since) VALUES ($1, $2, $3, $4)
         ON CONFLICT (workspace, account, handle) DO UPDATE SET since = excluded.since WHERE excluded.since < account_members.since"
    );
    Ok(tx.execute(text, args![workspace, account, handle, since]).await? > 0)
}

/// Since when some are members of an account.
pub async fn since(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    account: AccountId,
    handles: &[Handle],
) -> Result<Vec<(Handle, Timestamp)>> {
    let text = sql!(
        "SELECT handle, since FROM account_members WHERE workspace = $1 AND account = $2 AND handle IN ($3) ORDER BY handle"
    );
    db.fetch_all(text, args![workspace, account, handles]).await
}

/// The members of an account: (identifier, whose it is, since when), `most` of them at most.
pub async fn members(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    account: AccountId,
    most: i64,
) -> Result<Vec<(Handle, PersonId, Timestamp)>> {
    let text = sql!(
        "SELECT m.handle, i.person, m.since FROM account_members m
         JOIN identifiers i ON i.workspace = m.workspace AND i.handle = m.handle
         WHERE m.workspace = $1 AND m.account = $2 ORDER BY m.handle LIMIT $3"
    );
    db.fetch_all(text, args![workspace, account, most]).await
}

/// A fact of an account.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct AccountFactRow {
    /// E.g. `account.industry`, the key that its members' fact has.
    pub fact_key: String,
    /// From when it is true.
    pub valid_from: Timestamp,
    /// When we learned of it.
    pub recorded_at: Timestamp,
    /// JSON.
    pub value: String,
    /// Who said so.
    pub source: SourceId,
    /// Which event said so.
    pub event_id: [u8; 16],
}

/// All that was told of an account, in the order in which the later overrules the earlier.
pub async fn facts(db: &mut impl Queries, workspace: WorkspaceId, account: AccountId) -> Result<Vec<AccountFactRow>> {
    let text = sql!(
        "SELECT fact_key, valid_from, recorded_at, value, source, event_id FROM account_facts
         WHERE workspace = $1 AND account = $2 ORDER BY fact_key, valid_from, recorded_at"
    );
    db.fetch_all(text, args![workspace, account]).await
}

/// Adds facts of an account. The very same statement again changes nothing.
pub async fn insert_facts(
    tx: &mut Tx,
    workspace: WorkspaceId,
    account: AccountId,
    rows: &[AccountFactRow],
) -> Result<()> {
    let text = sql!(
        "INSERT INTO account_facts (workspace, account, fact_key, valid_from, recorded_at, value, source, event_id) VALUES {rows}
         ON CONFLICT (account, fact_key, valid_from, recorded_at, workspace) DO UPDATE SET
           value = excluded.value, event_id = excluded.event_id, source = excluded.source"
    );
    let rows = rows
        .iter()
        .map(|r| args![workspace, account, &r.fact_key, r.valid_from, r.recorded_at, &r.value, r.source, r.event_id]);
    tx.execute_many(text, rows).await?;
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
