//! How often people are asked, by workspace.
//!
//! Always holds: whoever decides whom to ask holds the row for the transaction ([`hold`]), so two decisions cannot both find that somebody was not asked
//! lately.

use rapport_domain::{Timestamp, WorkspaceId};
use rapport_store::{Json, Queries, Result, Tx, args, sql};

use crate::asking::Settings;

/// The settings; those of everybody where nothing was saved.
pub async fn find(db: &mut impl Queries, workspace: WorkspaceId) -> Result<Settings> {
    let text = sql!("SELECT settings FROM survey_settings WHERE workspace = $1");
    let found: Option<(Json<Settings>,)> = db.fetch_optional(text, args![workspace]).await?;
    Ok(found.map(|(settings,)| settings.0).unwrap_or_default())
}

/// Saves them.
pub async fn save(tx: &mut Tx, workspace: WorkspaceId, settings: &Settings, at: Timestamp, by: &str) -> Result<()> {
    let text = sql!(
        "INSERT INTO survey_settings (workspace, settings, revision, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace) DO UPDATE SET settings = excluded.settings, revision = survey_settings.revision + 1,
           updated_at = excluded.updated_at, updated_by = excluded.updated_by"
    );
    tx.execute(text, args![workspace, Json(settings.clone()), 1_i64, at, by]).await?;
    Ok(())
}

/// Takes the workspace's decisions for this transaction; the settings.
pub async fn hold(tx: &mut Tx, workspace: WorkspaceId, at: Timestamp) -> Result<Settings> {
    let text = sql!(
        "INSERT INTO survey_settings (workspace, settings, revision, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workspace) DO UPDATE SET revision = survey_settings.revision + 1 RETURNING settings"
    );
    let found: (Json<Settings>,) =
        tx.fetch_one(text, args![workspace, Json(Settings::default()), 1_i64, at, ""]).await?;
    Ok(found.0.0)
}
