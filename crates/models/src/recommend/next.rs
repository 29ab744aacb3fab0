//! The next best product: what comes after what, and which of it brings most.
//!
//! Sequential rules (Ludewig and Jannach 2018, "Evaluation of session-based recommendation algorithms", 2.2): wherever somebody took j within `steps` items after i, the rule from i to j gains 1 / (items between + 1). A rule's
//! strength is its share of all that i leads to, drawn towards zero by `doubt` more. Somebody's score for j is the sum over their newest items of strength × how new.
//!
//! Always holds: strengths of an item's rules add up to one at most; the order of events with the same time is that of items.
//!
//! Does not do: know of anything that never followed.

use super::histories::tidy;
use super::recommender::{Filter, Reason, Recommendation, Recommender};
use super::splits::Event;
use crate::fault::{Fault, none_of};

/// How rules are found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NextOptions {
    /// How many items after an item are its successors.
    pub steps: usize,
    /// How much it takes for a rule to be believed by half.
    pub doubt: f64,
}

impl Default for NextOptions {
    fn default() -> Self {
        Self { steps: 5, doubt: 5.0 }
    }
}

/// What follows each item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Next {
    rules: Vec<Vec<(u32, f64)>>,
}

/// The product to offer.
#[derive(Clone, Debug, PartialEq)]
pub struct NextBest {
    /// Which, its score, and after which of their own items it comes.
    pub offer: Recommendation,
    /// What it brings if it is taken.
    pub gain: f64,
}

impl Next {
    /// Learns from what persons took one after another.
    ///
    /// # Errors
    /// Times that are no numbers, items that are not there, a doubt below zero, fewer than two events.
    pub fn fit(events: &[Event], items: usize, options: &NextOptions) -> Result<Self, Fault> {
        if events.len() < 2 {
            return Err(Fault::TooFew { what: "events", have: events.len(), need: 2 });
        }
        none_of(events, |it| !it.at.is_finite(), |row| Fault::NotFinite { row })?;
        none_of(events, |it| it.item as usize >= items, |row| Fault::Missing { row })?;
        if options.doubt.is_nan() || options.doubt < 0.0 || options.doubt.is_infinite() {
            return Err(Fault::NotIdentified { why: "what a doubt below zero should mean" });
        }
        let mut sorted: Vec<&Event> = events.iter().collect();
        sorted.sort_by(|a, b| a.person.cmp(&b.person).then(a.at.total_cmp(&b.at)).then(a.item.cmp(&b.item)));
        let mut all: Vec<(u32, u32, f64)> = Vec::new();
        for own in sorted.chunk_by(|a, b| a.person == b.person) {
            for (at, first) in own.iter().enumerate() {
                let later = own[at + 1..].iter().take(options.steps.max(1)).enumerate();
                let other = later.filter(|it| it.1.item != first.item);
                all.extend(other.map(|(between, it)| (first.item, it.item, 1.0 / (between + 1) as f64)));
            }
        }
        all.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
        let mut rules = vec![Vec::new(); items];
        for of_item in all.chunk_by(|a, b| a.0 == b.0) {
            let sum = of_item.iter().map(|it| it.2).sum::<f64>() + options.doubt;
            let rule = |of: &[(u32, u32, f64)]| (of[0].1, of.iter().map(|it| it.2).sum::<f64>() / sum);
            rules[of_item[0].0 as usize] = of_item.chunk_by(|a, b| a.1 == b.1).map(rule).collect();
        }
        Ok(Self { rules })
    }

    /// A history as this model reads it: items in their order, the newest last, of which the newest weighs 1, the one before a half, then a third.
    pub fn recent(in_order: &[u32], most: usize) -> Vec<(u32, f64)> {
        let newest = in_order.iter().rev().take(most).enumerate();
        let mut found: Vec<(u32, f64)> = Vec::new();
        for (back, item) in newest {
            // Of an item taken twice the newer time counts.
            if found.iter().all(|it| it.0 != *item) {
                found.push((*item, 1.0 / (back + 1) as f64));
            }
        }
        found
    }

    /// Everyone's items in the order in which they took them, those at the same time in the order of items.
    pub fn in_order(events: &[Event], persons: usize) -> Vec<Vec<u32>> {
        let mut sorted: Vec<&Event> = events.iter().filter(|it| (it.person as usize) < persons).collect();
        sorted.sort_by(|a, b| a.at.total_cmp(&b.at).then(a.item.cmp(&b.item)));
        let mut found = vec![Vec::new(); persons];
        sorted.iter().for_each(|it| found[it.person as usize].push(it.item));
        found
    }

    /// What follows what, with its strength: of each item in the order of places, what follows it in the order of places.
    pub fn rules(&self) -> impl Iterator<Item = (u32, u32, f64)> {
        (0..).zip(&self.rules).flat_map(|(of, rules)| rules.iter().map(move |it| (of, it.0, it.1)))
    }

    /// What comes next for somebody who took these in this order, of which the newest `recent` say it: new to them, of equals the lower place first.
    pub fn offers(&self, in_order: &[u32], recent: usize, limit: usize) -> Vec<Recommendation> {
        let mut allowed = vec![true; self.items()];
        for it in in_order {
            if let Some(may) = allowed.get_mut(*it as usize) {
                *may = false;
            }
        }
        let filter = Filter { allowed: Some(&allowed), ..Filter::best(limit) };
        self.recommend(&Self::recent(in_order, recent), &filter)
    }

    /// The one product to offer: the most of score times what it brings, of those that are allowed. Without `gains` all bring alike. Of each item, `gains` says what is earned if it is taken; what brings
    /// nothing is not offered.
    pub fn best(&self, history: &[(u32, f64)], filter: &Filter<'_>, gains: Option<&[f64]>) -> Option<NextBest> {
        let gain = |item: u32| gains.map_or(Some(1.0), |it| it.get(item as usize).copied());
        let all = self.recommend(history, &Filter { limit: self.items(), ..*filter });
        let with = all
            .into_iter()
            .filter_map(|offer| Some((gain(offer.item).filter(|it| *it > 0.0 && it.is_finite())?, offer)));
        let worth = |it: &NextBest| it.gain * it.offer.score;
        let better = |best: NextBest, it: NextBest| if worth(&it) > worth(&best) { it } else { best };
        with.map(|(gain, offer)| NextBest { offer, gain }).reduce(better)
    }
}

impl Recommender for Next {
    fn items(&self) -> usize {
        self.rules.len()
    }

    fn scores(&self, history: &[(u32, f64)]) -> Vec<f64> {
        let mut scores = vec![0.0; self.rules.len()];
        for (own, weight) in tidy(history, self.rules.len()) {
            self.rules[own as usize].iter().for_each(|(item, strength)| scores[*item as usize] += weight * strength);
        }
        scores
    }

    fn parts(&self, history: &[(u32, f64)], of: &[u32]) -> Vec<Vec<Reason>> {
        let part = |own: &(u32, f64), item: u32| {
            let rules = self.rules.get(own.0 as usize)?;
            let at = rules.binary_search_by_key(&item, |it| it.0).ok()?;
            Some(Reason { item: own.0, part: own.1 * rules[at].1 })
        };
        of.iter().map(|item| history.iter().filter_map(|own| part(own, *item)).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CAMERA: u32 = 0;
    const CARD: u32 = 1;
    const BAG: u32 = 2;
    const LENS: u32 = 3;

    /// After a camera eight bought a card and two a bag; whoever has a card buys a lens.
    fn events() -> Vec<Event> {
        let event = |person, item, at| Event { person, item, weight: 1.0, at };
        let mut events = Vec::new();
        for person in 0..10 {
            events.push(event(person, CAMERA, 1.0));
            events.extend((person < 8).then(|| event(person, CARD, 2.0)));
            events.extend((person < 8).then(|| event(person, LENS, 3.0)));
            events.extend((person >= 8).then(|| event(person, BAG, 2.0)));
        }
        events
    }

    #[test]
    fn the_next_best_product_is_what_follows_and_brings_most() {
        let model = Next::fit(&events(), 4, &NextOptions { steps: 1, doubt: 0.0 }).unwrap();
        assert!((model.scores(&[(CAMERA, 1.0)])[CARD as usize] - 0.8).abs() < 1e-12);
        let filter = Filter::best(1);
        let best = |own: &[(u32, f64)], filter: &Filter<'_>, gains: Option<&[f64]>| {
            model.best(own, filter, gains).map(|it| it.offer.item)
        };
        assert_eq!(best(&[(CAMERA, 1.0)], &filter, None), Some(CARD));
        assert_eq!(
            best(&[(CAMERA, 1.0)], &filter, Some(&[9.0, 1.0, 5.0, 9.0])),
            Some(BAG),
            ".2 × 5 is more than .8 × 1"
        );
        let found = model.best(&Next::recent(&[CAMERA, CARD], 5), &filter, None).unwrap();
        assert_eq!((found.offer.item, found.offer.because[0].item), (LENS, CARD));
        // What they have is not next, nor what may not be offered, nor what loses money.
        assert_eq!(best(&Next::recent(&[LENS, CAMERA, CARD], 5), &filter, None), Some(BAG));
        let allowed = [true, false, true, true];
        assert_eq!(best(&[(CAMERA, 1.0)], &Filter { allowed: Some(&allowed), ..filter }, None), Some(BAG));
        assert_eq!(best(&[(CAMERA, 1.0)], &filter, Some(&[1.0, -1.0, f64::NAN])), None);
        assert_eq!(best(&[], &filter, None), None);
        assert_eq!(Next::recent(&[5, 6, 5], 9), [(5, 1.0), (6, 0.5)]);
    }

    /// A shop where one thing leads to the next: who is judged on what came next is told it by its rules, and not by what is popular.
    #[test]
    fn what_comes_next_is_told() {
        use super::super::{Evaluation, Popular, Split};
        let event =
            |person: u32, at: u32| Event { person, item: (person * 7 + at) % 12, weight: 1.0, at: f64::from(at) };
        let events: Vec<Event> = (0..60).flat_map(|person| (0..5).map(move |at| event(person, at))).collect();
        let split = &Split::rolling(&events, 60, 12, &[3.5], 1.0).unwrap()[0];
        let before: Vec<Event> = events.iter().copied().filter(|it| it.at < 3.5).collect();
        let model = Next::fit(&before, 12, &NextOptions::default()).unwrap();
        let orders = Next::in_order(&before, 60);
        let places = |found: Vec<Recommendation>| found.iter().map(|it| it.item).collect();
        let found = Evaluation::by(split, 1, |person, _| places(model.offers(&orders[person], 1, 1))).unwrap();
        assert!(found.persons.len() == 60 && found.persons.iter().all(|it| it.hit == 1.0), "{found:?}");
        let popular = Evaluation::of(&Popular::of(&split.known), split, 1).unwrap();
        // All are as popular, so the first item that somebody does not have is offered: five of twelve want that.
        assert_eq!(popular.persons.iter().map(|it| it.hit).sum::<f64>(), 25.0);
        // What they had is not offered, though it is what follows most.
        assert!(model.offers(&orders[0], 5, 12).iter().all(|it| !orders[0].contains(&it.item)));
        assert_eq!(model.rules().filter(|it| it.0 == 3).map(|it| it.1).collect::<Vec<_>>(), [4, 5, 6]);
    }

    #[test]
    fn absurd_events_are_told() {
        let mut rows = events();
        rows[2].at = f64::NAN;
        assert_eq!(Next::fit(&rows, 4, &NextOptions::default()), Err(Fault::NotFinite { row: vec![2] }));
        assert!(matches!(Next::fit(&events(), 3, &NextOptions::default()), Err(Fault::Missing { .. })));
        assert!(Next::fit(&[], 3, &NextOptions::default()).is_err());
        assert!(Next::fit(&events(), 4, &NextOptions { doubt: -1.0, steps: 1 }).is_err());
    }

    proptest! {
        #[test]
        fn strengths_are_shares(rows in prop::collection::vec((0u32..4, 0u32..5, 0u8..9), 2..40), steps in 0usize..4) {
            let events: Vec<Event> = rows.iter().map(|it| Event { person: it.0, item: it.1, weight: 1.0, at: f64::from(it.2) }).collect();
            let model = Next::fit(&events, 5, &NextOptions { steps, doubt: 1.0 }).unwrap();
            for rules in &model.rules {
                prop_assert!(rules.iter().map(|it| it.1).sum::<f64>() < 1.0 && rules.iter().all(|it| it.1 > 0.0));
            }
            let mut turned = events;
            turned.reverse();
            prop_assert_eq!(Next::fit(&turned, 5, &NextOptions { steps, doubt: 1.0 }).unwrap(), model);
        }
    }
}
