//! Parts of a receipt that a member pays with points, before it is told; called off until then, and given back with what goes back of the receipt. And the list of them, for staff.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::StatusCode;
use rapport_domain::Timestamp;
use rapport_domain::money::format_micros;
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::paying::Refusal;
use rapport_loyalty::records::members;
use rapport_loyalty::records::payments::{self, Asked, Back, Filter, Outcome, Payment, State as Stands};
use rapport_loyalty::records::redemptions::Scene;
use rapport_store::{Priority, Tx};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::super::members::{find, number};
use super::super::named;
use super::super::redemptions::Present;
use super::short;
use crate::api::members::instant;
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::api::wire::optional_time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageQuery};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(till_payments, pay_at_till)).routes(routes!(cancel_payment_at_till))
}

/// A part of a receipt to pay with points.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TillPayBody {
    /// The till's own name for it: the same again is answered the same, for ever, also one that was refused, and done once.
    id: String,
    store: String,
    /// The receipt's number there, under which it will be told.
    receipt: String,
    member_id: String,
    /// Out of which wallet; the first that pays, unless said.
    #[serde(default)]
    wallet: Option<String>,
    points: i64,
    /// What the whole receipt comes to, in the programme's currency.
    #[schema(value_type = String)]
    total: Decimal,
}

/// A part of a receipt that was paid with points.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillPayment {
    id: String,
    store: String,
    receipt: String,
    member_id: String,
    wallet: String,
    points: i64,
    /// What they pay, in the programme's currency: so much less is paid in another way.
    money: String,
    /// How many points came back.
    returned: i64,
    /// `open`: its receipt is not told yet; `told`; `returned`: of a receipt that was told something came back; `cancelled`; `lapsed`: its receipt was not told in time.
    state: String,
    paid_at: String,
    /// When it is called off by itself, unless its receipt is told before.
    due_at: Option<String>,
    /// When it was called off.
    cancelled_at: Option<String>,
}

impl From<Payment> for TillPayment {
    fn from(row: Payment) -> Self {
        Self {
            state: row.state().key().to_owned(),
            due_at: optional_time(row.due_at),
            id: row.id,
            store: row.store,
            receipt: row.receipt,
            member_id: row.member.to_string(),
            wallet: row.wallet,
            points: row.points,
            money: format_micros(row.money),
            returned: row.returned,
            paid_at: time(row.paid_at),
            cancelled_at: optional_time(row.cancelled_at),
        }
    }
}

/// A part of a receipt that was paid with points, or refused, as staff see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedTillPayment {
    /// The id that the till gave it.
    id: String,
    store: String,
    receipt: String,
    member_id: String,
    wallet: String,
    points: i64,
    /// What they paid, in the programme's currency.
    money: String,
    /// What the receipt came to: as it was told, once it is.
    total: String,
    /// How many points came back.
    returned: i64,
    /// What these had paid.
    money_returned: String,
    /// `open`: its receipt is not told yet; `told`; `returned`: of a receipt that was told something came back; `cancelled`; `lapsed`: its receipt was not told in time; `refused`.
    state: String,
    /// Why it was refused.
    refused: Option<String>,
    paid_at: String,
    /// The key or the user.
    paid_by: String,
    /// When it is called off by itself, unless its receipt is told before.
    due_at: Option<String>,
    cancelled_at: Option<String>,
    /// Who called it off; null where nobody did, also where it lapsed.
    cancelled_by: Option<String>,
}

impl ListedTillPayment {
    fn of(row: Payment, users: &Names) -> Self {
        let state = row.state();
        let by_somebody = state == Stands::Cancelled && !row.cancelled_by.is_empty();
        Self {
            state: state.key().to_owned(),
            cancelled_by: by_somebody.then(|| named(users, &row.cancelled_by)),
            paid_by: named(users, &row.paid_by),
            id: row.id,
            store: row.store,
            receipt: row.receipt,
            member_id: row.member.to_string(),
            wallet: row.wallet,
            points: row.points,
            money: format_micros(row.money),
            total: format_micros(row.total),
            returned: row.returned,
            money_returned: format_micros(row.money_returned),
            refused: row.refused,
            paid_at: time(row.paid_at),
            due_at: optional_time(row.due_at),
            cancelled_at: optional_time(row.cancelled_at),
        }
    }
}

/// Which payments.
#[derive(Debug, Deserialize, IntoParams)]
pub struct TillPaymentsQuery {
    /// Of this member only, under whichever of their numbers they paid.
    #[serde(default)]
    member_id: String,
    /// `open`, `told`, `returned`, `cancelled`, `lapsed` or `refused` only.
    #[serde(default)]
    state: String,
    /// Of this store only.
    #[serde(default)]
    store: String,
    /// Paid from this instant on.
    #[serde(default)]
    from: Option<String>,
    /// Paid before this instant.
    #[serde(default)]
    until: Option<String>,
}

/// Lists what was paid of receipts with points at tills, the newest first, with what was refused.
#[utoipa::path(get, path = "/api/v1/loyalty/till/payments", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "till_payments", params(TillPaymentsQuery, PageQuery), responses((status = 200, body = Page<ListedTillPayment>), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn till_payments(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<TillPaymentsQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ListedTillPayment>>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let state = Stands::ALL.into_iter().find(|it| it.key() == query.state);
    if state.is_none() && !query.state.is_empty() {
        return Err(Problem::invalid("state", "is one of open, told, returned, cancelled, lapsed, refused"));
    }
    if !query.store.is_empty() {
        short("store", &query.store)?;
    }
    let from = instant("from", query.from.as_deref())?;
    let until = instant("until", query.until.as_deref())?;
    let mut db = app.installation.store.read();
    let numbers = if query.member_id.is_empty() {
        None
    } else {
        let member = find(&app, &caller, &query.member_id).await?.member;
        Some(members::numbers(&mut db, caller.workspace, member).await?)
    };
    let filter = Filter { members: numbers.as_deref(), state, store: &query.store, from, until };
    let after: Option<(i64, String)> = page.position()?;
    let after = after.map(|(at, id)| (Timestamp(at), id));
    let rows = payments::list(&mut db, caller.workspace, filter, after, page.limit() + 1).await?;
    let users = user_names(&app, caller.workspace).await?;
    let cut = Page::cut(rows, page.limit(), |row: &Payment| (row.paid_at.0, row.id.clone()));
    Ok(Json(cut.map(|row| ListedTillPayment::of(row, &users))))
}

/// Points that came back.
#[derive(Debug, Serialize, ToSchema)]
pub struct TillPaidBack {
    /// The payment's id.
    payment: String,
    wallet: String,
    points: i64,
    /// What they had paid, in the programme's currency.
    money: String,
}

/// A refusal with its code and status.
pub(super) fn refused(refusal: Refusal) -> Problem {
    let status = match refusal {
        Refusal::Unknown | Refusal::MemberUnknown => StatusCode::NOT_FOUND,
        Refusal::BelowLeast | Refusal::OutOfStep | Refusal::TooLittle => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::Ledger(it) if !it.uses_up_the_id() => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::CONFLICT,
    };
    Problem::new(
        status,
        refusal.code(),
        super::super::sentence(refusal),
        "Nothing was done; the guide Till says what each refusal means.",
    )
}

/// Does something with payments, and commits what came of it; of a refusal only what uses its id up.
async fn settled<T>(
    app: &App,
    caller: &Caller,
    act: impl AsyncFnOnce(&mut Tx, Scene<'_>) -> Outcome<T>,
) -> Result<T, Problem> {
    let present = Present::read(app, caller.workspace).await?;
    let scene = present.scene(app, caller.workspace)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let outcome = act(&mut tx, scene).await?;
    if outcome.as_ref().map_or_else(|refusal| refusal.uses_up_the_id(), |_| true) {
        tx.commit().await?;
    }
    outcome.map_err(refused)
}

/// Pays a part of a receipt with points, at the rate and within the limits of the programme, whole or not at all; it answers when it is on the disk. Tell the receipt afterwards: what points paid of it earns nothing, unless a rule says so.
#[utoipa::path(post, path = "/api/v1/loyalty/till/payments", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "pay_at_till", request_body = TillPayBody, responses((status = 200, body = TillPayment), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn pay_at_till(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<TillPayBody>,
) -> Result<Json<TillPayment>, Problem> {
    caller.require(Permission::UseTill)?;
    short("store", &body.store)?;
    short("receipt", &body.receipt)?;
    if body.total.micros() <= 0 {
        return Err(Problem::invalid("total", "is what the receipt comes to, above 0: 12.50"));
    }
    let asked = Asked {
        id: &body.id,
        receipt: (&body.store, &body.receipt),
        member: number(&body.member_id).map_err(|_| refused(Refusal::MemberUnknown))?,
        wallet: body.wallet.as_deref(),
        points: body.points,
        total: body.total.micros(),
        by: caller.id().as_str(),
    };
    let row = settled(&app, &caller, async |tx, scene| payments::pay(tx, scene, asked).await).await?;
    Ok(Json(row.into()))
}

/// Calls a payment off, until its receipt is told: its points are back in the lots that they came from. Done twice it is done once.
#[utoipa::path(post, path = "/api/v1/loyalty/till/payments/{id}/cancelled", security(("caller" = ["use_till"])), tag = "loyalty", operation_id = "cancel_payment_at_till", params(("id" = String, Path)), responses((status = 200, body = TillPayment), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn cancel_payment_at_till(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TillPayment>, Problem> {
    caller.require(Permission::UseTill)?;
    let by = caller.id().as_str();
    let row = settled(&app, &caller, async |tx, scene| payments::cancel(tx, scene, &id, by).await).await?;
    Ok(Json(row.into()))
}

/// Gives back what points paid of a receipt of which so much goes back.
pub(super) async fn paid_back(
    app: &App,
    caller: &Caller,
    receipt: (&str, &str),
    (id, amount): (String, Option<i64>),
) -> Result<Vec<TillPaidBack>, Problem> {
    if !payments::any_of(&mut app.installation.store.read(), caller.workspace, receipt).await? {
        return Ok(Vec::new());
    }
    let by = caller.id().as_str();
    let what = (id.as_str(), amount);
    let give = async |tx: &mut Tx, scene: Scene<'_>| payments::give_back(tx, scene, receipt, what, by).await;
    let given = settled(app, caller, give).await?;
    let shown = |(payment, back): (Payment, Back)| TillPaidBack {
        payment: payment.id,
        wallet: payment.wallet,
        points: back.points,
        money: format_micros(back.money),
    };
    Ok(given.into_iter().map(shown).collect())
}
