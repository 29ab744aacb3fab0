//! Failed sign-ins, counted per subject (a keyed digest of an e-mail address or a network address), so that guessing is slow also
//! across restarts.

use rapport_domain::Timestamp;
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// How often a subject failed since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Record)]
pub struct FailureRow {
    /// How often.
    pub failures: i64,
    /// Since when.
    pub since: Timestamp,
}

/// What is known of a subject.
pub async fn find(db: &mut impl Queries, subject: [u8; 32]) -> Result<Option<FailureRow>> {
    db.fetch_optional(sql!("SELECT failures, since FROM sign_in_failures WHERE subject = $1"), args![subject]).await
}

/// Counts a failure; counting begins anew when the last beginning was before `window_began`.
pub async fn add(tx: &mut Tx, subject: [u8; 32], at: Timestamp, window_began: Timestamp) -> Result<()> {
    let text = sql!(
        "INSERT INTO sign_in_failures (subject, failures, since) VALUES ($1, $2, $3)
         ON CONFLICT (subject) DO UPDATE SET
           failures = CASE WHEN sign_in_failures.since <= $4 THEN $2 ELSE sign_in_failures.failures + $2 END,
           since = CASE WHEN sign_in_failures.since <= $4 THEN $3 ELSE sign_in_failures.since END"
    );
    tx.execute(text, args![subject, 1_i64, at, window_began]).await?;
    Ok(())
}

/// Forgets a subject.
pub async fn clear(tx: &mut Tx, subject: [u8; 32]) -> Result<()> {
    tx.execute(sql!("DELETE FROM sign_in_failures WHERE subject = $1"), args![subject]).await?;
    Ok(())
}

/// Forgets what began before `window_began`.
pub async fn delete_old(tx: &mut Tx, window_began: Timestamp) -> Result<u64> {
    tx.execute(sql!("DELETE FROM sign_in_failures WHERE since <= $1"), args![window_began]).await
}
