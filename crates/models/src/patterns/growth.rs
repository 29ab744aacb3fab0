//! Growth by projection: a pattern grows by one item, into its last step or as a step of its own, and needs of each person only where its last step may lie.
//!
//! With limits on gaps the first place that fits is not enough: a later one may reach further. So all places of the last step are kept, each with the latest
//! first step that leads there. That latest one never decreases from place to place, so of all places before a next step the last allowed one is best, for the
//! gap and for the span.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Limits, Pattern, Patterns, Step};
use crate::fault::Fault;

/// Why there is no list of patterns.
const TOO_MANY: Fault = Fault::NotIdentified {
    why: "which patterns matter: too many have this support, so ask for more of it, for shorter ones or for narrower gaps",
};

/// Where a pattern's last step may lie: whose, which step, and the latest first step that leads there.
#[derive(Clone, Copy)]
struct Place {
    person: u32,
    step: u32,
    first: u32,
}

/// The places of each next item.
#[derive(Default)]
struct Next {
    places: Vec<Vec<Place>>,
    seen: Vec<u32>,
}

struct Growth<'a> {
    persons: Vec<Vec<(f64, Vec<u32>)>>,
    outcome: &'a [bool],
    names: Vec<u32>,
    limits: &'a Limits,
    least: u64,
    /// Of the best so many, their counts, the least on top.
    best: Option<(usize, BinaryHeap<Reverse<u64>>)>,
    found: Vec<Pattern>,
    pattern: Vec<Vec<u32>>,
    spare: Vec<Next>,
}

pub(super) fn grow(
    persons: &[Vec<Step>],
    outcome: &[bool],
    limits: &Limits,
    top: Option<usize>,
) -> Result<Patterns, Fault> {
    let least = limits.support.least(persons.len() as u64).max(1);
    let names = frequent(persons, least);
    let rank = |item: &u32| names.binary_search(item).ok().map(|at| at as u32);
    let known = |step: &Step| {
        let mut ranks: Vec<u32> = step.items.iter().filter_map(rank).collect();
        ranks.sort_unstable();
        ranks.dedup();
        (step.time, ranks)
    };
    let kept = |steps: &Vec<Step>| steps.iter().map(known).filter(|it| !it.1.is_empty()).collect();
    let ranked: Vec<Vec<(f64, Vec<u32>)>> = persons.iter().map(kept).collect();
    let best = top.map(|k| (k.max(1), BinaryHeap::new()));
    let (found, pattern, spare) = (Vec::new(), Vec::new(), Vec::new());
    let mut growth = Growth { persons: ranked, outcome, names, limits, least, best, found, pattern, spare };
    if limits.longest > 0 {
        growth.begin()?;
    }
    let Growth { mut found, least, .. } = growth;
    found.retain(|it| it.persons >= least);
    found.sort_by(|a, b| b.persons.cmp(&a.persons).then(a.items().cmp(&b.items())).then(a.steps.cmp(&b.steps)));
    let with_outcome = outcome.iter().filter(|it| **it).count() as u64;
    Ok(Patterns { patterns: found, persons: persons.len() as u64, with_outcome })
}

/// The items that enough persons have, ascending.
fn frequent(persons: &[Vec<Step>], least: u64) -> Vec<u32> {
    let mut all = Vec::new();
    for steps in persons {
        let mut own: Vec<u32> = steps.iter().flat_map(|it| it.items.iter().copied()).collect();
        own.sort_unstable();
        own.dedup();
        all.extend(own);
    }
    all.sort_unstable();
    all.chunk_by(|a, b| a == b).filter(|same| same.len() as u64 >= least).map(|same| same[0]).collect()
}

impl Growth<'_> {
    fn begin(&mut self) -> Result<(), Fault> {
        let mut next = self.taken();
        for (person, steps) in self.persons.iter().enumerate() {
            for (step, (_, items)) in steps.iter().enumerate() {
                let place = Place { person: person as u32, step: step as u32, first: step as u32 };
                items.iter().for_each(|item| next.add(*item, place));
            }
        }
        self.each(next, true)
    }

    /// Grows the pattern whose last step may lie at these places.
    fn extend(&mut self, places: &[Place]) -> Result<(), Fault> {
        if self.items() >= self.limits.longest {
            return Ok(());
        }
        let last = *self.pattern.last().and_then(|it| it.last()).expect("a pattern has items");
        let (mut within, mut after) = (self.taken(), self.taken());
        for own in places.chunk_by(|a, b| a.person == b.person) {
            let steps = &self.persons[own[0].person as usize];
            for place in own {
                let items = &steps[place.step as usize].1;
                items[items.partition_point(|it| *it <= last)..].iter().for_each(|item| within.add(*item, *place));
            }
            self.follow(own, &mut after);
        }
        self.each(within, false)?;
        self.each(after, true)
    }

    /// The items of the steps that may follow one of a person's places.
    fn follow(&self, own: &[Place], after: &mut Next) {
        let steps = &self.persons[own[0].person as usize];
        let mut latest = None;
        let mut waiting = own.iter().peekable();
        for (at, (time, items)) in steps.iter().enumerate().skip(own[0].step as usize + 1) {
            let allowed =
                |it: &&Place| (it.step as usize) < at && time - steps[it.step as usize].0 >= self.limits.least_gap;
            while let Some(place) = waiting.next_if(|it| allowed(it)) {
                latest = Some(place);
            }
            let Some(from) = latest else { continue };
            let (gap, span) = (time - steps[from.step as usize].0, time - steps[from.first as usize].0);
            if gap <= self.limits.longest_gap && span <= self.limits.window {
                items.iter().for_each(|item| after.add(*item, Place { step: at as u32, ..*from }));
            }
        }
    }

    /// Takes up every item that enough persons have next, the most common first, as a step of its own or into the last one.
    fn each(&mut self, mut next: Next, own_step: bool) -> Result<(), Fault> {
        let mut order: Vec<(u64, u32)> =
            next.seen.iter().map(|item| (persons(&next.places[*item as usize]), *item)).collect();
        order.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        for (count, item) in order {
            if count < self.least {
                break;
            }
            if own_step {
                self.pattern.push(vec![item]);
            } else {
                self.pattern.last_mut().expect("a pattern has steps").push(item);
            }
            let places = std::mem::take(&mut next.places[item as usize]);
            self.add(count, &places)?;
            self.extend(&places)?;
            next.places[item as usize] = places;
            if own_step {
                self.pattern.pop();
            } else {
                self.pattern.last_mut().expect("a pattern has steps").pop();
            }
        }
        next.clear();
        self.spare.push(next);
        Ok(())
    }

    fn add(&mut self, count: u64, places: &[Place]) -> Result<(), Fault> {
        if self.items() < self.limits.shortest {
            return Ok(());
        }
        if let Some((k, counts)) = &mut self.best {
            counts.push(Reverse(count));
            if counts.len() > *k {
                counts.pop();
            }
            if counts.len() == *k {
                self.least = self.least.max(counts.peek().map_or(0, |it| it.0));
            }
        }
        if self.found.len() >= self.limits.most {
            let least = self.least;
            self.found.retain(|it| it.persons >= least);
            if self.found.len() >= self.limits.most {
                return Err(TOO_MANY);
            }
        }
        let steps = self.pattern.iter().map(|step| step.iter().map(|it| self.names[*it as usize]).collect()).collect();
        let had = |own: &&[Place]| self.outcome.get(own[0].person as usize).copied().unwrap_or_default();
        let with_outcome = places.chunk_by(|a, b| a.person == b.person).filter(had).count() as u64;
        self.found.push(Pattern { steps, persons: count, with_outcome });
        Ok(())
    }

    fn items(&self) -> usize {
        self.pattern.iter().map(Vec::len).sum()
    }

    fn taken(&mut self) -> Next {
        let mut next = self.spare.pop().unwrap_or_default();
        next.places.resize_with(self.names.len(), Vec::new);
        next
    }
}

impl Next {
    fn add(&mut self, item: u32, place: Place) {
        let places = &mut self.places[item as usize];
        if places.is_empty() {
            self.seen.push(item);
        }
        places.push(place);
    }

    fn clear(&mut self) {
        for item in self.seen.drain(..) {
            self.places[item as usize].clear();
        }
    }
}

/// How many persons the places belong to.
fn persons(places: &[Place]) -> u64 {
    places.chunk_by(|a, b| a.person == b.person).count() as u64
}
