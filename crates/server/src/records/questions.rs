//! Saved questions.

use rapport_domain::{Id, Timestamp, WorkspaceId};
use rapport_store::data_map::Declaration;
use rapport_store::{Json, Migration, Migrations, Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

/// The table of saved questions.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "questions",
    list: &[Migration {
        number: 1,
        name: "questions",
        sql: "CREATE TABLE questions (
            workspace {int} NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            question {json} NOT NULL,
            created_by TEXT NOT NULL,
            updated_at {int} NOT NULL,
            PRIMARY KEY (workspace, id)
        ) {clustered};",
    }],
};

/// What the table's columns hold.
pub const DATA_MAP: &[Declaration] =
    &[Declaration::technical("questions", &["workspace", "id", "name", "question", "created_by", "updated_at"])];

/// A saved question.
#[derive(Clone, Debug, Record)]
pub struct QuestionRow {
    /// Its name in the database (`qst_...`).
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// What it asks.
    pub question: Json<Value>,
    /// Who saved it.
    pub created_by: String,
    /// When it was saved last.
    pub updated_at: Timestamp,
}

/// Adds a question or renews it.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &QuestionRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO questions (workspace, id, name, question, created_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (workspace, id) DO UPDATE SET
           name = excluded.name, question = excluded.question, updated_at = excluded.updated_at"
    );
    tx.execute(text, args![workspace, &row.id, &row.name, row.question.clone(), &row.created_by, row.updated_at])
        .await?;
    Ok(())
}

/// All questions, the latest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<QuestionRow>> {
    let text = sql!(
        "SELECT id, name, question, created_by, updated_at FROM questions WHERE workspace = $1 ORDER BY updated_at DESC, id"
    );
    db.fetch_all(text, args![workspace]).await
}

/// One question.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &Id) -> Result<Option<QuestionRow>> {
    let text =
        sql!("SELECT id, name, question, created_by, updated_at FROM questions WHERE workspace = $1 AND id = $2");
    db.fetch_optional(text, args![workspace, id]).await
}

/// Deletes a question; whether there was one.
pub async fn delete(tx: &mut Tx, workspace: WorkspaceId, id: &Id) -> Result<bool> {
    let text = sql!("DELETE FROM questions WHERE workspace = $1 AND id = $2");
    Ok(tx.execute(text, args![workspace, id]).await? > 0)
}
