//! Runs: the times at which a campaign goes out, or those who are in a segment at launch come into a journey.

use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Sql, Tx, args, sql};

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct RunRow {
    /// The journey.
    pub journey: String,
    /// Its name within the journey: the occasion of those who come in.
    pub run: String,
    /// The version they come into.
    pub version: i64,
    /// `planned`, `running`, `paused`, `done` or `cancelled`.
    pub state: String,
    /// When it was to begin.
    pub planned_at: Timestamp,
    /// When to go on with it.
    pub next_at: Option<Timestamp>,
    /// When it began to go through the audience, this time: while shares grow it does so each day.
    pub began_at: Timestamp,
    /// Whoever has a lower number was asked already.
    pub after_person: PersonId,
    /// How many came in.
    pub entered: i64,
    /// How many were in the audience when it began.
    pub people: i64,
    /// When it was done.
    pub finished_at: Option<Timestamp>,
}

const COLUMNS: &str =
    "journey, run, version, state, planned_at, next_at, began_at, after_person, entered, people, finished_at";

/// Plans a run; whether there was none of that name. One that was cancelled goes on where it was.
pub async fn plan(tx: &mut Tx, workspace: WorkspaceId, row: &RunRow) -> Result<bool> {
    let text = sql!(
        "INSERT INTO journey_runs (workspace, journey, run, version, state, planned_at, next_at, began_at, after_person, entered, people,
           finished_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (journey, run, workspace) DO UPDATE SET version = excluded.version, state = excluded.state,
           planned_at = excluded.planned_at, next_at = excluded.next_at, finished_at = NULL WHERE journey_runs.state = 'cancelled'"
    );
    let values = args![
        workspace,
        &row.journey,
        &row.run,
        row.version,
        &row.state,
        row.planned_at,
        row.next_at,
        row.began_at,
        row.after_person,
        row.entered,
        row.people,
        row.finished_at
    ];
    Ok(tx.execute(text, values).await? > 0)
}

/// Those to go on with by now, of journeys that are live.
pub async fn due(db: &mut impl Queries, now: Timestamp) -> Result<Vec<(WorkspaceId, String, String)>> {
    let text = sql!(
        "SELECT r.workspace, r.journey, r.run FROM journey_runs r JOIN journeys j ON j.workspace = r.workspace AND j.key = r.journey
         WHERE r.next_at IS NOT NULL AND r.next_at <= $1 AND j.state = 'live' ORDER BY r.next_at, r.journey, r.run"
    );
    db.fetch_all(text, args![now]).await
}

/// One of a journey.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, journey: &str, run: &str) -> Result<Option<RunRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_runs WHERE workspace = $1 AND journey = $2 AND run = $3"
    ));
    db.fetch_optional(text, args![workspace, journey, run]).await
}

/// All of a journey, the latest first.
pub async fn of_journey(db: &mut impl Queries, workspace: WorkspaceId, journey: &str) -> Result<Vec<RunRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_runs WHERE workspace = $1 AND journey = $2 ORDER BY planned_at DESC, run"
    ));
    db.fetch_all(text, args![workspace, journey]).await
}

/// Those of all journeys that were or are planned between two instants, in order.
pub async fn between(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<RunRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM journey_runs WHERE workspace = $1 AND planned_at >= $2 AND planned_at < $3
         ORDER BY planned_at, journey, run"
    ));
    db.fetch_all(text, args![workspace, from, until]).await
}

/// Writes how far a run has come.
pub async fn update(tx: &mut Tx, workspace: WorkspaceId, row: &RunRow) -> Result<()> {
    let text = sql!(
        "UPDATE journey_runs SET state = $4, planned_at = $5, next_at = $6, began_at = $7, after_person = $8, entered = $9, people = $10,
           finished_at = $11
         WHERE workspace = $1 AND journey = $2 AND run = $3"
    );
    let values = args![
        workspace,
        &row.journey,
        &row.run,
        &row.state,
        row.planned_at,
        row.next_at,
        row.began_at,
        row.after_person,
        row.entered,
        row.people,
        row.finished_at
    ];
    tx.execute(text, values).await?;
    Ok(())
}

/// Forgets what is planned of a journey and has not begun: a new version plans its own.
pub async fn forget_planned(tx: &mut Tx, workspace: WorkspaceId, journey: &str) -> Result<()> {
    let text = sql!("DELETE FROM journey_runs WHERE +workspace = $1 AND journey = $2 AND state = 'planned'");
    tx.execute(text, args![workspace, journey]).await?;
    Ok(())
}

/// Cancels what is still planned of a journey.
pub async fn cancel(tx: &mut Tx, workspace: WorkspaceId, journey: &str, now: Timestamp) -> Result<()> {
    let text = sql!(
        "UPDATE journey_runs SET state = 'cancelled', next_at = NULL, finished_at = $3
         WHERE workspace = $1 AND journey = $2 AND next_at IS NOT NULL"
    );
    tx.execute(text, args![workspace, journey, now]).await?;
    Ok(())
}
