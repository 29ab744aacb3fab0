//! Who am I: what the console needs before it draws its first page.

use crate::http::route::routes;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::workspace::Workspace;
use crate::app::App;
use crate::auth::{Actor, Caller, Permission, Role};
use crate::http::extract::Json;
use crate::problem::{Problem, Result};
use crate::records::workspaces;

/// The routes of this module.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Who asks, where, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// Who.
    pub user: MeUser,
    /// The workspace.
    pub workspace: Workspace,
    /// To be sent with writes as X-CSRF-Token; empty for an API key, which needs none.
    pub csrf_token: String,
    /// What they may do.
    pub permissions: Vec<String>,
}

/// The user, or the API key.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeUser {
    /// The user's or key's id.
    pub id: String,
    /// What people call them.
    pub name: String,
    /// Their address; empty for an API key.
    pub email: String,
    /// Null for an API key.
    pub role: Option<Role>,
}

/// Who asks, where, and what they may do.
#[utoipa::path(get, path = "/api/v1/me", tag = "workspace", security(("caller" = ["enter"])), responses((status = 200, body = Me)))]
async fn show(State(app): State<App>, caller: Caller) -> Result<Json<Me>> {
    let row = workspaces::find(&mut app.installation.store.read(), caller.workspace).await?;
    let workspace = row.ok_or_else(|| Problem::not_found("workspace"))?.into();
    let permissions =
        Permission::all().filter(|permission| caller.may(*permission)).map(|p| p.as_str().to_owned()).collect();
    let (user, csrf_token) = match caller.actor {
        Actor::User { id, name, email, role, csrf_token } => {
            (MeUser { id: id.0, name, email, role: Some(role) }, csrf_token)
        }
        Actor::ApiKey { id, name, .. } => (MeUser { id: id.0, name, email: String::new(), role: None }, String::new()),
    };
    Ok(Json(Me { user, workspace, csrf_token, permissions }))
}
