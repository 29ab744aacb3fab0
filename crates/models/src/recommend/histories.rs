//! Who had to do with what, by persons: what every model of recommendations learns from.
//!
//! Always holds: a person's items are in order, each once, with a weight above zero. Who is named several times with an item has the sum of the weights.
//!
//! Does not do: know when something was. Whoever wants the newer to count more fades the weights before ([`super::faded`]).

use super::Interaction;
use crate::fault::{Fault, none_of};

/// The items of each person with their weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histories {
    /// Where the items of each person end.
    ends: Vec<usize>,
    entries: Vec<(u32, f64)>,
    items: usize,
}

impl Histories {
    /// Of `persons` persons and `items` items. Weights of zero are nothing.
    ///
    /// # Errors
    /// Weights that are no finite numbers or below zero, and places that are not there.
    pub fn of(interactions: &[Interaction], persons: usize, items: usize) -> Result<Self, Fault> {
        none_of(interactions, |it| !it.weight.is_finite() || it.weight > 1e100, |row| Fault::NotFinite { row })?;
        none_of(interactions, |it| it.weight < 0.0, |row| Fault::Negative { row })?;
        let is_outside = |it: &Interaction| it.person as usize >= persons || it.item as usize >= items;
        none_of(interactions, is_outside, |row| Fault::Missing { row })?;
        let mut sorted: Vec<Interaction> = interactions.iter().copied().filter(|it| it.weight > 0.0).collect();
        sorted.sort_unstable_by(|a, b| (a.person, a.item).cmp(&(b.person, b.item)).then(a.weight.total_cmp(&b.weight)));
        let mut found = Self { ends: Vec::with_capacity(persons), entries: Vec::with_capacity(sorted.len()), items };
        let mut left = sorted.iter().peekable();
        for person in 0..persons {
            let start = found.entries.len();
            while let Some(it) = left.next_if(|it| it.person as usize == person) {
                match found.entries[start..].last_mut() {
                    Some(last) if last.0 == it.item => last.1 += it.weight,
                    _ => found.entries.push((it.item, it.weight)),
                }
            }
            found.ends.push(found.entries.len());
        }
        Ok(found)
    }

    /// How many persons.
    pub fn persons(&self) -> usize {
        self.ends.len()
    }

    /// How many items.
    pub fn items(&self) -> usize {
        self.items
    }

    /// How many pairs of a person and an item.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody had to do with anything.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A person's items in their order, with their weights; nothing for who is not there.
    pub fn of_person(&self, person: usize) -> &[(u32, f64)] {
        let start = person.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(person).map_or(&[], |end| &self.entries[start..*end])
    }

    /// The items of everyone, in the order of persons.
    pub fn iter(&self) -> impl Iterator<Item = &[(u32, f64)]> {
        (0..self.persons()).map(|person| self.of_person(person))
    }

    /// One row a pair, by persons and items.
    pub fn interactions(&self) -> impl Iterator<Item = Interaction> {
        let rows = (0_u32..).zip(self.iter());
        rows.flat_map(|(person, own)| own.iter().map(move |&(item, weight)| Interaction { person, item, weight }))
    }

    /// How many persons each item has.
    pub fn audience(&self) -> Vec<u32> {
        let mut counts = vec![0; self.items];
        self.entries.iter().for_each(|(item, _)| counts[*item as usize] += 1);
        counts
    }

    /// The same by items: of each item the persons, as if they were its items.
    pub(super) fn turned(&self) -> Self {
        let mut next: Vec<usize> = self.audience().iter().map(|it| *it as usize).collect();
        let mut end = 0;
        let mut ends = Vec::with_capacity(self.items);
        for it in &mut next {
            let count = *it;
            *it = end;
            end += count;
            ends.push(end);
        }
        let mut entries = vec![(0, 0.0); self.entries.len()];
        for it in self.interactions() {
            let at = &mut next[it.item as usize];
            entries[*at] = (it.person, it.weight);
            *at += 1;
        }
        Self { ends, entries, items: self.persons() }
    }
}

/// A history as models read it: items that are there with weights that say something, in order, each once.
pub(super) fn tidy(history: &[(u32, f64)], items: usize) -> Vec<(u32, f64)> {
    let says = |(item, weight): &(u32, f64)| (*item as usize) < items && *weight > 0.0 && *weight <= 1e100;
    let mut own: Vec<(u32, f64)> = history.iter().copied().filter(says).collect();
    own.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    own.dedup_by(|later, first| {
        let is_same = later.0 == first.0;
        if is_same {
            first.1 += later.1;
        }
        is_same
    });
    own
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(person: u32, item: u32, weight: f64) -> Interaction {
        Interaction { person, item, weight }
    }

    #[test]
    fn weights_of_a_pair_add_up() {
        let found = Histories::of(&[row(2, 1, 0.5), row(0, 3, 1.0), row(2, 1, 0.25), row(2, 0, 0.0)], 3, 4).unwrap();
        assert_eq!((found.of_person(0), found.of_person(1)), (&[(3, 1.0)][..], &[][..]));
        assert_eq!((found.of_person(2), found.of_person(9)), (&[(1, 0.75)][..], &[][..]));
        assert_eq!((found.len(), found.persons(), found.items()), (2, 3, 4));
        assert_eq!(tidy(&[(2, 1.0), (9, 1.0), (0, f64::NAN), (2, 0.5), (1, -1.0)], 4), [(2, 1.5)]);
    }

    #[test]
    fn absurd_rows_are_named() {
        let of = |rows: &[Interaction]| Histories::of(rows, 2, 2);
        assert_eq!(of(&[row(0, 0, 1.0), row(0, 0, f64::NAN)]), Err(Fault::NotFinite { row: vec![1] }));
        assert_eq!(of(&[row(0, 0, -1.0)]), Err(Fault::Negative { row: vec![0] }));
        assert_eq!(of(&[row(0, 2, 1.0), row(2, 0, 1.0)]), Err(Fault::Missing { row: vec![0, 1] }));
        assert!(of(&[]).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn turning_twice_is_nothing(rows in prop::collection::vec((0u32..5, 0u32..6, 0u8..3), 0..30)) {
            let rows: Vec<Interaction> = rows.iter().map(|it| row(it.0, it.1, f64::from(it.2))).collect();
            let found = Histories::of(&rows, 5, 6).unwrap();
            prop_assert_eq!(found.turned().turned(), found.clone());
            prop_assert_eq!(Histories::of(&found.interactions().collect::<Vec<_>>(), 5, 6).unwrap(), found.clone());
            for (item, own) in found.turned().iter().enumerate() {
                prop_assert_eq!(own.len(), found.audience()[item] as usize);
                let weight = |person: u32| rows.iter().filter(|it| (it.person, it.item as usize) == (person, item)).map(|it| it.weight).sum::<f64>();
                prop_assert!(own.iter().all(|(person, it)| *it == weight(*person)));
            }
        }
    }
}
