//! Imports and their rejected rows in the product database.

use rapport_domain::{Id, Purpose, SourceId, Timestamp, WorkspaceId};
use rapport_imports::Reject;
use rapport_store::data_map::{Category, Declaration, Erasure, Retention, Way};
use rapport_store::{Json, Migration, Migrations, Priority, Queries, Record, Result, Tx, args, sql};
use serde_json::Value;

use super::Task;
use crate::installation::Installation;

/// The tables of imports.
pub const MIGRATIONS: Migrations = Migrations {
    namespace: "imports",
    list: &[Migration {
        number: 1,
        name: "imports",
        sql: "CREATE TABLE imports (
            workspace {int} NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            source {int} NOT NULL,
            state TEXT NOT NULL,
            files {json} NOT NULL,
            profiles {json} NOT NULL,
            mapping {json} NOT NULL,
            outcome {json},
            error TEXT,
            created_at {int} NOT NULL,
            ended_at {int},
            PRIMARY KEY (workspace, id)
        ) {clustered};
        CREATE TABLE import_rejects (
            workspace {int} NOT NULL,
            import TEXT NOT NULL,
            file TEXT NOT NULL,
            row_number {int} NOT NULL,
            code TEXT NOT NULL,
            message TEXT NOT NULL,
            excerpt TEXT NOT NULL,
            PRIMARY KEY (workspace, import, file, row_number, code)
        ) {clustered};",
    }],
};

/// What the tables' columns hold. Profiles and rejected rows repeat values of the file, which may be about people.
pub const DATA_MAP: &[Declaration] = &[
    Declaration::technical(
        "imports",
        &[
            "workspace",
            "id",
            "name",
            "source",
            "state",
            "files",
            "mapping",
            "outcome",
            "error",
            "created_at",
            "ended_at",
        ],
    ),
    of_the_file("imports", &["profiles"], Erasure::Blank),
    Declaration::technical("import_rejects", &["workspace", "import", "file", "row_number", "code", "message"]),
    of_the_file("import_rejects", &["excerpt"], Erasure::Delete),
];

const fn of_the_file(table: &'static str, columns: &'static [&'static str], erasure: Erasure) -> Declaration {
    Declaration {
        table,
        columns,
        category: Category::FreeText,
        purposes: &[Purpose::Administration],
        retention: Retention::Workspace,
        person: Way::Elsewhere("values of the imported file"),
        erasure,
    }
}

/// An import as it is stored.
#[derive(Clone, Debug, Record)]
pub struct ImportRow {
    /// Its name (`imp_...`).
    pub id: Id,
    /// What people call it.
    pub name: String,
    /// The source its rows belong to.
    pub source: SourceId,
    /// profiled, running, done, failed or cancelled.
    pub state: String,
    /// Paths of the files, with the names they came by.
    pub files: Json<Vec<(String, String)>>,
    /// What is in the files.
    pub profiles: Json<Value>,
    /// What the columns mean.
    pub mapping: Json<Value>,
    /// What it did.
    pub outcome: Option<Json<Value>>,
    /// Why it failed.
    pub error: Option<String>,
    /// When the first file came.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Adds an import, or renews its files, profile and mapping.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, row: &ImportRow) -> Result<()> {
    let text = sql!(
        "INSERT INTO imports (workspace, id, name, source, state, files, profiles, mapping, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (workspace, id) DO UPDATE SET
           name = excluded.name, source = excluded.source, state = excluded.state, files = excluded.files,
           profiles = excluded.profiles, mapping = excluded.mapping"
    );
    let row = args![
        workspace,
        &row.id,
        &row.name,
        row.source,
        &row.state,
        row.files.clone(),
        row.profiles.clone(),
        row.mapping.clone(),
        row.created_at
    ];
    tx.execute(text, row).await?;
    Ok(())
}

/// Sets how an import stands.
pub async fn set_state(
    tx: &mut Tx,
    workspace: WorkspaceId,
    id: &Id,
    state: &str,
    outcome: Option<&Value>,
    error: Option<&str>,
) -> Result<()> {
    let text = sql!("UPDATE imports SET state = $3, outcome = $4, error = $5 WHERE workspace = $1 AND id = $2");
    tx.execute(text, args![workspace, id, state, outcome, error]).await?;
    Ok(())
}

/// All imports, newest first.
pub async fn all(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Vec<ImportRow>> {
    let text = sql!(
        "SELECT id, name, source, state, files, profiles, mapping, outcome, error, created_at, ended_at FROM imports
         WHERE workspace = $1 ORDER BY created_at DESC, id"
    );
    db.fetch_all(text, args![workspace]).await
}

/// One import.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId, id: &Id) -> Result<Option<ImportRow>> {
    let text = sql!(
        "SELECT id, name, source, state, files, profiles, mapping, outcome, error, created_at, ended_at FROM imports
         WHERE workspace = $1 AND id = $2"
    );
    db.fetch_optional(text, args![workspace, id]).await
}

/// A rejected row.
#[derive(Clone, Debug, Record)]
pub struct RejectRow {
    /// The file.
    pub file: String,
    /// Its row.
    pub row_number: i64,
    /// Why, as a stable word.
    pub code: String,
    /// Why, in words.
    pub message: String,
    /// The beginning of the row.
    pub excerpt: String,
}

/// Rejected rows of an import.
pub async fn rejects(db: &mut impl Queries, workspace: WorkspaceId, import: &Id, limit: i64) -> Result<Vec<RejectRow>> {
    let text = sql!(
        "SELECT file, row_number, code, message, excerpt FROM import_rejects
         WHERE workspace = $1 AND import = $2 ORDER BY file, row_number LIMIT $3"
    );
    db.fetch_all(text, args![workspace, import, limit]).await
}

/// An import that runs again begins with no rejects.
pub(super) async fn forget_rejects(installation: &Installation, workspace: WorkspaceId, import: &Id) -> Result<()> {
    let mut tx = installation.store.begin(Priority::Background).await?;
    let text = sql!("DELETE FROM import_rejects WHERE workspace = $1 AND import = $2");
    tx.execute(text, args![workspace, import]).await?;
    tx.commit().await
}

/// Forgets what imports show of files, wherever one of `values` (in small letters) stands in it: profiles of files are emptied, rejected rows deleted.
/// How many of each.
pub async fn forget_values(tx: &mut Tx, workspace: WorkspaceId, values: &[String]) -> Result<(u64, u64)> {
    let names = |text: &str| {
        let text = text.to_lowercase();
        values.iter().any(|value| text.contains(value.as_str()))
    };
    let (mut profiles, mut rejects) = (0, 0);
    for import in all(tx, workspace).await? {
        if names(&import.profiles.0.to_string()) {
            let text = sql!("UPDATE imports SET profiles = $3 WHERE workspace = $1 AND id = $2");
            profiles += tx.execute(text, args![workspace, &import.id, Json(Value::Null)]).await?;
        }
        let find =
            sql!("SELECT file, row_number, code, excerpt FROM import_rejects WHERE workspace = $1 AND import = $2");
        let rows: Vec<(String, i64, String, String)> = tx.fetch_all(find, args![workspace, &import.id]).await?;
        for (file, row, code, _) in rows.into_iter().filter(|(_, _, _, excerpt)| names(excerpt)) {
            let text = sql!(
                "DELETE FROM import_rejects WHERE workspace = $1 AND import = $2 AND file = $3 AND row_number = $4 AND code = $5"
            );
            rejects += tx.execute(text, args![workspace, &import.id, file, row, code]).await?;
        }
    }
    Ok((profiles, rejects))
}

/// Keeps rejected rows.
pub(super) async fn add_rejects(installation: &Installation, task: &Task, rejects: &[Reject]) -> Result<()> {
    if rejects.is_empty() {
        return Ok(());
    }
    let mut tx = installation.store.begin(Priority::Background).await?;
    let text = sql!(
        "INSERT INTO import_rejects (workspace, import, file, row_number, code, message, excerpt) VALUES {rows}
         ON CONFLICT (workspace, import, file, row_number, code) DO NOTHING"
    );
    let rows = rejects.iter().map(|r| {
        let row = i64::try_from(r.row_number).unwrap_or(i64::MAX);
        args![task.workspace, &task.id, &r.file, row, r.code.to_string(), &r.message, &r.excerpt]
    });
    tx.execute_many(text, rows).await?;
    tx.commit().await
}
