//! A cart: what somebody is about to pay for.

use rapport_domain::Currency;
use rapport_domain::money::{MICROS_PER_UNIT, micros_from_json};
use serde_json::{Map, Value};

use crate::earning::{Amounts, Item};

/// A cart, in millionths of its currency. Names of its properties are those of an order's event: `products`, `shipping`, `currency`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cart {
    /// The currency that it names.
    pub currency: Option<Currency>,
    /// What the goods are.
    pub lines: Vec<CartLine>,
    /// What sending them costs.
    pub shipping: i64,
}

/// A line of a cart.
#[derive(Clone, Debug, PartialEq)]
pub struct CartLine {
    /// What it is and comes to.
    pub item: Item,
    /// What one unit costs.
    pub price: i64,
    /// What one unit costs the shop, where it says so (`cost`).
    pub cost: Option<i64>,
    /// The lowest price of the last 30 days, where it is known.
    pub lowest: Option<i64>,
}

impl Cart {
    /// Reads it from the properties of an order or a cart. A discount that the shop took off itself is not known here: lines come at the price at which offers begin.
    pub fn read(properties: &Map<String, Value>) -> Self {
        let amounts = Amounts::read(properties);
        let line = |item: Item| {
            let number = |key: &str| {
                let value = item.properties.iter().find(|(own, _)| own == key).map(|(_, value)| value);
                value.and_then(micros_from_json).map(|number| number.max(0))
            };
            CartLine { price: number("price").unwrap_or(0), cost: number("cost"), lowest: None, item }
        };
        Self {
            currency: amounts.currency,
            lines: amounts.items.into_iter().map(line).collect(),
            shipping: amounts.shipping,
        }
    }

    /// What the goods come to before any offer.
    pub fn goods(&self) -> i64 {
        self.lines.iter().fold(0, |sum, line| sum.saturating_add(line.item.micros))
    }

    /// The product of a line: its `product_id`, else its `sku`.
    pub fn product(&self, line: usize) -> Option<&str> {
        let properties = &self.lines.get(line)?.item.properties;
        let text = |key: &str| properties.iter().find(|(own, _)| own == key).and_then(|(_, value)| value.as_str());
        text("product_id").or_else(|| text("sku"))
    }
}

impl CartLine {
    /// How many whole units it has.
    pub(super) fn units(&self) -> i64 {
        self.item.quantity / MICROS_PER_UNIT
    }

    /// What its units cost the shop; `None` where it is not known.
    pub(super) fn costs(&self) -> Option<i64> {
        let all = i128::from(self.cost?) * i128::from(self.item.quantity) / i128::from(MICROS_PER_UNIT);
        i64::try_from(all).ok()
    }
}
