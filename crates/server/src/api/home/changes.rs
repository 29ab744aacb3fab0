//! What changed: the largest movements against the period before, in words.
//!
//! Always holds: a movement of a share is told only when it is larger than chance makes likely (twice its standard error).

use rapport_analytics::answer::{FunnelDetail, KpisDetail, Unit};
use rapport_analytics::{Context, Detail};
use rapport_domain::WorkspaceId;
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

/// A movement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Change {
    /// What moved.
    title: String,
    /// From what to what, of how many.
    detail: String,
    /// Relative for counts and money; in points for shares.
    change: f64,
    /// relative or points.
    unit: String,
    /// The question that shows it.
    #[schema(value_type = Option<Object>)]
    question: Option<Value>,
    /// How surprising it is; sorts the list.
    #[serde(skip)]
    weight: f64,
}

/// Finds the largest movements.
pub async fn find(
    app: &App,
    workspace: WorkspaceId,
    context: &Context,
    figures: &KpisDetail,
    days: i64,
) -> Result<Vec<Change>, Problem> {
    let mut found: Vec<Change> = figures
        .figures
        .iter()
        .filter_map(|figure| {
            let change = figure.change?;
            let points = figure.unit == Unit::Ratio;
            let word = if change >= 0.0 { "rose" } else { "fell" };
            Some(Change {
                title: format!("{} {word}", figure.label),
                detail: format!("Compared with the {days} days before."),
                change,
                unit: if points { "points" } else { "relative" }.to_owned(),
                question: None,
                weight: if points { change.abs() * 10.0 } else { change.abs() },
            })
        })
        .collect();
    found.extend(conversion(app, workspace, context, days).await?);
    found.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    found.truncate(MOST);
    Ok(found)
}

/// From cart to order, by device.
async fn conversion(app: &App, workspace: WorkspaceId, context: &Context, days: i64) -> Result<Vec<Change>, Problem> {
    let question = |now: bool| {
        let mut question = json!({
            "kind": "funnel", "steps": [{"event": "Checkout Started"}, {"event": "Order Completed"}], "window": "1d",
            "breakdown": {"property": "device"}, "period": {"last": format!("{days}d")},
        });
        if !now {
            let end = context.now.plus(-days * rapport_domain::Timestamp::DAY);
            let start = end.plus(-days * rapport_domain::Timestamp::DAY);
            question["period"] = json!({"from": start.to_rfc3339(), "to": end.to_rfc3339()});
        }
        question
    };
    let (Detail::Funnel(now), Detail::Funnel(before)) = (
        ask(app, workspace, context, question(true)).await?.detail,
        ask(app, workspace, context, question(false)).await?.detail,
    ) else {
        return Ok(Vec::new());
    };
    let values: Vec<String> =
        now.steps.first().map_or_else(Vec::new, |s| s.breakdown.iter().map(|p| p.value.clone()).collect());
    let told = values.iter().filter_map(|value| movement(value, &now, &before, question(true)));
    Ok(told.collect())
}

fn movement(value: &str, now: &FunnelDetail, before: &FunnelDetail, question: Value) -> Option<Change> {
    let (n1, k1) = share(now, value)?;
    let (n0, k0) = share(before, value)?;
    if n1 < FEWEST || n0 < FEWEST {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of people")]
    let (n1, k1, n0, k0) = (n1 as f64, k1 as f64, n0 as f64, k0 as f64);
    let (p1, p0) = (k1 / n1, k0 / n0);
    // Standard error of a difference of two independent shares.
    let error = (p1 * (1.0 - p1) / n1 + p0 * (1.0 - p0) / n0).sqrt();
    let difference = p1 - p0;
    if difference.abs() < 2.0 * error {
        return None;
    }
    let word = if difference > 0.0 { "rose" } else { "fell" };
    Some(Change {
        title: format!("Checkout to order {word} on {value}"),
        detail: format!(
            "{k1:.0} of {n1:.0} people, {:.1} % against {:.1} % before (interval of the change {:.1} to {:.1} points).",
            p1 * 100.0,
            p0 * 100.0,
            (difference - 1.96 * error) * 100.0,
            (difference + 1.96 * error) * 100.0,
        ),
        change: difference,
        unit: "points".to_owned(),
        question: Some(question),
        weight: difference.abs() * 10.0,
    })
}

/// People in the first and in the last step with this value.
fn share(funnel: &FunnelDetail, value: &str) -> Option<(u64, u64)> {
    let of =
        |step: usize| funnel.steps.get(step)?.breakdown.iter().find(|part| part.value == value).map(|part| part.people);
    Some((of(0)?, of(1).unwrap_or(0)))
}
