//! One thing after another, or not.

use rapport_sequences::order::{self, Ordered};
use rapport_sequences::{Funnel, FunnelMode, FunnelSpec, StepEvent};
use serde::{Deserialize, Serialize};

use super::{SequenceLeaf, State, Verdict, Whose, finite};
use crate::program::Seen;

/// What is remembered of a sequence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chains {
    /// Steps that a chain can still go on from.
    open: Vec<Part>,
    /// Chains that are complete, and what must not follow has still time to: when they ended, and what is the same in them.
    waiting: Vec<(i64, i64)>,
    /// When the last chain ended that counts.
    done: Option<i64>,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Part {
    time: i64,
    /// Which tie group of its instant it is in.
    group: u32,
    steps: u32,
    same: i64,
}

impl Ordered for Seen {
    fn time(&self) -> i64 {
        // All that are compared are of one instant.
        0
    }
    fn order_key(&self) -> i64 {
        self.order_key
    }
}

impl SequenceLeaf {
    pub(super) fn see(&self, state: &mut Option<State>, at: i64, seen: &[Seen], whose: Whose<'_>) {
        let State::Sequence(chains) = state.get_or_insert_with(|| State::Sequence(Chains::default())) else { return };
        self.confirm(chains, at, false);
        chains.open.retain(|part| at - part.time <= self.spanning);
        // Also what has not the wanted property takes part in who ties with whom.
        for (number, members) in (0..).zip(order::tie_groups(seen, |_| true)) {
            self.group(chains, at, number, &seen[members], whose);
        }
    }

    fn group(&self, chains: &mut Chains, at: i64, number: u32, seen: &[Seen], whose: Whose<'_>) {
        let same = |seen: &Seen| if self.has_same { seen.value } else { Some(0) };
        let unwanted = 1_u32 << self.steps;
        for seen in seen.iter().filter(|seen| self.without.is_some() && seen.roles & unwanted != 0) {
            let same = same(seen);
            chains.waiting.retain(|(_, other)| Some(*other) != same);
        }
        let step_bits = unwanted - 1;
        let parts = seen.iter().filter(|seen| seen.roles & step_bits != 0).filter_map(|seen| {
            Some(Part { time: at, group: number, steps: seen.roles & step_bits, same: same(seen)? })
        });
        let parts: Vec<Part> = parts.collect();
        let last = 1_u32 << (self.steps - 1);
        let mut ended: Vec<i64> = parts.iter().filter(|part| part.steps & last != 0).map(|part| part.same).collect();
        ended.sort_unstable();
        ended.dedup();
        ended.retain(|same| self.is_complete(&chains.open, &parts, *same));
        if self.steps > 1 {
            chains.open.extend(&parts);
        }
        for same in ended.into_iter().filter(|_| self.window.admits(at, whose)) {
            match self.without {
                Some(_) => chains.waiting.push((at, same)),
                None => chains.done = Some(at),
            }
        }
    }

    /// Whether a chain ends in this tie group.
    fn is_complete(&self, open: &[Part], group: &[Part], same: i64) -> bool {
        if self.steps == 1 {
            return true;
        }
        let last = 1_u32 << (self.steps - 1);
        // Only in this group the last step is taken.
        let earlier = open.iter().map(|part| Part { steps: part.steps & !last, ..*part });
        let events: Vec<StepEvent> = (0..)
            .zip(earlier.chain(group.iter().copied()).filter(|part| part.same == same && part.steps != 0))
            .map(|(index, part)| StepEvent {
                time: part.time,
                order_key: order::order_key(0, part.group),
                steps: part.steps,
                index,
            })
            .collect();
        let all = events.iter().fold(0, |all, event| all | event.steps);
        if all.count_ones() as usize != self.steps {
            return false;
        }
        let window = self.spanning.unsigned_abs();
        let spec = FunnelSpec { steps: self.steps, window, mode: FunnelMode::Ordered, exclusions: 0 };
        Funnel::new(spec).is_ok_and(|mut funnel| funnel.level(&events) == self.steps)
    }

    /// Counts the chains after which nothing unwanted has followed in time. At the last instant of that time it may still.
    fn confirm(&self, chains: &mut Chains, now: i64, is_over: bool) {
        let Some(length) = self.without else { return };
        chains.waiting.retain(|(ended, _)| {
            let end = ended.saturating_add(length);
            let confirmed = if is_over { end <= now } else { end < now };
            if confirmed {
                chains.done = chains.done.max(Some(*ended));
            }
            !confirmed
        });
    }

    pub(super) fn verdict(&self, state: Option<&mut State>, now: i64, whose: Whose<'_>) -> Verdict {
        let Some(State::Sequence(chains)) = state else { return Verdict::always(false) };
        self.confirm(chains, now, true);
        let done = chains.done.map_or(Verdict::always(false), |done| self.window.verdict(done, now, whose));
        let length = self.without.unwrap_or(0);
        let next = chains.waiting.iter().map(|(ended, _)| ended.saturating_add(length)).min().and_then(finite);
        Verdict { holds: done.holds, until: [done.until, next].into_iter().flatten().min() }
    }
}
