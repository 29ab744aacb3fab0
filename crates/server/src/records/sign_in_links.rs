//! One-time sign-in links. Only the token's hash is stored.

use rapport_domain::{Id, Timestamp};
use rapport_store::{Queries, Result, Tx, args, sql};

/// Stores a new link.
pub async fn insert(tx: &mut Tx, token_hash: [u8; 32], user: &Id, expires_at: Timestamp) -> Result<()> {
    let text = sql!("INSERT INTO sign_in_links (token_hash, user_id, expires_at) VALUES ($1, $2, $3)");
    tx.execute(text, args![token_hash, user, expires_at]).await?;
    Ok(())
}

/// Uses a link up: whose it was, if it was there and had not expired.
pub async fn take(tx: &mut Tx, token_hash: [u8; 32], now: Timestamp) -> Result<Option<Id>> {
    let text = sql!("DELETE FROM sign_in_links WHERE token_hash = $1 AND expires_at > $2 RETURNING user_id");
    Ok(tx.fetch_optional::<(Id,)>(text, args![token_hash, now]).await?.map(|(user,)| user))
}

/// Makes all links of a user useless.
pub async fn delete_of_user(tx: &mut Tx, user: &Id) -> Result<()> {
    tx.execute(sql!("DELETE FROM sign_in_links WHERE user_id = $1"), args![user]).await?;
    Ok(())
}

/// Forgets links that expired.
pub async fn delete_expired(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    tx.execute(sql!("DELETE FROM sign_in_links WHERE expires_at <= $1"), args![now]).await
}
