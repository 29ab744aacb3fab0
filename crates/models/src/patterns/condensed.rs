//! Fewer patterns that say as much.

use std::collections::{HashMap, HashSet};

use super::{Pattern, Patterns};

impl Patterns {
    /// Those that no pattern with one item more shares all its persons with (Yan, Han and Afshar 2003, "CloSpan"): the others follow from these. Larger
    /// patterns that the limits cut off are not known of.
    pub fn closed(&self) -> Self {
        self.without(|smaller, larger| smaller.persons == larger.persons)
    }

    /// Those of which no pattern with one item more is common enough. What the smaller ones' counts are is lost.
    pub fn maximal(&self) -> Self {
        self.without(|_, _| true)
    }

    /// Leaves out what is a found pattern without one of its items, if `superfluous` says so of the two.
    fn without(&self, superfluous: impl Fn(&Pattern, &Pattern) -> bool) -> Self {
        let places: HashMap<&[Vec<u32>], usize> =
            self.patterns.iter().enumerate().map(|(at, it)| (&it.steps[..], at)).collect();
        let mut left_out = HashSet::new();
        for larger in &self.patterns {
            for smaller in one_less(&larger.steps) {
                if let Some(at) = places.get(&smaller[..]).filter(|at| superfluous(&self.patterns[**at], larger)) {
                    left_out.insert(*at);
                }
            }
        }
        let kept = self.patterns.iter().enumerate().filter(|it| !left_out.contains(&it.0)).map(|it| it.1.clone());
        Self { patterns: kept.collect(), ..*self }
    }
}

/// The pattern without one of its items, in turn.
fn one_less(steps: &[Vec<u32>]) -> Vec<Vec<Vec<u32>>> {
    let mut found = Vec::new();
    for (at, items) in steps.iter().enumerate() {
        for item in 0..items.len() {
            let mut smaller = steps.to_vec();
            smaller[at].remove(item);
            smaller.retain(|it| !it.is_empty());
            found.push(smaller);
        }
    }
    found
}
