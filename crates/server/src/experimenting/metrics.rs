//! What can be measured in an experiment: metrics that every workspace has, and any event.
//!
//! Always holds: a metric's key says all; its form (share, number, money) follows from it, whatever a design says.

use rapport_analytics::experiment::Metric as Measured;
use rapport_analytics::question::{Measure, Series};
use rapport_domain::shop_events::{ORDER_COMPLETED, ORDER_REFUNDED, PAGE_VIEWED, TICKET_OPENED};
use rapport_experiments::design::{Design, Direction, Form, Metric};

/// A metric that every workspace has.
#[derive(Clone, Copy, Debug)]
pub struct Usual {
    /// Its key.
    pub key: &'static str,
    /// What people call it, as it stands in sentences: "better on buyers", "about 145 buyers".
    pub name: &'static str,
    /// What it is, in words.
    pub description: &'static str,
    /// Its events.
    pub event: &'static str,
    /// What is measured of them, with the property.
    pub measure: (Measure, Option<&'static str>),
    /// Whether less is better.
    pub lower: bool,
}

const REVENUE: Option<&str> = Some("revenue");

/// All of them, those first that are looked at without being asked for.
pub const USUAL: [Usual; 8] = [
    Usual {
        key: "conversion",
        name: "buyers",
        description: "The share of people who order.",
        event: ORDER_COMPLETED,
        measure: (Measure::People, None),
        lower: false,
    },
    Usual {
        key: "revenue",
        name: "revenue",
        description: "What people spend, a person.",
        event: ORDER_COMPLETED,
        measure: (Measure::Sum, REVENUE),
        lower: false,
    },
    Usual {
        key: "orders",
        name: "orders",
        description: "Orders a person.",
        event: ORDER_COMPLETED,
        measure: (Measure::Count, None),
        lower: false,
    },
    Usual {
        key: "order_value",
        name: "order value",
        description: "Revenue an order.",
        event: ORDER_COMPLETED,
        measure: (Measure::Average, REVENUE),
        lower: false,
    },
    Usual {
        key: "refunds",
        name: "people who gave something back",
        description: "The share of people with a refund.",
        event: ORDER_REFUNDED,
        measure: (Measure::People, None),
        lower: true,
    },
    Usual {
        key: "tickets",
        name: "people who asked for help",
        description: "The share of people who open a ticket.",
        event: TICKET_OPENED,
        measure: (Measure::People, None),
        lower: true,
    },
    Usual {
        key: "unsubscribes",
        name: "people who unsubscribed",
        description: "The share of people who unsubscribe from messages.",
        event: "Message Unsubscribed",
        measure: (Measure::People, None),
        lower: true,
    },
    Usual {
        key: "visits",
        name: "page views",
        description: "Page views a person.",
        event: PAGE_VIEWED,
        measure: (Measure::Count, None),
        lower: false,
    },
];

/// Those that are read out whatever the design names.
const ALWAYS: [&str; 3] = ["conversion", "revenue", "orders"];

/// How keys of other metrics begin: the share of people with an event, its number a person, the sum of a property of it a person.
pub const OTHERS: [&str; 3] = ["people:<event>", "count:<event>", "sum:<event>:<property>"];

impl Usual {
    fn direction(&self) -> Direction {
        if self.lower { Direction::Lower } else { Direction::Higher }
    }

    fn series(&self) -> Series {
        let (measure, property) = self.measure;
        Series { event: self.event.to_owned(), filter: None, measure, property: property.map(str::to_owned) }
    }
}

/// What a key says is measured; `None` where it says nothing.
pub fn measured(key: &str) -> Option<Measured> {
    if let Some(usual) = USUAL.iter().find(|it| it.key == key) {
        return Some(Measured::of(usual.series()));
    }
    let (kind, rest) = key.split_once(':')?;
    let (event, measure, property) = match kind {
        "people" => (rest, Measure::People, None),
        "count" => (rest, Measure::Count, None),
        "sum" => {
            let (event, property) = rest.rsplit_once(':')?;
            (event, Measure::Sum, Some(property.to_owned()))
        }
        _ => return None,
    };
    let is_named = !event.trim().is_empty() && property.as_ref().is_none_or(|it| !it.trim().is_empty());
    is_named.then(|| Measured::of(Series { event: event.to_owned(), filter: None, measure, property }))
}

/// What a metric's numbers are.
pub fn form(key: &str, currency: &str) -> Form {
    let Some(measured) = measured(key) else { return Form::Number };
    let is_money = measured.of.property.as_deref() == REVENUE;
    match measured.of.measure {
        Measure::People => Form::Share,
        Measure::Sum | Measure::Average if is_money => Form::Money(currency.to_owned()),
        _ => Form::Number,
    }
}

/// A usual metric as a design has it.
pub fn usual(key: &str, currency: &str) -> Option<Metric> {
    let it = USUAL.iter().find(|it| it.key == key)?;
    let (key, name) = (it.key.to_owned(), it.name.to_owned());
    Some(Metric { form: form(&key, currency), direction: it.direction(), key, name })
}

/// The metrics that are read out: the design's, each in its form, and the usual ones that it does not name. None where nothing is learnt (a flag).
pub fn completed(design: &Design, currency: &str) -> Design {
    let mut design = design.clone();
    let mut named: Vec<String> = Vec::new();
    let guardrails = design.guardrails.iter_mut().map(|it| &mut it.metric);
    for metric in design.primary.iter_mut().chain(guardrails).chain(&mut design.secondary) {
        metric.form = form(&metric.key, currency);
        named.push(metric.key.clone());
    }
    let usual = ALWAYS.iter().filter(|key| !named.iter().any(|other| other == *key));
    design.secondary.extend(usual.filter_map(|key| self::usual(key, currency)));
    design
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_what_is_measured() {
        assert_eq!(form("conversion", "EUR"), Form::Share);
        assert_eq!(form("revenue", "EUR"), Form::Money("EUR".into()));
        assert_eq!(form("order_value", "EUR"), Form::Money("EUR".into()));
        assert_eq!(form("count:Page Viewed", "EUR"), Form::Number);
        let sum = measured("sum:Video: Watched:seconds").unwrap().of;
        assert_eq!((sum.event.as_str(), sum.property.as_deref()), ("Video: Watched", Some("seconds")));
        for key in ["", "conversions", "people:", "sum:Event", "sum:Event:", "median:Event:x", "people: "] {
            assert!(measured(key).is_none(), "{key}");
        }
        assert!(USUAL.iter().all(|it| measured(it.key).is_some()));
        assert_eq!(usual("refunds", "EUR").unwrap().direction, Direction::Lower);
    }
}
