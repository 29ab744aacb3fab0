//! Members' cards, and whose a shown card is.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_loyalty::records::cards::{self, Card, Refusal};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::members::{LoyaltyMember, find, one};
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::problem::Problem;
use crate::qr;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(member_card, issue_member_card)).routes(routes!(look_up_card))
}

/// A member's card.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyCard {
    /// What stands on it: `R`, ten characters and one that checks them, in groups.
    code: String,
    /// The same as a QR code, as SVG.
    svg: String,
    issued_at: String,
}

impl From<Card> for LoyaltyCard {
    fn from(card: Card) -> Self {
        Self { svg: qr::svg(&card.lookup).unwrap_or_default(), code: card.shown(), issued_at: time(card.issued_at) }
    }
}

pub(super) fn refused(refusal: Refusal) -> Problem {
    let (status, text) = match refusal {
        Refusal::Mistyped => (StatusCode::UNPROCESSABLE_ENTITY, "This cannot be a card: a character is wrong."),
        Refusal::Unknown => (StatusCode::NOT_FOUND, "There is no such card."),
        Refusal::Void => (StatusCode::CONFLICT, "This card is void: the member has a newer one."),
    };
    Problem::new(status, refusal.code(), text, "Read it again, or find the member by something else.")
}

/// Reads the card of a member that counts.
#[utoipa::path(get, path = "/api/v1/loyalty/members/{member_id}/card", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "member_card", params(("member_id" = String, Path)), responses((status = 200, body = LoyaltyCard), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn member_card(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<LoyaltyCard>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let member = find(&app, &caller, &member_id).await?.member;
    let card = cards::valid(&mut app.installation.store.read(), caller.workspace, member).await?;
    card.map(|card| Json(card.into())).ok_or_else(|| Problem::not_found("card"))
}

/// Issues a new card to a member; those that they had are void at once.
#[utoipa::path(post, path = "/api/v1/loyalty/members/{member_id}/card", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "issue_member_card", params(("member_id" = String, Path)), responses((status = 200, body = LoyaltyCard), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn issue_member_card(
    State(app): State<App>,
    caller: Caller,
    Path(member_id): Path<String>,
) -> Result<Json<LoyaltyCard>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let found = find(&app, &caller, &member_id).await?;
    if found.person.is_none() {
        return Err(Problem::not_found("member"));
    }
    let installation = &app.installation;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    let card = cards::issue(&mut tx, caller.workspace, found.member, app.now(), &*installation.rng).await?;
    tx.commit().await?;
    Ok(Json(card.into()))
}

/// A card that somebody shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUpCardBody {
    /// As it was scanned or typed: case, spaces and hyphens do not matter.
    code: String,
}

/// Says whose card it is, and what they have.
#[utoipa::path(post, path = "/api/v1/loyalty/cards/lookup", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "look_up_card", request_body = LookUpCardBody, responses((status = 200, body = LoyaltyMember), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn look_up_card(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<LookUpCardBody>,
) -> Result<Json<LoyaltyMember>, Problem> {
    caller.require(Permission::ServeMembers)?;
    let holder = cards::holder(&mut app.installation.store.read(), caller.workspace, &body.code).await?;
    one(&app, &caller, holder.map_err(refused)?).await
}
