//! Surveys, and every version of what they ask.
//!
//! Always holds: a version is added with each change of what is asked and never altered; people answer the one that is `published`.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Sql, Tx, args, sql};

use crate::survey::Definition;

/// Being written.
pub const DRAFT: &str = "draft";
/// Takes answers, and people are asked.
pub const OPEN: &str = "open";
/// Takes no answers for now.
pub const PAUSED: &str = "paused";
/// Takes no answers any more.
pub const CLOSED: &str = "closed";

/// A stored survey.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct SurveyRow {
    /// Its number.
    pub survey: i64,
    /// Its key.
    pub key: String,
    /// What staff call it.
    pub name: String,
    /// Where it stands: [`DRAFT`], [`OPEN`], [`PAUSED`], [`CLOSED`].
    pub state: String,
    /// How often it was changed in any way.
    pub revision: i64,
    /// The latest version of what it asks.
    pub version: i64,
    /// The version that people answer.
    pub published: Option<i64>,
    /// Which round of asking.
    pub wave: i64,
    /// What it is about, as [`crate::survey::Kind::as_str`]: of the published version, or else of the latest.
    pub kind: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: String,
    /// When it was opened first.
    pub opened_at: Option<Timestamp>,
    /// When it closes by itself.
    pub closes_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

impl SurveyRow {
    /// Whether it takes answers at an instant.
    pub fn takes_answers(&self, now: Timestamp) -> bool {
        self.state == OPEN && self.published.is_some() && self.closes_at.is_none_or(|end| now < end)
    }
}

/// A version as it was saved.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct VersionRow {
    /// Its number, from 1.
    pub version: i64,
    /// What it asks.
    pub definition: Json<Definition>,
    /// When.
    pub saved_at: Timestamp,
    /// Who.
    pub saved_by: String,
}

/// All of a workspace, the newest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<SurveyRow>> {
    let text = sql!(
        "SELECT survey, key, name, state, revision, version, published, wave, kind, created_at, updated_at, updated_by, opened_at, closes_at, closed_at
         FROM surveys WHERE workspace = $1 ORDER BY created_at DESC, survey DESC"
    );
    db.fetch_all(text, args![workspace]).await
}

/// The one of a key.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, key: &str) -> Result<Option<SurveyRow>> {
    let text = sql!(
        "SELECT survey, key, name, state, revision, version, published, wave, kind, created_at, updated_at, updated_by, opened_at, closes_at, closed_at
         FROM surveys WHERE workspace = $1 AND key = $2"
    );
    db.fetch_optional(text, args![workspace, key]).await
}

/// The one of a number.
pub async fn by_number(db: &mut impl Queries, workspace: WorkspaceId, survey: i64) -> Result<Option<SurveyRow>> {
    let text = sql!(
        "SELECT survey, key, name, state, revision, version, published, wave, kind, created_at, updated_at, updated_by, opened_at, closes_at, closed_at
         FROM surveys WHERE survey = $2 AND workspace = $1"
    );
    db.fetch_optional(text, args![workspace, survey]).await
}

/// A version of what one asks.
pub async fn version(
    db: &mut impl Queries,
    workspace: WorkspaceId,
    survey: i64,
    version: i64,
) -> Result<Option<Definition>> {
    let text = sql!(
        "SELECT version, definition, saved_at, saved_by FROM survey_versions WHERE survey = $2 AND version = $3 AND workspace = $1"
    );
    let found: Option<VersionRow> = db.fetch_optional(text, args![workspace, survey, version]).await?;
    Ok(found.map(|row| row.definition.0))
}

/// Every version of one, the latest first.
pub async fn versions(db: &mut impl Queries, workspace: WorkspaceId, survey: i64) -> Result<Vec<VersionRow>> {
    let text = sql!(
        "SELECT version, definition, saved_at, saved_by FROM survey_versions WHERE survey = $2 AND workspace = $1 ORDER BY version DESC"
    );
    db.fetch_all(text, args![workspace, survey]).await
}

/// The next free number. Two at a time get the same, and one of them is refused as not unique.
pub async fn next_number(tx: &mut Tx, workspace: WorkspaceId) -> Result<i64> {
    let text = sql!("SELECT COALESCE(MAX(survey), 0) + 1 FROM surveys WHERE workspace = $1");
    tx.scalar(text, args![workspace]).await
}

/// Adds one.
pub async fn insert(tx: &mut Tx, workspace: WorkspaceId, row: &SurveyRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO surveys (workspace, survey, key, name, state, revision, version, published, wave, kind, created_at, updated_at, updated_by,
           opened_at, closes_at, closed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    );
    tx.execute(text, values(workspace, row)).await?;
    Ok(())
}

/// Writes the next revision; whether the row still was at the revision before.
pub async fn update(tx: &mut Tx, workspace: WorkspaceId, row: &SurveyRow) -> Result<bool> {
    let text = sql!(
        "UPDATE surveys SET key = $3, name = $4, state = $5, revision = $6, version = $7, published = $8, wave = $9, kind = $10, created_at = $11,
           updated_at = $12, updated_by = $13, opened_at = $14, closes_at = $15, closed_at = $16
         WHERE survey = $2 AND workspace = $1 AND revision = $6 - CAST(1 AS BIGINT)"
    );
    Ok(tx.execute(text, values(workspace, row)).await? == 1)
}

fn values(workspace: WorkspaceId, row: &SurveyRow) -> rapport_store::Args {
    args![
        workspace,
        row.survey,
        &row.key,
        &row.name,
        &row.state,
        row.revision,
        row.version,
        row.published,
        row.wave,
        &row.kind,
        row.created_at,
        row.updated_at,
        &row.updated_by,
        row.opened_at,
        row.closes_at,
        row.closed_at
    ]
}

/// Adds a version of what one asks.
pub async fn insert_version(
    tx: &mut Tx,
    workspace: WorkspaceId,
    row: &SurveyRow,
    definition: &Definition,
) -> Result<()> {
    let text: Sql = sql!(
        "INSERT INTO survey_versions (workspace, survey, version, definition, saved_at, saved_by) VALUES ($1, $2, $3, $4, $5, $6)"
    );
    let args = args![workspace, row.survey, row.version, Json(definition.clone()), row.updated_at, &row.updated_by];
    tx.execute(text, args).await?;
    Ok(())
}
