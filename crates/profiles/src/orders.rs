//! Orders and money: what an event says about an order. Pure; the records are in [`crate::records`].
//!
//! Always holds: amounts are exact millionths; an order's number is its name within the workspace, so the same order told twice (by the
//! browser and by the server, or by two exports) is one order.

use rapport_domain::{Currency, Event, EventId, Money, Timestamp, money, shop_events};
use serde_json::{Map, Value};

/// How an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Placed or paid.
    Completed,
    /// Called off.
    Cancelled,
    /// Money went back, in part or wholly.
    Refunded,
}

impl Status {
    /// The stable word, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }
}

/// What an event says about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderChange {
    /// It was placed, or is told again with other content.
    Placed {
        /// Its number at the shop.
        order_id: String,
        /// When.
        at: Timestamp,
        /// What it brought: `revenue`, else `total`, else the sum of its lines.
        revenue: Money,
        /// How many lines.
        lines: i64,
    },
    /// Money went back.
    Refunded {
        /// Its number at the shop.
        order_id: String,
        /// When.
        at: Timestamp,
        /// How much; `None` is the whole order.
        amount: Option<Money>,
    },
    /// It was called off.
    Cancelled {
        /// Its number at the shop.
        order_id: String,
        /// When.
        at: Timestamp,
    },
}

/// Reads the change out of an event; `None` when it is about no order. `fallback` is the workspace's currency.
pub fn change(event: &Event, at: Timestamp, fallback: Currency) -> Option<OrderChange> {
    change_of((&event.name, event.id), &event.properties, at, fallback)
}

/// The same of an event that was read back: its name, its id, its properties.
pub fn change_of(
    (name, id): (&str, EventId),
    properties: &Map<String, Value>,
    at: Timestamp,
    fallback: Currency,
) -> Option<OrderChange> {
    // An order without a number is its own event: two of them are never the same order.
    let order_id = text(properties, &["order_id", "orderId"]).unwrap_or_else(|| format!("event:{}", id.to_hex()));
    let currency = text(properties, &["currency"]).and_then(|c| Currency::parse(&c)).unwrap_or(fallback);
    match name {
        shop_events::ORDER_COMPLETED | shop_events::ORDER_UPDATED => Some(OrderChange::Placed {
            order_id,
            at,
            revenue: Money { micros: revenue(properties), currency },
            lines: i64::try_from(lines(properties).count()).unwrap_or(i64::MAX),
        }),
        shop_events::ORDER_REFUNDED => {
            let micros = amount(properties, &["refund", "amount", "revenue", "total"]);
            Some(OrderChange::Refunded {
                order_id,
                at,
                amount: micros.map(|m| Money { micros: m.saturating_abs(), currency }),
            })
        }
        shop_events::ORDER_CANCELLED => Some(OrderChange::Cancelled { order_id, at }),
        _ => None,
    }
}

/// What an order brought, in millionths: `revenue`, else `total`, else the sum of price times quantity over its lines.
/// Saturates instead of overflowing.
pub fn revenue(properties: &Map<String, Value>) -> i64 {
    amount(properties, &["revenue", "total", "value"]).unwrap_or_else(|| {
        lines(properties)
            .map(|line| {
                let price = line.get("price").and_then(money::micros_from_json).unwrap_or(0);
                // A quantity is a decimal number too (1.5 kg), so both are millionths.
                let quantity = line.get("quantity").and_then(money::micros_from_json).unwrap_or(money::MICROS_PER_UNIT);
                let micros = i128::from(price) * i128::from(quantity) / i128::from(money::MICROS_PER_UNIT);
                i64::try_from(micros).unwrap_or(i64::MAX)
            })
            .fold(0_i64, i64::saturating_add)
    })
}

fn lines(properties: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    properties.get("products").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn amount(properties: &Map<String, Value>, keys: &[&str]) -> Option<i64> {
    keys.iter().find_map(|key| properties.get(*key).and_then(money::micros_from_json))
}

fn text(properties: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| match properties.get(*key)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(value: Value) -> i64 {
        revenue(value.as_object().unwrap())
    }

    #[test]
    fn revenue_is_exact() {
        assert_eq!(of(json!({"revenue": "12.345", "total": 99})), 12_345_000);
        assert_eq!(of(json!({"total": 0.1})), 100_000);
        assert_eq!(of(json!({"products": [{"price": 0.1, "quantity": 3}, {"price": "2.55"}]})), 2_850_000);
        assert_eq!(of(json!({"products": [{"price": 4, "quantity": "1.5"}]})), 6_000_000);
        assert_eq!(of(json!({"products": "none"})), 0);
        assert_eq!(of(json!({"products": [{"price": 9e12, "quantity": 9e12}]})), i64::MAX);
    }
}
