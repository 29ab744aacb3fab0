//! Experiments, flags and holdouts, and every version of them.
//!
//! Always holds: a version is added with each change and never altered; the row of an experiment is its latest version.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Tx, args, sql};

use crate::design::{Design, Experiment, State};

/// A stored experiment.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ExperimentRow {
    /// Its number.
    pub experiment: i64,
    /// Its key.
    pub key: String,
    /// Where it stands, as [`State::as_str`].
    pub state: String,
    /// Its version.
    pub version: i64,
    /// The version since which chances are as they are.
    pub allocation: i64,
    /// The variant that everybody gets.
    pub winner: Option<String>,
    /// What staff wrote.
    pub design: Json<Design>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: String,
    /// When it first ran.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

impl ExperimentRow {
    /// A new one, which nobody is in yet.
    pub fn draft(experiment: i64, key: &str, design: Design, at: Timestamp, by: &str) -> Self {
        Self {
            experiment,
            key: key.to_owned(),
            state: State::Draft.as_str().to_owned(),
            version: 1,
            allocation: 1,
            winner: None,
            design: Json(design),
            created_at: at,
            updated_at: at,
            updated_by: by.to_owned(),
            started_at: None,
            ended_at: None,
        }
    }
}

/// A version as it was saved.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct VersionRow {
    /// Its number, from 1.
    pub version: i64,
    /// Where the experiment stood.
    pub state: String,
    /// The version since which chances were as they were.
    pub allocation: i64,
    /// The winner.
    pub winner: Option<String>,
    /// What staff wrote.
    pub design: Json<Design>,
    /// When.
    pub saved_at: Timestamp,
    /// Who.
    pub saved_by: String,
}

impl ExperimentRow {
    /// As it is evaluated.
    pub fn experiment(&self) -> Experiment {
        Experiment {
            number: self.experiment,
            key: self.key.clone(),
            // A word of a newer program: nothing it does not know runs.
            state: State::parse(&self.state).unwrap_or(State::Paused),
            version: self.version,
            allocation: self.allocation,
            winner: self.winner.clone(),
            started_at: self.started_at,
            ended_at: self.ended_at,
            design: self.design.0.clone(),
        }
    }
}

/// All of a workspace, the newest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<ExperimentRow>> {
    let text = sql!(
        "SELECT experiment, key, state, version, allocation, winner, design, created_at, updated_at, updated_by, started_at, ended_at
         FROM experiments WHERE workspace = $1 ORDER BY created_at DESC, experiment DESC"
    );
    db.fetch_all(text, args![workspace]).await
}

/// The one of a key.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Option<ExperimentRow>> {
    let text = sql!(
        "SELECT experiment, key, state, version, allocation, winner, design, created_at, updated_at, updated_by, started_at, ended_at
         FROM experiments WHERE workspace = $1 AND key = $2"
    );
    db.fetch_optional(text, args![workspace, key]).await
}

/// Those of an exclusion group.
pub async fn of_group(db: &mut impl Queries, workspace: WorkspaceId, group: &str) -> Result<Vec<ExperimentRow>> {
    let text = sql!(
        "SELECT experiment, key, state, version, allocation, winner, design, created_at, updated_at, updated_by, started_at, ended_at
         FROM experiments WHERE workspace = $1 AND exclusion_group = $2 ORDER BY experiment"
    );
    db.fetch_all(text, args![workspace, group]).await
}

/// Every version of one, the latest first.
pub async fn versions(db: &mut impl Queries, workspace: WorkspaceId, experiment: i64) -> Result<Vec<VersionRow>> {
    let text = sql!(
        "SELECT version, state, allocation, winner, design, saved_at, saved_by FROM experiment_versions
         WHERE workspace = $1 AND experiment = $2 ORDER BY version DESC"
    );
    db.fetch_all(text, args![workspace, experiment]).await
}

/// Since when chances are as they are now: when the version was saved with which the present allocation began. Readouts are of those first exposed
/// since.
pub async fn allocation_began(db: &mut impl Queries, workspace: WorkspaceId, row: &ExperimentRow) -> Result<Timestamp> {
    let text =
        sql!("SELECT saved_at FROM experiment_versions WHERE workspace = $1 AND experiment = $2 AND version = $3");
    db.scalar(text, args![workspace, row.experiment, row.allocation]).await
}

/// The next free number. Two at a time get the same, and one of them is refused as not unique.
pub async fn next_number(tx: &mut Tx, workspace: WorkspaceId) -> Result<i64> {
    let text = sql!("SELECT COALESCE(MAX(experiment), 0) + 1 FROM experiments WHERE workspace = $1");
    tx.scalar(text, args![workspace]).await
}

/// Adds one with its first version.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &ExperimentRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO experiments (workspace, experiment, key, state, version, allocation, winner, exclusion_group, design, created_at,
           updated_at, updated_by, started_at, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
    );
    let args = args![
        workspace,
        row.experiment,
        &row.key,
        &row.state,
        row.version,
        row.allocation,
        row.winner.as_deref(),
        group(row),
        row.design.clone(),
        row.created_at,
        row.updated_at,
        &row.updated_by,
        row.started_at,
        row.ended_at
    ];
    tx.execute(text, args).await?;
    insert_version(tx, workspace, row).await
}

/// Saves the next version; whether the row still was at the version before.
pub async fn update(tx: &mut Tx, workspace: WorkspaceId, row: &ExperimentRow) -> Result<bool> {
    let text = sql!(
        "UPDATE experiments SET state = $3, version = $4, allocation = $5, winner = $6, exclusion_group = $7, design = $8, updated_at = $9,
           updated_by = $10, started_at = $11, ended_at = $12
         WHERE workspace = $1 AND experiment = $2 AND version = $13"
    );
    let args = args![
        workspace,
        row.experiment,
        &row.state,
        row.version,
        row.allocation,
        row.winner.as_deref(),
        group(row),
        row.design.clone(),
        row.updated_at,
        &row.updated_by,
        row.started_at,
        row.ended_at,
        row.version - 1
    ];
    if tx.execute(text, args).await? == 0 {
        return Ok(false);
    }
    insert_version(tx, workspace, row).await?;
    Ok(true)
}

async fn insert_version(tx: &mut Tx, workspace: WorkspaceId, row: &ExperimentRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO experiment_versions (workspace, experiment, version, state, allocation, winner, design, saved_at, saved_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    );
    let args = args![
        workspace,
        row.experiment,
        row.version,
        &row.state,
        row.allocation,
        row.winner.as_deref(),
        row.design.clone(),
        row.updated_at,
        &row.updated_by
    ];
    tx.execute(text, args).await?;
    Ok(())
}

/// The group whose places it holds.
fn group(row: &ExperimentRow) -> Option<&str> {
    row.design.0.group.as_ref().map(|it| it.group.as_str())
}
