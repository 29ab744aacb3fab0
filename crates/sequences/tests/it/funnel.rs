//! Funnels against an oracle that writes down every chain: all arrangements of tied events, all runs or sub-sequences of each.
//!
//! Inputs are short and crowded on purpose: few instants, several producers, events that match several steps, windows whose
//! edge is hit.

use proptest::prelude::*;
use rapport_sequences::order::{self, order_key, producer};
use rapport_sequences::{Funnel, FunnelMode, FunnelSpec, FunnelSpecError, StepEvent};

/// Step and position of each event of a chain, in the chain's order.
type Chain = Vec<(usize, usize)>;

struct Oracle<'a> {
    spec: FunnelSpec,
    events: &'a [StepEvent],
    /// Positions of the events that play a part.
    parts: Vec<usize>,
}

impl<'a> Oracle<'a> {
    fn new(spec: FunnelSpec, events: &'a [StepEvent]) -> Self {
        let bits = ((1 << spec.steps) - 1) | spec.exclusions;
        let concerns = |i: &usize| spec.mode == FunnelMode::Strict || events[*i].steps & bits != 0;
        Self { spec, events, parts: (0..events.len()).filter(concerns).collect() }
    }

    fn before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.events[a], &self.events[b]);
        let mut there = self.parts.iter().map(|i| &self.events[*i]).filter(|e| e.time == a.time);
        a.time < b.time
            || a.time == b.time
                && there.all(|e| producer(e.order_key) == producer(a.order_key))
                && a.order_key < b.order_key
    }

    /// Number of events before this one: equal for tied events, and ascending with time.
    fn rank(&self, event: usize) -> usize {
        self.parts.iter().filter(|other| self.before(**other, event)).count()
    }

    fn matches(&self, step: usize, event: usize) -> bool {
        self.events[event].steps & (1 << step) != 0
    }

    /// Every order in which the events may have happened.
    fn arrangements(&self) -> Vec<Vec<usize>> {
        let mut all: Vec<Vec<usize>> = vec![Vec::new()];
        for _ in 0..self.parts.len() {
            let mut longer = Vec::new();
            for arrangement in all {
                for next in self.parts.iter().filter(|event| !arrangement.contains(event)) {
                    if arrangement.iter().all(|earlier| !self.before(*next, *earlier)) {
                        let mut arrangement = arrangement.clone();
                        arrangement.push(*next);
                        longer.push(arrangement);
                    }
                }
            }
            all = longer;
        }
        all
    }

    fn chains(&self) -> Vec<Chain> {
        let mut chains = Vec::new();
        match self.spec.mode {
            FunnelMode::AnyOrder => self.assign(0, &mut Vec::new(), &mut chains),
            FunnelMode::Ordered => {
                for arrangement in self.arrangements() {
                    for chosen in 1_u32..1 << arrangement.len() {
                        let events = (0..arrangement.len()).filter(|i| chosen & (1 << i) != 0).map(|i| arrangement[i]);
                        chains.push(events.enumerate().collect());
                    }
                }
            }
            FunnelMode::Strict => {
                for arrangement in self.arrangements() {
                    for first in 0..arrangement.len() {
                        for end in first + 1..=arrangement.len() {
                            chains.push(arrangement[first..end].iter().copied().enumerate().collect());
                        }
                    }
                }
            }
        }
        chains.retain(|chain| self.holds(chain));
        chains
    }

    /// Any order: every step has some event of its own, or none.
    fn assign(&self, step: usize, chain: &mut Chain, chains: &mut Vec<Chain>) {
        if step == self.spec.steps {
            if !chain.is_empty() {
                chains.push(chain.clone());
            }
            return;
        }
        self.assign(step + 1, chain, chains);
        for event in &self.parts {
            if self.matches(step, *event) && chain.iter().all(|(_, used)| used != event) {
                chain.push((step, *event));
                self.assign(step + 1, chain, chains);
                chain.pop();
            }
        }
    }

    fn entry(&self, chain: &Chain) -> usize {
        chain.iter().map(|(_, event)| *event).min_by_key(|event| self.rank(*event)).unwrap()
    }

    fn end(&self, chain: &Chain) -> usize {
        chain.iter().map(|(_, event)| *event).max_by_key(|event| self.rank(*event)).unwrap()
    }

    /// Steps, window and exclusions.
    fn holds(&self, chain: &Chain) -> bool {
        let (entry, end) = (self.entry(chain), self.end(chain));
        chain.iter().all(|(step, event)| *step < self.spec.steps && self.matches(*step, *event))
            && self.events[end].time.abs_diff(self.events[entry].time) <= self.spec.window
            && !self.parts.iter().any(|x| {
                self.events[*x].steps & self.spec.exclusions != 0 && self.before(entry, *x) && self.before(*x, end)
            })
    }
}

fn event() -> impl Strategy<Value = StepEvent> {
    let mask = prop_oneof![3 => (0u32..5).prop_map(|bit| 1 << bit), 2 => 0u32..32];
    (0i64..6, 0u32..3, 0u32..3, mask).prop_map(|(time, device, counter, steps)| StepEvent {
        time,
        order_key: order_key(device, counter),
        steps,
        index: 0,
    })
}

/// Sorted events; half of the cases have no producers, so that all equal times tie.
fn events(longest: usize) -> impl Strategy<Value = Vec<StepEvent>> {
    (prop::collection::vec(event(), 0..=longest), any::<bool>()).prop_map(|(mut events, keys)| {
        for (index, event) in (0..).zip(&mut events) {
            event.index = index;
            event.order_key *= i64::from(keys);
        }
        order::sort(&mut events);
        events
    })
}

fn spec() -> impl Strategy<Value = FunnelSpec> {
    let mode = prop::sample::select(vec![FunnelMode::Ordered, FunnelMode::Strict, FunnelMode::AnyOrder]);
    (1usize..=4, 0u64..7, mode, any::<bool>()).prop_map(|(steps, window, mode, exclude)| FunnelSpec {
        steps,
        window,
        mode,
        exclusions: u32::from(exclude) << steps,
    })
}

/// Nearly every event fits, at three instants: chains run through whole tie groups.
fn crowded() -> impl Strategy<Value = (FunnelSpec, Vec<StepEvent>)> {
    let event = (0i64..3, prop_oneof![(0u32..4).prop_map(|bit| 1 << bit), 1u32..16]);
    (spec(), 3usize..=4, prop::collection::vec(event, 4..=6)).prop_map(|(spec, steps, events)| {
        let spec = FunnelSpec { steps, window: spec.window % 4, exclusions: 0, ..spec };
        let event = |(index, (time, steps))| StepEvent { time, order_key: 0, steps, index };
        let mut events: Vec<StepEvent> = (0..).zip(events).map(event).collect();
        order::sort(&mut events);
        (spec, events)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn equals_every_chain_written_down((spec, events) in prop_oneof![2 => (spec(), events(6)), 1 => crowded()]) {
        let mut funnel = Funnel::new(spec).unwrap();
        let oracle = Oracle::new(spec, &events);
        let chains = oracle.chains();
        let level = chains.iter().map(Vec::len).max().unwrap_or(0);
        prop_assert_eq!(funnel.level(&events), level);

        let told = funnel.conversion(&events);
        prop_assert_eq!(told.level, level);
        let steps: Chain = (0..spec.steps).filter_map(|step| Some((step, told.event(step)?))).collect();
        prop_assert_eq!(steps.len(), level);
        if level == 0 {
            return Ok(());
        }
        let ranks = |chain: &Chain| -> Vec<usize> {
            let mut ranks: Vec<usize> = chain.iter().map(|(_, event)| oracle.rank(*event)).collect();
            ranks.sort_unstable();
            ranks
        };
        // Complete first, then entered last, then in order: the others early; in any order: the others late.
        let deepest: Vec<&Chain> = chains.iter().filter(|chain| chain.len() == level).collect();
        let end = deepest.iter().map(|chain| oracle.rank(oracle.end(chain))).min().unwrap();
        let first: Vec<&Chain> = deepest.into_iter().filter(|chain| oracle.rank(oracle.end(chain)) == end).collect();
        let entry = first.iter().map(|chain| oracle.rank(oracle.entry(chain))).max().unwrap();
        let best = first.into_iter().filter(|chain| oracle.rank(oracle.entry(chain)) == entry).map(ranks);
        let best = if spec.mode == FunnelMode::AnyOrder { best.max() } else { best.min() };
        prop_assert!(oracle.holds(&steps), "{:?} is no chain", steps);
        prop_assert!(chains.contains(&steps) || spec.mode == FunnelMode::AnyOrder, "{:?} is no chain", steps);
        prop_assert_eq!(Some(ranks(&steps)), best);
    }

    #[test]
    fn by_entry_equals_chains_by_entry(spec in spec(), events in events(6), cuts in prop::collection::btree_set(0i64..7, 1..4)) {
        let boundaries: Vec<i64> = cuts.into_iter().collect();
        let oracle = Oracle::new(spec, &events);
        let chains = oracle.chains();
        let mut expected = vec![0; boundaries.len() - 1];
        for chain in &chains {
            let entry = events[oracle.entry(chain)].time;
            if let Some(i) = boundaries.windows(2).position(|w| w[0] <= entry && entry < w[1]) {
                expected[i] = expected[i].max(chain.len());
            }
        }
        let mut levels = vec![0; boundaries.len() - 1];
        Funnel::new(spec).unwrap().levels_by_entry(&events, &boundaries, |i, level| levels[i] = level);
        prop_assert_eq!(levels, expected);
    }

    #[test]
    fn arrival_does_not_matter(spec in spec(), events in events(9), swaps in prop::collection::vec((0usize..9, 0usize..9), 8)) {
        let mut other = events.clone();
        for (a, b) in swaps {
            if a < other.len() && b < other.len() {
                other.swap(a, b);
            }
        }
        order::sort(&mut other);
        prop_assert_eq!(&other, &events);
        // Events that play no part may be left out.
        let mut funnel = Funnel::new(spec).unwrap();
        let level = funnel.level(&events);
        other.retain(|event| spec.concerns(event));
        prop_assert_eq!(funnel.level(&other), level);
    }

    #[test]
    fn levels_nest(spec in spec(), mut events in events(12)) {
        // Events that play a part in one funnel but not in the other could make producers meet, and so loosen the order.
        events.retain(|event| event.steps & ((1 << spec.steps) - 1) != 0);
        let level = |mode, exclusions, window| {
            Funnel::new(FunnelSpec { mode, exclusions, window, ..spec }).unwrap().level(&events)
        };
        let free = level(FunnelMode::Ordered, 0, spec.window);
        prop_assert!(level(FunnelMode::Strict, 0, spec.window) <= free);
        prop_assert!(free <= level(FunnelMode::AnyOrder, 0, spec.window));
        prop_assert!(level(FunnelMode::Ordered, spec.exclusions, spec.window) <= free);
        prop_assert!(free <= level(FunnelMode::Ordered, 0, spec.window + 1));
        // Step 1 of an ordered funnel: exactly those with a step 1 event, whatever is excluded.
        let first = events.iter().any(|event| event.steps & 1 != 0);
        prop_assert_eq!(level(FunnelMode::Ordered, spec.exclusions, spec.window) >= 1, first);
        prop_assert_eq!(level(FunnelMode::Strict, spec.exclusions, spec.window) >= 1, first);
    }
}

/// Events one second apart from letters, one tie group a word: "A x" is A, then something that is no step; "(AB)" ties.
fn walk(text: &str) -> Vec<StepEvent> {
    let mut time = 0;
    let mut tied = false;
    let mut events = Vec::new();
    for letter in text.chars() {
        match letter {
            '(' => tied = true,
            ')' => tied = false,
            ' ' => continue,
            _ => {
                let steps = match letter {
                    'A' | 'B' | 'C' => 1 << (letter as u32 - 'A' as u32),
                    'x' => 1 << 3,
                    _ => 0,
                };
                events.push(StepEvent { time, order_key: 0, steps, index: events.len() as u32 });
            }
        }
        time += i64::from(!tied);
    }
    events
}

#[test]
fn the_examples_of_the_manual() {
    use FunnelMode::{AnyOrder, Ordered, Strict};
    for (mode, exclude, text, level) in [
        (Ordered, false, "A x B C", 3),
        (Ordered, false, "B A C", 1),
        (Ordered, false, "(BA) C", 3),
        (Strict, false, "A x B", 1),
        (Strict, false, "A - B", 1),
        (Strict, false, "(xA) B", 2),
        (Strict, false, "A (xB)", 2),
        (Strict, false, "A (xB) C", 2),
        (AnyOrder, false, "C A", 2),
        (Ordered, true, "A x B", 1),
        (Ordered, true, "A x A B", 2),
        (Ordered, true, "(Ax) B", 2),
        (Ordered, true, "A (xB)", 2),
        (Ordered, true, "A (xB) C", 2),
        (AnyOrder, true, "C x A", 1),
        (AnyOrder, true, "C (xA) B", 2),
    ] {
        let exclusions = if exclude { 1 << 3 } else { 0 };
        let mut funnel = Funnel::new(FunnelSpec { steps: 3, window: 100, mode, exclusions }).unwrap();
        assert_eq!(funnel.level(&walk(text)), level, "{mode:?} {text}");
    }
}

#[test]
fn a_strict_chain_runs_through_a_tie_it_uses_up() {
    let mut funnel =
        Funnel::new(FunnelSpec { steps: 4, window: 100, mode: FunnelMode::Strict, exclusions: 0 }).unwrap();
    assert_eq!(funnel.level(&[(0, 0b1), (1, 0b100), (1, 0b10), (2, 0b1000)]), 4);
    assert_eq!(funnel.level(&[(0, 0b1), (1, 0b100), (1, 0b10), (1, 0), (2, 0b1000)]), 3);
}

#[test]
fn equal_steps_need_events_of_their_own() {
    let mut funnel =
        Funnel::new(FunnelSpec { steps: 3, window: 100, mode: FunnelMode::Ordered, exclusions: 0 }).unwrap();
    let (a, b) = (0b011, 0b100);
    assert_eq!(funnel.level(&[(0, a), (1, b)]), 1);
    assert_eq!(funnel.level(&[(0, a), (1, a), (2, b)]), 3);
    assert_eq!(funnel.level(&[(0, a), (0, b), (0, a)]), 3);
}

#[test]
fn a_new_entry_ends_no_chain_and_the_window_includes_its_end() {
    let mut funnel =
        Funnel::new(FunnelSpec { steps: 3, window: 10, mode: FunnelMode::Ordered, exclusions: 0 }).unwrap();
    let told = funnel.conversion(&[(0, 1), (9, 2), (10, 1), (10, 4)]);
    assert_eq!((told.level, told.event(0), told.event(1), told.event(2)), (3, Some(0), Some(1), Some(3)));
    assert_eq!(funnel.level(&[(0, 1), (9, 2), (11, 4)]), 2);
    assert_eq!(funnel.level(&[(i64::MIN, 1), (i64::MAX, 2)]), 1);
}

#[test]
fn all_32_steps() {
    for mode in [FunnelMode::Ordered, FunnelMode::Strict, FunnelMode::AnyOrder] {
        let spec = FunnelSpec { steps: 32, window: 1_000, mode, exclusions: 0 };
        let mut funnel = Funnel::new(spec).unwrap();
        let apart: Vec<(i64, u32)> = (0..32).map(|step| (i64::from(step), 1 << step)).collect();
        assert_eq!(funnel.level(&apart), 32);
        // All at one instant: any one of them could have been first.
        let tied: Vec<(i64, u32)> = (0..32).rev().map(|step| (0, 1 << step)).collect();
        assert_eq!(funnel.level(&tied), 32);
        assert_eq!(funnel.level(&vec![(0, u32::MAX); 5_000]), 32);
    }
}

#[test]
fn wrong_questions_are_refused() {
    let spec = FunnelSpec { steps: 3, window: 0, mode: FunnelMode::Ordered, exclusions: 0 };
    let error = |spec| Funnel::new(spec).err();
    assert_eq!(error(FunnelSpec { steps: 0, ..spec }), Some(FunnelSpecError::NumberOfSteps));
    assert_eq!(error(FunnelSpec { steps: 33, ..spec }), Some(FunnelSpecError::NumberOfSteps));
    assert_eq!(error(FunnelSpec { exclusions: 0b100, ..spec }), Some(FunnelSpecError::ExclusionIsStep));
    assert_eq!(error(FunnelSpec { exclusions: 0b1000, ..spec }), None);
}
