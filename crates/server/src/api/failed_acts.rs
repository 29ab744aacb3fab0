//! `/api/v1/failed-acts`: what journeys had to do beside messages and could not (webhooks, traits, lists, other acts), and trying it again.

use crate::http::route::routes;
use axum::extract::State;
use rapport_engagement::records::acts;
use rapport_profiles::records::persons;
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::shapes::{CustomerRow, time};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::problem::Problem;

/// So many are listed.
const MOST: i64 = 100;
/// So many are tried again at once.
const MOST_REPLAYED: i64 = 10_000;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(replay))
}

/// An act that failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedAct {
    id: String,
    /// About whom; none when they are not known any more.
    customer: Option<CustomerRow>,
    journey: String,
    node: String,
    /// `trait`, `list_on`, `list_off`, `webhook` or `act`.
    kind: String,
    /// The trait's name, the list's key, the address, the action's name.
    target: String,
    decided_at: String,
    attempts: i64,
    /// Why it failed last.
    error: Option<String>,
}

/// Acts that failed, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedActs {
    rows: Vec<FailedAct>,
}

/// Lists the latest acts of journeys that failed.
#[utoipa::path(get, path = "/api/v1/failed-acts", security(("caller" = ["view_people"])), tag = "journeys", operation_id = "list_failed_acts", responses((status = 200, body = FailedActs)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<FailedActs>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let mut db = app.installation.store.read();
    let found = acts::failed_rows(&mut db, caller.workspace, MOST).await?;
    let ids: Vec<_> = found.iter().map(|row| row.person).collect();
    let known = persons::by_ids(&mut db, caller.workspace, &ids).await?;
    let rows = found.into_iter().map(|row| FailedAct {
        customer: known.iter().find(|it| it.person == row.person).map(CustomerRow::of),
        id: row.id,
        journey: row.journey,
        node: row.node,
        kind: row.kind,
        target: row.target,
        decided_at: time(row.decided_at),
        attempts: row.attempts,
        error: row.error,
    });
    Ok(Json(FailedActs { rows: rows.collect() }))
}

/// Which failed acts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayActsBody {
    /// One; all that failed if nothing is said.
    id: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayedActs {
    /// How many are tried again.
    acts: u64,
}

/// Tries failed acts again. Whether they may still be done is asked again before each.
#[utoipa::path(post, path = "/api/v1/failed-acts/replay", security(("caller" = ["edit_journeys"])), tag = "journeys", operation_id = "replay_acts", request_body = ReplayActsBody, responses((status = 200, body = ReplayedActs)))]
pub async fn replay(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ReplayActsBody>,
) -> Result<Json<ReplayedActs>, Problem> {
    caller.require(Permission::EditJourneys)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let count = acts::replay(&mut tx, caller.workspace, body.id.as_deref(), app.now(), MOST_REPLAYED).await?;
    tx.commit().await?;
    Ok(Json(ReplayedActs { acts: count }))
}
