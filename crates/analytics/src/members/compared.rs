//! Traits and deeds, counted in two groups and compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rapport_models::{Association, Table, adjusted};
use rapport_profiles::classify::{self, Category};
use serde_json::Value;

/// Of so many values of a trait at most, each is compared; a trait with more is a name or an amount.
const MOST_VALUES: usize = 40;
/// The share of false discoveries among what is called distinct.
const RATE: f64 = 0.05;
/// What fewer people have is not told: it might tell who they are.
const LEAST_PEOPLE: u64 = 5;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A fact has a value.
    Fact,
    /// An event was performed.
    Did,
}

/// Something that members have more or less often than others.
#[derive(Clone, Debug, PartialEq)]
pub struct Trait {
    /// What it is.
    pub kind: Kind,
    /// The fact's key or the event's name.
    pub key: String,
    /// The fact's value, `>= 42` for amounts; none for events.
    pub value: Option<String>,
    /// How many have it.
    pub counts: Table,
    /// How much more often members have it.
    pub association: Association,
    /// The false discovery rate at which it would just be called distinct.
    pub q: f64,
}

impl Trait {
    /// Whether so great a difference is hardly chance, many comparisons considered.
    pub fn is_distinct(&self) -> bool {
        self.q <= RATE
    }
}

/// What is known of both groups.
#[derive(Default)]
pub(super) struct Seen {
    /// By key and value: people of the first group, and of the second.
    facts: BTreeMap<String, HashMap<String, (u64, u64)>>,
    amounts: BTreeMap<String, Vec<(f64, bool)>>,
    deeds: BTreeMap<String, (u64, u64)>,
    personal: BTreeSet<String>,
}

impl Seen {
    pub(super) fn fact(&mut self, is_member: bool, key: &str, value: &str) {
        let Ok(value) = serde_json::from_str::<Value>(value) else { return };
        if self.personal.contains(key) {
            return;
        }
        let text = match &value {
            Value::String(text) => text.clone(),
            Value::Bool(_) => value.to_string(),
            Value::Number(number) => {
                if let Some(number) = number.as_f64() {
                    self.amounts.entry(key.to_owned()).or_default().push((number, is_member));
                }
                return;
            }
            _ => return,
        };
        if classify::category(key, &text) != Category::Behavioural {
            self.personal.insert(key.to_owned());
            self.facts.remove(key);
            return;
        }
        let values = self.facts.entry(key.to_owned()).or_default();
        // One value more than are compared is enough to know that there are too many.
        if values.len() <= MOST_VALUES || values.contains_key(&text) {
            count(values.entry(text).or_default(), is_member);
        }
    }

    pub(super) fn did(&mut self, name: &str, is_member: bool) {
        match self.deeds.get_mut(name) {
            Some(counted) => count(counted, is_member),
            None => count(self.deeds.entry(name.to_owned()).or_default(), is_member),
        }
    }

    /// All comparisons, the strongest first.
    pub(super) fn compared(self, members: usize, others: usize) -> Vec<Trait> {
        let (of, others) = (members as u64, others as u64);
        let table = |(with, others_with): (u64, u64)| Table { with, of, others_with, others };
        let mut found: Vec<(Kind, String, Option<String>, Table)> = Vec::new();
        for (key, values) in self.facts.into_iter().filter(|(_, values)| values.len() <= MOST_VALUES) {
            found.extend(
                values.into_iter().map(|(value, counts)| (Kind::Fact, key.clone(), Some(value), table(counts))),
            );
        }
        for (key, amounts) in self.amounts.into_iter().filter(|(key, _)| !self.personal.contains(key)) {
            found.extend(
                of_amounts(&amounts)
                    .into_iter()
                    .map(|(value, counts)| (Kind::Fact, key.clone(), Some(value), table(counts))),
            );
        }
        found.extend(self.deeds.into_iter().map(|(name, counts)| (Kind::Did, name, None, table(counts))));
        found.retain(|(.., counts)| counts.with + counts.others_with >= LEAST_PEOPLE);
        let compared = found.into_iter().filter_map(|(kind, key, value, counts)| {
            Some(Trait { kind, key, value, counts, association: counts.association()?, q: 1.0 })
        });
        let mut compared: Vec<Trait> = compared.collect();
        let probabilities: Vec<f64> = compared.iter().map(|it| it.association.p).collect();
        compared.iter_mut().zip(adjusted(&probabilities)).for_each(|(it, q)| it.q = q);
        // What is distinct first, then by how far the lift surely is from 1.
        compared.sort_by(|a, b| {
            let strength = |it: &Trait| surely(&it.association);
            (b.is_distinct().cmp(&a.is_distinct())).then(strength(b).total_cmp(&strength(a))).then(a.key.cmp(&b.key))
        });
        compared
    }
}

/// The logarithm of the end of the interval that is nearer to 1; 0 when 1 is within it.
fn surely(association: &Association) -> f64 {
    match association.between {
        Some((low, _)) if low > 1.0 => low.ln(),
        Some((_, high)) if high < 1.0 => -high.ln(),
        Some(_) => 0.0,
        // Nobody of one group has it: as far as the shares are apart.
        None => (association.share - association.others_share).abs(),
    }
}

fn count(counted: &mut (u64, u64), is_member: bool) {
    if is_member { counted.0 += 1 } else { counted.1 += 1 }
}

/// Few different amounts are values; of many, it is compared who has the middle one or more.
fn of_amounts(amounts: &[(f64, bool)]) -> Vec<(String, (u64, u64))> {
    let mut sorted: Vec<f64> = amounts.iter().map(|(amount, _)| *amount).collect();
    sorted.sort_by(f64::total_cmp);
    let mut different = sorted.clone();
    different.dedup();
    let counted = |test: &dyn Fn(f64) -> bool| {
        let mut counts = (0, 0);
        amounts.iter().filter(|(amount, _)| test(*amount)).for_each(|(_, is_member)| count(&mut counts, *is_member));
        counts
    };
    if different.len() <= 12 {
        return different.into_iter().map(|value| (value.to_string(), counted(&|amount| amount == value))).collect();
    }
    let middle = sorted[sorted.len() / 2];
    vec![(format!(">= {middle}"), counted(&|amount| amount >= middle))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_members_have_more_often_comes_first_and_nothing_personal() {
        let mut seen = Seen::default();
        for number in 0..200 {
            let is_member = number < 100;
            let country = if number % 10 < if is_member { 8 } else { 2 } { "\"SE\"" } else { "\"DE\"" };
            seen.fact(is_member, "trait.country", country);
            seen.fact(is_member, "trait.email", &format!("\"p{number}@example.org\""));
            seen.fact(is_member, "trait.shoe_size", &(36 + number % 8).to_string());
            seen.fact(is_member, "trait.points", &(number * 7 % 200).to_string());
            seen.did("Page Viewed", is_member);
        }
        let found = seen.compared(100, 100);
        assert_eq!((found[0].key.as_str(), found[0].is_distinct()), ("trait.country", true));
        let swedes = found.iter().find(|it| it.value.as_deref() == Some("SE")).unwrap();
        assert_eq!(swedes.counts, Table { with: 80, of: 100, others_with: 20, others: 100 });
        assert_eq!(swedes.association.lift, Some(4.0));
        assert!(found.iter().all(|it| it.key != "trait.email"), "{found:?}");
        assert_eq!(found.iter().filter(|it| it.key == "trait.shoe_size").count(), 8);
        assert_eq!(found.iter().filter(|it| it.key == "trait.points").count(), 1, "an amount is cut in two");
        assert!(!found.iter().any(|it| it.key == "Page Viewed" && it.is_distinct()), "all did");
    }
}
