//! What one event counts for a challenge.

use rapport_domain::money::MICROS_PER_UNIT;
use rapport_segments::{EventView, Subject, holds};
use serde_json::Value;

use super::{Challenge, Counts};
use crate::earning::{Looks, Occasion};
use crate::ledger::clawed;
use crate::program::Program;

/// The longest value that is kept as it is; a longer one is known by its hash.
const VALUE_MAX: usize = 200;
/// So many different values of one event, at most.
const VALUES_MAX: usize = 200;

/// What an event counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counted {
    /// Which value, where different ones are counted; else empty.
    pub value: String,
    /// How much, in millionths.
    pub amount: i64,
}

impl Challenge {
    /// What an event counts; nothing where it does not hold.
    pub fn entries(&self, program: &Program, occasion: Occasion<'_>) -> Vec<Counted> {
        let Some(event) = occasion.subject.event.filter(|event| event.name == self.event) else { return Vec::new() };
        let moment = occasion.moment;
        if !self.window.holds(moment.now, moment.calendar)
            || !holds(&self.when, occasion.subject, moment)
            || !holds(&self.who, &Subject { event: None, ..*occasion.subject }, moment)
        {
            return Vec::new();
        }
        let looks = Looks { program, occasion };
        let lines: Vec<EventView<'_>> = occasion
            .amounts
            .items
            .iter()
            .map(|item| EventView { properties: &item.properties, ..event })
            .filter(|line| looks.counts(self.items.as_ref(), *line))
            .collect();
        if self.items.is_some() && lines.is_empty() {
            return Vec::new();
        }
        let one = |amount: i64| Counted { value: String::new(), amount };
        let mut counted = match &self.counts {
            Counts::Times | Counts::InARow { .. } => vec![one(MICROS_PER_UNIT)],
            Counts::Units => vec![one(looks.units(self.items.as_ref()).unwrap_or(0))],
            Counts::Amount { base } => vec![one(looks.amount(*base, self.items.as_ref()).unwrap_or(0))],
            Counts::Distinct { property, of_lines } => {
                let of = if *of_lines { lines } else { vec![event] };
                let values = of.iter().filter_map(|of| text(of.property(property)?));
                values.map(|value| Counted { value, amount: MICROS_PER_UNIT }).collect()
            }
        };
        counted.retain(|it| it.amount > 0);
        counted.sort_unstable();
        counted.dedup();
        counted.truncate(VALUES_MAX);
        counted
    }

    /// What is left of an amount when so much of an order went back.
    pub fn left(&self, amount: i64, back: i64, revenue: i64) -> i64 {
        if back <= 0 {
            return amount;
        }
        if back >= revenue {
            return 0;
        }
        if self.counts.is_divisible() { amount - clawed(amount, back, revenue) } else { amount }
    }
}

/// A value as it is kept.
fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        _ => return None,
    };
    match text.len() {
        0 => None,
        1..=VALUE_MAX => Some(text),
        _ => Some(format!("#{}", blake3::hash(text.as_bytes()).to_hex())),
    }
}
