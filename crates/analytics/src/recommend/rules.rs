//! What may be offered.
//!
//! Always holds: a rule is about one item, but for the most of a category, which the better-placed items use up first. What is not known of an item
//! keeps no rule from letting it pass, but for the categories: an item without one is in none of those asked for.

use std::collections::HashMap;

use rapport_domain::Timestamp;
use rapport_models::recommend::Band;
use rapport_segments::Duration;
use rapport_segments::value::fold;

use super::catalogue::Item;

/// What may be offered; the default is everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// Only what is in stock.
    pub in_stock: bool,
    /// Nothing that the person bought.
    pub not_bought: Option<NotBought>,
    /// Only these categories, whatever their letters' case; empty for all.
    pub categories: Vec<String>,
    /// Only what earns at least this share of its price, e.g. 0.2.
    pub minimum_margin: Option<f64>,
    /// Only what costs at least so much, in millionths of the workspace's currency.
    pub least_price: Option<i64>,
    /// Only what costs at most so much.
    pub most_price: Option<i64>,
    /// Only what costs about what the person usually pays: from two thirds of the lower quartile to one and a half of the upper one.
    pub usual_price: bool,
    /// Most items of one category; those without a category are not counted.
    pub per_category: Option<usize>,
    /// None of these items.
    pub exclude: Vec<String>,
}

/// What counts as bought already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBought {
    /// Whatever the person bought, as far back as their newest events go that are looked at.
    Ever,
    /// What they bought within this time; what is longer ago may be offered again.
    Within(Duration),
}

/// The rules while offers are chosen.
pub(super) struct Choosing<'a> {
    rules: &'a Rules,
    /// When each item was last bought, by its place.
    bought: &'a HashMap<u32, i64>,
    now: Timestamp,
    categories: Vec<String>,
    /// What the person usually pays, where that is asked for and known.
    usual: Option<Band>,
    used: HashMap<&'a str, usize>,
}

/// How far from what somebody usually pays something may cost.
const STRETCH: f64 = 1.5;

impl<'a> Choosing<'a> {
    pub(super) fn new(rules: &'a Rules, items: &[Item], bought: &'a HashMap<u32, i64>, now: Timestamp) -> Self {
        let categories = rules.categories.iter().map(|category| fold(category)).collect();
        let price = |place: &u32| Some(items.get(*place as usize)?.price_micros? as f64);
        let paid = || bought.keys().filter_map(price).collect::<Vec<f64>>();
        let usual = rules.usual_price.then(|| Band::usual(&paid(), STRETCH)).flatten();
        Self { rules, bought, now, categories, usual, used: HashMap::new() }
    }

    /// Whether the next best item may be offered; if so, its category has one more.
    pub(super) fn takes(&mut self, place: u32, item: &'a Item) -> bool {
        if !self.passes(place, item) {
            return false;
        }
        if let (Some(most), Some(category)) = (self.rules.per_category, item.category.as_deref()) {
            let used = self.used.entry(category).or_default();
            if *used >= most {
                return false;
            }
            *used += 1;
        }
        true
    }

    fn passes(&self, place: u32, item: &Item) -> bool {
        let Rules { in_stock, not_bought, minimum_margin, exclude, least_price, most_price, .. } = self.rules;
        let costs = |holds: &dyn Fn(i64) -> bool| item.price_micros.is_none_or(holds);
        let in_category = || item.category.as_ref().is_some_and(|category| self.categories.contains(&fold(category)));
        let since = match not_bought {
            None => None,
            Some(NotBought::Ever) => Some(i64::MIN),
            Some(NotBought::Within(time)) => Some(self.now.0.saturating_sub(time.micros())),
        };
        let is_bought = since.is_some_and(|since| self.bought.get(&place).is_some_and(|at| *at >= since));
        (!in_stock || item.in_stock != Some(false))
            && minimum_margin.is_none_or(|least| item.margin.is_none_or(|margin| margin >= least))
            && least_price.is_none_or(|least| costs(&|price| price >= least))
            && most_price.is_none_or(|most| costs(&|price| price <= most))
            && self.usual.is_none_or(|band| costs(&|price| (band.low..=band.high).contains(&(price as f64))))
            && (self.categories.is_empty() || in_category())
            && !exclude.contains(&item.id)
            && !is_bought
    }
}
