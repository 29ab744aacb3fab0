//! Offers: what staff write, and what a cart gets by them.

mod codes;

use crate::http::route::routes;
use axum::extract::State;
use rapport_domain::Timestamp;
use rapport_domain::money::format_micros;
use rapport_loyalty::Document;
use rapport_loyalty::offers::{Cart, Choice, Decision, Effect, EffectKind, Line, Offer, Outcome};
use rapport_loyalty::program::Program;
use rapport_loyalty::records::documents::Version;
use rapport_loyalty::records::offer_uses;
use rapport_store::{Priority, Queries};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::protected::refuse_offer;
use super::{documents, members, missing, named};
use crate::api::members::instant;
use crate::api::segments::{Names, user_names};
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::Rows;
use crate::pricing::{self, Customer, Question};
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(loyalty_offers))
        .routes(routes!(save_loyalty_offer))
        .routes(routes!(loyalty_offer_versions))
        .routes(routes!(loyalty_offer_usage))
        .merge(codes::router())
        .routes(routes!(price_cart))
}

pub(super) use codes::{CodeLine, Codes};

/// Where wrong codes are counted that are only asked for.
const PLACE: &str = "price";
/// The most lines of a cart.
const LINES_MAX: usize = 500;

/// An offer as of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoyaltyOffer {
    key: String,
    /// From 1: send it back when saving.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says; the guide Offers describes it.
    #[schema(value_type = Object)]
    offer: Value,
    /// Its condition as text.
    text: String,
    /// From when on it holds.
    in_force_from: String,
    saved_at: String,
    saved_by: String,
}

impl LoyaltyOffer {
    fn of(row: Version<Offer>, users: &Names) -> Result<Self, Problem> {
        Ok(Self {
            key: row.document.key.clone(),
            version: row.version,
            state: row.state.key().to_owned(),
            text: row.document.when.to_text(),
            offer: serde_json::to_value(row.document).map_err(Problem::internal)?,
            in_force_from: time(row.in_force_from),
            saved_at: time(row.saved_at),
            saved_by: named(users, &row.saved_by),
        })
    }
}

/// Which offers.
#[derive(Debug, Deserialize, IntoParams)]
pub struct LoyaltyOffersQuery {
    /// Ended ones too.
    #[serde(default)]
    ended: bool,
}

/// Lists the offers in the order in which they are applied.
#[utoipa::path(get, path = "/api/v1/loyalty/offers", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_offers", params(LoyaltyOffersQuery), responses((status = 200, body = Rows<LoyaltyOffer>)))]
pub async fn loyalty_offers(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<LoyaltyOffersQuery>,
) -> Result<Json<Rows<LoyaltyOffer>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = documents::list(&app, &caller, query.ended).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| LoyaltyOffer::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// Lists every version of an offer, the latest first.
#[utoipa::path(get, path = "/api/v1/loyalty/offers/{key}/versions", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_offer_versions", params(("key" = String, Path)), responses((status = 200, body = Rows<LoyaltyOffer>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_offer_versions(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<LoyaltyOffer>>, Problem> {
    caller.require(Permission::ViewReports)?;
    let rows = documents::versions(&app, &caller, &key).await?;
    let users = user_names(&app, caller.workspace).await?;
    let rows: Result<_, Problem> = rows.into_iter().map(|row| LoyaltyOffer::of(row, &users)).collect();
    Ok(Json(Rows { rows: rows? }))
}

/// What was used of an offer in a period.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferUsage {
    /// `day 2026-05-01`, `week ...`, `month ...`, `year ...`, `ever`.
    period: String,
    /// What was taken off, and what points and gifts are worth, in the programme's currency; less what was taken back.
    amount: String,
    /// How often.
    times: i64,
}

/// Says what was used of an offer by everybody, by period.
#[utoipa::path(get, path = "/api/v1/loyalty/offers/{key}/usage", security(("caller" = ["view_reports"])), tag = "loyalty", operation_id = "loyalty_offer_usage", params(("key" = String, Path)), responses((status = 200, body = Rows<OfferUsage>), (status = 404, body = crate::problem::ProblemBody)))]
pub async fn loyalty_offer_usage(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Rows<OfferUsage>>, Problem> {
    caller.require(Permission::ViewReports)?;
    documents::versions::<Offer>(&app, &caller, &key).await?;
    let used = offer_uses::of_offer(&mut app.installation.store.read(), caller.workspace, &key).await?;
    let row = |(period, spent): (String, rapport_loyalty::offers::Spent)| OfferUsage {
        period,
        amount: format_micros(spent.amount),
        times: spent.times,
    };
    Ok(Json(Rows { rows: used.into_iter().map(row).collect() }))
}

/// An offer to save.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoyaltyOfferBody {
    /// The version that was looked at; 0 of a new one.
    version: i64,
    /// `draft`, `live`, `paused` or `ended`.
    state: String,
    /// What it says, without its key; its condition either in it as `when`, or beside it as `text`.
    #[schema(value_type = Object)]
    offer: Value,
    /// The condition as text.
    #[serde(default)]
    text: Option<String>,
}

/// Saves an offer as a new version. It counts for carts from now on; what is locked keeps what it was promised.
/// Where it says nothing of `holdout_percent`, a new campaign (with a window, without a code, not announced) gets 10 and another new offer 0; a later version keeps what the one before it says.
#[utoipa::path(put, path = "/api/v1/loyalty/offers/{key}", security(("caller" = ["edit_loyalty"])), tag = "loyalty", operation_id = "save_loyalty_offer", params(("key" = String, Path)), request_body = LoyaltyOfferBody, responses((status = 200, body = LoyaltyOffer), (status = 409, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn save_loyalty_offer(
    State(app): State<App>,
    caller: Caller,
    Path(key): Path<String>,
    Json(body): Json<LoyaltyOfferBody>,
) -> Result<Json<LoyaltyOffer>, Problem> {
    caller.require(Permission::EditLoyalty)?;
    let is_said = body.offer.get("holdout_percent").is_some();
    let offer = Offer::from_json(documents::complete("offer", &key, body.offer, body.text.as_deref())?)?;
    let offer = documents::complete_holdout(&app, &caller, offer, is_said).await?;
    let mut db = app.installation.store.read();
    if let Some(latest) = app.installation.programs.get(&mut db, caller.workspace).await?.latest() {
        refuse_offer(&mut db, caller.workspace, &offer, &latest.program.offers).await?;
    }
    let row = documents::save(&app, &caller, (offer, &body.state), body.version).await?;
    let users = user_names(&app, caller.workspace).await?;
    Ok(Json(LoyaltyOffer::of(row, &users)?))
}

/// A cart to be priced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceBody {
    /// What is in it, named as in an order's event.
    #[schema(value_type = Object)]
    cart: Map<String, Value>,
    /// Whose it is; without one, nobody in particular.
    #[serde(default)]
    person_id: Option<String>,
    /// Codes that the customer gave.
    #[serde(default)]
    codes: Vec<String>,
    /// As of when; now, unless said.
    #[serde(default)]
    at: Option<String>,
    /// Offers to try instead of those in force, each as it would be saved, with its key.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Object>>)]
    offers: Option<Vec<Value>>,
    /// How to choose between offers that cannot count together, to try it: `in_order`, `best_for_customer` or `best_margin`; as the programme says, unless said.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    choice: Option<Choice>,
}

/// What came of an offer.
#[derive(Debug, Serialize, ToSchema)]
pub struct PricedLine {
    offer: String,
    /// The offer's version; 0 of one that is tried.
    version: i64,
    /// What it is worth to the customer, in the programme's currency.
    benefit: String,
    /// `given`, or why less or nothing: `budget`, `margin_floor`, `most_discount`, `outside_window`, `condition`, `needs_code`, `no_member`, `too_little`, `nothing`,
    /// `no_rate`, `instead`, `better`, `held_out`.
    outcome: String,
    /// Of `budget`: which of its budgets, from 0.
    budget: Option<usize>,
    /// Of `instead`: which other offer counts.
    instead: Option<String>,
}

/// Something that an offer does.
#[derive(Debug, Serialize, ToSchema)]
pub struct OfferEffect {
    offer: String,
    /// `discount`, `shipping_discount`, `free_item` or `points`; with `_rolled_back` behind it, what was taken back of one.
    kind: String,
    /// Of a discount: off which line, from 0.
    line: Option<usize>,
    /// Of a discount: off how many units of the line, where it is not all of them.
    units: Option<i64>,
    product_id: Option<String>,
    wallet: Option<String>,
    /// An amount of the cart's currency, a number of pieces, or of points.
    value: String,
    /// How much it would have been if no budget and no guardrail had cut it.
    wanted: String,
}

impl OfferEffect {
    fn of(effect: &Effect) -> Self {
        let money = matches!(effect.kind, EffectKind::Discount { .. } | EffectKind::ShippingDiscount);
        let number = |value: i64| if money { format_micros(value) } else { value.to_string() };
        let mut shape = Self {
            offer: effect.offer.clone(),
            kind: String::new(),
            line: None,
            units: None,
            product_id: None,
            wallet: None,
            value: number(effect.value),
            wanted: number(effect.wanted),
        };
        let kind = match &effect.kind {
            EffectKind::Discount { line, units } => {
                (shape.line, shape.units) = (Some(*line), *units);
                "discount"
            }
            EffectKind::ShippingDiscount => "shipping_discount",
            EffectKind::FreeItem { product_id } => {
                shape.product_id = Some(product_id.clone());
                "free_item"
            }
            EffectKind::Points { wallet } => {
                shape.wallet = Some(wallet.clone());
                "points"
            }
        };
        kind.clone_into(&mut shape.kind);
        shape
    }

    /// What was taken back of an effect.
    pub(super) fn rolled_back(effect: &Effect, back: i64) -> Self {
        let shape = Self::of(&Effect { value: back, ..effect.clone() });
        Self { kind: format!("{}_rolled_back", shape.kind), ..shape }
    }
}

/// What a cart gets.
#[derive(Debug, Serialize, ToSchema)]
pub struct PricedCart {
    /// What the goods and shipping come to, less discounts, in the cart's currency.
    to_pay: String,
    /// What is taken off the goods.
    goods_off: String,
    /// What is taken off shipping.
    shipping_off: String,
    /// What is left of the goods after what they cost; null where a line does not say its cost.
    margin: Option<String>,
    /// Whether every way to combine the offers was looked at. Only with very many offers it is not.
    is_exact: bool,
    /// A line for each offer, in their order.
    lines: Vec<PricedLine>,
    /// What is done, in the order in which it is.
    effects: Vec<OfferEffect>,
    /// What came of each code.
    codes: Vec<CodeLine>,
}

impl PricedCart {
    pub(super) fn of(decision: &Decision, codes: Vec<CodeLine>) -> Self {
        Self {
            codes,
            to_pay: format_micros(decision.to_pay),
            goods_off: format_micros(decision.goods_off),
            shipping_off: format_micros(decision.shipping_off),
            margin: decision.margin.map(format_micros),
            is_exact: decision.is_exact,
            lines: decision.lines.iter().map(line).collect(),
            effects: decision.effects.iter().map(OfferEffect::of).collect(),
        }
    }
}

fn line(line: &Line) -> PricedLine {
    let (budget, instead) = match &line.outcome {
        Outcome::Budget(budget) => (Some(*budget), None),
        Outcome::Instead(offer) => (None, Some(offer.clone())),
        _ => (None, None),
    };
    let outcome = line.outcome.code().to_owned();
    let benefit = format_micros(line.benefit);
    PricedLine { offer: line.offer.clone(), version: line.version, benefit, outcome, budget, instead }
}

/// Refuses a cart that cannot be priced.
pub(super) fn check_cart(cart: &Map<String, Value>) -> Result<(), Problem> {
    let lines = cart.get("products").and_then(Value::as_array).map_or(0, Vec::len);
    if lines == 0 || lines > LINES_MAX || Cart::read(cart).lines.len() != lines {
        return Err(Problem::invalid("cart.products", format!("1 to {LINES_MAX} lines, each an object")));
    }
    if serde_json::to_string(cart).is_ok_and(|text| text.contains("\\u0000")) {
        return Err(Problem::invalid("cart", "has a text with the character NUL; leave it out"));
    }
    Ok(())
}

/// Whose cart it is.
pub(super) async fn customer(
    db: &mut impl Queries,
    caller: &Caller,
    person_id: Option<&str>,
) -> Result<Customer, Problem> {
    let person = match person_id {
        None => None,
        Some(id) => Some(members::customer(db, caller.workspace, id).await?),
    };
    Ok(Customer::of(db, caller.workspace, person).await?)
}

/// The programme as if it chose between offers in another way.
fn chosen_by(program: &Program, choice: Choice) -> Program {
    let mut chosen = program.clone();
    chosen.offers.choice = choice;
    chosen
}

/// Says what a cart gets by the offers in force, or by others that are tried, and why, offer by offer. Nothing is set aside.
#[utoipa::path(post, path = "/api/v1/loyalty/offers/price", security(("caller" = ["view_people"])), tag = "loyalty", operation_id = "price_cart", request_body = PriceBody, responses((status = 200, body = PricedCart), (status = 404, body = crate::problem::ProblemBody), (status = 422, body = crate::problem::ProblemBody)))]
pub async fn price_cart(
    State(app): State<App>,
    caller: Caller,
    Json(body): Json<PriceBody>,
) -> Result<Json<PricedCart>, Problem> {
    caller.require(Permission::ViewPeople)?;
    check_cart(&body.cart)?;
    let (installation, workspace) = (&app.installation, caller.workspace);
    let mut db = installation.store.read();
    let programs = installation.programs.get(&mut db, workspace).await?;
    let at: Timestamp = instant("at", body.at.as_deref())?.unwrap_or_else(|| app.now());
    let program = programs.at(at).ok_or_else(missing)?;
    let chosen = body.choice.map(|choice| chosen_by(program, choice));
    let program = chosen.as_ref().unwrap_or(program);
    let tried: Vec<Offer> = match body.offers {
        None => Vec::new(),
        Some(forms) => {
            let mut tried: Vec<Offer> = Vec::new();
            for form in forms {
                let offer = Offer::from_json(form)?;
                offer.check(program)?;
                refuse_offer(&mut db, workspace, &offer, &program.offers).await?;
                if tried.iter().any(|other| other.key == offer.key) {
                    return Err(Problem::invalid("offers", "has a key twice"));
                }
                tried.push(offer);
            }
            tried
        }
    };
    let offers: Vec<(&Offer, i64)> = if tried.is_empty() {
        programs.offers_at(at).collect()
    } else {
        tried.iter().map(|offer| (offer, 0)).collect()
    };
    let customer = customer(&mut db, &caller, body.person_id.as_deref()).await?;
    let given = Codes::read(&mut db, &caller, (&body.codes, PLACE), &customer, app.now()).await?;
    let unlocked = given.unlocked();
    let question =
        Question { program, offers: &offers, customer: &customer, cart: &body.cart, unlocked: &unlocked, at };
    let priced = pricing::price(&mut db, workspace, question).await?;
    let is_shown = tried.is_empty() && chosen.is_none() && !priced.new_shares.is_empty();
    if is_shown || given.is_guessed() {
        let mut tx = installation.store.begin(Priority::Interactive).await?;
        if is_shown {
            pricing::note_shares(&mut tx, workspace, &customer, &priced, app.now()).await?;
        }
        given.note(&mut tx, &caller, PLACE, app.now()).await?;
        tx.commit().await?;
    }
    Ok(Json(PricedCart::of(&priced.decision, given.lines)))
}
