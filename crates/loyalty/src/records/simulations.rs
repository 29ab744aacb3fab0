//! Simulations: what was asked, what came of it, who gains and loses most. They stay until somebody deletes them.

use rapport_domain::{Id, PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

use crate::simulation::tally::Change;

/// A simulation.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct SimulationRow {
    /// Its name in addresses.
    pub id: Id,
    /// The job that does it.
    pub job: Id,
    /// What people call it.
    pub name: String,
    /// What was asked.
    pub plan: Value,
    /// What came of it; `None` while it is under way, or when nothing came of it.
    pub result: Option<Value>,
    /// Why nothing came of it.
    pub failure: Option<String>,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// By whom.
    pub asked_by: String,
    /// When it was begun, the last time.
    pub began_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Keeps what is asked.
///
/// # Errors
/// The store's.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &SimulationRow) -> Result<()> {
    let add = sql!(
        "INSERT INTO loyalty_simulations (workspace, id, job, name, plan, asked_at, asked_by) VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    let values = args![workspace, &row.id, &row.job, &row.name, row.plan.clone(), row.asked_at, &row.asked_by];
    tx.execute(add, values).await.map(drop)
}

/// One of them.
///
/// # Errors
/// The store's.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<SimulationRow>> {
    let find = sql!(
        "SELECT id, job, name, plan, result, failure, asked_at, asked_by, began_at, ended_at FROM loyalty_simulations
         WHERE id = $2 AND workspace = $1"
    );
    db.fetch_optional(find, args![workspace, id]).await
}

/// Those asked for last, the latest first.
///
/// # Errors
/// The store's.
pub async fn latest(db: &mut impl Queries, workspace: WorkspaceId, limit: u32) -> Result<Vec<SimulationRow>> {
    let find = sql!(
        "SELECT id, job, name, plan, result, failure, asked_at, asked_by, began_at, ended_at FROM loyalty_simulations
         WHERE workspace = $1 ORDER BY asked_at DESC, id LIMIT $2"
    );
    db.fetch_all(find, args![workspace, limit]).await
}

/// Notes that it is begun, perhaps anew.
///
/// # Errors
/// The store's.
pub async fn begin(tx: &mut Tx, workspace: WorkspaceId, id: &str, now: Timestamp) -> Result<()> {
    let note = sql!("UPDATE loyalty_simulations SET began_at = $3 WHERE id = $2 AND workspace = $1");
    tx.execute(note, args![workspace, id, now]).await.map(drop)
}

/// Keeps what came of it, and who gains and loses most in which wallet.
///
/// # Errors
/// The store's.
pub async fn end(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: &str,
    result: Value,
    people: &[(String, Change)],
    now: Timestamp,
) -> Result<()> {
    let keep = sql!("UPDATE loyalty_simulations SET result = $3, ended_at = $4 WHERE id = $2 AND workspace = $1");
    tx.execute(keep, args![workspace, id, result, now]).await?;
    let add = sql!(
        "INSERT INTO loyalty_simulation_people (workspace, simulation, wallet, person, points_before, points_after) VALUES {rows}
         ON CONFLICT DO NOTHING"
    );
    let row = |(wallet, it): &(String, Change)| args![workspace, id, wallet.as_str(), it.person, it.before, it.after];
    tx.execute_many(add, people.iter().map(row)).await?;
    Ok(())
}

/// Notes why nothing came of it.
///
/// # Errors
/// The store's.
pub async fn fail(tx: &mut Tx, workspace: WorkspaceId, id: &str, why: &str, now: Timestamp) -> Result<()> {
    let note = sql!("UPDATE loyalty_simulations SET failure = $3, ended_at = $4 WHERE id = $2 AND workspace = $1");
    tx.execute(note, args![workspace, id, why, now]).await.map(drop)
}

/// Forgets one; whether there was one.
///
/// # Errors
/// The store's.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, id: &str) -> Result<bool> {
    let people = sql!("DELETE FROM loyalty_simulation_people WHERE simulation = $2 AND workspace = $1");
    tx.execute(people, args![workspace, id]).await?;
    let forget = sql!("DELETE FROM loyalty_simulations WHERE id = $2 AND workspace = $1");
    Ok(tx.execute(forget, args![workspace, id]).await? > 0)
}

/// Who gains and loses most in a wallet, as far as they were not erased meanwhile.
///
/// # Errors
/// The store's.
pub async fn people(db: &mut impl Queries, workspace: WorkspaceId, id: &str, wallet: &str) -> Result<Vec<Change>> {
    let find = sql!(
        "SELECT person, points_before, points_after FROM loyalty_simulation_people WHERE simulation = $2 AND wallet = $3 AND workspace = $1
         ORDER BY points_after - points_before DESC, person"
    );
    let rows: Vec<(PersonId, i64, i64)> = db.fetch_all(find, args![workspace, id, wallet]).await?;
    Ok(rows.into_iter().map(|(person, before, after)| Change { person, before, after }).collect())
}
