//! How far one person came through a list of steps.
//!
//! A *chain* gives steps to events, each event at most one step of the chain, each step at most one event. The answer is the
//! deepest level any chain reaches. Every rule speaks of tie groups ([`crate::order`]): "before" means in an earlier group.
//! Letters below are events in order, `(AB)` is one tie group, steps are A, B, C unless stated.
//!
//! * **Window**: elapsed time from the chain's first event (its *entry*) to each later one is at most the window; exactly the
//!   window still counts. A new A begins another chain and never ends one: with a window of 10, A@0 B@9 A@10 C@10 is level 3.
//! * **Ordered**: step 1, then step 2, ... with anything in between; no step's event is before that of the step above it.
//!   `A x B C` is level 3, `B A C` level 1, `(BA) C` level 3.
//! * **Strict**: as ordered, and the chain's events stand next to each other in the walk; tied events may be put in any order
//!   for this. `A x B` is level 1, `(xA) B` level 2, `A (xB)` level 2, `A (xB) C` level 2. Hand in *all* events of the person.
//! * **Any order**: the level is the number of different steps filled, whichever comes first; the entry is the chain's first
//!   event. `C A` is level 2.
//! * **Who ties**: only events that play a part decide whether several producers meet at one instant: those that match a step or
//!   an exclusion, in strict mode all. So leaving the others out before the kernel changes nothing.
//! * **Equal steps** are fine: for steps A, A, B, `A B` is level 1 and `A A B` level 3, because an event is used once.
//! * **Exclusions**: a chain must not have an exclusion event between its first and its last event, in a group of its own
//!   between theirs. With x excluded: `A x B` is level 1 (what was reached before x counts), `A x A B` level 2, `(Ax) B` level 2
//!   and `A (xB)` level 2 (a tie is not between), `A (xB) C` level 2. An event may be both a step and an exclusion: it counts
//!   as the step, and ends older chains for whatever is after it.
//!
//! What others do, and why we differ: ClickHouse's `windowFunnel` may fill two steps by one event and leaves equal times to
//! chance. PostHog drops a person from *all* steps when an exclusion follows the entry; here the person keeps what was reached
//! before it, so step 1 always equals the people with a step 1 event. PostHog suspends strictness and exclusions inside equal
//! times; here both have the rule above. PostHog's any-order funnel ignores exclusions; here they hold.
//!
//! Which chain is told: of those with the deepest level, one that is complete first; of those, one with the latest entry.
//! In ordered and strict mode its further steps are as early as the entry allows; in any order as late as possible.
//!
//! Cost: O(n * k) time and O(k) memory for the level, O(k^2) memory to tell the chain (k steps, n events). Why one chain a level
//! is enough: of two chains at the same level, the one with the later entry can do whatever the other can. Tie groups of several
//! events need a matching of steps to events, which is found by augmenting paths; groups are small and rare.

use crate::order::Ordered;

mod any_order;
mod by_entry;
mod in_order;
mod matching;

/// An event as a funnel sees it.
pub trait Stepped: Ordered {
    /// Bit `i` says that the event matches step `i + 1`. Further bits may say that it matches an exclusion.
    fn steps(&self) -> u32;
}

/// A ready-made [`Stepped`] event of 24 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StepEvent {
    /// Microseconds UTC.
    pub time: i64,
    /// Producer and counter; see [`crate::order`].
    pub order_key: i64,
    /// Steps and exclusions that the event matches.
    pub steps: u32,
    /// Where the caller finds the event again; also the tie-break.
    pub index: u32,
}

impl Ordered for StepEvent {
    #[inline]
    fn time(&self) -> i64 {
        self.time
    }
    #[inline]
    fn order_key(&self) -> i64 {
        self.order_key
    }
    #[inline]
    fn tie_break(&self) -> u64 {
        u64::from(self.index)
    }
}

impl Stepped for StepEvent {
    #[inline]
    fn steps(&self) -> u32 {
        self.steps
    }
}

/// Time and mask, for events without producers: equal times tie.
impl Ordered for (i64, u32) {
    #[inline]
    fn time(&self) -> i64 {
        self.0
    }
}

impl Stepped for (i64, u32) {
    #[inline]
    fn steps(&self) -> u32 {
        self.1
    }
}

/// How the steps must follow one another; the module's head has the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunnelMode {
    /// In the order of the list, with anything in between.
    Ordered,
    /// In the order of the list, with nothing in between.
    Strict,
    /// In whichever order.
    AnyOrder,
}

/// What to ask of each person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunnelSpec {
    /// Number of steps, 1 to 32.
    pub steps: usize,
    /// Longest time from entry to a later step in microseconds, inclusive.
    pub window: u64,
    /// How steps follow one another.
    pub mode: FunnelMode,
    /// Bits of the events' masks, above the bits of the steps, that mark exclusions. 0: none.
    pub exclusions: u32,
}

/// Why a [`FunnelSpec`] makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunnelSpecError {
    /// A funnel has 1 to 32 steps.
    NumberOfSteps,
    /// A bit is a step and an exclusion at once.
    ExclusionIsStep,
}

impl FunnelSpecError {
    /// The stable word for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NumberOfSteps => "funnel_number_of_steps",
            Self::ExclusionIsStep => "funnel_exclusion_is_step",
        }
    }

    /// Whether the same question could do better later: never.
    pub const fn is_retryable(self) -> bool {
        false
    }
}

impl std::fmt::Display for FunnelSpecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NumberOfSteps => "a funnel has 1 to 32 steps",
            Self::ExclusionIsStep => "an exclusion's bit must lie above the bits of the steps",
        })
    }
}

impl std::error::Error for FunnelSpecError {}

/// The chain that was told for one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conversion<'a> {
    /// Deepest level: 0 (no step at all) to the number of steps.
    pub level: usize,
    matched: &'a [u32],
}

const NO_EVENT: u32 = u32::MAX;

impl Conversion<'_> {
    /// The position, in the slice that was handed in, of the event that filled `step` (0 is the first step).
    pub fn event(&self, step: usize) -> Option<usize> {
        self.matched.get(step).filter(|at| **at != NO_EVENT).map(|at| *at as usize)
    }
}

/// The kernel with its scratch space: make one a thread, use it for every person.
pub struct Funnel {
    spec: FunnelSpec,
    in_order: in_order::InOrder,
    any_order: any_order::AnyOrder,
}

/// Entries at times before `until` begin a chain; `i64::MAX` stands for always.
#[derive(Clone, Copy)]
struct Entries {
    until: i64,
}

impl Entries {
    const ALL: Self = Self { until: i64::MAX };

    #[inline]
    fn allowed(self, time: i64) -> bool {
        time < self.until || self.until == i64::MAX
    }
}

impl Funnel {
    /// A kernel for this question.
    pub fn new(spec: FunnelSpec) -> Result<Self, FunnelSpecError> {
        if !(1..=32).contains(&spec.steps) {
            return Err(FunnelSpecError::NumberOfSteps);
        }
        if spec.exclusions & spec.step_bits() != 0 {
            return Err(FunnelSpecError::ExclusionIsStep);
        }
        Ok(Self { spec, in_order: in_order::InOrder::new(&spec), any_order: any_order::AnyOrder::new(&spec) })
    }

    /// The question.
    pub fn spec(&self) -> &FunnelSpec {
        &self.spec
    }

    /// The deepest level of a person whose events are sorted ([`crate::order::sort`]).
    pub fn level<E: Stepped>(&mut self, events: &[E]) -> usize {
        self.run::<E, false>(events, Entries::ALL)
    }

    /// The deepest level, and the first chain that reaches it.
    pub fn conversion<E: Stepped>(&mut self, events: &[E]) -> Conversion<'_> {
        self.conversion_before(events, i64::MAX)
    }

    /// The same of the chains whose entry lies before `until`, whenever they end; `i64::MAX` stands for always.
    pub fn conversion_before<E: Stepped>(&mut self, events: &[E], until: i64) -> Conversion<'_> {
        let level = self.run::<E, true>(events, Entries { until });
        let matched = match self.spec.mode {
            FunnelMode::AnyOrder => self.any_order.matched(),
            FunnelMode::Ordered | FunnelMode::Strict => self.in_order.matched(level),
        };
        Conversion { level, matched }
    }

    fn run<E: Stepped, const TRACE: bool>(&mut self, events: &[E], entries: Entries) -> usize {
        debug_assert!(events.len() < NO_EVENT as usize, "positions of one person's events fit 32 bits");
        match self.spec.mode {
            FunnelMode::Ordered => self.in_order.run::<E, TRACE, false>(&self.spec, events, entries),
            FunnelMode::Strict => self.in_order.run::<E, TRACE, true>(&self.spec, events, entries),
            FunnelMode::AnyOrder => self.any_order.run::<E, TRACE>(&self.spec, events, entries),
        }
    }
}

impl FunnelSpec {
    /// Bits of the steps.
    const fn step_bits(&self) -> u32 {
        u32::MAX >> (32 - self.steps)
    }

    /// Whether an event plays a part in this funnel: one that does not may be left out before the kernel, except in strict mode.
    pub fn concerns<E: Stepped>(&self, event: &E) -> bool {
        self.mode == FunnelMode::Strict || event.steps() & (self.step_bits() | self.exclusions) != 0
    }
}
