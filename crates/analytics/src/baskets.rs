//! What is bought together: the rules in the orders of a period, with all their measures, and the people behind each.
//!
//! Always holds: a basket is an order, as it was told first; what was called off or went back whole is none, nor what people bought whose data may not be used. Thresholds are exact. Where there would be too many
//! sets, the support is raised, and the answer says so. Dropping the future of an answer stops it.
//!
//! Does not do: say that buying the one brings the other, or the mathematics (`rapport_models::baskets`).

mod behind;
mod gathered;
mod rules;

use rapport_models::baskets::Share;
use rapport_segments::Condition;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::{Error, Result};
use crate::question::{Period, decoded};
use crate::schema;

pub use behind::Whose;

/// Most orders of an answer.
pub const MOST_BASKETS: usize = 2_000_000;
/// An order of more different items than this is a wholesaler's, and makes sets without end.
pub const MOST_ITEMS: usize = 100;
/// Most sets of an answer: a few times as many rules.
pub const MOST_SETS: usize = 100_000;
/// Most rules that are listed.
pub const MOST_RULES: usize = 500;
/// A set must be in so many orders at least, whatever the share: of fewer nothing can be said.
pub const LEAST_BASKETS: u64 = 5;

/// What is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = BasketQuestion)]
pub struct Question {
    /// Orders of when; all unless said.
    #[schema(schema_with = schema::period)]
    pub period: Period,
    /// Only of these people; everybody unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::condition)]
    pub who: Option<Condition>,
    /// What is in a basket: `product`, or `category`.
    pub of: Of,
    /// The share of orders that must hold all of a rule, as a decimal text such as `0.001`; that which fits the number of orders unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support: Option<String>,
    /// The share of orders with the first side that have the second too, as a decimal text; `0.05` unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// Most items of a rule, 2 to 5; 3 unless said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest: Option<usize>,
    /// Only rules about this item: an id, or a category's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
}

/// What is in a basket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BasketOf)]
pub enum Of {
    /// Products.
    #[default]
    Product,
    /// Their categories.
    Category,
}

/// The usual confidence.
const CONFIDENCE: &str = "0.05";
/// The usual most items of a rule.
const LONGEST: usize = 3;

impl Question {
    /// Reads the JSON form, and checks it.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn from_json(value: Value) -> Result<Self> {
        let question: Self = decoded(value)?;
        question.confidence()?;
        question.support()?;
        if !(2..=5).contains(&question.longest()) {
            return Err(Error::invalid("longest", format!("expected 2 to 5, found {}", question.longest())));
        }
        if let Some(who) = &question.who {
            crate::question::validate_who(who)?;
        }
        Ok(question)
    }

    fn longest(&self) -> usize {
        self.longest.unwrap_or(LONGEST)
    }

    fn support(&self) -> Result<Option<Share>> {
        self.support.as_deref().map(|text| share("support", text)).transpose()
    }

    fn confidence(&self) -> Result<Share> {
        share("confidence", self.confidence.as_deref().unwrap_or(CONFIDENCE))
    }
}

fn share(place: &str, text: &str) -> Result<Share> {
    let wrong = || Error::invalid(place, format!("expected a share such as `0.01`, found `{}`", short(text)));
    Share::decimal(text).ok_or_else(wrong)
}

/// The beginning of what somebody sent.
fn short(text: &str) -> String {
    text.chars().take(20).collect()
}

/// An item of the rules.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = BasketItem)]
pub struct Item {
    /// Its id, or the category's name.
    pub id: String,
    /// Its name, as its orders told it last.
    pub name: Option<String>,
    /// Its category.
    pub category: Option<String>,
    /// In how many orders it is.
    pub baskets: u64,
}

/// Who has these also has that.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = BasketRule)]
pub struct Rule {
    /// The items that are given, by their ids.
    pub first: Vec<String>,
    /// The item that follows.
    pub second: String,
    /// Orders with both sides.
    pub both: u64,
    /// Orders with the first side.
    pub with_first: u64,
    /// Orders with the second.
    pub with_second: u64,
    /// The share of all orders that have both.
    pub support: f64,
    /// The share of orders with the first that have the second too.
    pub confidence: f64,
    /// How many times as often as by chance.
    pub lift: f64,
    /// The lower end of that, with 95 %.
    pub lift_low: f64,
    /// The upper end.
    pub lift_high: f64,
    /// The share of orders with both more than by chance.
    pub leverage: f64,
    /// How many times as often it would fail by chance; null where it never fails.
    pub conviction: Option<f64>,
    /// From −1, never together, over 0, by chance, to 1, always.
    pub zhang: f64,
    /// The mean of the confidences in both directions.
    pub kulczynski: f64,
    /// How likely so great a difference is by chance alone (chi-square, or Fisher's exact test where few are expected).
    pub p: f64,
    /// The share of chance findings among all rules that say as much (Benjamini and Hochberg, over all that were looked at).
    pub q: f64,
}

/// What is bought together.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = BasketAnswer)]
pub struct Answer {
    /// From when, RFC 3339.
    pub from: String,
    /// Until when.
    pub until: String,
    /// Orders that were looked at.
    pub baskets: u64,
    /// Of these, with more than one item.
    pub of_several: u64,
    /// Different items.
    pub items_in_all: u64,
    /// The least number of orders of a rule.
    pub least: u64,
    /// The same as a share of all orders.
    pub support: f64,
    /// Whether that is more than was asked for, as there would have been too many sets.
    pub is_raised: bool,
    /// The least confidence.
    pub confidence: f64,
    /// Orders of so many items that they were left out.
    pub too_large: u64,
    /// Rules with enough support, whatever their confidence: those that false discovery is counted over.
    pub looked_at: u64,
    /// Rules that were found.
    pub found: u64,
    /// Those with the highest lower end of lift, the highest first: at most 500.
    pub rules: Vec<Rule>,
    /// The items of these rules.
    pub items: Vec<Item>,
    /// One sentence.
    pub sentence: String,
    /// What is to be known beside it.
    pub notes: Vec<String>,
    /// How long it took, in milliseconds.
    pub computed_ms: u64,
}
