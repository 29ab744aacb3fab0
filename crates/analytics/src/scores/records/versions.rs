//! Versions of models: what each learnt, how it was judged, who decided what about it.
//!
//! Always holds: numbers go up by one; at most one version of a model is live.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

/// Where a version stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It scores.
    Live,
    /// It did worse than the one before; staff decide.
    Held,
    /// Another took its place.
    Retired,
}

impl State {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Held => "held",
            Self::Retired => "retired",
        }
    }
}

/// A version.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct VersionRow {
    /// Its number, from 1.
    pub version: i64,
    /// `live`, `held` or `retired`.
    pub state: String,
    /// When it was fitted.
    pub fitted_at: Timestamp,
    /// By whom: `schedule`, or a member of staff.
    pub fitted_by: String,
    /// The present of the data.
    pub as_of: Timestamp,
    /// How many people it was learnt from.
    pub people: i64,
    /// The model itself, as its kind keeps it.
    pub content: Value,
    /// Its card.
    pub card: Value,
    /// Why it was held; an empty list where it was not.
    pub held: Value,
    /// What then happened, beside what it foretold.
    pub came: Option<Value>,
    /// When somebody decided about it.
    pub decided_at: Option<Timestamp>,
    /// Who.
    pub decided_by: Option<String>,
    /// Why.
    pub decided_why: Option<String>,
}

/// The number of the next version.
pub async fn next(db: &mut impl Queries, workspace: WorkspaceId, model: &str) -> Result<i64> {
    let last = sql!("SELECT MAX(version) FROM model_versions WHERE model = $2 AND workspace = $1");
    let found: Option<(Option<i64>,)> = db.fetch_optional(last, args![workspace, model]).await?;
    Ok(found.and_then(|it| it.0).unwrap_or(0) + 1)
}

/// Keeps a version.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, model: &str, row: &VersionRow) -> Result<()> {
    let add = sql!(
        "INSERT INTO model_versions (workspace, model, version, state, fitted_at, fitted_by, as_of, people, content, card, held)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    );
    let values = args![
        workspace,
        model,
        row.version,
        &row.state,
        row.fitted_at,
        &row.fitted_by,
        row.as_of,
        row.people,
        &row.content,
        &row.card,
        &row.held
    ];
    tx.execute(add, values).await.map(drop)
}

/// The newest, the newest first.
pub async fn latest(db: &mut impl Queries, workspace: WorkspaceId, model: &str, limit: i64) -> Result<Vec<VersionRow>> {
    let find = sql!(
        "SELECT version, state, fitted_at, fitted_by, as_of, people, content, card, held, came, decided_at, decided_by, decided_why
         FROM model_versions WHERE model = $2 AND workspace = $1 ORDER BY version DESC LIMIT $3"
    );
    db.fetch_all(find, args![workspace, model, limit]).await
}

/// One of them.
pub async fn find(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    model: &str,
    version: i64,
) -> Result<Option<VersionRow>> {
    let find = sql!(
        "SELECT version, state, fitted_at, fitted_by, as_of, people, content, card, held, came, decided_at, decided_by, decided_why
         FROM model_versions WHERE model = $2 AND version = $3 AND workspace = $1"
    );
    db.fetch_optional(find, args![workspace, model, version]).await
}

/// Whoever scored before, and what else was live, does not any more.
pub async fn retire(tx: &mut Tx, workspace: WorkspaceId, model: &str) -> Result<()> {
    let retire =
        sql!("UPDATE model_versions SET state = 'retired' WHERE model = $2 AND workspace = $1 AND state = 'live'");
    tx.execute(retire, args![workspace, model]).await.map(drop)
}

/// Somebody decides that a version scores from now on. Whether it did not before.
pub async fn make_live(
    tx: &mut Tx,
    workspace: WorkspaceId,
    model: &str,
    version: i64,
    (by, why, at): (&str, &str, Timestamp),
) -> Result<bool> {
    let live = sql!(
        "UPDATE model_versions SET state = 'live', decided_at = $4, decided_by = $5, decided_why = $6
         WHERE model = $2 AND version = $3 AND workspace = $1 AND state <> 'live'"
    );
    Ok(tx.execute(live, args![workspace, model, version, at, by, why]).await? > 0)
}

/// Keeps what happened since a version was fitted, beside what it foretold.
pub async fn came(tx: &mut Tx, workspace: WorkspaceId, model: &str, version: i64, came: Value) -> Result<()> {
    let keep = sql!("UPDATE model_versions SET came = $4 WHERE model = $2 AND version = $3 AND workspace = $1");
    tx.execute(keep, args![workspace, model, version, came]).await.map(drop)
}
