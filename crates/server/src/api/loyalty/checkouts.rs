//! Checkouts: what a cart gets is set aside until it is paid, and goes back with what is returned.

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::money::{format_micros, micros_from_json};
use rapport_domain::{PersonId, Timestamp, WorkspaceId};
use rapport_loyalty::ledger::MemberId;
use rapport_loyalty::offers::{Offer, Returns, rolled_back};
use rapport_loyalty::program::{Enrolment, Program};
use rapport_loyalty::records::checkouts::{self, Checkout, State as Step};
use rapport_loyalty::records::members;
use rapport_loyalty::records::programs::Programs;
use rapport_profiles::records::identifiers;
use rapport_store::{Priority, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::missing;
use super::offers::{CodeLine, Codes, OfferEffect, PricedCart, check_cart, customer};
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};
use crate::pricing::{self, Customer, Question, returns};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(checkout, lock_checkout))
        .routes(routes!(redeem_checkout))
        .routes(routes!(return_checkout))
        .routes(routes!(cancel_checkout))
}

/// For how long a cart is locked, unless said.
const LOCK_SECONDS: u32 = 900;
const LOCK_SECONDS_MAX: u32 = 7 * 86_400;
const KEY_MAX: usize = 100;

/// A cart to lock.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LockBody {
    /// What is in it, named as in an order's event: `products` with `product_id`, `price`, `quantity`, and `cost` where it is known; `shipping`, `currency`; what else
    /// conditions ask for.
    #[schema(value_type = Object)]
    cart: Map<String, Value>,
    /// Whose it is; without one, nobody in particular.
    #[serde(default)]
    person_id: Option<String>,
    /// Codes that the customer gave.
    #[serde(default)]
    codes: Vec<String>,
    /// For how long what it gets is set aside: up to 7 days; 15 minutes, unless said.
    #[serde(default)]
    lock_seconds: Option<u32>,
}

/// A checkout.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutBody {
    checkout: String,
    /// `locked`, `released`, `redeemed`, `partly_returned` or `returned`.
    state: String,
    /// What it gets.
    priced: PricedCart,
    priced_at: String,
    /// Until when that is set aside.
    locked_until: String,
    order_id: Option<String>,
    /// How much of each line was returned so far.
    returned: Vec<String>,
    /// What was taken back of the effects so far.
    rolled_back: Vec<OfferEffect>,
}

impl CheckoutBody {
    fn of(checkout: &Checkout, now: Timestamp) -> Self {
        let cart = checkout.priced();
        let effects = &checkout.decision.effects;
        let back = effects.iter().filter_map(|effect| {
            let back = rolled_back(effect, &cart, effects, &checkout.returned);
            (back > 0).then(|| OfferEffect::rolled_back(effect, back))
        });
        Self {
            checkout: checkout.key.clone(),
            state: checkout.state_at(now).key().to_owned(),
            priced: PricedCart::of(&checkout.decision, checkout.codes.iter().map(CodeLine::used).collect()),
            priced_at: time(checkout.priced_at),
            locked_until: time(checkout.locked_until),
            order_id: checkout.order_id.clone(),
            returned: checkout.returned.iter().map(|back| format_micros(*back)).collect(),
            rolled_back: back.collect(),
        }
    }
}

fn unknown() -> Problem {
    Problem::not_found("checkout")
}

fn is_paid(state: Step) -> bool {
    matches!(state, Step::Redeemed | Step::PartlyReturned | Step::Returned)
}

fn paid() -> Problem {
    let text = "The checkout was paid already.";
    Problem::conflict("checkout_redeemed", text, "Take another key for the next cart.")
}

/// Reads a checkout.
#[utoipa::path(get, path = "/api/v1/loyalty/checkouts/{checkout}", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "checkout", params(("checkout" = String, Path)), responses((status = 200, body = CheckoutBody), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn checkout(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<CheckoutBody>, Problem> {
    caller.require(Permission::ViewPeople)?;
    let found = checkouts::find(&mut app.installation.store.read(), caller.workspace, &key).await?;
    Ok(Json(CheckoutBody::of(&found.ok_or_else(unknown)?, app.now())))
}

/// Prices a cart and sets aside what it gets, so that no budget and no code is given to two. Sent again with the same key, also with another cart, it takes the place of what
/// was locked before. What is not paid by then is free again.
#[utoipa::path(put, path = "/api/v1/loyalty/checkouts/{checkout}", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "lock_checkout", params(("checkout" = String, Path)), request_body = LockBody, responses((status = 200, body = CheckoutBody), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn lock_checkout(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<LockBody>,
) -> Result<Json<CheckoutBody>, Problem> {
    caller.require(Permission::PostPoints)?;
    if key.is_empty() || key.len() > KEY_MAX || key.chars().any(char::is_control) {
        return Err(Problem::invalid("checkout", format!("1 to {KEY_MAX} bytes of text, chosen by you")));
    }
    check_cart(&body.cart)?;
    let seconds = body.lock_seconds.unwrap_or(LOCK_SECONDS);
    if !(1..=LOCK_SECONDS_MAX).contains(&seconds) {
        return Err(Problem::invalid("lock_seconds", format!("1 to {LOCK_SECONDS_MAX}")));
    }
    let (installation, workspace, now) = (&app.installation, caller.workspace, app.now());
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    let program = programs.at(now).ok_or_else(missing)?;
    let calendar = program.calendar()?;
    let mut tx = installation.store.begin(Priority::Interactive).await?;
    checkouts::begin(&mut tx, workspace, &calendar, now).await?;
    if let Some(before) = checkouts::find(&mut tx, workspace, &key).await? {
        if is_paid(before.state) {
            return Err(paid());
        }
        if before.state == Step::Locked {
            checkouts::release(&mut tx, workspace, &before, &calendar, now).await?;
        }
    }
    let customer = customer(&mut tx, &caller, body.person_id.as_deref()).await?;
    let offers: Vec<(&Offer, i64)> = programs.offers_at(now).collect();
    let given = Codes::read(&mut tx, &caller, (&body.codes, &key), &customer, now).await?;
    let unlocked = given.unlocked();
    let question =
        Question { program, offers: &offers, customer: &customer, cart: &body.cart, unlocked: &unlocked, at: now };
    let priced = pricing::price(&mut tx, workspace, question).await?;
    pricing::note_shares(&mut tx, workspace, &customer, &priced, now).await?;
    given.note(&mut tx, &caller, &key, now).await?;
    let locked_until = now.plus(i64::from(seconds) * Timestamp::SECOND);
    let (decided, until) = ((&priced.decision, &customer), (locked_until, now));
    let codes = given.lock(&mut tx, &caller, decided, until, &*installation.rng).await?;
    let checkout = Checkout {
        key,
        handle: customer.handle(),
        state: Step::Locked,
        returned: Vec::new(),
        decision: priced.decision,
        cart: body.cart,
        codes,
        order_id: None,
        priced_at: now,
        locked_until,
        changed_at: now,
    };
    checkouts::save(&mut tx, workspace, &checkout, &calendar).await?;
    tx.commit().await?;
    let shape = CheckoutBody::of(&checkout, now);
    Ok(Json(CheckoutBody { priced: PricedCart::of(&checkout.decision, given.lines), ..shape }))
}

/// What a locked cart became.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemBody {
    /// The order's number.
    #[serde(default)]
    order_id: Option<String>,
}

/// A checkout that is to change, in a transaction in which nobody else changes it.
struct Changing<'a> {
    tx: Tx,
    programs: &'a Programs,
    found: Checkout,
    now: Timestamp,
}

impl<'a> Changing<'a> {
    async fn begin(app: &App, workspace: WorkspaceId, programs: &'a Programs, key: &str) -> Result<Self, Problem> {
        let now = app.now();
        let calendar = programs.at(now).ok_or_else(missing)?.calendar()?;
        let mut tx = app.installation.store.begin(Priority::Interactive).await?;
        checkouts::begin(&mut tx, workspace, &calendar, now).await?;
        let found = checkouts::find(&mut tx, workspace, key).await?.ok_or_else(unknown)?;
        Ok(Self { tx, programs, found, now })
    }

    /// The programme by which it was priced.
    fn program(&self) -> Result<&'a Program, Problem> {
        self.programs.at(self.found.priced_at).ok_or_else(missing)
    }

    /// Whose it is now.
    async fn whose(&mut self, workspace: WorkspaceId) -> Result<(Option<PersonId>, Option<MemberId>), Problem> {
        let rows = identifiers::by_handles(&mut self.tx, workspace, &[self.found.handle]).await?;
        let Some(person) = rows.first().map(|row| row.person) else { return Ok((None, None)) };
        let customer = Customer::of(&mut self.tx, workspace, Some(person)).await?;
        Ok((customer.person, customer.member))
    }

    /// Notes that so much was returned in all.
    async fn returned(mut self, workspace: WorkspaceId, returned: &[i64]) -> Result<Checkout, Problem> {
        let program = self.program()?;
        let (person, member) = self.whose(workspace).await?;
        let whose = (program, member, person);
        let after = checkouts::give_back(&mut self.tx, workspace, &self.found, returned, whose, self.now).await?;
        self.tx.commit().await?;
        Ok(after)
    }
}

/// Notes that a locked cart was paid: what was set aside is used, points are given. The same again is answered the same.
#[utoipa::path(post, path = "/api/v1/loyalty/checkouts/{checkout}/redeem", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "redeem_checkout", params(("checkout" = String, Path)), request_body = RedeemBody, responses((status = 200, body = CheckoutBody), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody)))]
pub async fn redeem_checkout(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<RedeemBody>,
) -> Result<Json<CheckoutBody>, Problem> {
    caller.require(Permission::PostPoints)?;
    let order_id = body.order_id.as_deref();
    if order_id.is_some_and(|id| id.is_empty() || id.len() > 255 || id.contains('\0')) {
        return Err(Problem::invalid("order_id", "1 to 255 bytes"));
    }
    let workspace = caller.workspace;
    let programs = app.installation.programs.get(&mut app.installation.store.read(), workspace).await?;
    let mut change = Changing::begin(&app, workspace, &programs, &key).await?;
    let now = change.now;
    if is_paid(change.found.state) {
        if change.found.order_id.as_deref() == order_id {
            return Ok(Json(CheckoutBody::of(&change.found, now)));
        }
        return Err(paid());
    }
    if change.found.state_at(now) != Step::Locked {
        let text = "The checkout is not locked any more, and what it would get may be somebody else's.";
        return Err(Problem::conflict("lock_ended", text, "Lock the cart again; it may come to another price."));
    }
    let program = change.program()?;
    let (person, mut member) = change.whose(workspace).await?;
    if let Some(person) = person
        && member.is_none()
        && change.found.decision.points().next().is_some()
        && program.enrolment == Enrolment::Earning
    {
        member = Some(members::enrol(&mut change.tx, workspace, person, now, &*app.installation.rng).await?);
    }
    let whose = (program, member, person);
    checkouts::redeem(&mut change.tx, workspace, &change.found, order_id, whose, now).await?;
    let after = Checkout { state: Step::Redeemed, order_id: body.order_id, changed_at: now, ..change.found };
    // Of the order something may have gone back before the cart was told to be paid.
    let after = returns::follow(&mut change.tx, workspace, &programs, &after, now).await?;
    change.tx.commit().await?;
    Ok(Json(CheckoutBody::of(&after, now)))
}

/// A line of which something was returned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnedLine {
    /// Which, from 0.
    line: usize,
    /// How many units so far, in all.
    #[schema(value_type = f64)]
    quantity: Value,
}

/// What was returned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnBody {
    /// The lines of which anything was returned, with how much in all so far.
    returned: Vec<ReturnedLine>,
}

/// Notes what was returned of a paid cart so far: discounts and points of that part are taken back, and budgets have room for it again. The same again changes nothing.
#[utoipa::path(post, path = "/api/v1/loyalty/checkouts/{checkout}/return", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "return_checkout", params(("checkout" = String, Path)), request_body = ReturnBody, responses((status = 200, body = CheckoutBody), (status = 404, body = crate::problem::ProblemBody), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn return_checkout(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<ReturnBody>,
) -> Result<Json<CheckoutBody>, Problem> {
    caller.require(Permission::PostPoints)?;
    let workspace = caller.workspace;
    let programs = app.installation.programs.get(&mut app.installation.store.read(), workspace).await?;
    let change = Changing::begin(&app, workspace, &programs, &key).await?;
    let now = change.now;
    if !is_paid(change.found.state) {
        let text = "Nothing can be returned of a cart that was not paid.";
        return Err(Problem::conflict("checkout_not_redeemed", text, "Redeem the checkout first, or cancel it."));
    }
    if change.found.order_id.is_some() && change.program()?.offers.returns == Returns::Orders {
        let text = "What goes back of this cart is known from its order's refunds.";
        let what = "Send the refund of the order, or save the programme with offers.returns as told.";
        return Err(Problem::conflict("returns_follow_order", text, what));
    }
    let lines = change.found.priced().lines;
    let mut returned = vec![0; lines.len()];
    for (at, part) in body.returned.iter().enumerate() {
        let place = format!("returned[{at}]");
        let bought = lines.get(part.line).map(|line| line.item.quantity);
        let bought = bought.ok_or_else(|| Problem::invalid(&format!("{place}.line"), "the cart has no such line"))?;
        let quantity = micros_from_json(&part.quantity).filter(|quantity| (0..=bought).contains(quantity));
        let most = format_micros(bought);
        returned[part.line] =
            quantity.ok_or_else(|| Problem::invalid(&format!("{place}.quantity"), format!("0 to {most}")))?;
    }
    let before = &change.found.returned;
    if before.iter().zip(&returned).any(|(before, now)| now < before) {
        let text = "Less was returned than before.";
        return Err(Problem::conflict("return_went_down", text, "Send what was returned in all so far."));
    }
    if *before == returned || (before.is_empty() && returned.iter().all(|back| *back == 0)) {
        return Ok(Json(CheckoutBody::of(&change.found, now)));
    }
    let after = change.returned(workspace, &returned).await?;
    Ok(Json(CheckoutBody::of(&after, now)))
}

/// Calls a checkout off: what is locked is free again, what was paid is taken back whole. The same again changes nothing.
#[utoipa::path(post, path = "/api/v1/loyalty/checkouts/{checkout}/cancel", security(("caller" = ["post_points"])), tag = "loyalty", operation_id = "cancel_checkout", params(("checkout" = String, Path)), responses((status = 200, body = CheckoutBody), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn cancel_checkout(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<CheckoutBody>, Problem> {
    caller.require(Permission::PostPoints)?;
    let workspace = caller.workspace;
    let programs = app.installation.programs.get(&mut app.installation.store.read(), workspace).await?;
    let mut change = Changing::begin(&app, workspace, &programs, &key).await?;
    let now = change.now;
    let after = match change.found.state {
        Step::Released | Step::Returned => change.found,
        Step::Locked => {
            let calendar = change.program()?.calendar()?;
            checkouts::release(&mut change.tx, workspace, &change.found, &calendar, now).await?;
            change.tx.commit().await?;
            Checkout { state: Step::Released, changed_at: now, ..change.found }
        }
        Step::Redeemed | Step::PartlyReturned => {
            let all: Vec<i64> = change.found.priced().lines.iter().map(|line| line.item.quantity).collect();
            change.returned(workspace, &all).await?
        }
    };
    Ok(Json(CheckoutBody::of(&after, now)))
}
