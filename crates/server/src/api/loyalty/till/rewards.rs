//! Rewards at the till: redeemed against a receipt, and called off on the same day by the till that did it.

use crate::http::route::routes;
use axum::extract::State;
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::records::redemptions::{self, Asked};
use rapport_loyalty::rewards::{Refusal, Wish};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::super::members::number;
use super::super::own_ids;
use super::super::redemptions::{LoyaltyRedemption, Present, redeem, refused, settled, told};
use super::{day, short};
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(redeem_at_till)).routes(routes!(cancel_at_till))
}

/// A reward that somebody wants.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillRedeemBody {
    /// The till's own name for it: the same again is answered the same, for ever, and done once.
    id: String,
    member_id: String,
    /// The reward's key.
    reward: String,
    /// The wallet to pay from; whichever price comes first, unless said.
    #[serde(default)]
    wallet: Option<String>,
    /// The points that were shown: another price is refused.
    points: i64,
    /// The money part that was shown.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    money: Option<Decimal>,
    store: String,
    /// The receipt on which it stands.
    receipt: String,
    /// Whether what the member's own points do not pay may come from their household.
    #[serde(default)]
    household: bool,
}

/// Redeems a reward for whoever stands at the till, whole or not at all; it answers when it is on the disk.
#[utoipa::path(post, path = "/api/v1/loyalty/till/redemptions", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "redeem_at_till", request_body = TillRedeemBody, responses((status = 200, body = LoyaltyRedemption), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn redeem_at_till(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<TillRedeemBody>,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    caller.require(Permission::UseTill)?;
    own_ids::refuse("id", &body.id, own_ids::REQUESTS)?;
    short("store", &body.store)?;
    short("receipt", &body.receipt)?;
    let reason = format!("{} {}", body.store, body.receipt);
    let asked = Asked {
        id: &body.id,
        member: number(&body.member_id).map_err(|_| refused(Refusal::MemberUnknown))?,
        reward: &body.reward,
        wish: Wish { wallet: body.wallet.as_deref(), points: Some(body.points), money: body.money },
        is_surprise: false,
        with_household: body.household,
        by: caller.id().as_str(),
        reason: &reason,
    };
    let outcome = redeem(&app, caller.workspace, asked).await?;
    Ok(Json(told(&app, caller.workspace, outcome.map_err(refused)?).await?))
}

/// Calls a redemption off that the same key made today: points come back into the lots they came from.
#[utoipa::path(post, path = "/api/v1/loyalty/till/redemptions/{redemption_id}/cancelled", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "cancel_at_till", params(("redemption_id" = String, Path)), responses((status = 200, body = LoyaltyRedemption), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn cancel_at_till(
    State(app): State<App>,
    caller: Caller,
    Path(redemption_id): Path<String>,
) -> Result<Json<LoyaltyRedemption>, Problem> {
    caller.require(Permission::UseTill)?;
    let present = Present::read(&app, caller.workspace).await?;
    let mut db = app.installation.store.read();
    let found = redemptions::find(&mut db, caller.workspace, &redemption_id).await?;
    let own = found.filter(|row| row.redeemed_by == caller.id().as_str());
    let row = own.ok_or_else(|| refused(Refusal::RedemptionUnknown))?;
    if day(&present, row.requested_at) != day(&present, app.now()) {
        let text = "A till calls off what it redeemed on the same day.";
        return Err(Problem::conflict("till_too_late", text, "Staff can call it off in the console."));
    }
    settled(&app, &caller, async |tx, scene| redemptions::cancel(tx, scene, &redemption_id, false, "").await).await
}
