//! Sessions: who is signed in. Only the token's hash is stored.

use rapport_domain::{Id, Timestamp};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A stored session.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct SessionRow {
    /// Whose.
    pub user_id: Id,
    /// When it was last used (to the minute).
    pub last_used_at: Timestamp,
    /// When it ends however much it is used.
    pub expires_at: Timestamp,
}

/// Begins a session.
pub async fn insert(tx: &mut Tx, token_hash: [u8; 32], user: &Id, at: Timestamp, expires_at: Timestamp) -> Result<()> {
    let text = sql!(
        "INSERT INTO sessions (token_hash, user_id, created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $3, $4)"
    );
    tx.execute(text, args![token_hash, user, at, expires_at]).await?;
    Ok(())
}

/// The session with this token, ended or not.
pub async fn by_hash(db: &mut impl Queries, token_hash: [u8; 32]) -> Result<Option<SessionRow>> {
    let text = sql!("SELECT user_id, last_used_at, expires_at FROM sessions WHERE token_hash = $1");
    db.fetch_optional(text, args![token_hash]).await
}

/// Notes that a session was used.
pub async fn touch(tx: &mut Tx, token_hash: [u8; 32], at: Timestamp) -> Result<()> {
    tx.execute(sql!("UPDATE sessions SET last_used_at = $2 WHERE token_hash = $1"), args![token_hash, at]).await?;
    Ok(())
}

/// Ends a session.
pub async fn delete(tx: &mut Tx, token_hash: [u8; 32]) -> Result<()> {
    tx.execute(sql!("DELETE FROM sessions WHERE token_hash = $1"), args![token_hash]).await?;
    Ok(())
}

/// Ends all sessions of a user.
pub async fn delete_of_user(tx: &mut Tx, user: &Id) -> Result<()> {
    tx.execute(sql!("DELETE FROM sessions WHERE user_id = $1"), args![user]).await?;
    Ok(())
}

/// Forgets sessions that ended before `now` or were idle since before `idle_since`.
pub async fn delete_ended(tx: &mut Tx, now: Timestamp, idle_since: Timestamp) -> Result<u64> {
    let text = sql!("DELETE FROM sessions WHERE expires_at <= $1 OR last_used_at <= $2");
    tx.execute(text, args![now, idle_since]).await
}
