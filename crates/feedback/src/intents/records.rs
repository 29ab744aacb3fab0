//! Examples of intents as they are stored.

use std::collections::HashMap;

use rapport_domain::{Handle, Timestamp, WorkspaceId};
use rapport_store::{Queries, Result, Tx, args, sql};

/// Whose examples are that staff wrote.
const NOBODY: Handle = Handle(0);

/// Replaces the examples of an intent; without any there is no such intent any more. Whose text one is stays known.
///
/// # Errors
/// The store's.
pub async fn replace(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (intent, examples): (&str, &[String]),
    (by, at): (&str, Timestamp),
) -> Result<u64> {
    let text = sql!("SELECT text, handle FROM intent_examples WHERE workspace = $1 AND intent = $2 AND handle <> $3");
    let whose: Vec<(String, Handle)> = tx.fetch_all(text, args![workspace, intent, NOBODY]).await?;
    let whose: HashMap<String, Handle> = whose.into_iter().collect();
    let text = sql!("DELETE FROM intent_examples WHERE workspace = $1 AND intent = $2");
    let deleted = tx.execute(text, args![workspace, intent]).await?;
    let text =
        sql!("INSERT INTO intent_examples (workspace, intent, place, text, noted_at, noted_by, handle) VALUES {rows}");
    let rows = examples.iter().zip(0_i64..).map(|(example, place)| {
        let handle = whose.get(example).copied().unwrap_or(NOBODY);
        args![workspace, intent, place, example, at, by, handle]
    });
    tx.execute_many(text, rows).await?;
    Ok(deleted)
}

/// Takes a text for an example of this intent and of no other, or of none.
///
/// # Errors
/// The store's.
pub async fn put(
    tx: &mut Tx,
    workspace: WorkspaceId,
    (example, handle): (&str, Handle),
    intent: Option<&str>,
    (by, at): (&str, Timestamp),
) -> Result<()> {
    let text = sql!("DELETE FROM intent_examples WHERE workspace = $1 AND text = $2");
    tx.execute(text, args![workspace, example]).await?;
    let Some(intent) = intent else { return Ok(()) };
    let text = sql!(
        "INSERT INTO intent_examples (workspace, intent, place, text, noted_at, noted_by, handle)
         SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), COALESCE(MAX(place), $7) + $8, CAST($3 AS TEXT), CAST($4 AS BIGINT), CAST($5 AS TEXT), CAST($6 AS BIGINT)
         FROM intent_examples WHERE workspace = $1 AND intent = $2"
    );
    tx.execute(text, args![workspace, intent, example, at, by, handle, -1_i64, 1_i64]).await?;
    Ok(())
}

/// The intent of which a text is an example, with how many it has.
///
/// # Errors
/// The store's.
pub async fn of_text(db: &mut impl Queries, workspace: WorkspaceId, text: &str) -> Result<Option<(String, i64)>> {
    let sql = sql!(
        "SELECT intent, COUNT(*) FROM intent_examples WHERE workspace = $1
         AND intent = (SELECT MIN(intent) FROM intent_examples WHERE workspace = $1 AND text = $2) GROUP BY intent"
    );
    db.fetch_optional(sql, args![workspace, text]).await
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
