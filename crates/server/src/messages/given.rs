//! What the event that starts a message gives to it: its properties as they are, and the same in the one form that templates know, whatever a
//! shop calls them.
//!
//! Always holds: what an event does not say is left out, except addresses, for which the company's own site stands in.
//!
//! Names of properties are those of Segment's e-commerce specification v2, and what shops often write instead.

use rapport_domain::money;
use rapport_engagement::content::known::{CART, ORDER, PRODUCT, is_of_subscription};
use serde_json::{Map, Value, json};

type Properties = Map<String, Value>;

/// The tokens that an event gives: `{"name": ..., "occurred_at": ..., "properties": {...}}`. What is no such event gives none.
pub fn tokens(event: &Value, company: &Value) -> Map<String, Value> {
    let mut given = Map::new();
    let Some(properties) = event.get("properties").and_then(Value::as_object) else { return given };
    let name = event.get("name").and_then(Value::as_str).unwrap_or_default();
    let it = Given { properties, at: event.get("occurred_at"), company };
    given.insert("event".to_owned(), Value::Object(properties.clone()));
    if CART.contains(&name) {
        given.insert("cart".to_owned(), it.cart());
    }
    if ORDER.contains(&name) {
        given.insert("order".to_owned(), it.order());
    }
    if PRODUCT.contains(&name)
        && let Some(product) = it.items().into_iter().next()
    {
        given.insert("viewed".to_owned(), json!([product]));
        given.insert("product".to_owned(), it.product(product));
    }
    if is_of_subscription(name) {
        given.insert("subscription".to_owned(), it.subscription());
    }
    given
}

struct Given<'a> {
    properties: &'a Properties,
    at: Option<&'a Value>,
    company: &'a Value,
}

impl Given<'_> {
    /// The first of these properties that says something.
    fn first(&self, names: &[&str]) -> Option<Value> {
        first(self.properties, names)
    }

    /// An address, else the company's site.
    fn url(&self, names: &[&str]) -> Option<Value> {
        self.first(names).or_else(|| self.company.get("url").cloned())
    }

    fn currency(&self) -> Option<Value> {
        self.first(&["currency", "currency_code"]).or_else(|| self.company.get("currency").cloned())
    }

    /// The lines of a cart or order; one product that stands for itself is a line, too.
    fn items(&self) -> Vec<Value> {
        let lines =
            ["products", "items", "line_items", "lines"].iter().find_map(|key| self.properties.get(*key)?.as_array());
        let item = |properties: &Properties| {
            object([
                ("name", first(properties, &["name", "title", "product_name"])),
                ("price", first(properties, &["price", "unit_price", "item_price"])),
                ("quantity", first(properties, &["quantity", "qty"]).or_else(|| Some(json!(1)))),
                ("currency", first(properties, &["currency"]).or_else(|| self.currency())),
                ("url", first(properties, &["url", "product_url", "link"]).or_else(|| self.url(&[]))),
                ("image_url", first(properties, &["image_url", "image", "picture_url"]).or_else(|| Some(json!("")))),
            ])
        };
        match lines {
            Some(lines) => lines.iter().filter_map(Value::as_object).map(item).collect(),
            None if self.first(&["name", "title", "product_name"]).is_some() => vec![item(self.properties)],
            None => Vec::new(),
        }
    }

    /// What is said to be the total, else the sum of the lines.
    fn total(&self, items: &[Value]) -> Option<Value> {
        self.first(&["total", "value", "revenue", "subtotal", "cart_total"]).or_else(|| {
            let line = |item: &Value| {
                let quantity = item.get("quantity").and_then(Value::as_i64)?;
                money::micros_from_json(item.get("price")?)?.checked_mul(quantity)
            };
            let lines: Option<Vec<i64>> = items.iter().map(line).collect();
            let total = lines.filter(|lines| !lines.is_empty())?.into_iter().try_fold(0_i64, i64::checked_add)?;
            Some(json!(money::format_micros(total)))
        })
    }

    fn cart(&self) -> Value {
        let items = self.items();
        object([
            ("total", self.total(&items)),
            ("items", Some(Value::Array(items))),
            ("currency", self.currency()),
            ("url", self.url(&["cart_url", "checkout_url", "abandoned_checkout_url"])),
        ])
    }

    fn order(&self) -> Value {
        let items = self.items();
        object([
            ("number", self.first(&["order_number", "order_id", "number"])),
            ("placed_at", self.first(&["placed_at", "ordered_at"]).or_else(|| self.at.cloned())),
            ("total", self.total(&items)),
            ("items", Some(Value::Array(items))),
            ("currency", self.currency()),
            ("url", self.url(&["order_url", "order_status_url", "status_url"])),
            ("arrives_on", self.first(&["arrives_on", "estimated_delivery", "delivery_date"])),
        ])
    }

    fn product(&self, item: Value) -> Value {
        let Value::Object(mut product) = item else { return item };
        let more = [
            ("delivered_at", self.first(&["delivered_at"]).or_else(|| self.at.cloned())),
            ("review_url", self.url(&["review_url"])),
        ];
        product.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        Value::Object(product)
    }

    fn subscription(&self) -> Value {
        object([
            ("plan", self.first(&["plan", "plan_name", "product_name", "product", "name"])),
            ("renews_on", self.first(&["renews_on", "renewal_date", "next_billing_date", "renews_at", "period_end"])),
            ("price", self.first(&["price", "amount", "revenue", "total"])),
            ("currency", self.currency()),
            ("url", self.url(&["subscription_url", "manage_url", "url"])),
        ])
    }
}

fn first(properties: &Properties, names: &[&str]) -> Option<Value> {
    let says = |value: &&Value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty());
    names.iter().find_map(|name| properties.get(*name).filter(says)).cloned()
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, properties: Value) -> Map<String, Value> {
        let company = json!({"url": "https://shop.example", "currency": "SEK"});
        tokens(&json!({"name": name, "occurred_at": "2026-11-20T18:05:00Z", "properties": properties}), &company)
    }

    #[test]
    fn a_cart_has_one_form_whatever_the_shop_says() {
        let given = of(
            "Checkout Started",
            json!({"currency": "EUR", "products": [{"title": "Lamp", "price": "49.90", "quantity": 2}, {"name": "Mug", "price": 5}]}),
        );
        let cart = &given["cart"];
        assert_eq!(
            (&cart["total"], &cart["currency"], &cart["url"]),
            (&json!("104.80"), &json!("EUR"), &json!("https://shop.example"))
        );
        assert_eq!(
            cart["items"][0],
            json!({"name": "Lamp", "price": "49.90", "quantity": 2, "currency": "EUR", "url": "https://shop.example", "image_url": ""})
        );
        assert_eq!(given["event"]["products"][0]["title"], "Lamp", "the event as it was");
        assert!(!given.contains_key("order"));
        let one = of("Product Added", json!({"name": "Mug", "price": 5, "url": "https://shop.example/mug"}));
        assert_eq!(
            (&one["cart"]["items"][0]["url"], &one["cart"]["currency"]),
            (&json!("https://shop.example/mug"), &json!("SEK"))
        );
        assert_eq!(one["viewed"][0]["name"], "Mug");
    }

    #[test]
    fn what_is_not_said_is_not_there() {
        let given = of("Order Completed", json!({"order_id": 17}));
        assert_eq!(given["order"]["number"], 17);
        assert_eq!(given["order"]["placed_at"], "2026-11-20T18:05:00Z");
        assert!(given["order"].get("total").is_none() && given["order"].get("arrives_on").is_none());
        assert_eq!(
            of("Order Completed", json!({"products": [{"name": "x"}]}))["order"].get("total"),
            None,
            "a line without a price"
        );
        for nonsense in [json!(null), json!({"properties": []}), json!({"name": 5, "properties": {"products": "x"}})] {
            let given = tokens(&nonsense, &json!({}));
            assert!(!given.contains_key("cart") && !given.contains_key("order"), "{given:?}");
        }
    }
}
