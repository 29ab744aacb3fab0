//! The values that messages can name: the one list that checks, previews and the console's choice of tokens read.
//!
//! Always holds: tokens come in groups; who sends a message gives the whole group or nothing of it, so within its group a token that is
//! marked `always` needs no fallback. Each group that does not come with every person ([`Group::comes_with_everyone`]) must be promised
//! by what starts the message.
//!
//! Does not do: fetch any of the values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use rapport_domain::shop_events;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::{self, Token};
use super::limits::Limits;
use super::message::Recipient;
use super::prepare::Prepared;
use super::template::Template;

/// Events that tell of a cart, of an order, of a product.
pub const CART: &[&str] = &[
    shop_events::CHECKOUT_STARTED,
    shop_events::PRODUCT_ADDED,
    "Product Removed",
    "Cart Viewed",
    "Checkout Step Viewed",
    "Checkout Step Completed",
    "Payment Info Entered",
];
/// See [`CART`].
pub const ORDER: &[&str] = &[
    shop_events::ORDER_COMPLETED,
    shop_events::ORDER_UPDATED,
    shop_events::ORDER_REFUNDED,
    shop_events::ORDER_CANCELLED,
    "Order Delivered",
];
/// See [`CART`].
pub const PRODUCT: &[&str] =
    &[shop_events::PRODUCT_VIEWED, shop_events::PRODUCT_ADDED, "Order Delivered", "Product Clicked"];

/// Whether an event tells of a subscription.
pub fn is_of_subscription(event: &str) -> bool {
    event.starts_with("Subscription ") || event == "Trial Started"
}

/// The groups that an event of that name gives to the messages it starts.
pub fn given_by(event: &str) -> BTreeSet<Group> {
    let of = [
        (true, Group::Event),
        (CART.contains(&event), Group::Cart),
        (ORDER.contains(&event), Group::Order),
        (PRODUCT.contains(&event), Group::Product),
        (is_of_subscription(event), Group::Subscription),
    ];
    of.into_iter().filter(|(gives, _)| *gives).map(|(_, group)| group).collect()
}

/// What tokens come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What is known of the person: traits and figures.
    Person,
    /// What was reckoned of the person.
    Scores,
    /// Whose message it is.
    Company,
    /// The links that every message has.
    Links,
    /// Any property of the event that starts it.
    Event,
    /// A cart that was left.
    Cart,
    /// An order.
    Order,
    /// A product that was looked at or delivered.
    Product,
    /// A subscription.
    Subscription,
    /// Products chosen for the person.
    Recommendations,
    /// Codes and gifts.
    Offers,
    /// Points and rewards.
    Points,
    /// A survey that somebody is asked to answer.
    Survey,
}

impl Group {
    /// Whether every message to a person has it, whatever starts the message.
    pub const fn comes_with_everyone(self) -> bool {
        matches!(self, Self::Person | Self::Scores | Self::Company | Self::Links)
    }

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Scores => "scores",
            Self::Company => "company",
            Self::Links => "links",
            Self::Event => "event",
            Self::Cart => "cart",
            Self::Order => "order",
            Self::Product => "product",
            Self::Subscription => "subscription",
            Self::Recommendations => "recommendations",
            Self::Offers => "offers",
            Self::Points => "points",
            Self::Survey => "survey",
        }
    }
}

/// A value that messages can name.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Its path.
    pub path: String,
    /// What it comes with.
    pub group: Group,
    /// Whether it is always there where its group is.
    pub always: bool,
    /// What it is, by language (`en`, `zh`).
    pub meaning: BTreeMap<String, String>,
    /// A value as it could be; parts of list items have theirs in the list.
    #[serde(default)]
    pub example: Value,
}

static KNOWN: LazyLock<Vec<Known>> =
    LazyLock::new(|| serde_json::from_str(include_str!("known.json")).unwrap_or_default());

/// All of them, group by group.
pub fn known() -> &'static [Known] {
    &KNOWN
}

/// The same as [`super::check()`] takes them.
pub fn tokens() -> Vec<Token> {
    known().iter().map(|token| Token { path: token.path.clone(), always: token.always }).collect()
}

/// Data in which every known token has its example.
pub fn sample() -> Value {
    let mut data = Map::new();
    for token in known().iter().filter(|token| !token.example.is_null()) {
        put(&mut data, &token.path, &token.example);
    }
    Value::Object(data)
}

/// The groups without which a template says nothing: whoever starts its messages must give them. Found out by trying: a template that can
/// do without a group is rendered without it.
pub fn needs(template: &Template, limits: Limits) -> BTreeSet<Group> {
    let used = check::used(template, limits);
    let is_used = |token: &&Known| used.iter().any(|path| covers(&token.path, path) || covers(path, &token.path));
    let groups: BTreeSet<Group> = known().iter().filter(is_used).map(|token| token.group).collect();
    let Ok(prepared) = Prepared::new(template, limits) else { return BTreeSet::new() };
    let asked = groups.into_iter().filter(|group| !group.comes_with_everyone());
    asked.filter(|group| !does_without(&prepared, template, *group)).collect()
}

fn does_without(prepared: &Prepared, template: &Template, group: Group) -> bool {
    let mut data = sample();
    if let Value::Object(data) = &mut data {
        for token in known().iter().filter(|token| token.group == group) {
            data.remove(token.path.split('.').next().unwrap_or(&token.path));
        }
    }
    template.content.languages().all(|language| {
        let link = Some("https://example.com");
        let recipient = Recipient {
            unsubscribe_url: link,
            preferences_url: link,
            view_url: link,
            ..Recipient::new(language, TimeZone::UTC)
        };
        prepared.render(&data, &recipient).is_ok()
    })
}

/// Whether `path` is `of` or below it.
fn covers(of: &str, path: &str) -> bool {
    path.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn put(data: &mut Map<String, Value>, path: &str, value: &Value) {
    match path.split_once('.') {
        None => {
            data.insert(path.to_owned(), value.clone());
        }
        Some((first, rest)) => {
            let inner = data.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_list_is_whole() {
        assert!(known().len() > 60, "the file can be read");
        let paths: BTreeSet<&str> = known().iter().map(|token| token.path.as_str()).collect();
        assert_eq!(paths.len(), known().len(), "no path twice");
        for token in known() {
            assert!(token.meaning.contains_key("en") && token.meaning.contains_key("zh"), "{}", token.path);
        }
        let sample = sample();
        assert_eq!(sample["cart"]["items"][1]["quantity"], 2);
        assert_eq!(sample["profile"]["first_name"], "Mei");
    }

    #[test]
    fn what_starts_a_message_must_give_what_it_needs() {
        let of = |text: &str| {
            let template = json!({"name": "n", "purpose": "service", "default_language": "en", "content": {"text": {"en": {"body": text}}}});
            needs(&Template::from_json(template).unwrap(), Limits::default())
        };
        assert_eq!(
            of("{{ profile.first_name|default('x') }} {{ unsubscribe_url }} {{ company.name }}"),
            BTreeSet::new()
        );
        let both = "{% for item in cart.items %}{{ item.name }}{% endfor %} {{ points.balance }}";
        assert_eq!(of(both), BTreeSet::from([Group::Cart, Group::Points]));
        assert_eq!(of("{{ order.number }}"), BTreeSet::from([Group::Order]));
        assert_eq!(of("{{ event.coupon|default('none') }}"), BTreeSet::new(), "it can do without");
        assert_eq!(of("{% if offer.code %}{{ offer.code }} {{ offer.percent }}{% endif %}"), BTreeSet::new());
    }
}
