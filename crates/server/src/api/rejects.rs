//! What live sources sent that could not be taken.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::wire;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::{Json, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Result;
use crate::records::rejects::{self, RejectRow};

/// The routes of this module.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// An event that was not taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reject {
    /// Its id.
    pub id: String,
    /// When it came.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// Where it came from.
    pub source_name: String,
    /// Why, for programs.
    pub code: String,
    /// Why, and what to do, for people.
    pub message: String,
    /// Where in the body.
    #[serde(rename = "where")]
    pub location: String,
    /// The beginning of the event, with values masked.
    pub excerpt: String,
}

/// Which rejects.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only those of this source.
    source: Option<String>,
}

impl From<RejectRow> for Reject {
    fn from(row: RejectRow) -> Self {
        Self {
            id: row.id.0,
            received_at: wire::time(row.received_at),
            source_name: row.source_name,
            code: row.code,
            message: row.message,
            location: row.location,
            excerpt: row.excerpt,
        }
    }
}

/// Rejected events of live sources, the newest first.
#[utoipa::path(get, path = "/api/v1/rejects", tag = "data", security(("caller" = ["view_data"])),
    params(Filter, PageQuery), responses((status = 200, body = Page<Reject>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter): Query<Filter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Reject>>> {
    let source = filter.source.filter(|id| !id.is_empty()).map(|id| wire::source_id(&id)).transpose()?;
    let before: Option<String> = page.position()?;
    let limit = page.limit();
    let mut db = app.installation.store.read();
    let rows = rejects::newest(&mut db, caller.workspace, source, before.as_deref(), limit + 1).await?;
    let total = rejects::count(&mut db, caller.workspace, source, Timestamp(i64::MIN)).await?;
    Ok(Json(Page::cut(rows, limit, |row| row.id.clone()).map(Reject::from).of_total(total)))
}
