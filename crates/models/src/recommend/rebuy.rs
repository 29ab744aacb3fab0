//! In what time an item is bought again, by everybody and by one person.
//!
//! An item's cycle is the median of the times between two purchases of it by the same person. A person's own cycle is the median of theirs, drawn towards the item's with the weight of one time between.
//!
//! Always holds: a cycle is above zero.
//!
//! Does not do: say when a next order comes whatever is in it; that is what [`crate::buying`] is for.

use super::splits::Event;

/// Of each item its cycle, where it has one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cycles {
    of_item: Vec<Option<f64>>,
}

/// The middle one, of two the mean.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len().checked_sub(1)? / 2;
    Some(if values.len() % 2 == 1 { values[middle] } else { values[middle] / 2.0 + values[middle + 1] / 2.0 })
}

/// The times between, in the order of times; what is at one time is one.
fn gaps(times: &[f64]) -> impl Iterator<Item = f64> {
    times.windows(2).map(|pair| pair[1] - pair[0]).filter(|it| it.is_finite() && *it > 0.0)
}

impl Cycles {
    /// Of `items` items; one has a cycle where at least `least` persons bought it again. Times that are no numbers are left out.
    pub fn of(events: &[Event], items: usize, least: usize) -> Self {
        let mut sorted: Vec<&Event> =
            events.iter().filter(|it| it.at.is_finite() && (it.item as usize) < items).collect();
        sorted.sort_by(|a, b| (a.item, a.person).cmp(&(b.item, b.person)).then(a.at.total_cmp(&b.at)));
        let mut of_item = vec![None; items];
        for of in sorted.chunk_by(|a, b| a.item == b.item) {
            // Each person's median, so that one who buys it daily is one.
            let of_person = |own: &[&Event]| median(gaps(&own.iter().map(|it| it.at).collect::<Vec<_>>()).collect());
            let own: Vec<f64> = of.chunk_by(|a, b| a.person == b.person).filter_map(of_person).collect();
            if own.len() >= least.max(1) {
                of_item[of[0].item as usize] = median(own);
            }
        }
        Self { of_item }
    }

    /// An item's.
    pub fn of_item(&self, item: u32) -> Option<f64> {
        self.of_item.get(item as usize).copied().flatten()
    }

    /// That of somebody who bought an item at these times, in their order. `None` where neither they nor others buy it again.
    pub fn of_person(&self, item: u32, times: &[f64]) -> Option<f64> {
        let own: Vec<f64> = gaps(times).collect();
        let n = own.len() as f64;
        match (median(own), self.of_item(item)) {
            (Some(own), Some(all)) => Some((n * own + all) / (n + 1.0)),
            (own, all) => own.or(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cycles_by_hand() {
        let event = |person, item, at| Event { person, item, weight: 1.0, at };
        let events = [
            event(0, 0, 0.0),
            event(0, 0, 10.0),
            event(0, 0, 30.0),
            event(1, 0, 5.0),
            event(1, 0, 45.0),
            event(2, 1, 3.0),
        ];
        let found = Cycles::of(&events, 2, 2);
        // The medians of the two persons are 15 and 40.
        assert_eq!((found.of_item(0), found.of_item(1), found.of_item(9)), (Some(27.5), None, None));
        assert_eq!(Cycles::of(&events, 2, 3).of_item(0), None);
        assert_eq!(found.of_person(0, &[1.0]), Some(27.5));
        assert_eq!(found.of_person(0, &[0.0, 10.0]), Some(18.75));
        assert_eq!((found.of_person(1, &[0.0, 7.0, 7.0]), found.of_person(1, &[0.0])), (Some(7.0), None));
    }

    proptest! {
        #[test]
        fn cycles_are_above_zero(rows in prop::collection::vec((0u32..3, 0u32..4, prop::num::f64::ANY), 0..40), least in 0usize..3) {
            let events: Vec<Event> = rows.iter().map(|it| Event { person: it.0, item: it.1, weight: 1.0, at: it.2 }).collect();
            let found = Cycles::of(&events, 3, least);
            prop_assert!((0..4).filter_map(|it| found.of_item(it)).all(|it| it > 0.0 && it.is_finite()));
        }
    }
}
