//! `/api/v1/segments/templates`: ready conditions to begin with, whose thresholds are those of the workspace's own customers.
//!
//! Always holds: every threshold in a condition is told beside it; what a workspace has no events or facts for is left out, unless it has none at all.

use std::collections::BTreeMap;

use crate::http::route::routes;
use axum::extract::State;
use rapport_analytics::engagement::{HEAVY, Level, MEDIUM};
use rapport_analytics::lifecycle::{LATE, Life, Stage, Thresholds};
use rapport_analytics::rfm::Group;
use rapport_domain::{Interval, PersonId, Timestamp, WorkspaceId};
use rapport_profiles::records::{event_names, facts, persons};
use rapport_segments::{Condition, Limits};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::questions::context;
use crate::app::App;
use crate::auth::{Caller, Permission};
use crate::http::extract::Json;
use crate::problem::Problem;

/// The routes of this part.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Values of a property or trait that become templates, the most frequent ones.
const MOST_VALUES: usize = 5;

/// A ready condition.
#[derive(Debug, Serialize, ToSchema)]
pub struct Template {
    /// Its name in the words of the console; those of one kind begin alike (`rfm_champions`).
    key: String,
    /// `purchase`, `engagement`, `lifecycle`, `product`, `channel`, `occasion`, `value`, `rfm`, `people` or `experience`.
    category: &'static str,
    #[schema(value_type = Object)]
    condition: Value,
    text: String,
    /// What the condition compares with, from this workspace's customers.
    #[schema(value_type = Object)]
    thresholds: Value,
}

/// Ready conditions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Templates {
    /// How many customers the thresholds come from.
    people: usize,
    rows: Vec<Template>,
}

/// What the thresholds are taken from.
struct Known {
    /// Ascending, of those who ordered.
    orders: Vec<i64>,
    spent: Vec<i64>,
    stages: Thresholds,
    events: BTreeMap<String, i64>,
    facts: Vec<String>,
}

impl Known {
    fn has(&self, event: &str) -> bool {
        self.events.is_empty() || self.events.contains_key(event)
    }
}

/// By nearest rank; 0 of nothing.
fn quantile(values: &[i64], per_cent: usize) -> i64 {
    let rank = (values.len() * per_cent).div_ceil(100).saturating_sub(1);
    values.get(rank).copied().unwrap_or(0)
}

/// An amount that people can remember: two figures of it, in whole units.
fn round(micros: i64) -> i64 {
    let units = micros / 1_000_000;
    let unit = 10_i64.pow(units.max(1).ilog10().saturating_sub(1));
    (units / unit * unit).max(1)
}

/// Lists ready conditions.
#[utoipa::path(get, path = "/api/v1/segments/templates", security(("caller" = ["view_reports"])), tag = "segments", operation_id = "segment_templates", responses((status = 200, body = Templates)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Templates>, Problem> {
    caller.require(Permission::ViewReports)?;
    let workspace = caller.workspace;
    let mut db = app.installation.store.read();
    let lives = persons::lives(&mut db, workspace, (PersonId(0), PersonId(i64::MAX))).await?;
    let buyers = || lives.iter().filter(|row| row.orders > 0);
    let mut known = Known {
        orders: buyers().map(|row| row.orders).collect(),
        spent: buyers().map(|row| row.spent_micros).collect(),
        stages: Thresholds::of(lives.iter().map(|row| Life {
            orders: row.orders,
            first_order_at: row.first_order_at,
            last_order_at: row.last_order_at,
            ..Life::default()
        })),
        events: event_names::all(&mut db, workspace).await?.into_iter().map(|row| (row.name, row.events)).collect(),
        facts: facts::keys(&mut db, workspace).await?.into_iter().map(|(key, _)| key).collect(),
    };
    known.orders.sort_unstable();
    known.spent.sort_unstable();
    let mut rows = Rows::default();
    purchase(&mut rows, &known);
    standing(&mut rows, &known);
    product(&mut rows, &known);
    experience(&mut rows, &known);
    values(&app, workspace, &mut rows, &known).await?;
    times_of_day(&mut rows, &known);
    season(&mut rows, &known, &context(&app.installation, workspace).await?);
    Ok(Json(Templates { people: lives.len(), rows: rows.0 }))
}

#[derive(Default)]
struct Rows(Vec<Template>);

impl Rows {
    fn add(&mut self, category: &'static str, key: impl Into<String>, text: &str, thresholds: Value) {
        // Values of a workspace can be anything: what does not read back as a condition is no template.
        let Ok(condition) = Condition::from_text(text, Limits::DEFAULT) else { return };
        self.0.push(Template {
            key: key.into(),
            category,
            condition: condition.to_json(),
            text: condition.to_text(),
            thresholds,
        });
    }
}

fn purchase(rows: &mut Rows, known: &Known) {
    let none = || json!({});
    let orders = quantile(&known.orders, 80).max(3);
    let (top, middle) = (round(quantile(&known.spent, 90)), round(quantile(&known.spent, 50)));
    let days = (3.0 * known.stages.gap_days).ceil().max(30.0);
    let order = "performed \"Order Completed\"";
    rows.add("purchase", "one_time", &format!("{order} exactly 1 times"), none());
    rows.add(
        "purchase",
        "occasional",
        &format!("{order} between 2 and $orders times with $orders = {}", orders - 1),
        json!({"orders": orders - 1}),
    );
    let frequent = format!("{order} at least $orders times with $orders = {orders}");
    rows.add("purchase", "frequent", &frequent, json!({"orders": orders}));
    let high_value = format!("sum revenue of \"Order Completed\" >= $spent with $spent = {top}");
    rows.add("purchase", "high_value", &high_value, json!({"spent": top}));
    rows.add("purchase", "new_customers", "first performed \"Order Completed\" in the last 30 days", none());
    rows.add(
        "purchase",
        "lapsed",
        &format!("overdue \"Order Completed\" by $factor after 3 gaps with $factor = {LATE}"),
        json!({"factor": LATE}),
    );
    rows.add(
        "purchase",
        "dormant",
        &format!("{order} and never {order} in the last $days with $days = {days}d"),
        json!({"days": days}),
    );
    let coupon = format!("{order} where coupon exists and never {order} where coupon does not exist");
    rows.add("purchase", "discount_only", &coupon, none());
    rows.add("purchase", "streak", "streak \"Order Completed\" at least 3 months", none());
    let sum = "sum revenue of \"Order Completed\"";
    rows.add("value", "value_top", &format!("{sum} >= $spent with $spent = {top}"), json!({"spent": top}));
    if middle < top {
        let between = format!("{sum} >= $from and {sum} < $below with $below = {top}, $from = {middle}");
        rows.add("value", "value_middle", &between, json!({"spent_low": middle, "spent_high": top}));
        let low = format!("{order} and {sum} < $spent with $spent = {middle}");
        rows.add("value", "value_low", &low, json!({"spent": middle}));
    }
}

fn standing(rows: &mut Rows, known: &Known) {
    for level in Level::ALL {
        let share = match level {
            Level::Heavy => json!({"share": HEAVY}),
            Level::Medium => json!({"share": MEDIUM - HEAVY}),
            Level::Light | Level::Inactive => json!({}),
        };
        rows.add("engagement", level.key(), &format!("fact engagement.level = {}", level.key()), share);
    }
    rows.add("engagement", "active_week", "days of * >= 3 in the last 7 days", json!({}));
    let stages =
        json!({"gap_days": known.stages.gap_days.round(), "loyal_orders": known.stages.loyal_orders, "factor": LATE});
    for stage in Stage::ALL {
        let text = format!("fact lifecycle.stage = {}", stage.key());
        rows.add("lifecycle", format!("stage_{}", stage.key()), &text, stages.clone());
    }
    for group in Group::ALL {
        let text = format!("fact rfm.group = {}", group.key());
        rows.add("rfm", format!("rfm_{}", group.key()), &text, json!({"group": group.key()}));
    }
}

fn product(rows: &mut Rows, known: &Known) {
    let none = || json!({});
    if known.has("Product Viewed") {
        let text =
            "performed \"Product Viewed\" at least 3 times in the last 30 days and never performed \"Order Completed\"";
        rows.add("product", "browsers", text, none());
    }
    if known.has("Checkout Started") {
        let text = "sequence (\"Checkout Started\") without \"Order Completed\" within 1 hour in the last 7 days";
        rows.add("product", "abandoned", text, none());
    }
    if known.events.contains_key("Feature Used") {
        let used = "distinct feature of \"Feature Used\"";
        rows.add(
            "product",
            "basic_use",
            &format!("{used} between 1 and $features in the last 90 days with $features = 3"),
            json!({"features": 3}),
        );
        rows.add(
            "product",
            "advanced_use",
            &format!("{used} >= $features in the last 90 days with $features = 4"),
            json!({"features": 4}),
        );
    }
}

fn experience(rows: &mut Rows, known: &Known) {
    let none = || json!({});
    if known.has("Survey Answered") {
        rows.add("experience", "promoters", "last performed \"Survey Answered\" having score >= 9", none());
        rows.add("experience", "detractors", "last performed \"Survey Answered\" having score <= 6", none());
    }
    let bad = [
        ("Survey Answered", "first performed \"Survey Answered\" in the first 60 days having score <= 6"),
        ("Ticket Opened", "performed \"Ticket Opened\" in the first 30 days"),
        ("Order Refunded", "performed \"Order Refunded\" in the first 60 days"),
    ];
    let bad: Vec<&str> = bad.iter().filter(|(event, _)| known.has(event)).map(|(_, text)| *text).collect();
    if !bad.is_empty() {
        let text = format!("performed \"Order Completed\" and ({})", bad.join(" or "));
        rows.add("experience", "bad_first_experience", &text, none());
    }
    if known.has("Order Refunded") {
        rows.add("experience", "refunded", "performed \"Order Refunded\" in the last 365 days", none());
    }
    if known.facts.is_empty() || known.facts.iter().any(|key| key.starts_with("consent.")) {
        rows.add("channel", "reachable", "fact consent.email = granted", none());
    }
}

/// One template a frequent value: where people come from, how they pay, what they like.
async fn values(app: &App, workspace: WorkspaceId, rows: &mut Rows, known: &Known) -> Result<(), Problem> {
    let now = app.installation.clock.now();
    for (fact, category, kind, name) in [
        ("trait.country", "people", "country", "country"),
        ("trait.language", "people", "language", "language"),
        ("trait.acquisition_channel", "channel", "channel", "channel"),
    ] {
        if !known.facts.iter().any(|key| key == fact) {
            continue;
        }
        let told =
            facts::current_by_person(&mut app.installation.store.read(), workspace, &[fact.to_owned()], now).await?;
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for (.., value) in told {
            if let Ok(Value::String(value)) = serde_json::from_str(&value) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        for (value, _) in counts.into_iter().take(MOST_VALUES) {
            let quoted = Value::from(value.clone()).to_string();
            rows.add(category, format!("{kind}_{value}"), &format!("fact {fact} = {quoted}"), json!({ name: value }));
        }
    }
    for (event, path, category, kind, name) in [
        ("Order Completed", "payment_method", "occasion", "paid_by", "method"),
        ("Product Viewed", "category", "product", "affinity", "category"),
    ] {
        if !known.events.contains_key(event) {
            continue;
        }
        let found = app.installation.analytics.values(workspace, Some(event), path, MOST_VALUES).await?;
        for value in found {
            let quoted = Value::from(value.value.clone()).to_string();
            let times = if kind == "affinity" { " at least 3 times" } else { "" };
            let text = format!("performed \"{event}\"{times} in the last 180 days where {path} = {quoted}");
            rows.add(category, format!("{kind}_{}", value.value), &text, json!({ name: value.value }));
        }
    }
    Ok(())
}

/// When people order: at least twice then, and at most once at another time.
fn times_of_day(rows: &mut Rows, known: &Known) {
    if !known.has("Order Completed") {
        return;
    }
    let order = "performed \"Order Completed\"";
    for (key, then, else_) in [
        ("evening", "occurred.hour >= 18", "occurred.hour < 18"),
        ("weekend", "occurred.weekday in (saturday, sunday)", "occurred.weekday not in (saturday, sunday)"),
    ] {
        let text = format!("{order} at least 2 times where ({then}) and {order} at most 1 times where ({else_})");
        rows.add("occasion", key, &text, json!({}));
    }
}

/// Who bought for the last feast that is over.
fn season(rows: &mut Rows, known: &Known, context: &rapport_analytics::Context) {
    if !known.has("Order Completed") {
        return;
    }
    let year_begins = context.calendar.floor(context.now, Interval::Year);
    let year: i32 = year_begins.plus(Timestamp::DAY).to_rfc3339()[..4].parse().unwrap_or(2026);
    let text = format!("performed \"Order Completed\" from {0}-11-20 to {0}-12-25", year - 1);
    rows.add("occasion", "gift_season", &text, json!({"year": year - 1}));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_to_what_people_remember() {
        for (units, rounded) in [(0, 1), (7, 7), (83, 83), (587, 580), (12_345, 12_000)] {
            assert_eq!(round(units * 1_000_000 + 999_999), rounded);
        }
    }

    #[test]
    fn quantiles_are_those_of_nearest_rank() {
        let values: Vec<i64> = (1..=10).collect();
        assert_eq!(
            (quantile(&values, 50), quantile(&values, 90), quantile(&values, 100), quantile(&[], 50)),
            (5, 9, 10, 0)
        );
    }
}
