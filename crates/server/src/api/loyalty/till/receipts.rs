//! Receipts: what somebody bought, what goes back of it, what is called off. Each is told as an order through the log, so that rules, limits, tiers and challenges meet it like any other.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::money::{Currency, format_micros, parse_micros};
use rapport_domain::{Event, EventId, PersonId, Timestamp, shop_events};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::records::tills::{self, Receipt};
use rapport_loyalty::records::{members, payments};
use rapport_profiles::records::identifiers::{self, IdentifierRow};
use rapport_store::Priority;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::super::members::number;
use super::super::rating::{Asked, Rating, rating};
use super::super::redemptions::Present;
use super::payments::{TillPaidBack, paid_back, refused};
use super::{day, short, unknown};
use crate::api::members::instant;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::own_events;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(tell_receipt))
        .routes(routes!(return_of_receipt))
        .routes(routes!(cancel_receipt))
        .routes(routes!(rate_receipt))
}

/// A till that was offline tells what it has within this time.
const LATE: i64 = 90 * Timestamp::DAY;
/// Clocks of tills are not exact.
const EARLY: i64 = 5 * Timestamp::MINUTE;

/// What somebody bought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBody {
    /// The store.
    store: String,
    /// The receipt's number there: told again it is told once.
    receipt: String,
    member_id: String,
    /// When it was bought, where the till was offline; now, unless said. At most ninety days ago.
    #[serde(default)]
    occurred_at: Option<String>,
    /// The order as an SDK would send it, without its number: `revenue` or `total`, `currency`, `products` with `price`, `quantity`, `category`, ...
    #[schema(value_type = Object)]
    order: Map<String, Value>,
}

/// A basket to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BasketBody {
    member_id: String,
    /// The order as it would be told.
    #[schema(value_type = Object)]
    order: Map<String, Value>,
}

/// A receipt that was told.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillReceipt {
    /// The order's number in Rapport.
    order_id: String,
    member_id: String,
    occurred_at: String,
    /// Whether it was told before, and nothing was done now.
    is_repeated: bool,
    /// What it earns by the rules in force, rule by rule. It is on the member's account a second or two later.
    rating: Rating,
}

/// What was told of a receipt.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillTold {
    /// The order's number in Rapport.
    order_id: String,
    /// `returned` or `cancelled`. What follows of it is on the member's account a second or two later.
    told: String,
    /// What of it had been paid with points and is back now: so much less is given back in money.
    paid_back: Vec<TillPaidBack>,
}

fn order_id(store: &str, receipt: &str) -> String {
    format!("till/{store}/{receipt}")
}

/// Who a member is, and the name under which their events are told.
async fn buyer(app: &App, caller: &Caller, member: MemberId) -> Result<(PersonId, IdentifierRow), Problem> {
    let mut db = app.installation.store.read();
    let person =
        members::find(&mut db, caller.workspace, member).await?.and_then(|it| it.person).ok_or_else(unknown)?;
    let names = identifiers::by_persons(&mut db, caller.workspace, &[person]).await?;
    let name = names.into_iter().next().ok_or_else(unknown)?;
    Ok((person, name))
}

/// What an order comes to, in millionths.
fn checked(order: &Map<String, Value>) -> Result<i64, Problem> {
    let amount = |key: &str| match order.get(key) {
        None => None,
        Some(Value::String(text)) => Some(parse_micros(text).ok()),
        Some(Value::Number(number)) => Some(parse_micros(&number.to_string()).ok()),
        Some(_) => Some(None),
    };
    let total = match amount("revenue").or_else(|| amount("total")) {
        Some(Some(micros)) if micros >= 0 => micros,
        _ => return Err(Problem::invalid("order.revenue", "is what was paid, 0 or more: 12.50")),
    };
    for own in ["order_id", "store", "receipt", "channel"] {
        if order.contains_key(own) {
            return Err(Problem::invalid(&format!("order.{own}"), "is set by the till's receipt; leave it out"));
        }
    }
    Ok(total)
}

/// Says what a basket would earn, rule by rule. Nothing is given.
#[utoipa::path(post, path = "/api/v1/loyalty/till/ratings", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "rate_receipt", request_body = BasketBody, responses((status = 200, body = Rating), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn rate_receipt(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<BasketBody>,
) -> Result<Json<Rating>, Problem> {
    caller.require(Permission::UseTill)?;
    checked(&body.order)?;
    let (person, _) = buyer(&app, &caller, number(&body.member_id)?).await?;
    let asked =
        Asked { name: shop_events::ORDER_COMPLETED, properties: &body.order, at: app.now(), person: Some(person) };
    Ok(Json(rating(&app, caller.workspace, asked, &[]).await?))
}

/// Tells a receipt: an order of the member. Told again it is told once, and the answer is the same; another order under the number of one that was told is refused.
#[utoipa::path(post, path = "/api/v1/loyalty/till/receipts", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "tell_receipt", request_body = ReceiptBody, responses((status = 200, body = TillReceipt), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn tell_receipt(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ReceiptBody>,
) -> Result<Json<TillReceipt>, Problem> {
    caller.require(Permission::UseTill)?;
    short("store", &body.store)?;
    short("receipt", &body.receipt)?;
    let total = checked(&body.order)?;
    let now = app.now();
    let given = instant("occurred_at", body.occurred_at.as_deref())?;
    let occurred_at = given.unwrap_or(now);
    if occurred_at > now.plus(EARLY) || occurred_at < now.plus(-LATE) {
        return Err(Problem::invalid("occurred_at", "is not in the future, and at most ninety days ago"));
    }
    let asked = number(&body.member_id)?;
    let (person, name) = buyer(&app, &caller, asked).await?;
    let content = serde_json::to_vec(&(&body.order, asked.0, given.map(|at| at.0))).map_err(Problem::internal)?;
    let told = Receipt {
        store: body.store.clone(),
        receipt: body.receipt.clone(),
        member: asked.0,
        fingerprint: blake3::hash(&content).as_bytes()[..16].try_into().map_err(Problem::internal)?,
        told_by: caller.id().as_str().to_owned(),
        occurred_at,
        recorded_at: now,
        cancelled_at: None,
    };
    let (known, with_points) = written(&app, &caller, (&told, total), &body.order).await?;
    // Also of one that was told before: the till may have been cut off between the two.
    let at = known.occurred_at;
    let order_id = order_id(&body.store, &body.receipt);
    let mut properties = body.order;
    properties.insert("order_id".to_owned(), json!(order_id));
    properties.insert("store".to_owned(), json!(body.store));
    properties.insert("receipt".to_owned(), json!(body.receipt));
    properties.insert("channel".to_owned(), json!("till"));
    if with_points > 0 {
        properties.insert("paid_with_points".to_owned(), json!(format_micros(with_points)));
    }
    let asked = Asked { name: shop_events::ORDER_COMPLETED, properties: &properties, at, person: Some(person) };
    let rating = rating(&app, caller.workspace, asked, &[]).await?;
    tell(&app, &caller, (&order_id, &name, at), (shop_events::ORDER_COMPLETED, properties)).await?;
    Ok(Json(TillReceipt {
        order_id,
        member_id: known.member.to_string(),
        occurred_at: at.to_rfc3339(),
        is_repeated: known.recorded_at != told.recorded_at,
        rating,
    }))
}

/// Writes a receipt down, as it is known, with what of it was paid with points.
async fn written(
    app: &App,
    caller: &Caller,
    (told, total): (&Receipt, i64),
    order: &Map<String, Value>,
) -> Result<(Receipt, i64), Problem> {
    let present = Present::read(app, caller.workspace).await?;
    let scene = present.scene(app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    // Nothing is paid on it from here on.
    payments::hold(&mut tx, caller.workspace).await?;
    let known = tills::tell(&mut tx, caller.workspace, told).await?;
    if known.fingerprint != told.fingerprint {
        let text = "This receipt was told with something else.";
        let what = "Give it another number, or return what is wrong.";
        return Err(Problem::conflict("receipt_told_otherwise", text, what));
    }
    let receipt = (told.store.as_str(), told.receipt.as_str());
    let paid = payments::paid(&mut tx, scene, receipt, (MemberId(told.member), total)).await?;
    let paid = paid.map_err(refused)?;
    if paid > 0 {
        fits(app, caller, order).await?;
    }
    tx.commit().await?;
    Ok((known, paid))
}

/// Refuses an order of which points paid a part, where it says another part itself, or counts in another currency.
async fn fits(app: &App, caller: &Caller, order: &Map<String, Value>) -> Result<(), Problem> {
    if order.contains_key("paid_with_points") {
        let text = "is what points paid of it by the till; leave it out";
        return Err(Problem::invalid("order.paid_with_points", text));
    }
    let present = Present::read(app, caller.workspace).await?;
    let own = present.program()?.currency;
    let said = order.get("currency").and_then(Value::as_str);
    if said.is_some_and(|said| Currency::parse(said) != Some(own)) {
        return Err(Problem::invalid("order.currency", "is the programme's, where points paid a part"));
    }
    Ok(())
}

/// Tells an event of a receipt through the log, under a name of its own.
async fn tell(
    app: &App,
    caller: &Caller,
    (message, who, at): (&str, &IdentifierRow, Timestamp),
    (name, properties): (&str, Map<String, Value>),
) -> Result<(), Problem> {
    let installation = &app.installation;
    let source = own_events::source(installation, caller.workspace).await.map_err(Problem::internal)?;
    let id = EventId::of_message(caller.workspace, source, message);
    let told = own_events::event((caller.workspace, source), id, at, who.identifier(), name, properties);
    let event = Event { received_at: app.now(), ..told };
    installation.log.append(&[event]).await.map_err(Problem::internal)?;
    Ok(())
}

/// What goes back of a receipt.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnBody {
    store: String,
    receipt: String,
    /// The return's own number: told again it is told once.
    id: String,
    /// How much is given back; everything that is left, unless said.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    amount: Option<Decimal>,
}

async fn known(app: &App, caller: &Caller, (store, receipt): (&str, &str)) -> Result<Receipt, Problem> {
    let mut db = app.installation.store.read();
    let found = tills::receipt(&mut db, caller.workspace, (store, receipt)).await?;
    found.ok_or_else(|| Problem::not_found("receipt"))
}

/// Tells that something of a receipt goes back: points follow, as with every order that is refunded.
#[utoipa::path(post, path = "/api/v1/loyalty/till/returns", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "return_of_receipt", request_body = ReturnBody, responses((status = 200, body = TillTold), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn return_of_receipt(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<ReturnBody>,
) -> Result<Json<TillTold>, Problem> {
    caller.require(Permission::UseTill)?;
    short("id", &body.id)?;
    if body.amount.is_some_and(|amount| amount.micros() <= 0) {
        return Err(Problem::invalid("amount", "is above 0; without it, everything goes back"));
    }
    let receipt = known(&app, &caller, (&body.store, &body.receipt)).await?;
    let (_, name) = buyer(&app, &caller, MemberId(receipt.member)).await?;
    let what = (format!("return:{}", body.id), body.amount.map(|amount| amount.micros()));
    let paid_back = paid_back(&app, &caller, (&body.store, &body.receipt), what).await?;
    let order_id = order_id(&body.store, &body.receipt);
    let mut properties = Map::from_iter([
        ("order_id".to_owned(), json!(order_id)),
        ("refund_id".to_owned(), json!(body.id)),
        ("store".to_owned(), json!(body.store)),
    ]);
    properties.extend(body.amount.map(|amount| ("amount".to_owned(), json!(format_micros(amount.micros())))));
    let message = format!("{order_id}/return/{}", body.id);
    let told = (shop_events::ORDER_REFUNDED, properties);
    tell(&app, &caller, (&message, &name, app.now()), told).await?;
    Ok(Json(TillTold { order_id, told: "returned".to_owned(), paid_back }))
}

/// A receipt that is called off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelReceiptBody {
    store: String,
    receipt: String,
}

/// Calls a receipt off, on the day on which it was told; later it is returned.
#[utoipa::path(post, path = "/api/v1/loyalty/till/cancellations", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "cancel_receipt", request_body = CancelReceiptBody, responses((status = 200, body = TillTold), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn cancel_receipt(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<CancelReceiptBody>,
) -> Result<Json<TillTold>, Problem> {
    caller.require(Permission::UseTill)?;
    let receipt = known(&app, &caller, (&body.store, &body.receipt)).await?;
    let present = Present::read(&app, caller.workspace).await?;
    let now = app.now();
    if receipt.cancelled_at.is_none() && day(&present, receipt.recorded_at) != day(&present, now) {
        let text = "A receipt is called off on its own day.";
        return Err(Problem::conflict("receipt_too_late", text, "Return it instead."));
    }
    let (_, name) = buyer(&app, &caller, MemberId(receipt.member)).await?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    tills::cancel(&mut tx, caller.workspace, (&body.store, &body.receipt), now).await?;
    tx.commit().await?;
    let what = ("cancelled".to_owned(), None);
    let paid_back = paid_back(&app, &caller, (&body.store, &body.receipt), what).await?;
    let order_id = order_id(&body.store, &body.receipt);
    let properties =
        Map::from_iter([("order_id".to_owned(), json!(order_id)), ("store".to_owned(), json!(body.store))]);
    let message = format!("{order_id}/cancelled");
    tell(&app, &caller, (&message, &name, now), (shop_events::ORDER_CANCELLED, properties)).await?;
    Ok(Json(TillTold { order_id, told: "cancelled".to_owned(), paid_back }))
}
