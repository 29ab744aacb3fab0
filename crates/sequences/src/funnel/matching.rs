//! Gives neighbouring steps to events of one tie group, each event at most one step.
//!
//! Always holds: after `n` successful calls of [`Matching::extend`], `n` different events hold the `n` steps asked for. A failed call
//! means that no assignment exists (Kuhn's augmenting paths). Of events with the same mask only as many as could ever be
//! used are kept, so a group of thousands of equal events costs no more than a few.

use super::Stepped;

const FREE: u8 = u8::MAX;

struct Candidate {
    mask: u32,
    at: u32,
    holds: u8,
}

/// Scratch space for one tie group.
#[derive(Default)]
pub(super) struct Matching {
    candidates: Vec<Candidate>,
}

impl Matching {
    /// Takes the events of a group, which begins at position `start`; returns the steps that any of them matches.
    pub(super) fn load<E: Stepped>(&mut self, group: &[E], start: u32, step_bits: u32) -> u32 {
        self.candidates.clear();
        let mut any = 0;
        for (at, event) in (start..).zip(group) {
            let mask = event.steps() & step_bits;
            let alike = self.candidates.iter().filter(|candidate| candidate.mask == mask).count();
            if alike < mask.count_ones() as usize {
                any |= mask;
                self.candidates.push(Candidate { mask, at, holds: FREE });
            }
        }
        any
    }

    /// Frees all events.
    pub(super) fn release(&mut self) {
        for candidate in &mut self.candidates {
            candidate.holds = FREE;
        }
    }

    /// Gives one more step to an event, moving others where that helps.
    pub(super) fn extend(&mut self, step: usize) -> bool {
        let mut tried = 1 << step;
        self.place(step, &mut tried)
    }

    fn place(&mut self, step: usize, tried: &mut u32) -> bool {
        for i in 0..self.candidates.len() {
            let Candidate { mask, holds, .. } = self.candidates[i];
            if mask & (1 << step) == 0 {
                continue;
            }
            let free = holds == FREE || {
                let bit = 1 << holds;
                let fresh = *tried & bit == 0;
                *tried |= bit;
                fresh && self.place(usize::from(holds), tried)
            };
            if free {
                self.candidates[i].holds = u8::try_from(step).expect("steps are at most 32");
                return true;
            }
        }
        false
    }

    /// Writes the position of each held step's event to `steps[step]`.
    pub(super) fn write(&self, steps: &mut [u32]) {
        for candidate in self.candidates.iter().filter(|candidate| candidate.holds != FREE) {
            steps[usize::from(candidate.holds)] = candidate.at;
        }
    }
}
