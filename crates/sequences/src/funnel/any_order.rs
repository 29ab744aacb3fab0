//! Any-order funnels: the most steps that different events within one window can fill.
//!
//! Always holds: the steps' holders are, of all sets of events that can fill different steps, one of the most recent: sets of events
//! that can fill different steps are the independent sets of a matroid, so keeping the greatest set by recency means that the holders
//! not before *any* instant are a greatest set among the events not before it. Looking at one instant back (window or exclusion)
//! is then only counting. A new event either takes a free step or drives out the oldest event that it can replace.

use super::{Entries, FunnelSpec, NO_EVENT, Stepped};
use crate::order::tie_groups;

const STEPS: usize = 32;
const DIRECT: u8 = u8::MAX;

pub(super) struct AnyOrder {
    /// Position of the tie group of each step's holder; meaningful where `taken`.
    group: [u32; STEPS],
    time: [i64; STEPS],
    mask: [u32; STEPS],
    at: [u32; STEPS],
    taken: u32,
    told: Vec<u32>,
}

impl AnyOrder {
    pub(super) fn new(spec: &FunnelSpec) -> Self {
        Self {
            group: [0; STEPS],
            time: [0; STEPS],
            mask: [0; STEPS],
            at: [0; STEPS],
            taken: 0,
            told: vec![NO_EVENT; spec.steps],
        }
    }

    /// Events of the chain told by the last traced run, by step.
    pub(super) fn matched(&self) -> &[u32] {
        &self.told
    }

    pub(super) fn run<E: Stepped, const TRACE: bool>(
        &mut self,
        spec: &FunnelSpec,
        events: &[E],
        entries: Entries,
    ) -> usize {
        self.taken = 0;
        let mut deepest = 0;
        // A chain must begin in this group or later: the last one with an exclusion.
        let mut barrier = 0;
        // The latest event that may be an entry: some chain as good as the best of the window begins with it or before it.
        let mut entry: Option<(u32, i64)> = None;
        if TRACE {
            self.told.fill(NO_EVENT);
        }
        for range in tie_groups(events, |event| spec.concerns(event)) {
            let group = u32::try_from(range.start).expect("positions of one person's events fit 32 bits");
            let time = events[range.start].time();
            let (mut seen, mut excluded) = (0, 0);
            for (at, event) in (group..).zip(&events[range]) {
                let mask = event.steps() & spec.step_bits();
                seen |= mask;
                excluded |= event.steps() & spec.exclusions;
                if mask != 0 {
                    self.take(mask, group, time, at);
                }
            }
            if seen != 0 {
                if entries.allowed(time) {
                    entry = Some((group, time));
                }
                let open = |from: u32, at: i64| from >= barrier && time.abs_diff(at) <= spec.window;
                if entry.is_some_and(|(from, at)| open(from, at)) {
                    let live = (0..spec.steps)
                        .filter(|step| self.taken & (1 << step) != 0 && open(self.group[*step], self.time[*step]));
                    let level = live.clone().count();
                    if level > deepest {
                        deepest = level;
                        if TRACE {
                            self.told.fill(NO_EVENT);
                            live.for_each(|step| self.told[step] = self.at[step]);
                        }
                        if deepest == spec.steps {
                            break;
                        }
                    }
                }
            }
            if excluded != 0 {
                barrier = group;
            }
        }
        deepest
    }

    /// Lets a new event in: along a shortest path of replacements to a free step, or to the oldest holder it can drive out.
    fn take(&mut self, mask: u32, group: u32, time: i64, at: u32) {
        let mut parent = [DIRECT; STEPS];
        let (mut reached, mut todo) = (mask, mask);
        while reached & !self.taken == 0 && todo != 0 {
            let step = todo.trailing_zeros();
            todo &= todo - 1;
            let mut fresh = self.mask[step as usize] & !reached;
            reached |= fresh;
            todo |= fresh;
            while fresh != 0 {
                parent[fresh.trailing_zeros() as usize] = u8::try_from(step).expect("steps are at most 32");
                fresh &= fresh - 1;
            }
        }
        let free = reached & !self.taken;
        let mut step = if free != 0 { free.trailing_zeros() as usize } else { self.oldest(reached) };
        self.taken |= 1 << step;
        while parent[step] != DIRECT {
            let other = usize::from(parent[step]);
            self.group[step] = self.group[other];
            self.time[step] = self.time[other];
            self.mask[step] = self.mask[other];
            self.at[step] = self.at[other];
            step = other;
        }
        (self.group[step], self.time[step], self.mask[step], self.at[step]) = (group, time, mask, at);
    }

    fn oldest(&self, steps: u32) -> usize {
        let steps = (0..STEPS).filter(|step| steps & (1 << step) != 0);
        steps.min_by_key(|step| self.at[*step]).expect("an event that is let in matches a step")
    }
}
