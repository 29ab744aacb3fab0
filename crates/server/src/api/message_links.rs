//! `/api/v1/message-links`: whether somebody is there where a template's links lead and its pictures lie.
//!
//! Always holds: nothing is asked on its own: a person presses a button, or launches. Addresses that differ by reader are never asked.

use crate::http::route::routes;
use axum::extract::State;
use rapport_engagement::content::addresses::addresses;
use rapport_engagement::content::{Limits, Template};
use rapport_engagement::records::templates;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::message_drafts::{FindingShape, on_thread, refused};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(ask_links))
}

/// Which template.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinksBody {
    /// A template that need not be saved; or
    #[schema(value_type = Option<Object>)]
    template: Option<Value>,
    /// the key of a saved one, in its latest version.
    key: Option<String>,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinksAsked {
    /// Errors first.
    findings: Vec<FindingShape>,
    /// So many addresses were asked.
    asked: usize,
}

/// Asks the links and pictures of a template. It may take half a minute.
#[utoipa::path(post, path = "/api/v1/message-links", security(("caller" = ["edit_content"])), tag = "messages", operation_id = "ask_message_links", request_body = LinksBody, responses((status = 200, body = LinksAsked), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn ask_links(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<LinksBody>,
) -> Result<Json<LinksAsked>, Problem> {
    caller.require(Permission::EditContent)?;
    let form = match (body.template, body.key) {
        (Some(form), None) => form,
        (None, Some(key)) => saved(&app, &caller, &key).await?,
        _ => return Err(Problem::invalid("template", "a template, or the key of one")),
    };
    let template = Template::from_json(form).map_err(|error| refused(&error))?;
    let all = on_thread(move || addresses(&template, Limits::default())).await?;
    let (findings, asked) = app.link_checks.findings(&app.sender.client, &all, app.now()).await;
    Ok(Json(LinksAsked { findings: findings.into_iter().map(FindingShape::of).collect(), asked }))
}

async fn saved(app: &App, caller: &Caller, key: &str) -> Result<Value, Problem> {
    let missing = || Problem::not_found("template");
    let mut db = app.installation.store.read();
    let row = templates::find(&mut db, caller.workspace, key).await?.ok_or_else(missing)?;
    let version = templates::version(&mut db, caller.workspace, key, row.version).await?.ok_or_else(missing)?;
    serde_json::from_str(&version.content).map_err(Problem::internal)
}
