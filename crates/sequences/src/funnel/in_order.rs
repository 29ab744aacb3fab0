//! Ordered and strict funnels: the latest entry for each level, advanced group by group.
//!
//! Always holds between groups: `entered[l]` is the latest entry of any chain that stands at level `l` (in strict mode: and whose
//! last event may stand directly before the next group). Level `l` has filled steps `0..l`.

use super::matching::Matching;
use super::{Entries, FunnelSpec, NO_EVENT, Stepped};
use crate::order::tie_groups;

const LEVELS: usize = 33;

pub(super) struct InOrder {
    /// Position of the entry's tie group, plus 1; 0 where no chain stands.
    entered: [u32; LEVELS],
    entry_time: [i64; LEVELS],
    deepest: usize,
    /// When and by which entry the deepest level was reached: it may be told better only within the same group.
    deepest_group: u32,
    deepest_entered: u32,
    matching: Matching,
    /// Row `l` has the positions of the events of the chain at level `l`. Only kept when a chain is to be told.
    chains: Vec<u32>,
    told: Vec<u32>,
    width: usize,
}

impl InOrder {
    pub(super) fn new(spec: &FunnelSpec) -> Self {
        Self {
            entered: [0; LEVELS],
            entry_time: [0; LEVELS],
            deepest: 0,
            deepest_group: 0,
            deepest_entered: 0,
            matching: Matching::default(),
            chains: vec![NO_EVENT; (spec.steps + 1) * spec.steps],
            told: vec![NO_EVENT; spec.steps],
            width: spec.steps,
        }
    }

    /// Events of the chain told by the last traced run.
    pub(super) fn matched(&self, level: usize) -> &[u32] {
        &self.told[..level]
    }

    pub(super) fn run<E: Stepped, const TRACE: bool, const STRICT: bool>(
        &mut self,
        spec: &FunnelSpec,
        events: &[E],
        entries: Entries,
    ) -> usize {
        self.entered[..=spec.steps].fill(0);
        self.deepest = 0;
        for group in tie_groups(events, |event| spec.concerns(event)) {
            let start = u32::try_from(group.start).expect("positions of one person's events fit 32 bits");
            let members = &events[group];
            if let [event] = members {
                self.one::<E, TRACE, STRICT>(spec, event, start, entries);
            } else {
                self.many::<E, TRACE, STRICT>(spec, members, start, entries);
            }
            if self.deepest == spec.steps {
                break;
            }
            if spec.exclusions != 0 && members.iter().any(|event| event.steps() & spec.exclusions != 0) {
                // Chains that entered in an earlier group now have an exclusion after their entry.
                for entered in &mut self.entered[1..=spec.steps] {
                    *entered = if *entered == start + 1 { *entered } else { 0 };
                }
            }
        }
        self.deepest
    }

    /// A group of one event. Deepest level first, so that the event never fills two steps of one chain.
    #[inline]
    fn one<E: Stepped, const TRACE: bool, const STRICT: bool>(
        &mut self,
        spec: &FunnelSpec,
        event: &E,
        start: u32,
        entries: Entries,
    ) {
        let (time, mask) = (event.time(), event.steps() & spec.step_bits());
        let mut left = if STRICT { spec.step_bits() } else { mask };
        while left != 0 {
            let step = left.ilog2() as usize;
            left ^= 1 << step;
            let matches = !STRICT || mask & (1 << step) != 0;
            let from = if matches { self.source(step, time, start, spec.window, entries) } else { None };
            let Some((entered, entry_time)) = from else {
                if STRICT {
                    self.entered[step + 1] = 0;
                }
                continue;
            };
            if !STRICT && entered <= self.entered[step + 1] {
                continue;
            }
            self.entered[step + 1] = entered;
            self.entry_time[step + 1] = entry_time;
            if TRACE {
                let (below, row) = (step * self.width, (step + 1) * self.width);
                self.chains.copy_within(below..below + step, row);
                self.chains[row + step] = start;
            }
            if step >= self.deepest {
                self.deepest = step + 1;
                self.deepest_group = start;
                self.deepest_entered = entered;
                if TRACE {
                    let row = (step + 1) * self.width;
                    self.told.copy_from_slice(&self.chains[row..row + self.width]);
                }
            }
        }
    }

    /// The entry of the chain that `step` would continue at `time`: for the first step, the event itself.
    #[inline]
    fn source(&self, step: usize, time: i64, start: u32, window: u64, entries: Entries) -> Option<(u32, i64)> {
        if step == 0 {
            return entries.allowed(time).then_some((start + 1, time));
        }
        let alive = self.entered[step] != 0 && time.abs_diff(self.entry_time[step]) <= window;
        alive.then_some((self.entered[step], self.entry_time[step]))
    }

    /// A group of several tied events: from every level, as many further steps as the group's events can be matched to. From
    /// the deepest level down, so that what is read has not been written by this group.
    #[cold]
    fn many<E: Stepped, const TRACE: bool, const STRICT: bool>(
        &mut self,
        spec: &FunnelSpec,
        group: &[E],
        start: u32,
        entries: Entries,
    ) {
        let time = group[0].time();
        let any = self.matching.load(group, start, spec.step_bits());
        let mut written = 0_u64;
        for from in (0..spec.steps).rev().filter(|step| any & (1 << step) != 0) {
            let Some((entered, entry_time)) = self.source(from, time, start, spec.window, entries) else { continue };
            self.matching.release();
            for level in from + 1..=spec.steps {
                if !self.matching.extend(level - 1) {
                    break;
                }
                self.tell::<TRACE>(from, level, entered, start);
                // A strict chain goes on past this group only if it began here (other members go before it) or uses all
                // members; no level is reached in both ways, because a chain that began here has at most their number.
                let keep =
                    if STRICT { from == 0 || level - from == group.len() } else { entered > self.entered[level] };
                if keep {
                    written |= 1 << level;
                    self.entered[level] = entered;
                    self.entry_time[level] = entry_time;
                    if TRACE {
                        let (below, row) = (from * self.width, level * self.width);
                        self.chains.copy_within(below..below + from, row);
                        self.matching.write(&mut self.chains[row..row + self.width]);
                    }
                }
            }
        }
        if STRICT {
            for level in (1..=spec.steps).filter(|level| written & (1 << level) == 0) {
                self.entered[level] = 0;
            }
        }
    }

    /// Notes a chain of the present matching, if it is the deepest or, within this group, equally deep with a later entry.
    fn tell<const TRACE: bool>(&mut self, from: usize, level: usize, entered: u32, start: u32) {
        let later = level == self.deepest && self.deepest_group == start && entered > self.deepest_entered;
        if level > self.deepest || later {
            self.deepest = level;
            self.deepest_group = start;
            self.deepest_entered = entered;
            if TRACE {
                let row = from * self.width;
                self.told[..from].copy_from_slice(&self.chains[row..row + from]);
                self.matching.write(&mut self.told);
            }
        }
    }
}
