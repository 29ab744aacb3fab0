//! What is done with a gift card by whoever has its code: looked up, topped up, spent, given back, taken into a wallet.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::WorkspaceId;
use rapport_domain::money::Currency;
use rapport_loyalty::gift_cards::{CodeKey, Refusal};
use rapport_loyalty::records::gift_cards::{self, Added, Asked, Card, Move, Wanted, Which};
use rapport_loyalty::records::redemptions::Scene;
use rapport_loyalty::records::{members, tries};
use rapport_store::{Priority, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::super::members::number;
use super::super::redemptions::{Present, short};
use super::super::{transfers, vouchers};
use super::{refused, settled, stands};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission, Role};
use crate::http::extract::Json;
use crate::points::gifts;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(look_up_gift_card))
        .routes(routes!(top_up_gift_card))
        .routes(routes!(spend_gift_card))
        .routes(routes!(refund_gift_card))
        .routes(routes!(claim_gift_card))
}

/// A gift card, as whoever has its code sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PresentedGiftCard {
    gift_card_id: String,
    /// The last characters of its code; empty until somebody was told one.
    tail: String,
    wallet: String,
    /// In which its value is; null if it is points.
    currency: Option<String>,
    /// How much is left now.
    left: i64,
    /// `live`, `empty`, `expired`, `claimed` or `void`.
    state: String,
    /// When its time is over.
    expires_at: Option<String>,
}

/// Something that was done with a gift card.
#[derive(Debug, Serialize, ToSchema)]
pub struct GiftCardDone {
    /// The id that you gave it.
    id: String,
    /// `top_up`, `spend`, `refund` or `claim`.
    kind: String,
    /// How much, in the currency's smallest units, or in points.
    amount: i64,
    /// Of a spend: how much of it came back by now.
    returned: i64,
    reference: String,
    moved_at: String,
    /// The card as it is now.
    gift_card: PresentedGiftCard,
}

/// A card, as whoever has its code sees it.
pub(in crate::api::loyalty) async fn presented(
    app: &App,
    workspace: WorkspaceId,
    card: Card,
) -> Result<PresentedGiftCard, Problem> {
    let present = Present::read(app, workspace).await?;
    let now = app.now();
    let has = gift_cards::balance(&mut app.installation.store.read(), workspace, &card, now).await?;
    Ok(PresentedGiftCard {
        state: stands(&card, has, now),
        currency: card.currency(present.program()?).map(|it| it.as_str().to_owned()),
        gift_card_id: card.card,
        tail: card.tail,
        wallet: card.wallet,
        left: has.available,
        expires_at: optional_time(card.expires_at),
    })
}

async fn done(app: &App, caller: &Caller, (card, row): (Card, Move)) -> Result<Json<GiftCardDone>, Problem> {
    Ok(Json(GiftCardDone {
        id: row.id,
        kind: row.kind,
        amount: row.amount,
        returned: row.returned,
        reference: row.reference,
        moved_at: time(row.moved_at),
        gift_card: presented(app, caller.workspace, card).await?,
    }))
}

/// Notes a wrong code, and says what is wrong.
async fn wrong(app: &App, caller: &Caller, place: &str, refusal: Refusal) -> Result<Problem, Problem> {
    if refusal.is_a_guess() {
        let mut tx = app.installation.store.begin(Priority::Interactive).await?;
        tries::note(&mut tx, caller.workspace, caller.id().as_str(), place, app.now()).await?;
        tx.commit().await?;
    }
    Ok(refused(refusal))
}

/// A gift card to look up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUpGiftCardBody {
    /// Its code, as it was typed or scanned.
    code: String,
    /// Where: a till, a shop's page. Wrong codes are counted for each.
    #[serde(default)]
    place: String,
}

/// Says what is left on a gift card. Codes that there are not are counted: after twenty at a place in ten minutes it has to wait.
#[utoipa::path(post, path = "/api/v1/loyalty/gift-cards/lookup", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "look_up_gift_card", request_body = LookUpGiftCardBody, responses((status = 200, body = PresentedGiftCard), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody)))]
pub async fn look_up_gift_card(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<LookUpGiftCardBody>,
) -> Result<Json<PresentedGiftCard>, Problem> {
    caller.require(Permission::UseTill)?;
    vouchers::may_try(&app, &caller, &body.place).await?;
    let key = gifts::known_card_key(&app.installation, caller.workspace).await?;
    match gift_cards::by_code(&mut app.installation.store.read(), caller.workspace, key, &body.code).await? {
        Ok(card) => Ok(Json(presented(&app, caller.workspace, card).await?)),
        Err(refusal) => Err(wrong(&app, &caller, &body.place, refusal).await?),
    }
}

/// Value to add to a gift card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpGiftCardBody {
    /// Your own name for it, as of a spend.
    id: String,
    /// The card's code, as it was typed or scanned; or `gift_card_id`.
    #[serde(default)]
    code: Option<String>,
    /// The card's own id; for whoever may post points.
    #[serde(default)]
    gift_card_id: Option<String>,
    /// How much, in the currency's smallest units (cents), or in points.
    amount: i64,
    /// In which currency you count; left out for points. Another than the card's is refused.
    #[serde(default)]
    currency: Option<String>,
    /// For what: an order's or a receipt's number.
    #[serde(default)]
    reference: String,
    /// Where: a till, a shop's page. Wrong codes are counted for each.
    #[serde(default)]
    place: String,
}

/// Adds value to a gift card, whole or not at all; it ends with the card. Whoever may post points adds as much as the wallet lets a card have, users of them no more than their role may give alone, a till as much at once as the wallet's `till_top_up_max` says.
#[utoipa::path(post, path = "/api/v1/loyalty/gift-cards/top-ups", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "top_up_gift_card", request_body = TopUpGiftCardBody, responses((status = 200, body = GiftCardDone), (status = 403, body = crate::problem::ProblemBody), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody)))]
pub async fn top_up_gift_card(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<TopUpGiftCardBody>,
) -> Result<Json<GiftCardDone>, Problem> {
    caller.require(Permission::UseTill)?;
    let is_till = !caller.may(Permission::PostPoints);
    if body.code.is_some() == body.gift_card_id.is_some() {
        return Err(Problem::invalid("code", "says which gift card, or gift_card_id does; one of them"));
    }
    if body.gift_card_id.is_some() {
        caller.require(Permission::PostPoints)?;
    }
    vouchers::may_try(&app, &caller, &body.place).await?;
    // Tills have the wallet's own limit.
    let role = caller.role().filter(|_| !is_till).map(Role::as_str);
    let added = Added { amount: body.amount, currency: counted_in(body.currency.as_deref())?, is_till, role };
    let asked = Asked { id: &body.id, reference: &body.reference, by: caller.id().as_str() };
    let top_up = async |tx: &mut Tx, scene: Scene<'_>, key: CodeKey| {
        let which = match (&body.code, &body.gift_card_id) {
            (Some(code), _) => Which::Code(key, code),
            (None, card) => Which::Card(card.as_deref().unwrap_or_default()),
        };
        gift_cards::top_up(tx, scene, which, added, asked).await
    };
    match settled(&app, &caller, top_up).await? {
        Ok(added) => done(&app, &caller, added).await,
        Err(refusal) if body.code.is_some() => Err(wrong(&app, &caller, &body.place, refusal).await?),
        Err(refusal) => Err(refused(refusal)),
    }
}

/// In which currency somebody counts.
fn counted_in(currency: Option<&str>) -> Result<Option<Currency>, Problem> {
    let read = |text: &str| {
        Currency::parse(text).ok_or_else(|| Problem::invalid("currency", "is a code such as EUR; left out for points"))
    };
    currency.map(read).transpose()
}

/// Something to pay with a gift card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpendGiftCardBody {
    /// Your own name for it, up to 255 bytes and without personal data: the same again is answered the same, for ever, also one that was refused, and done once.
    id: String,
    code: String,
    /// How much, in the currency's smallest units (cents), or in points.
    amount: i64,
    /// In which currency you count; left out for points. Another than the card's is refused.
    #[serde(default)]
    currency: Option<String>,
    /// Whether it may be less, if less is left: `amount` in the answer says how much it was.
    #[serde(default)]
    is_part: bool,
    /// For what: an order's or a receipt's number.
    #[serde(default)]
    reference: String,
    /// Where: a till, a shop's page. Wrong codes are counted for each.
    #[serde(default)]
    place: String,
}

/// Spends from a gift card, whole or not at all, or with `is_part` as much as is left; it answers when it is on the disk.
#[utoipa::path(post, path = "/api/v1/loyalty/gift-cards/spends", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "spend_gift_card", request_body = SpendGiftCardBody, responses((status = 200, body = GiftCardDone), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody)))]
pub async fn spend_gift_card(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<SpendGiftCardBody>,
) -> Result<Json<GiftCardDone>, Problem> {
    caller.require(Permission::UseTill)?;
    let currency = counted_in(body.currency.as_deref())?;
    let wanted = Wanted { amount: body.amount, is_part: body.is_part, currency };
    vouchers::may_try(&app, &caller, &body.place).await?;
    let asked = Asked { id: &body.id, reference: &body.reference, by: caller.id().as_str() };
    let spend = async |tx: &mut Tx, scene: Scene<'_>, key: CodeKey| {
        gift_cards::spend(tx, scene, (key, &body.code), wanted, asked).await
    };
    match settled(&app, &caller, spend).await? {
        Ok(spent) => done(&app, &caller, spent).await,
        Err(refusal) => Err(wrong(&app, &caller, &body.place, refusal).await?),
    }
}

/// Something that goes back to a gift card.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundGiftCardBody {
    /// Your own name for it, as of a spend.
    id: String,
    /// The id of the spend.
    spend_id: String,
    /// How much of it; all that has not come back yet, unless said.
    #[serde(default)]
    amount: Option<i64>,
    /// For what: a return's number.
    #[serde(default)]
    reference: String,
}

/// Gives back what was spent from a gift card, in whole or in parts, never more than was spent: to the card, or to whoever has taken it into their wallet meanwhile.
#[utoipa::path(post, path = "/api/v1/loyalty/gift-cards/refunds", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "refund_gift_card", request_body = RefundGiftCardBody, responses((status = 200, body = GiftCardDone), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn refund_gift_card(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<RefundGiftCardBody>,
) -> Result<Json<GiftCardDone>, Problem> {
    caller.require(Permission::UseTill)?;
    let asked = Asked { id: &body.id, reference: &body.reference, by: caller.id().as_str() };
    let what = (body.spend_id.as_str(), body.amount);
    let refund = async |tx: &mut Tx, scene: Scene<'_>, _| gift_cards::refund(tx, scene, what, asked).await;
    let refunded = settled(&app, &caller, refund).await?.map_err(refused)?;
    done(&app, &caller, refunded).await
}

/// A gift card to take into a wallet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClaimGiftCardBody {
    /// Your own name for it, as of a spend.
    id: String,
    code: String,
    /// Whose wallet.
    member_id: String,
    #[serde(default)]
    reference: String,
}

/// Takes all that is left on a gift card into a member's wallet, once; it is spent from there, and lapses when the card would have. Wrong codes are counted for each member and each caller.
#[utoipa::path(post, path = "/api/v1/loyalty/gift-cards/claims", security(("caller" = ["serve_members"])), tag = "loyalty", operation_id = "claim_gift_card", request_body = ClaimGiftCardBody, responses((status = 200, body = GiftCardDone), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody), (status = 429, body = crate::problem::ProblemBody)))]
pub async fn claim_gift_card(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ClaimGiftCardBody>,
) -> Result<Json<GiftCardDone>, Problem> {
    caller.require(Permission::ServeMembers)?;
    short("reference", &body.reference)?;
    let unknown = || refused(Refusal::MemberUnknown);
    let member = number(&body.member_id).map_err(|_| unknown())?;
    let found = members::find(&mut app.installation.store.read(), caller.workspace, member).await?;
    let member = found.ok_or_else(unknown)?.member;
    let place = transfers::may_try(&app, (caller.workspace, caller.id().as_str()), member).await?;
    let asked = Asked { id: &body.id, reference: &body.reference, by: caller.id().as_str() };
    let claim = async |tx: &mut Tx, scene: Scene<'_>, key: CodeKey| {
        gift_cards::claim(tx, scene, (key, &body.code), member, asked).await
    };
    match settled(&app, &caller, claim).await? {
        Ok(claimed) => done(&app, &caller, claimed).await,
        Err(refusal) => Err(wrong(&app, &caller, &place, refusal).await?),
    }
}
