//! Rules: of a frequent set, some of its items follow from the others.
//!
//! If a consequent has too little confidence, every larger one of the same set has too (Agrawal and Srikant 1994, section 3), so consequents grow only from those
//! that have enough.

use std::collections::HashMap;

use super::{Counts, ItemSets, Share};
use crate::discovery::adjusted;

/// Which rules are looked for. Published numbers of rules are of one class or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequents {
    /// One item follows, as R's `arules` counts them.
    Single,
    /// Any number of items does, as `mlxtend` counts them.
    Any,
}

/// Who has these also has those.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The items that are given, ascending.
    pub antecedent: Vec<u32>,
    /// The items that follow, ascending.
    pub consequent: Vec<u32>,
    /// How many baskets hold which side.
    pub counts: Counts,
}

/// Rules with enough confidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Their class.
    pub consequents: Consequents,
    /// The rules, the highest confidence first, of equals the one with more baskets.
    pub rules: Vec<Rule>,
    /// How many rules of the class have enough support, whatever their confidence.
    pub looked_at: u64,
}

impl ItemSets {
    /// The rules of a class whose confidence is at least this. None has an empty side.
    pub fn rules(&self, confidence: Share, consequents: Consequents) -> Rules {
        let counts: HashMap<&[u32], u64> = self.iter().collect();
        let mut found = Rules { consequents, rules: Vec::new(), looked_at: 0 };
        for (set, both) in self.iter().filter(|it| it.0.len() > 1) {
            // All ways but the two with an empty side.
            found.looked_at += match consequents {
                Consequents::Single => set.len() as u64,
                Consequents::Any => 1u64.checked_shl(set.len() as u32).unwrap_or(u64::MAX) - 2,
            };
            let mut kept: Vec<Vec<u32>> = (0..set.len()).map(|at| vec![set[at]]).collect();
            while !kept.is_empty() {
                kept.retain(|consequent| match self.rule(&counts, set, both, consequent) {
                    Some(rule) if confidence.reached(both, rule.counts.antecedent) => {
                        found.rules.push(rule);
                        true
                    }
                    _ => false,
                });
                if consequents == Consequents::Single || kept.first().is_none_or(|it| it.len() + 1 >= set.len()) {
                    break;
                }
                kept = larger(&kept);
            }
        }
        found.rules.sort_by(|a, b| {
            let cross = |a: &Rule, b: &Rule| u128::from(a.counts.both) * u128::from(b.counts.antecedent);
            let order = cross(b, a).cmp(&cross(a, b)).then(b.counts.both.cmp(&a.counts.both));
            order.then_with(|| (&a.antecedent, &a.consequent).cmp(&(&b.antecedent, &b.consequent)))
        });
        found
    }

    fn rule(&self, counts: &HashMap<&[u32], u64>, set: &[u32], both: u64, consequent: &[u32]) -> Option<Rule> {
        let antecedent: Vec<u32> = set.iter().copied().filter(|it| !consequent.contains(it)).collect();
        let counts = Counts {
            both,
            antecedent: *counts.get(&antecedent[..])?,
            consequent: *counts.get(consequent)?,
            baskets: self.baskets,
        };
        Some(Rule { antecedent, consequent: consequent.to_vec(), counts })
    }
}

/// Consequents of one item more, from pairs that differ in the last.
fn larger(kept: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut joined = Vec::new();
    for (at, one) in kept.iter().enumerate() {
        let (last, head) = one.split_last().expect("not empty");
        for other in &kept[at + 1..] {
            let (others_last, others_head) = other.split_last().expect("not empty");
            if head != others_head {
                break;
            }
            joined.push(head.iter().chain([last, others_last]).copied().collect());
        }
    }
    joined
}

impl Rules {
    /// Of each rule the share of false ones among all that say as much (Benjamini and Hochberg 1995): the level at which it is a discovery. Counted are all
    /// rules of the class with enough support, not only those with enough confidence, since these were chosen by the same baskets.
    pub fn false_discovery(&self) -> Vec<f64> {
        let p: Vec<f64> = self.rules.iter().map(|it| it.counts.association().map_or(1.0, |found| found.p)).collect();
        let more = self.looked_at as f64 / p.len().max(1) as f64;
        adjusted(&p).into_iter().map(|it| (it * more.max(1.0)).min(1.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baskets::Limits;
    use proptest::prelude::*;

    proptest! {
        /// Oracle: every pair of sets that have no item in common.
        #[test]
        fn every_rule_with_its_counts(baskets in prop::collection::vec(prop::collection::vec(0u32..5, 0..5), 1..15), part in 0u64..=10) {
            let confidence = Share::new(part, 10).unwrap();
            let sets = ItemSets::mine(&baskets, &Limits::support(Share::new(1, 5).unwrap())).unwrap();
            let holding = |mask: u32| baskets.iter().filter(|it| (0..5).all(|item| mask >> item & 1 == 0 || it.contains(&item))).count() as u64;
            let items = |mask: u32| (0..5).filter(|item| mask >> item & 1 == 1).collect::<Vec<u32>>();
            for class in [Consequents::Any, Consequents::Single] {
                let (mut wanted, mut looked_at) = (Vec::new(), 0);
                for a in 1u32..32 {
                    for b in (1u32..32).filter(|b| a & b == 0 && (class == Consequents::Any || b.count_ones() == 1)) {
                        let both = holding(a | b);
                        if both > 0 && both * 5 >= baskets.len() as u64 {
                            looked_at += 1;
                            if both * 10 >= part * holding(a) {
                                wanted.push((items(a), items(b), both, holding(a), holding(b)));
                            }
                        }
                    }
                }
                let rules = sets.rules(confidence, class);
                let mut found: Vec<_> = rules.rules.iter().map(|it| (it.antecedent.clone(), it.consequent.clone(), it.counts.both, it.counts.antecedent, it.counts.consequent)).collect();
                found.sort();
                wanted.sort();
                prop_assert_eq!(found, wanted);
                prop_assert_eq!(rules.looked_at, looked_at);
                for (q, rule) in rules.false_discovery().iter().zip(&rules.rules) {
                    let counts = rule.counts;
                    prop_assert!((0.0..=1.0).contains(q) && (-1.0..=1.0).contains(&counts.zhang()));
                    let interval = counts.lift_interval(0.05);
                    prop_assert!(interval.low <= counts.lift() && counts.lift() <= interval.high);
                }
            }
        }
    }
}
