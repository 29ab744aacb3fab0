//! What staff call groups of customers, and what they wrote of each: personas.
//!
//! Always holds: a persona is of a number, which a group keeps from version to version while it is mostly the same people; it says nothing of one person.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};

/// A persona.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct PersonaRow {
    /// The number of its group.
    pub number: i64,
    /// What staff call it.
    pub name: String,
    /// What they wrote of it; empty where nothing.
    pub note: String,
    /// When that was.
    pub changed_at: Timestamp,
    /// Who it was.
    pub changed_by: String,
}

/// All of a workspace, by their numbers.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<PersonaRow>> {
    let find =
        sql!("SELECT number, name, note, changed_at, changed_by FROM personas WHERE workspace = $1 ORDER BY number");
    db.fetch_all(find, args![workspace]).await
}

/// Names a group, or names it anew.
pub async fn put(tx: &mut Tx, workspace: WorkspaceId, row: &PersonaRow) -> Result<()> {
    let put = sql!(
        "INSERT INTO personas (workspace, number, name, note, changed_at, changed_by) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (number, workspace) DO UPDATE SET
           name = excluded.name, note = excluded.note, changed_at = excluded.changed_at, changed_by = excluded.changed_by"
    );
    let values = args![workspace, row.number, &row.name, &row.note, row.changed_at, &row.changed_by];
    tx.execute(put, values).await.map(drop)
}

/// Takes a name away. Whether there was one.
pub async fn remove(tx: &mut Tx, workspace: WorkspaceId, number: i64) -> Result<bool> {
    let remove = sql!("DELETE FROM personas WHERE number = $2 AND workspace = $1");
    Ok(tx.execute(remove, args![workspace, number]).await? > 0)
}
