//! Examples of intents as they are stored.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

/// Replaces the examples of an intent; without any there is no such intent any more.
///
/// # Errors
/// The store's.
pub async fn replace(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (intent, examples): (&str, &[String]),
    (by, at): (&str, Timestamp),
) -> Result<u64> {
    let text = sql!("DELETE FROM intent_examples WHERE workspace = $1 AND intent = $2");
    let deleted = tx.execute(text, args![workspace, intent]).await?;
    let text = sql!("INSERT INTO intent_examples (workspace, intent, place, text, noted_at, noted_by) VALUES {rows}");
    let rows = examples.iter().zip(0_i64..).map(|(example, place)| args![workspace, intent, place, example, at, by]);
    tx.execute_many(text, rows).await?;
    Ok(deleted)
}

/// The intents with how many examples each has and when they were written.
///
/// # Errors
/// The store's.
pub async fn list(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, i64, Timestamp)>> {
    let text = sql!(
        "SELECT intent, COUNT(*), MAX(noted_at) FROM intent_examples WHERE workspace = $1 GROUP BY intent ORDER BY intent"
    );
    db.fetch_all(text, args![workspace]).await
}

/// All examples: (intent, text).
///
/// # Errors
/// The store's.
pub async fn examples(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<(String, String)>> {
    let text = sql!("SELECT intent, text FROM intent_examples WHERE workspace = $1 ORDER BY intent, place");
    db.fetch_all(text, args![workspace]).await
}

/// The examples of one.
///
/// # Errors
/// The store's.
pub async fn of(db: &mut impl Queries, workspace: WorkspaceId, intent: &str) -> Result<Vec<(String,)>> {
    let text = sql!("SELECT text FROM intent_examples WHERE workspace = $1 AND intent = $2 ORDER BY place");
    db.fetch_all(text, args![workspace, intent]).await
}
