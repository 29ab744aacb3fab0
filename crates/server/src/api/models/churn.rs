//! Who will be lost: the figures of the page.

use axum::extract::State;
use rapport_analytics::churn::Overview;
use rapport_analytics::scores::CHURN;

use super::find;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::problem::Problem;

/// Shows who is at risk of being lost, why, what acting costs and brings, and what goes with a risk.
#[utoipa::path(get, path = "/api/v1/models/{model}/risks", security(("caller" = ["view_reports"])), tag = "models", operation_id = "churn_overview", params(("model" = String, Path)), responses((status = 200, body = Overview), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn churn_overview(
    State(app): State<App>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<Json<Overview>, Problem> {
    caller.require(Permission::ViewReports)?;
    let row = find(&app, &caller, &model).await?;
    let overview = row.overview.filter(|_| row.kind == CHURN).ok_or_else(|| Problem::not_found("run of scores yet"))?;
    Ok(Json(serde_json::from_value(overview).map_err(Problem::internal)?))
}
