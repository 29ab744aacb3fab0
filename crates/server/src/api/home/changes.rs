//! What changed: the largest movements against the period before, as figures that the console puts into words.
//!
//! Always holds: a movement of a share is told only when it is larger than chance makes likely (twice its standard error), and one of
//! the places is kept for such a share, because it says where something happened while the key figures say that it did.

use rapport_analytics::answer::{Better, FunnelDetail, KpiFigure, KpisDetail, Topic, Unit};
use rapport_analytics::{Cell, Context, Detail, Question};
use rapport_domain::{Timestamp, WorkspaceId};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::ask;
use crate::app::App;
use crate::problem::Problem;

/// How many movements are told.
const MOST: usize = 3;
/// Fewer people than this make no share worth telling.
const FEWEST: u64 = 100;
/// Smaller movements of a figure are not told.
const NOTABLE: f64 = 0.02;

/// A movement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// What moved: the key of a figure, or `checkout_conversion`.
    what: String,
    /// Of a conversion: of which part of the people, such as `phone`.
    part: Option<String>,
    /// Now: an exact amount, a count or a share.
    value: Cell,
    /// In the period before.
    before: Cell,
    unit: Unit,
    /// Relative for counts and money; in points for shares.
    change: f64,
    /// Which direction one hopes for.
    better: Better,
    /// Of a conversion: the 95 % interval of the change, in points.
    interval: Option<[f64; 2]>,
    /// Of a conversion: who converted, and of how many.
    people: Option<[u64; 2]>,
    /// What the movement is made of.
    because: Vec<Reason>,
    /// The question that shows it.
    #[schema(value_type = Option<Question>)]
    question: Option<Value>,
    /// Sorts the list.
    #[serde(skip)]
    weight: f64,
}

/// A figure that makes up a part of a movement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reason {
    /// The figure's key.
    what: String,
    /// How it moved, relatively.
    change: f64,
}

/// Finds the largest movements.
pub async fn find(
    app: &App,
    workspace: WorkspaceId,
    context: &Context,
    figures: &KpisDetail,
    days: i64,
) -> Result<Vec<Change>, Problem> {
    let mut told = conversion(app, workspace, context, days).await?;
    told.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    told.truncate(1);
    let mut moved: Vec<Change> = figures.figures.iter().filter_map(|figure| movement(figure, figures, days)).collect();
    moved.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    told.extend(moved.into_iter().take(MOST - told.len()));
    told.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    Ok(told)
}

/// A key figure that moved.
fn movement(figure: &KpiFigure, all: &KpisDetail, days: i64) -> Option<Change> {
    let change = figure.change.filter(|change| change.abs() >= NOTABLE)?;
    // What subscriptions bring is small beside a shop's orders; it is told by what it is, not by how much it jumps.
    let weight = if figure.topic == Topic::Subscriptions { change.abs() / 2.0 } else { change.abs() };
    let reason = |key: &str| {
        let part = all.figures.iter().find(|part| part.key == key)?;
        Some(Reason { what: key.to_owned(), change: part.change? })
    };
    let because: &[&str] = match figure.key {
        "revenue" => &["orders", "average_order_value"],
        "orders" => &["active_customers", "new_customers"],
        _ => &[],
    };
    Some(Change {
        what: figure.key.to_owned(),
        part: None,
        value: figure.value.clone(),
        before: figure.before.clone().unwrap_or(Cell::Nothing),
        unit: figure.unit,
        change,
        better: figure.better,
        interval: None,
        people: None,
        because: because.iter().filter_map(|key| reason(key)).collect(),
        question: question_of(figure.key, days),
        weight,
    })
}

/// The course of a figure.
fn question_of(key: &str, days: i64) -> Option<Value> {
    let series = match key {
        "orders" => json!({"event": "Order Completed"}),
        "revenue" => json!({"event": "Order Completed", "measure": "sum", "property": "revenue"}),
        "average_order_value" => json!({"event": "Order Completed", "measure": "average", "property": "revenue"}),
        "active_customers" => json!({"event": "*", "measure": "people"}),
        "churned_mrr" => json!({"event": "Subscription Cancelled"}),
        _ => return None,
    };
    let interval = if days > 45 { "week" } else { "day" };
    let period = json!({"last": format!("{days}d")});
    Some(json!({"kind": "trend", "series": [series], "interval": interval, "period": period, "compare": true}))
}

/// From checkout to order, by device.
async fn conversion(app: &App, workspace: WorkspaceId, context: &Context, days: i64) -> Result<Vec<Change>, Problem> {
    let asked = |period: Value| {
        json!({
            "kind": "funnel", "steps": [{"event": "Checkout Started"}, {"event": "Order Completed"}], "window": "1d",
            "breakdown": {"property": "device"}, "period": period,
        })
    };
    let end = context.now.plus(-days * Timestamp::DAY);
    let start = end.plus(-days * Timestamp::DAY);
    let now = asked(json!({"last": format!("{days}d")}));
    let before = asked(json!({"from": start.to_rfc3339(), "to": end.to_rfc3339()}));
    let (Detail::Funnel(this), Detail::Funnel(earlier)) =
        (ask(app, workspace, context, now.clone()).await?.detail, ask(app, workspace, context, before).await?.detail)
    else {
        return Ok(Vec::new());
    };
    let parts = this.steps.first().map_or(&[][..], |step| &step.breakdown);
    Ok(parts.iter().filter_map(|part| conversion_of(&part.value, &this, &earlier, &now)).collect())
}

fn conversion_of(part: &str, this: &FunnelDetail, earlier: &FunnelDetail, question: &Value) -> Option<Change> {
    let ((began, ordered), (began_before, ordered_before)) = (share(this, part)?, share(earlier, part)?);
    if began < FEWEST || began_before < FEWEST {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of people")]
    let [n1, k1, n0, k0] = [began, ordered, began_before, ordered_before].map(|people| people as f64);
    let (p1, p0) = (k1 / n1, k0 / n0);
    // Standard error of a difference of two independent shares.
    let error = (p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0).sqrt();
    let change = p1 - p0;
    if change.abs() < 2.0 * error {
        return None;
    }
    Some(Change {
        what: "checkout_conversion".to_owned(),
        part: Some(part.to_owned()),
        value: Cell::Number(p1),
        before: Cell::Number(p0),
        unit: Unit::Ratio,
        change,
        better: Better::Higher,
        interval: Some([change - 1.96 * error, change + 1.96 * error]),
        people: Some([ordered, began]),
        because: Vec::new(),
        question: Some(question.clone()),
        // A share is compared with other figures by how much more or less of it there is.
        weight: (p1 / p0 - 1.0).abs(),
    })
}

/// People in the first and in the last step with this value.
fn share(funnel: &FunnelDetail, value: &str) -> Option<(u64, u64)> {
    let of =
        |step: usize| funnel.steps.get(step)?.breakdown.iter().find(|part| part.value == value).map(|part| part.people);
    Some((of(0)?, of(1).unwrap_or(0)))
}
