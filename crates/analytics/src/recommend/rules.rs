//! What may be offered.
//!
//! Always holds: a rule is about one item, but for the most of a category, which the better-placed items use up first. What is not known of an item
//! keeps no rule from letting it pass, but for the categories: an item without one is in none of those asked for.

use std::collections::HashMap;

use rapport_domain::Timestamp;
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
    used: HashMap<&'a str, usize>,
}

impl<'a> Choosing<'a> {
    pub(super) fn new(rules: &'a Rules, bought: &'a HashMap<u32, i64>, now: Timestamp) -> Self {
        let categories = rules.categories.iter().map(|category| fold(category)).collect();
        Self { rules, bought, now, categories, used: HashMap::new() }
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
        let Rules { in_stock, not_bought, minimum_margin, exclude, .. } = self.rules;
        let in_category = || item.category.as_ref().is_some_and(|category| self.categories.contains(&fold(category)));
        let since = match not_bought {
            None => None,
            Some(NotBought::Ever) => Some(i64::MIN),
            Some(NotBought::Within(time)) => Some(self.now.0.saturating_sub(time.micros())),
        };
        let is_bought = since.is_some_and(|since| self.bought.get(&place).is_some_and(|at| *at >= since));
        (!in_stock || item.in_stock != Some(false))
            && minimum_margin.is_none_or(|least| item.margin.is_none_or(|margin| margin >= least))
            && (self.categories.is_empty() || in_category())
            && !exclude.contains(&item.id)
            && !is_bought
    }
}
