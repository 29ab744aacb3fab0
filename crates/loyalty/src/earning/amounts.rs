//! What an order came to, read from its event: what counts as paid, and which lines it had.
//!
//! Names are those of Segment's e-commerce specification v2 (`subtotal`, `revenue`, `total`, `tax`, `shipping`, `discount`, `products`), and one of our own,
//! `paid_with_points`: the part of the order that was paid with points, in its currency.

use rapport_domain::Currency;
use rapport_domain::money::{MICROS_PER_UNIT, micros_from_json};
use rapport_segments::EventView;
use serde_json::{Map, Value};

use super::Base;

/// A line of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// What it came to, in millionths of the order's currency: price times quantity.
    pub micros: i64,
    /// How many, in millionths.
    pub quantity: i64,
    /// Its properties, for conditions.
    pub properties: Vec<(String, Value)>,
}

/// What an order came to, in millionths of its currency.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amounts {
    /// The currency that the event names.
    pub currency: Option<Currency>,
    /// What was paid for the goods, after discounts, without tax and shipping.
    pub net: i64,
    /// What was taken off.
    pub discount: i64,
    /// Tax.
    pub tax: i64,
    /// Shipping.
    pub shipping: i64,
    /// The part that was paid with points.
    pub with_points: i64,
    /// Its lines.
    pub items: Vec<Item>,
}

impl Amounts {
    /// Reads an event's properties. What is paid for the goods is `subtotal`, else `revenue`, else `total` less tax and shipping, else what the lines come to
    /// less the discount.
    pub fn read(properties: &Map<String, Value>) -> Self {
        let amount = |key: &str| properties.get(key).and_then(micros_from_json);
        let part = |key: &str| amount(key).unwrap_or(0).max(0);
        let (discount, tax, shipping) = (part("discount"), part("tax"), part("shipping"));
        let items: Vec<Item> =
            properties.get("products").and_then(Value::as_array).into_iter().flatten().filter_map(item).collect();
        let lines = || items.iter().fold(0_i64, |sum, item| sum.saturating_add(item.micros)).saturating_sub(discount);
        let without = |total: i64| total.saturating_sub(tax).saturating_sub(shipping);
        let net = amount("subtotal")
            .or_else(|| amount("revenue"))
            .or_else(|| amount("total").or_else(|| amount("value")).map(without))
            .unwrap_or_else(lines);
        let currency = properties.get("currency").and_then(Value::as_str).and_then(Currency::parse);
        Self { currency, net, discount, tax, shipping, with_points: part("paid_with_points"), items }
    }

    /// The amount that a rule goes by; never below 0.
    pub fn base(&self, base: Base) -> i64 {
        let counted = |counts: bool, part: i64| if counts { i128::from(part) } else { 0 };
        let amount = i128::from(self.net)
            + counted(base.before_discounts, self.discount)
            + counted(base.with_tax, self.tax)
            + counted(base.with_shipping, self.shipping)
            - counted(!base.with_points, self.with_points);
        i64::try_from(amount.max(0)).unwrap_or(i64::MAX)
    }

    /// The same for the lines that `counts` names: their share of it by what they came to, so that what was taken off the order is taken off each of them.
    pub fn base_of(&self, base: Base, counts: impl Fn(EventView<'_>) -> bool, view: EventView<'_>) -> i64 {
        let all: i128 = self.items.iter().map(|item| i128::from(item.micros)).sum();
        if all <= 0 {
            return 0;
        }
        let of_line = |item: &&Item| counts(EventView { properties: &item.properties, ..view });
        let some: i128 = self.items.iter().filter(of_line).map(|item| i128::from(item.micros)).sum();
        i64::try_from(i128::from(self.base(base)) * some / all).unwrap_or(i64::MAX)
    }

    /// How many units the lines have that `counts` names, in millionths.
    pub fn units_of(&self, counts: impl Fn(EventView<'_>) -> bool, view: EventView<'_>) -> i64 {
        let of_line = |item: &&Item| counts(EventView { properties: &item.properties, ..view });
        self.items.iter().filter(of_line).fold(0_i64, |sum, item| sum.saturating_add(item.quantity))
    }
}

/// A line; one with a price or a quantity below 0 takes nothing away, since what goes back is told as a refund.
fn item(line: &Value) -> Option<Item> {
    let line = line.as_object()?;
    let number = |key: &str| line.get(key).and_then(micros_from_json);
    let (price, quantity) = (number("price").unwrap_or(0).max(0), number("quantity").unwrap_or(MICROS_PER_UNIT).max(0));
    let micros = i128::from(price) * i128::from(quantity) / i128::from(MICROS_PER_UNIT);
    let is_plain = |value: &Value| !value.is_object() && !value.is_array() && !value.is_null();
    let properties = line.iter().filter(|(_, value)| is_plain(value)).map(|(key, value)| (key.clone(), value.clone()));
    let mut properties: Vec<(String, Value)> = properties.collect();
    properties.sort_by(|one, other| one.0.cmp(&other.0));
    Some(Item { micros: i64::try_from(micros).unwrap_or(i64::MAX), quantity, properties })
}
