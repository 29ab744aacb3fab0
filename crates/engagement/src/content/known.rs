//! The values that messages can name: the one list that checks, previews and the console's choice of tokens read.
//!
//! Always holds: tokens come in groups; who sends a message gives the whole group or nothing of it, so within its group a token that is
//! marked `always` needs no fallback. Each group that does not come with every person ([`Group::comes_with_everyone`]) must be promised
//! by what starts the message.
//!
//! Does not do: fetch any of the values.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::Token;

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

/// The groups that the paths belong to and that not every message has: who starts the message must give them.
pub fn needs(paths: &BTreeSet<String>) -> BTreeSet<Group> {
    let group_of = |path: &String| {
        let is_it = |token: &&Known| covers(&token.path, path) || covers(path, &token.path);
        known().iter().find(is_it).map(|token| token.group)
    };
    paths.iter().filter_map(group_of).filter(|group| !group.comes_with_everyone()).collect()
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
        let of = |paths: &[&str]| needs(&paths.iter().map(|path| (*path).to_owned()).collect());
        assert_eq!(of(&["profile.first_name", "unsubscribe_url", "company.name"]), BTreeSet::new());
        assert_eq!(of(&["cart.items.name", "points.balance"]), BTreeSet::from([Group::Cart, Group::Points]));
        assert_eq!(of(&["event.coupon"]), BTreeSet::from([Group::Event]));
        assert_eq!(of(&["order"]), BTreeSet::from([Group::Order]));
    }
}
