//! Which models a workspace has, when they are fitted and score next, and the figures of their pages.

use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

/// A model.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ModelRow {
    /// Its word in addresses: `value`.
    pub model: String,
    /// What kind of model it is: `value`.
    pub kind: String,
    /// What staff chose.
    pub settings: Value,
    /// Whether nothing is fitted or scored by itself.
    pub is_paused: bool,
    /// The version that scores.
    pub version: Option<i64>,
    /// Why the last fit came to nothing.
    pub verdict: Option<Value>,
    /// When it is fitted next.
    pub fit_at: Timestamp,
    /// When it scores next.
    pub score_at: Timestamp,
    /// The job that fits it, the last one.
    pub fit_job: Option<Id>,
    /// The job that scores, the last one.
    pub score_job: Option<Id>,
    /// As of when people were scored last.
    pub scored_at: Option<Timestamp>,
    /// By which version.
    pub scored_version: Option<i64>,
    /// The figures of its page, of that run.
    pub overview: Option<Value>,
}

/// Makes a model where there is none yet; it is to be fitted at once.
pub async fn ensure(tx: &mut Tx, workspace: WorkspaceId, model: &str, kind: &str, settings: Value) -> Result<()> {
    let add = sql!(
        "INSERT INTO models (workspace, model, kind, settings, is_paused, fit_at, score_at) VALUES ($1, $2, $3, $4, FALSE, $5, $5)
         ON CONFLICT (model, workspace) DO NOTHING"
    );
    tx.execute(add, args![workspace, model, kind, settings, Timestamp(0)]).await.map(drop)
}

/// All of a workspace, by their words.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<ModelRow>> {
    let find = sql!(
        "SELECT model, kind, settings, is_paused, version, verdict, fit_at, score_at, fit_job, score_job, scored_at, scored_version, overview
         FROM models WHERE workspace = $1 ORDER BY model"
    );
    db.fetch_all(find, args![workspace]).await
}

/// One of them.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, model: &str) -> Result<Option<ModelRow>> {
    let find = sql!(
        "SELECT model, kind, settings, is_paused, version, verdict, fit_at, score_at, fit_job, score_job, scored_at, scored_version, overview
         FROM models WHERE model = $2 AND workspace = $1"
    );
    db.fetch_optional(find, args![workspace, model]).await
}

/// Changes what staff chose. It scores anew at once.
pub async fn set(tx: &mut Tx, workspace: WorkspaceId, model: &str, settings: Value, is_paused: bool) -> Result<()> {
    let change =
        sql!("UPDATE models SET settings = $3, is_paused = $4, score_at = $5 WHERE model = $2 AND workspace = $1");
    tx.execute(change, args![workspace, model, settings, is_paused, Timestamp(0)]).await.map(drop)
}

/// Takes a model away, with its versions. Whether there was one; what it said of people stays until it is taken back.
pub async fn remove(tx: &mut Tx, workspace: WorkspaceId, model: &str) -> Result<bool> {
    let versions = sql!("DELETE FROM model_versions WHERE model = $2 AND workspace = $1");
    tx.execute(versions, args![workspace, model]).await?;
    let remove = sql!("DELETE FROM models WHERE model = $2 AND workspace = $1");
    Ok(tx.execute(remove, args![workspace, model]).await? > 0)
}

/// Notes which job fits it, and when the next time is.
pub async fn fitting(
    tx: &mut Tx,
    workspace: WorkspaceId,
    model: &str,
    job: Option<&Id>,
    next_at: Timestamp,
) -> Result<()> {
    let note =
        sql!("UPDATE models SET fit_job = COALESCE($3, fit_job), fit_at = $4 WHERE model = $2 AND workspace = $1");
    tx.execute(note, args![workspace, model, job, next_at]).await.map(drop)
}

/// Notes which job scores, and when the next time is.
pub async fn scoring(
    tx: &mut Tx,
    workspace: WorkspaceId,
    model: &str,
    job: Option<&Id>,
    next_at: Timestamp,
) -> Result<()> {
    let note = sql!(
        "UPDATE models SET score_job = COALESCE($3, score_job), score_at = $4 WHERE model = $2 AND workspace = $1"
    );
    tx.execute(note, args![workspace, model, job, next_at]).await.map(drop)
}

/// Says which version scores from now on, or why there is no new one; the next scores are due at once.
pub async fn judged(
    tx: &mut Tx,
    workspace: WorkspaceId,
    model: &str,
    version: Option<i64>,
    verdict: Option<Value>,
) -> Result<()> {
    let change = sql!(
        "UPDATE models SET version = COALESCE($3, version), verdict = $4, score_at = CASE WHEN $3 IS NULL THEN score_at ELSE $5 END
         WHERE model = $2 AND workspace = $1"
    );
    tx.execute(change, args![workspace, model, version, verdict, Timestamp(0)]).await.map(drop)
}

/// Keeps the figures of a run of scores.
pub async fn scored(
    tx: &mut Tx,
    workspace: WorkspaceId,
    model: &str,
    (version, at): (i64, Timestamp),
    overview: Value,
) -> Result<()> {
    let keep = sql!(
        "UPDATE models SET scored_at = $3, scored_version = $4, overview = $5 WHERE model = $2 AND workspace = $1"
    );
    tx.execute(keep, args![workspace, model, at, version, overview]).await.map(drop)
}
