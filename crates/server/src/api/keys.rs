//! Write keys of sources, and API keys.
//!
//! Always holds: the key itself is in the answer to its making and nowhere else; a revoked key opens nothing from then on.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::Id;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{sources, wire};
use crate::app::App;
use crate::auth::issue::{self, Doors};
use crate::auth::{Caller, Scope};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::problem::{Problem, Result};
use crate::records::api_keys::{self, ApiKeyRow};
use crate::records::write_keys::{self, WriteKeyRow};

/// The routes of this module.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_write_keys, create_write_key))
        .routes(routes!(revoke_write_key))
        .routes(routes!(list_api_keys, create_api_key))
        .routes(routes!(revoke_api_key))
}

/// A write key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct WriteKey {
    /// Its id.
    pub id: String,
    /// The first characters.
    pub prefix: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Until when.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
    /// When it was taken back.
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
    /// About when it was last used.
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
}

/// An API key, without the key itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKey {
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// All else is as with write keys.
    #[serde(flatten)]
    pub key: WriteKey,
}

/// A write key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewWriteKey {
    /// The key itself; it is never shown again.
    pub key: String,
    /// About it.
    #[serde(flatten)]
    pub about: WriteKey,
}

/// An API key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApiKey {
    /// The key itself; it is never shown again.
    #[serde(rename = "key")]
    pub secret: String,
    /// About it.
    #[serde(flatten)]
    pub about: ApiKey,
}

/// A write key to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteKeyRequest {
    /// Until when; for ever unless said.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

/// An API key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyRequest {
    /// What people call it.
    name: Option<String>,
    /// What it may do.
    scopes: Vec<Scope>,
    /// Until when; for ever unless said.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
}

impl From<WriteKeyRow> for WriteKey {
    fn from(row: WriteKeyRow) -> Self {
        Self {
            id: row.id.0,
            prefix: row.prefix,
            created_at: wire::time(row.created_at),
            expires_at: wire::optional_time(row.expires_at),
            revoked_at: wire::optional_time(row.revoked_at),
            last_used_at: wire::optional_time(row.last_used_at),
        }
    }
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        let key = WriteKey {
            id: row.id.0,
            prefix: row.prefix,
            created_at: wire::time(row.created_at),
            expires_at: wire::optional_time(row.expires_at),
            revoked_at: wire::optional_time(row.revoked_at),
            last_used_at: wire::optional_time(row.last_used_at),
        };
        Self { name: row.name, scopes: Scope::parse_list(&row.scopes), key }
    }
}

/// The write keys of a source.
#[utoipa::path(get, path = "/api/v1/sources/{id}/keys", tag = "data", security(("caller" = ["view_data"])),
    params(("id" = String, Path)), responses((status = 200, body = Rows<WriteKey>)))]
async fn list_write_keys(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Rows<WriteKey>>> {
    let source = sources::find(&app, caller.workspace, &id).await?.source;
    let rows = write_keys::of_source(&mut app.installation.store.read(), caller.workspace, source).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(WriteKey::from).collect() }))
}

/// Make a write key for a source.
#[utoipa::path(post, path = "/api/v1/sources/{id}/keys", tag = "data", security(("caller" = ["manage_sources"])),
    params(("id" = String, Path)), request_body = WriteKeyRequest, responses((status = 201, body = NewWriteKey)))]
async fn create_write_key(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(request): Json<WriteKeyRequest>,
) -> Result<(StatusCode, Json<NewWriteKey>)> {
    let source = sources::find(&app, caller.workspace, &id).await?.source;
    let expires_at = wire::expiry(request.expires_at.as_deref(), app.now())?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let doors = Doors::of(&app.installation.store);
    let (row, key) = issue::write_key(&mut tx, doors, caller.workspace, source, expires_at).await?;
    tx.commit().await?;
    app.write_keys.clear();
    Ok((StatusCode::CREATED, Json(NewWriteKey { key, about: row.into() })))
}

/// Revoke a write key.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "data", security(("caller" = ["manage_sources"])),
    params(("id" = String, Path)), responses((status = 204)))]
async fn revoke_write_key(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !write_keys::revoke(&mut tx, caller.workspace, &Id(id), app.now()).await? {
        return Err(Problem::not_found("write key"));
    }
    tx.commit().await?;
    app.write_keys.clear();
    Ok(StatusCode::NO_CONTENT)
}

/// The API keys of the workspace.
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "workspace", security(("caller" = ["manage_api_keys"])),
    responses((status = 200, body = Rows<ApiKey>)))]
async fn list_api_keys(State(app): State<App>, caller: Caller) -> Result<Json<Rows<ApiKey>>> {
    let rows = api_keys::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(ApiKey::from).collect() }))
}

/// Make an API key.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "workspace", security(("caller" = ["manage_api_keys"])),
    request_body = ApiKeyRequest, responses((status = 201, body = NewApiKey)))]
async fn create_api_key(
    State(app): State<App>,
    caller: Caller,
    Json(request): Json<ApiKeyRequest>,
) -> Result<(StatusCode, Json<NewApiKey>)> {
    if request.scopes.is_empty() {
        return Err(Problem::invalid("scopes", "names at least one of read, write, admin"));
    }
    let name = wire::name("name", request.name.as_deref().unwrap_or("API key"))?;
    let expires_at = wire::expiry(request.expires_at.as_deref(), app.now())?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let doors = Doors::of(&app.installation.store);
    let (row, secret) = issue::api_key(&mut tx, doors, caller.workspace, &name, &request.scopes, expires_at).await?;
    tx.commit().await?;
    app.api_keys.clear();
    Ok((StatusCode::CREATED, Json(NewApiKey { secret, about: row.into() })))
}

/// Revoke an API key.
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "workspace", security(("caller" = ["manage_api_keys"])),
    params(("id" = String, Path)), responses((status = 204)))]
async fn revoke_api_key(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    if !api_keys::revoke(&mut tx, caller.workspace, &Id(id), app.now()).await? {
        return Err(Problem::not_found("API key"));
    }
    tx.commit().await?;
    app.api_keys.clear();
    Ok(StatusCode::NO_CONTENT)
}
