//! The windows at the end of the past: what was known at the beginning of each, and what was taken in it.
//!
//! Always holds: of a window's own time, and of what came after, nothing is known at its beginning; weights are faded as of then.

use rapport_domain::Timestamp;
use rapport_models::Fault;
use rapport_models::recommend::{Histories, Interaction, Neighbours, Split};

use super::super::Settings;
use super::super::build::{Gathered, Touched};
use super::super::history::Touch;
use super::content::Seen;

/// More people than this are thinned, evenly: the choice takes time with their number.
const MOST_PEOPLE: usize = 100_000;
/// Offers of more people than this are not judged in a window.
const MOST_JUDGED: usize = 5_000;

/// A week in microseconds.
pub(super) const fn week() -> i64 {
    7 * Timestamp::DAY
}

/// What was gathered.
#[derive(Debug)]
pub(super) struct Windows {
    touches: Vec<Touched>,
    items: usize,
    people: usize,
    orders: usize,
    restricted: usize,
    settings: Settings,
    first: Timestamp,
    cuts: [Timestamp; 3],
    end: Timestamp,
}

impl Windows {
    pub(super) fn of(
        mut gathered: Gathered,
        settings: &Settings,
        (first, cuts, end): (Timestamp, [Timestamp; 3], Timestamp),
        restricted: usize,
    ) -> Self {
        gathered.merge();
        let orders = gathered.baskets.len();
        // In the order of ids, so that nothing depends on the order of events.
        let (items, moved) = gathered.catalogue.finish();
        let mut touches = gathered.touches;
        touches.iter_mut().for_each(|it| it.item = moved[it.item as usize]);
        touches.sort_unstable_by_key(|it| (it.person, it.item, it.span));
        let people = touches.chunk_by(|a, b| a.person == b.person).count();
        let step = people.div_ceil(MOST_PEOPLE).max(1);
        if step > 1 {
            let some = touches.chunk_by(|a, b| a.person == b.person).step_by(step);
            touches = some.flatten().copied().collect();
        }
        Self { touches, items: items.len(), people, orders, restricted, settings: *settings, first, cuts, end }
    }

    pub(super) fn seen(&self) -> Seen {
        Seen {
            from: self.first.0,
            until: self.end.0,
            people: self.people as u64,
            items: self.items as u64,
            orders: self.orders as u64,
            restricted: self.restricted as u64,
        }
    }

    /// From when to when the last window goes.
    pub(super) const fn last(&self) -> (Timestamp, Timestamp) {
        (self.cuts[2], self.end)
    }

    /// What plans are tried on, and what the best is judged on.
    pub(super) fn splits(&self) -> Result<(Vec<Split>, Split), Fault> {
        Ok((vec![self.split(0)?, self.split(1)?], self.split(2)?))
    }

    fn split(&self, window: u8) -> Result<Split, Fault> {
        let cut = self.cuts[usize::from(window)];
        let (mut known, mut wanted, mut persons) = (Vec::new(), Vec::new(), 0);
        for (person, of_person) in (0_u32..).zip(self.touches.chunk_by(|a, b| a.person == b.person)) {
            persons += 1;
            let mut own: Vec<(u32, Touch)> = Vec::new();
            for of_item in of_person.chunk_by(|a, b| a.item == b.item) {
                let item = of_item[0].item;
                // Span n is after n of the cuts, so window n is span n + 1.
                let before = of_item.iter().filter(|it| it.span <= window).map(|it| it.touch);
                match before.reduce(joined) {
                    Some(touch) => own.push((item, touch)),
                    None if of_item.iter().any(|it| it.span == window + 1 && it.touch.bought.is_some()) => {
                        wanted.push(Interaction { person, item, weight: 1.0 });
                    }
                    None => {}
                }
            }
            own.sort_unstable_by(|a, b| b.1.last().cmp(&a.1.last()).then(a.0.cmp(&b.0)));
            let newest = own.into_iter().take(Neighbours::MOST_ITEMS);
            known.extend(newest.map(|(item, touch)| Interaction {
                person,
                item,
                weight: touch.weight(cut, &self.settings),
            }));
        }
        let known = Histories::of(&known, persons, self.items)?;
        let audience = known.audience();
        let before = wanted.len();
        wanted.retain(|it| audience[it.item as usize] > 0);
        let unreachable = before - wanted.len();
        Ok(Split { wanted: Histories::of(&thinned(wanted), persons, self.items)?, known, unreachable })
    }
}

fn joined(mut one: Touch, other: Touch) -> Touch {
    one.merge(other);
    one
}

/// What some of the people wanted, evenly chosen, where there are too many.
fn thinned(wanted: Vec<Interaction>) -> Vec<Interaction> {
    let people = wanted.chunk_by(|a, b| a.person == b.person).count();
    let step = people.div_ceil(MOST_JUDGED).max(1);
    if step == 1 {
        return wanted;
    }
    wanted.chunk_by(|a, b| a.person == b.person).step_by(step).flatten().copied().collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// Who, which item, at which hour, whether it was bought.
    pub(in super::super) type Happened = (i64, u32, i64, bool);

    fn at(hour: i64) -> Timestamp {
        Timestamp(hour * Timestamp::HOUR)
    }

    /// As if these events had been gathered.
    pub(in super::super) fn windows(events: &[Happened], items: usize, cuts: [i64; 3], end: i64) -> Windows {
        let mut touches: Vec<Touched> = Vec::new();
        for (person, item, hour, is_bought) in events {
            let time = Some(at(*hour).0);
            let span = u8::try_from(cuts.iter().filter(|cut| *cut <= hour).count()).unwrap();
            let touch =
                if *is_bought { Touch { bought: time, viewed: None } } else { Touch { viewed: time, bought: None } };
            let is_same = |it: &&mut Touched| (it.person, it.item, it.span) == (*person, *item, span);
            match touches.iter_mut().find(is_same) {
                Some(it) => it.touch.merge(touch),
                None => touches.push(Touched { person: *person, item: *item, span, touch }),
            }
        }
        touches.sort_by_key(|it| (it.person, it.item, it.span));
        let people = touches.chunk_by(|a, b| a.person == b.person).count();
        Windows {
            touches,
            items,
            people,
            orders: events.iter().filter(|it| it.3).count(),
            restricted: 0,
            settings: Settings::default(),
            first: at(0),
            cuts: cuts.map(at),
            end: at(end),
        }
    }

    proptest! {
        /// Oracle: look at every event, each time. Of the future nothing is known, neither that nor when.
        #[test]
        fn what_is_known_and_what_is_wanted(events in prop::collection::vec((0i64..5, 0u32..6, 0i64..80, any::<bool>()), 1..60)) {
            let bounds = [20, 40, 60, 80];
            let (tried, judged) = windows(&events, 6, [20, 40, 60], 80).splits().unwrap();
            let persons: BTreeSet<i64> = events.iter().map(|it| it.0).collect();
            for (window, split) in tried.iter().chain([&judged]).enumerate() {
                let (cut, next) = (bounds[window], bounds[window + 1]);
                let mut known: BTreeMap<(usize, u32), f64> = BTreeMap::new();
                for (place, person) in persons.iter().enumerate() {
                    for item in 0..6 {
                        let last = |bought: bool| events.iter().filter(|it| (it.0, it.1, it.3) == (*person, item, bought) && it.2 < cut).map(|it| it.2).max();
                        let worth = |hour: Option<i64>| hour.map_or(0.0, |hour| 0.5_f64.powf((cut - hour) as f64 / 24.0 / 90.0));
                        if last(true).is_some() || last(false).is_some() {
                            known.insert((place, item), worth(last(true)) + 0.3 * worth(last(false)));
                        }
                    }
                }
                let had: Vec<_> = split.known.interactions().map(|it| (it.person as usize, it.item)).collect();
                prop_assert_eq!(&had, &known.keys().copied().collect::<Vec<_>>());
                for it in split.known.interactions() {
                    prop_assert!((it.weight - known[&(it.person as usize, it.item)]).abs() < 1e-9);
                }
                let (mut wanted, mut unreachable) = (BTreeSet::new(), BTreeSet::new());
                for (person, item, _, _) in events.iter().filter(|it| it.3 && (cut..next).contains(&it.2)) {
                    let place = persons.iter().position(|it| it == person).unwrap();
                    if known.contains_key(&(place, *item)) {
                        continue;
                    }
                    let is_known = known.keys().any(|it| it.1 == *item);
                    if is_known { &mut wanted } else { &mut unreachable }.insert((place, *item));
                }
                let found: BTreeSet<_> = split.wanted.interactions().map(|it| (it.person as usize, it.item)).collect();
                prop_assert_eq!(found, wanted);
                prop_assert_eq!(split.unreachable, unreachable.len());
            }
        }
    }
}
