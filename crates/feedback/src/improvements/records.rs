//! Improvements as they are stored.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Record, Result, Sql, Tx, args, sql};

use super::State;

/// A stored improvement.
#[derive(Clone, Debug, PartialEq, Record)]
pub struct ImprovementRow {
    /// Its name.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What texts are counted by.
    pub phrases: Json<Vec<String>>,
    /// The survey whose score it is to move: its key.
    pub survey: Option<String>,
    /// The question.
    pub question: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// A word of [`State`].
    pub state: String,
    /// What was decided, and why.
    pub decision: String,
    /// What was changed.
    pub change: String,
    /// What came of it.
    pub conclusion: String,
    /// When it was changed.
    pub changed_at: Option<Timestamp>,
    /// When it was proposed.
    pub proposed_at: Timestamp,
    /// By whom.
    pub proposed_by: String,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
    /// Grows with every change.
    pub revision: i64,
}

impl ImprovementRow {
    /// Where it stands.
    pub fn stands(&self) -> State {
        State::parse(&self.state).unwrap_or(State::Proposed)
    }
}

/// A line of what was done.
#[derive(Clone, Debug, PartialEq, Eq, Record)]
pub struct LineRow {
    /// Its place, from 1.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// `proposed`, `edited`, `noted`, or the state it went to.
    pub act: String,
    /// What was said.
    pub text: Option<String>,
}

const COLUMNS: &str = "id, title, phrases, survey, question, owner, state, decision, change, conclusion, changed_at, proposed_at, proposed_by, updated_at,
    revision";

/// Adds one, or stores what has changed if it is at the revision before; whether it did.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &ImprovementRow) -> Result<bool> {
    let text = sql!(
        "INSERT INTO improvements (id, workspace, title, phrases, survey, question, owner, state, decision, change, conclusion, changed_at, proposed_at,
           proposed_by, updated_at, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         ON CONFLICT (id, workspace) DO UPDATE SET title = excluded.title, phrases = excluded.phrases, survey = excluded.survey,
           question = excluded.question, owner = excluded.owner, state = excluded.state, decision = excluded.decision, change = excluded.change,
           conclusion = excluded.conclusion, changed_at = excluded.changed_at, updated_at = excluded.updated_at, revision = excluded.revision
         WHERE improvements.revision = $17"
    );
    let args = args![
        &row.id,
        workspace,
        &row.title,
        row.phrases.clone(),
        row.survey.as_deref(),
        row.question.as_deref(),
        row.owner.as_deref(),
        &row.state,
        &row.decision,
        &row.change,
        &row.conclusion,
        row.changed_at,
        row.proposed_at,
        &row.proposed_by,
        row.updated_at,
        row.revision,
        row.revision - 1
    ];
    Ok(tx.execute(text, args).await? > 0)
}

/// One of them.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &str) -> Result<Option<ImprovementRow>> {
    let text = Sql::assembled(format!("SELECT {COLUMNS} FROM improvements WHERE id = $2 AND workspace = $1"));
    db.fetch_optional(text, args![workspace, id]).await
}

/// All of them, the newest first. A company has few.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<ImprovementRow>> {
    let text = Sql::assembled(format!(
        "SELECT {COLUMNS} FROM improvements WHERE workspace = $1 ORDER BY proposed_at DESC, id LIMIT 1000"
    ));
    db.fetch_all(text, args![workspace]).await
}

/// Adds a line at the end.
pub async fn append(
    tx: &mut Tx,
    workspace: WorkspaceId,
    improvement: &str,
    (act, text): (&str, Option<&str>),
    (by, at): (&str, Timestamp),
) -> Result<()> {
    let last = sql!(
        "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT) FROM improvement_log WHERE improvement = $2 AND workspace = $1"
    );
    let (last,): (i64,) = tx.fetch_one(last, args![workspace, improvement]).await?;
    let insert = sql!(
        "INSERT INTO improvement_log (workspace, improvement, number, at, by, act, text) VALUES ($1, $2, $3, $4, $5, $6, $7)"
    );
    tx.execute(insert, args![workspace, improvement, last + 1, at, by, act, text]).await?;
    Ok(())
}

/// What was done, the oldest first.
pub async fn lines(db: &mut impl Queries, workspace: WorkspaceId, improvement: &str) -> Result<Vec<LineRow>> {
    let text = sql!(
        "SELECT number, at, by, act, text FROM improvement_log WHERE improvement = $2 AND workspace = $1 ORDER BY number"
    );
    db.fetch_all(text, args![workspace, improvement]).await
}
