//! Passing a household on, closing it, and what staff did with it and why.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_loyalty::households::Refusal;
use rapport_loyalty::records::households::{self, HouseholdAct};
use rapport_loyalty::records::redemptions::Scene;
use rapport_store::Tx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::households::{HouseholdShown, asker, named, refused, settled, shown};
use crate::api::segments::user_names;
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(hand_household_over))
        .routes(routes!(close_household))
        .routes(routes!(household_acts))
}

/// Who leads a household from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandHouseholdOverBody {
    /// One who belongs to it.
    member_id: String,
    /// The member who asks, if one does: they must lead it.
    #[serde(default)]
    by_member_id: Option<String>,
    /// Why, up to 255 bytes. Only a member who asks needs none.
    #[serde(default)]
    reason: String,
}

/// Who closes a household, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseHouseholdBody {
    /// The member who asks, if one does: they must lead it.
    #[serde(default)]
    by_member_id: Option<String>,
    /// Why, up to 255 bytes. Only a member who asks needs none.
    #[serde(default)]
    reason: String,
}

/// Whoever answers for what no member asks says why.
fn said(by_member: Option<&str>, reason: &str) -> Result<(), Problem> {
    if by_member.is_none() && reason.trim().is_empty() {
        return Err(Problem::invalid("reason", "says why, in a few words"));
    }
    Ok(())
}

/// Passes a household on to one of its members; whoever led it stays in it.
#[utoipa::path(put, path = "/api/v1/loyalty/households/{household_id}/head", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "hand_household_over", params(("household_id" = String, Path)), request_body = HandHouseholdOverBody, responses((status = 200, body = HouseholdShown), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn hand_household_over(
    State(app): State<App>,
    caller: Caller,
    Path(household_id): Path<String>,
    Json(body): Json<HandHouseholdOverBody>,
) -> Result<Json<HouseholdShown>, Problem> {
    caller.require(Permission::ServeMembers)?;
    said(body.by_member_id.as_deref(), &body.reason)?;
    let by = asker(body.by_member_id.as_deref(), &caller, &body.reason)?;
    let to = named(&body.member_id)?;
    let pass = async |tx: &mut Tx, scene: Scene<'_>| households::hand_over(tx, scene, &household_id, to, by).await;
    settled(&app, caller.workspace, pass).await?.map_err(refused)?;
    Ok(Json(shown(&app, &caller, &household_id).await?))
}

/// Closes a household: everybody leaves it with what is theirs, and what they were invited to is called off.
#[utoipa::path(post, path = "/api/v1/loyalty/households/{household_id}/closed", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "close_household", params(("household_id" = String, Path)), request_body = CloseHouseholdBody, responses((status = 200, body = HouseholdShown), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn close_household(
    State(app): State<App>,
    caller: Caller,
    Path(household_id): Path<String>,
    Json(body): Json<CloseHouseholdBody>,
) -> Result<Json<HouseholdShown>, Problem> {
    caller.require(Permission::ServeMembers)?;
    said(body.by_member_id.as_deref(), &body.reason)?;
    let by = asker(body.by_member_id.as_deref(), &caller, &body.reason)?;
    let close = async |tx: &mut Tx, scene: Scene<'_>| households::close(tx, scene, &household_id, by).await;
    settled(&app, caller.workspace, close).await?.map_err(refused)?;
    Ok(Json(shown(&app, &caller, &household_id).await?))
}

/// What staff did with a household, and why.
#[derive(Debug, Serialize, ToSchema)]
pub struct HouseholdStaffAct {
    act_id: String,
    household_id: String,
    /// `founded`, `invited`, `joined`, `declined`, `withdrawn`, `renamed`, `set`, `removed`, `handed_over` or `closed`.
    what: String,
    /// Whom it was about; null of what concerned all.
    member_id: Option<String>,
    /// Empty if nothing was said, or once somebody of the household was forgotten.
    reason: String,
    done_at: String,
    /// Who, by their name if they are a user.
    done_by: String,
}

/// Lists what staff did with a household, and why, the newest first. What members do themselves is not there.
#[utoipa::path(get, path = "/api/v1/loyalty/households/{household_id}/acts", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "household_acts", params(("household_id" = String, Path), PageQuery), responses((status = 200, body = Page<HouseholdStaffAct>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn household_acts(
    State(app): State<App>,
    caller: Caller,
    Path(household_id): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<HouseholdStaffAct>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let after: Option<(i64, String)> = page.position()?;
    let after = after.map(|(at, act)| (Timestamp(at), act));
    let users = user_names(&app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let there = households::find(&mut db, caller.workspace, &household_id).await?;
    there.ok_or_else(|| refused(Refusal::Unknown))?;
    let rows = households::acts(&mut db, caller.workspace, &household_id, after, page.limit() + 1).await?;
    let place = |row: &HouseholdAct| (row.done_at.0, row.act.clone());
    Ok(Json(Page::cut(rows, page.limit(), place).map(|row| HouseholdStaffAct {
        act_id: row.act,
        household_id: row.household,
        what: row.what,
        member_id: row.member.map(|it| it.to_string()),
        reason: row.reason,
        done_at: time(row.done_at),
        done_by: super::named(&users, &row.done_by),
    })))
}
