//! The programme, what it gives for purchases, and its campaigns.

use axum::extract::State;
use rapport_domain::money::format_micros;
use rapport_domain::{PersonId, shop_events};
use rapport_loyalty::dates::{self, Expiry};
use rapport_loyalty::decimal::Decimal;
use rapport_loyalty::document::State as Stands;
use rapport_loyalty::earning::{Gives, Rule};
use rapport_loyalty::records::documents::{self, Version};
use rapport_loyalty::rewards::Reward;
use rapport_profiles::records::orders;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::failure::Failure;
use super::{Answer, Face, PROGRAM, Sent, account, page, points, program, rewards, text};
use crate::api::loyalty::rating::{Asked, rating};
use crate::api::shapes::time;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::{Json, Path};

/// Currencies whose smallest unit is not a hundredth (ISO 4217): how many digits they have behind the point.
const DIGITS: [(&str, u32); 22] = [
    ("BHD", 3),
    ("BIF", 0),
    ("CLP", 0),
    ("DJF", 0),
    ("GNF", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KMF", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("RWF", 0),
    ("TND", 3),
    ("UGX", 0),
    ("VND", 0),
    ("VUV", 0),
    ("XAF", 0),
    ("XPF", 0),
];

/// How many millionths the smallest unit of a currency is.
fn smallest(currency: &str) -> i64 {
    let digits = DIGITS.iter().find(|(name, _)| *name == currency).map_or(2, |(_, digits)| *digits);
    10_i64.pow(6 - digits)
}

/// An amount in the smallest units of its currency; none where it has a fraction of one.
fn money(amount: Decimal, currency: &str) -> Option<Value> {
    let unit = smallest(currency);
    (amount.micros() % unit == 0).then(|| json!({"amount": amount.micros() / unit, "currency": currency}))
}

/// Lists the one programme there is.
pub async fn list(State(app): State<App>, caller: Caller) -> Answer {
    caller.require(Permission::ViewReports)?;
    let shown = shape(&app, &caller).await?;
    Ok(Json(json!({"programs": [shown]})))
}

/// Reads the programme.
pub async fn retrieve(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer {
    caller.require(Permission::ViewReports)?;
    program(&id)?;
    let shown = shape(&app, &caller).await?;
    Ok(Json(json!({"program": shown})))
}

async fn shape(app: &App, caller: &Caller) -> Result<Value, Failure> {
    let face = Face::read(app, caller.workspace).await?;
    let plan = face.plan()?;
    let versions = &face.present.programs.programs;
    let now = app.now();
    let mut db = app.installation.store.read();
    let all: Vec<Version<Reward>> = documents::versions(&mut db, caller.workspace).await?;
    let held = face.present.program()?;
    let tier = |it: &Version<Reward>| {
        let price = rewards::price(&it.document, held, &plan.key)?;
        let since =
            all.iter().find(|other| other.document.key == it.document.key).map_or(it.saved_at, |it| it.saved_at);
        // The rule of a price is the reward itself, as of its version.
        let reference = json!({"object_id": it.document.key, "catalog_version": it.version});
        let row = json!({
            "id": it.document.key, "points": price.points, "name": it.document.name, "created_at": time(since), "pricing_rule_reference": reference,
        });
        Some((price.points, row))
    };
    let mut tiers: Vec<(i64, Value)> = documents::in_force(&all, now).filter_map(tier).collect();
    tiers.sort_by_key(|(points, _)| *points);
    let rules =
        face.present.programs.rules_at(now).filter(|(rule, _)| held.key_meant(rule.wallet.as_deref()) == plan.key);
    let rules: Vec<Value> = rules.filter_map(|(rule, _)| accrual(rule, held.currency.as_str())).collect();
    let mut row = json!({
        "id": PROGRAM, "status": "ACTIVE", "location_ids": [],
        "reward_tiers": tiers.into_iter().map(|(_, row)| row).collect::<Vec<_>>(),
        "terminology": {"one": plan.name, "other": plan.name},
        "accrual_rules": rules,
    });
    if let (Some(first), Some(last)) = (versions.first(), versions.last()) {
        row["created_at"] = json!(time(first.saved_at));
        row["updated_at"] = json!(time(last.saved_at));
    }
    if let Expiry::After { count, unit, .. } = plan.expiry {
        let months = match unit {
            dates::Unit::Months => Some(count),
            dates::Unit::Years => count.checked_mul(12),
            dates::Unit::Days => None,
        };
        if let Some(months) = months {
            row["expiration_policy"] = json!({"expiration_duration": format!("P{months}M")});
        }
    }
    Ok(row)
}

/// A rule for orders as a rule of Square's, if it can be said in its words.
fn accrual(rule: &Rule, currency: &str) -> Option<Value> {
    if shop_events::standard_name(&rule.event) != shop_events::ORDER_COMPLETED || is_campaign(rule) {
        return None;
    }
    match &rule.gives {
        Gives::Fixed { points } => {
            Some(json!({"accrual_type": "VISIT", "points": points, "visit_data": {"tax_mode": "BEFORE_TAX"}}))
        }
        Gives::Amount { points, each, base, items: None, .. } => {
            let mode = if base.with_tax { "AFTER_TAX" } else { "BEFORE_TAX" };
            let spend = json!({"amount_money": money(*each, currency)?, "tax_mode": mode});
            Some(json!({"accrual_type": "SPEND", "points": points, "spend_data": spend}))
        }
        _ => None,
    }
}

/// Whether a rule holds for a time, so that Square would call it a promotion.
fn is_campaign(rule: &Rule) -> bool {
    matches!(rule.gives, Gives::Times { .. }) || rule.window.from.is_some() || rule.window.until.is_some()
}

/// An amount that somebody paid.
#[derive(Debug, Deserialize)]
struct Money {
    #[serde(default)]
    amount: Option<i64>,
    #[serde(default)]
    currency: Option<String>,
}

/// A purchase.
#[derive(Debug, Deserialize)]
pub struct CalculateBody {
    #[serde(default)]
    order_id: Option<String>,
    #[serde(default)]
    transaction_amount_money: Option<Money>,
    #[serde(default)]
    loyalty_account_id: Option<String>,
}

/// Says what a purchase would earn by the rules in force, or what they gave for an order that was told. Nothing is given.
pub async fn calculate(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    body: Sent<CalculateBody>,
) -> Answer {
    caller.require(Permission::ViewPeople)?;
    program(&id)?;
    let Json(body) = body?;
    let face = Face::read(&app, caller.workspace).await?;
    let wallet = &face.plan()?.key;
    let person: Option<PersonId> = match &body.loyalty_account_id {
        None => None,
        Some(id) => account(&app, caller.workspace, id).await?.person,
    };
    let found = match (body.order_id, body.transaction_amount_money) {
        (Some(_), Some(_)) => {
            let text = "Say the order_id or the transaction_amount_money, not both.";
            return Err(Failure::conflicting("order_id", text));
        }
        (None, None) => return Err(Failure::missing("order_id")),
        (Some(order), None) => {
            text("order_id", &order)?;
            let mut db = app.installation.store.read();
            if orders::owners(&mut db, caller.workspace, std::slice::from_ref(&order)).await?.is_empty() {
                return Err(Failure::not_found("This order is not known: it is told as `Order Completed`."));
            }
            let given = points::awarded(&app, &caller, &order).await?;
            given.iter().filter(|it| it.wallet == *wallet).map(|it| it.left()).sum()
        }
        (None, Some(money)) => {
            let properties = purchase(money)?;
            let asked = Asked { name: shop_events::ORDER_COMPLETED, properties: &properties, at: app.now(), person };
            let rated = rating(&app, caller.workspace, asked, &[]).await?;
            rated.points.get(wallet).copied().unwrap_or(0)
        }
    };
    Ok(Json(json!({"points": found, "promotion_points": 0})))
}

/// A purchase of so much as the event that would tell it.
fn purchase(money: Money) -> Result<Map<String, Value>, Failure> {
    let field = "transaction_amount_money";
    let amount = super::given("transaction_amount_money.amount", money.amount)?;
    let currency = super::given("transaction_amount_money.currency", money.currency)?;
    let is_one = currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_one {
        return Err(Failure::value("transaction_amount_money.currency", "three letters, such as EUR"));
    }
    let micros = amount.checked_mul(smallest(&currency)).filter(|_| amount >= 0);
    let Some(micros) = micros else { return Err(Failure::value(field, "0 or more, and no more than there can be")) };
    let sum = json!(format_micros(micros));
    let parts = ["revenue", "subtotal", "total"].map(|name| (name.to_owned(), sum.clone()));
    let mut properties = Map::from_iter(parts);
    properties.insert("currency".to_owned(), json!(currency));
    Ok(properties)
}

/// The rules of which a promotion is asked, each in its latest version that is no draft.
fn campaigns<'a>(face: &'a Face, wallet: &'a str) -> Result<Vec<(&'a Version<Rule>, Value)>, Failure> {
    let held = face.present.program()?;
    let all = &face.present.programs.rules;
    let latest = all.chunk_by(|one, other| one.document.key == other.document.key).filter_map(<[_]>::last);
    let own = latest.filter(|it| {
        let rule = &it.document;
        is_campaign(rule) && it.state != Stands::Draft && held.key_meant(rule.wallet.as_deref()) == wallet
    });
    Ok(own.filter_map(|it| Some((it, incentive(&it.document)?))).collect())
}

fn incentive(rule: &Rule) -> Option<Value> {
    match &rule.gives {
        Gives::Times { factor, .. } => {
            let multiplier = json!({"multiplier": format_micros(factor.micros())});
            Some(json!({"type": "POINTS_MULTIPLIER", "points_multiplier_data": multiplier}))
        }
        Gives::Fixed { points } => {
            Some(json!({"type": "POINTS_ADDITION", "points_addition_data": {"points_addition": points}}))
        }
        _ => None,
    }
}

fn promotion_of(face: &Face, app: &App, (it, incentive): (&Version<Rule>, Value)) -> Value {
    let (rule, calendar, now) = (&it.document, &face.present.calendar, app.now());
    let (from, until) =
        (rule.window.from.map(|from| from.start(calendar)), rule.window.until.map(|until| until.until(calendar)));
    let status = match it.state {
        Stands::Ended => "ENDED",
        _ if until.is_some_and(|until| until <= now) => "ENDED",
        Stands::Paused => "CANCELED",
        _ if from.is_some_and(|from| from > now) => "SCHEDULED",
        _ => "ACTIVE",
    };
    let day = |at: rapport_domain::Timestamp| at.to_jiff().to_zoned(calendar.zone.clone()).date().to_string();
    let mut available = json!({"time_periods": []});
    if let Some(from) = from {
        available["start_date"] = json!(day(from));
    }
    if let Some(until) = until {
        // The end is the instant behind the last day.
        available["end_date"] = json!(day(until.plus(-1)));
    }
    json!({
        "id": rule.key, "name": rule.name, "status": status, "incentive": incentive, "available_time": available, "loyalty_program_id": PROGRAM,
        "created_at": time(it.saved_at), "updated_at": time(it.saved_at),
    })
}

/// Lists campaigns: rules that multiply points, or give some for a time.
pub async fn promotions(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Answer {
    caller.require(Permission::ViewReports)?;
    program(&id)?;
    let face = Face::read(&app, caller.workspace).await?;
    let found = campaigns(&face, &face.plan()?.key)?;
    let rows = found.into_iter().map(|it| promotion_of(&face, &app, it)).collect();
    Ok(page("loyalty_promotions", rows, None))
}

/// Reads a campaign.
pub async fn promotion(State(app): State<App>, caller: Caller, Path((id, key)): Path<(String, String)>) -> Answer {
    caller.require(Permission::ViewReports)?;
    program(&id)?;
    let face = Face::read(&app, caller.workspace).await?;
    let found = campaigns(&face, &face.plan()?.key)?.into_iter().find(|(it, _)| it.document.key == key);
    let found = found.ok_or_else(|| Failure::not_found("There is no such loyalty promotion."))?;
    Ok(Json(json!({"loyalty_promotion": promotion_of(&face, &app, found)})))
}
