//! The items there are, and what is known of them from events.
//!
//! Always holds: of each field the newest value that was told is kept, of two told at one instant the greater, so that the order in which events are
//! read does not matter. Prices and costs in another currency than the workspace's are not known.

use std::collections::HashMap;

use rapport_domain::{Currency, money};
use rapport_segments::value::{Reading, as_text};
use serde_json::{Map, Value};

/// What is known of an item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// Its `product_id`, else its `sku`.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// Its price in millionths of the workspace's currency.
    pub price_micros: Option<i64>,
    /// Its page.
    pub url: Option<String>,
    /// Its picture.
    pub image_url: Option<String>,
    /// Whether it can be bought: `in_stock`, or whether `stock` is above zero, as a "Product Updated" told.
    pub in_stock: Option<bool>,
    /// What is earned as a share of the price: `margin`, else from `price` and `cost`, as a "Product Updated" told.
    pub margin: Option<f64>,
}

/// A value and when it was told.
type Told<T> = Option<(i64, T)>;

/// Keeps the newer.
fn tell<T: PartialOrd>(told: &mut Told<T>, at: i64, value: Option<T>) {
    let Some(value) = value else { return };
    let is_newer = told.as_ref().is_none_or(|(then, old)| (*then, old) < (at, &value));
    if is_newer {
        *told = Some((at, value));
    }
}

/// What was told of an item.
#[derive(Debug, Default)]
struct Facts {
    name: Told<String>,
    category: Told<String>,
    price: Told<i64>,
    url: Told<String>,
    image_url: Told<String>,
    in_stock: Told<bool>,
    cost: Told<i64>,
    margin: Told<f64>,
}

/// What one event tells of an item.
#[derive(Debug, Default)]
pub(crate) struct Telling {
    pub(crate) name: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) price: Option<i64>,
    pub(crate) url: Option<String>,
    pub(crate) image_url: Option<String>,
    pub(crate) in_stock: Option<bool>,
    pub(crate) cost: Option<i64>,
    pub(crate) margin: Option<f64>,
}

impl Telling {
    /// A line of an order.
    pub(crate) fn of_line(line: &Map<String, Value>, is_own: bool) -> Self {
        let price = line.get("price").and_then(money::micros_from_json).filter(|_| is_own);
        let text = |name: &str| text(line, name);
        Self {
            name: text("name"),
            category: text("category"),
            price,
            url: text("url"),
            image_url: text("image_url"),
            ..Self::default()
        }
    }
}

/// The items while they are gathered, numbered as they come.
#[derive(Debug, Default)]
pub(crate) struct Catalogue {
    places: HashMap<String, u32>,
    facts: Vec<Facts>,
}

impl Catalogue {
    /// The number of an item.
    pub(crate) fn place(&mut self, id: &str) -> u32 {
        if let Some(place) = self.places.get(id) {
            return *place;
        }
        let place = u32::try_from(self.facts.len()).expect("a shop has fewer than 2^32 items");
        self.places.insert(id.to_owned(), place);
        self.facts.push(Facts::default());
        place
    }

    /// Takes what an event tells of an item.
    pub(crate) fn tell(&mut self, place: u32, at: i64, telling: Telling) {
        let Some(facts) = self.facts.get_mut(place as usize) else { return };
        tell(&mut facts.name, at, telling.name);
        tell(&mut facts.category, at, telling.category);
        tell(&mut facts.price, at, telling.price);
        tell(&mut facts.url, at, telling.url);
        tell(&mut facts.image_url, at, telling.image_url);
        tell(&mut facts.in_stock, at, telling.in_stock);
        tell(&mut facts.cost, at, telling.cost);
        tell(&mut facts.margin, at, telling.margin.filter(|it| it.is_finite()));
    }

    /// The items by their ids, and of each number the item's place among them.
    pub(crate) fn finish(self) -> (Vec<Item>, Vec<u32>) {
        let mut ids: Vec<(String, u32)> = self.places.into_iter().collect();
        ids.sort_unstable();
        let mut facts: Vec<Option<Facts>> = self.facts.into_iter().map(Some).collect();
        let mut moved = vec![0; facts.len()];
        let mut items = Vec::with_capacity(ids.len());
        for (place, (id, number)) in (0_u32..).zip(ids) {
            moved[number as usize] = place;
            items.push(facts[number as usize].take().unwrap_or_default().item(id));
        }
        (items, moved)
    }
}

impl Facts {
    fn item(self, id: String) -> Item {
        fn value<T>(told: Told<T>) -> Option<T> {
            told.map(|(_, value)| value)
        }
        let price_micros = value(self.price);
        let from_cost = || {
            let (price, cost) = (price_micros.filter(|price| *price > 0)?, value(self.cost)?);
            Some((price - cost) as f64 / price as f64)
        };
        Item {
            id,
            name: value(self.name),
            category: value(self.category),
            price_micros,
            url: value(self.url),
            image_url: value(self.image_url),
            in_stock: value(self.in_stock),
            margin: value(self.margin).or_else(from_cost),
        }
    }
}

/// The id of a product: its `product_id`, else its `sku`.
pub(crate) fn id_of(product: &Map<String, Value>) -> Option<String> {
    text(product, "product_id").or_else(|| text(product, "sku"))
}

fn text(product: &Map<String, Value>, name: &str) -> Option<String> {
    as_text(product.get(name)?, Reading::Number).map(|text| text.into_owned()).filter(|text| !text.is_empty())
}

/// Whether amounts with this currency are in the workspace's.
pub(crate) fn is_own(currency: Option<&str>, own: Currency) -> bool {
    currency.is_none_or(|currency| currency.eq_ignore_ascii_case(own.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_told_is_kept_and_items_stand_by_their_ids() {
        let mut catalogue = Catalogue::default();
        let (tea, cup) = (catalogue.place("tea"), catalogue.place("cup"));
        let named = |name: &str| Telling { name: Some(name.to_owned()), ..Telling::default() };
        catalogue.tell(tea, 5, named("Green tea"));
        catalogue.tell(tea, 3, Telling { price: Some(8_000_000), ..named("Tea") });
        catalogue.tell(tea, 9, Telling { cost: Some(6_000_000), in_stock: Some(false), ..Telling::default() });
        catalogue.tell(cup, 1, Telling { margin: Some(0.5), price: Some(1), cost: Some(1), ..named("b") });
        catalogue.tell(cup, 1, named("a"));
        let (items, moved) = catalogue.finish();
        assert_eq!((items[0].id.as_str(), items[1].id.as_str(), moved), ("cup", "tea", vec![1, 0]));
        assert_eq!(
            (items[1].name.as_deref(), items[1].margin, items[1].in_stock),
            (Some("Green tea"), Some(0.25), Some(false))
        );
        assert_eq!((items[0].name.as_deref(), items[0].margin), (Some("b"), Some(0.5)));
    }
}
