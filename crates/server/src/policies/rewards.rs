//! What a decision brought: what somebody did in the time after it, worth so much, less what it cost.
//!
//! Always holds: what happened at the moment of the decision or before does not count, nor does an amount in another currency than the workspace's.

use rapport_analytics::question::Measure;
use rapport_domain::{Timestamp, money};
use rapport_experiments::policies::Design;
use rapport_lake::EventRow;
use serde_json::Value;

use crate::experimenting::metrics;

/// Why a key cannot be a reward; none where it can. Whether it is a share.
pub fn is_share(metric: &str) -> Option<bool> {
    match metrics::measured(metric)?.of.measure {
        Measure::People => Some(true),
        Measure::Count | Measure::Sum => Some(false),
        _ => None,
    }
}

/// What a choice of this arm brought.
pub fn reward(design: &Design, arm: &str, events: &[&EventRow], currency: &str) -> Option<f64> {
    let series = metrics::measured(&design.reward.metric)?.of;
    let own: Vec<&&EventRow> = events.iter().filter(|it| it.name == series.event).collect();
    let measured = match series.measure {
        Measure::People => f64::from(u8::from(!own.is_empty())),
        Measure::Count => own.len() as f64,
        Measure::Sum => own.iter().filter_map(|it| amount(it, series.property.as_deref()?, currency)).sum(),
        _ => return None,
    };
    let cost = |event: &str| events.iter().filter(|it| it.name == event).count() as f64;
    let costs: f64 = design.reward.costs.iter().map(|it| it.cost * cost(&it.event)).sum();
    let arm = design.place(arm).map_or(0.0, |at| design.arms[at].cost);
    Some(design.reward.worth * measured - costs - arm)
}

/// The events of a time that counts.
pub fn within(events: &[EventRow], from: Timestamp, until: Timestamp) -> Vec<&EventRow> {
    events.iter().filter(|it| it.occurred_at > from && it.occurred_at < until).collect()
}

fn amount(event: &EventRow, property: &str, currency: &str) -> Option<f64> {
    let value = |name: &str| event.properties().iter().find(|(path, _)| path == name).map(|(_, value)| value);
    if value("currency").and_then(Value::as_str).is_some_and(|it| !it.eq_ignore_ascii_case(currency)) {
        return None;
    }
    let micros = value(property).and_then(money::micros_from_json)?;
    Some(micros as f64 / 1e6)
}
