//! Users: the people who work with the console. An e-mail address names one user of the whole installation.

use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored user.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct UserRow {
    /// Its name (`usr_...`).
    pub id: Id,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// What people call them.
    pub name: String,
    /// As they wrote it.
    pub email: String,
    /// The role's word.
    pub role: String,
    /// Argon2 in PHC form; `None` while they have no password and sign in by link.
    pub password_hash: Option<String>,
    /// Whether they may not sign in.
    pub disabled: bool,
    /// Since when.
    pub created_at: Timestamp,
    /// About when they were last here (to the minute).
    pub last_seen_at: Option<Timestamp>,
}

/// The form of an e-mail address that is compared.
pub fn folded(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Stores a new user; fails with a unique violation when the address is taken.
pub async fn insert(tx: &mut Tx, row: &UserRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO users (id, workspace, name, email, email_folded, role, password_hash, disabled, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    let args = args![
        &row.id,
        row.workspace,
        &row.name,
        &row.email,
        folded(&row.email),
        &row.role,
        row.password_hash.clone(),
        row.disabled,
        row.created_at
    ];
    tx.execute(text, args).await?;
    Ok(())
}

/// The user with this address.
pub async fn by_email(db: &mut impl Queries, email: &str) -> Result<Option<UserRow>> {
    let text = sql!(
        "SELECT id, workspace, name, email, role, password_hash, disabled, created_at, last_seen_at FROM users
         WHERE email_folded = $1"
    );
    db.fetch_optional(text, args![folded(email)]).await
}

/// The user of this name.
pub async fn by_id(db: &mut impl Queries, id: &Id) -> Result<Option<UserRow>> {
    let text = sql!(
        "SELECT id, workspace, name, email, role, password_hash, disabled, created_at, last_seen_at FROM users WHERE id = $1"
    );
    db.fetch_optional(text, args![id]).await
}

/// All users of a workspace, oldest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<UserRow>> {
    let text = sql!(
        "SELECT id, workspace, name, email, role, password_hash, disabled, created_at, last_seen_at FROM users
         WHERE workspace = $1 ORDER BY id"
    );
    db.fetch_all(text, args![workspace]).await
}

/// Stores role and whether the user is disabled.
pub async fn set_access(tx: &mut Tx, id: &Id, role: &str, disabled: bool) -> Result<()> {
    let text = sql!("UPDATE users SET role = $2, disabled = $3 WHERE id = $1");
    tx.execute(text, args![id, role, disabled]).await?;
    Ok(())
}

/// Stores a new password's hash.
pub async fn set_password(tx: &mut Tx, id: &Id, password_hash: &str) -> Result<()> {
    tx.execute(sql!("UPDATE users SET password_hash = $2 WHERE id = $1"), args![id, password_hash]).await?;
    Ok(())
}

/// Notes that the user is here.
pub async fn touch(tx: &mut Tx, id: &Id, at: Timestamp) -> Result<()> {
    tx.execute(sql!("UPDATE users SET last_seen_at = $2 WHERE id = $1"), args![id, at]).await?;
    Ok(())
}
