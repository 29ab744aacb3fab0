//! What a person's events and facts come to, one leaf of a condition at a time: the one accumulator that both evaluators drive.
//!
//! A leaf takes in what happened at one instant after the other ([`Leaf::see`], [`Leaf::told`]) and says whether it holds at an instant, and until
//! when that is certain if nothing more happens ([`Leaf::verdict`]). Instants only go forward.
//!
//! Always holds: at every instant the verdict is that of [`holds`](crate::holds) over everything up to it; `until` is never later than
//! the next change. What can no longer matter is forgotten, so a state is small: a count of "at least 3" remembers three times.

mod events;
mod facts;
mod sequence;

use std::collections::VecDeque;

use rapport_domain::{Calendar, Interval, Timestamp};
use serde::{Deserialize, Serialize};

use crate::condition::{Changed, Condition, Measure, Number, Test, Times, Which, Within};
use crate::program::Seen;

/// What a leaf tests.
#[derive(Clone, Debug)]
pub(crate) enum Leaf {
    Count {
        times: Times,
        window: Window,
    },
    /// The first or the last one passes.
    One {
        first: bool,
        window: Window,
    },
    Measured {
        measure: Measure,
        test: Test,
        window: Window,
    },
    Sequence(SequenceLeaf),
    Overdue {
        factor: Number,
        gaps: usize,
    },
    Streak {
        interval: Interval,
        least: u32,
    },
    Fact(Test),
    Held {
        test: Test,
        length: i64,
    },
    Changed {
        changed: Changed,
        window: Window,
    },
}

/// A sequence, in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct SequenceLeaf {
    steps: usize,
    spanning: i64,
    has_same: bool,
    without: Option<i64>,
    window: Window,
}

/// A window, in instants and microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Window {
    Ever,
    /// `(now - length, now]`
    Last(i64),
    /// `[born, born + length)`
    First(i64),
    /// `[from, to)`
    Dates {
        from: i64,
        to: i64,
    },
}

/// What a leaf remembers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum State {
    /// So many, or so many and more.
    Count(u32),
    /// The times of the latest.
    Times(VecDeque<i64>),
    One {
        at: i64,
        passes: bool,
    },
    Total {
        count: u64,
        sum: i128,
    },
    /// Amounts by time, and their sum.
    Amounts {
        list: VecDeque<(i64, i64)>,
        sum: i128,
    },
    Extreme(i64),
    /// Amounts by time, each better than all before it that are still there.
    Extremes(VecDeque<(i64, i64)>),
    Values(Vec<i64>),
    /// Values and when each was there last.
    ValuesAt(Vec<(i64, i64)>),
    /// How many days, and the beginning of the last.
    Days {
        count: u32,
        last: i64,
    },
    /// The beginning of days, and the last time on each.
    DaysAt(VecDeque<(i64, i64)>),
    Sequence(sequence::Chains),
    Rhythm {
        last: i64,
        gaps: VecDeque<i64>,
    },
    Streak {
        start: i64,
        length: u32,
    },
    Fact {
        passes: bool,
        time: Option<i64>,
    },
    Since(Option<i64>),
    Changed {
        value: Option<String>,
        at: Option<i64>,
    },
}

/// Whether a leaf holds, and until when that is certain if nothing more happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) holds: bool,
    pub(crate) until: Option<i64>,
}

impl Verdict {
    pub(crate) const fn always(holds: bool) -> Self {
        Self { holds, until: None }
    }
}

/// Whose leaf it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose<'a> {
    pub(crate) born: i64,
    pub(crate) calendar: &'a Calendar,
}

impl Leaf {
    /// The leaf that a condition without parts is.
    pub(crate) fn of(condition: &Condition, calendar: &Calendar) -> Self {
        let window = |within| Window::of(within, calendar);
        match condition {
            Condition::Performed(performed) => match performed.which {
                Which::Every => Self::Count { times: performed.times, window: window(performed.within) },
                which => Self::One { first: which == Which::First, window: window(performed.within) },
            },
            Condition::Measured(measured) => Self::Measured {
                measure: measured.measure,
                test: measured.test.clone(),
                window: window(measured.within),
            },
            Condition::Sequence(sequence) => Self::Sequence(SequenceLeaf {
                steps: sequence.steps.len(),
                spanning: sequence.spanning.map_or(0, |length| length.micros()),
                has_same: sequence.same.is_some(),
                without: sequence.without.as_ref().map(|(_, length)| length.micros()),
                window: window(sequence.within),
            }),
            Condition::Overdue(overdue) => Self::Overdue { factor: *overdue.factor, gaps: *overdue.gaps as usize },
            Condition::Streak(streak) => Self::Streak { interval: streak.interval, least: *streak.least },
            Condition::Held { test, length, .. } => Self::Held { test: test.clone(), length: length.micros() },
            Condition::Changed(changed) => Self::Changed { changed: changed.clone(), window: window(changed.within) },
            Condition::Fact { test, .. } => Self::Fact(test.clone()),
            // The others are no leaves of their own; a test of nothing never holds.
            _ => Self::Fact(Test::In(Vec::new())),
        }
    }

    /// Takes in the events of one instant, in their order.
    pub(crate) fn see(&self, state: &mut Option<State>, at: i64, seen: &[Seen], whose: Whose<'_>) {
        match self {
            Self::Count { times, window } => events::count(*times, *window, state, at, seen.len(), whose),
            Self::One { first, window: _ } => events::one(*first, state, at, seen),
            Self::Measured { measure, window, .. } => events::measure(*measure, *window, state, at, seen, whose),
            Self::Sequence(leaf) => leaf.see(state, at, seen, whose),
            Self::Overdue { .. } => events::rhythm(state, at),
            Self::Streak { interval, .. } => events::streak(*interval, state, at, whose),
            Self::Fact(_) | Self::Held { .. } | Self::Changed { .. } => {}
        }
    }

    /// Takes in what its fact says from an instant on.
    pub(crate) fn told(&self, state: &mut Option<State>, at: i64, value: &serde_json::Value, whose: Whose<'_>) {
        let value = (!value.is_null()).then_some(value);
        match self {
            Self::Fact(test) => *state = Some(facts::fact(test, value, whose)),
            Self::Held { test, .. } => facts::held(test, state, at, value, whose),
            Self::Changed { changed, window } => facts::changed(changed, *window, state, at, value, whose),
            _ => {}
        }
    }

    /// Whether it holds at `now`, which is not before anything it has taken in.
    pub(crate) fn verdict(&self, state: Option<&mut State>, now: i64, whose: Whose<'_>) -> Verdict {
        match self {
            Self::Count { times, window } => events::count_verdict(*times, *window, state, now),
            Self::One { window, .. } => match state {
                Some(State::One { at, passes: true }) => window.verdict(*at, now, whose),
                _ => Verdict::always(false),
            },
            Self::Measured { measure, test, window } => events::measured_verdict(*measure, test, *window, state, now),
            Self::Sequence(leaf) => leaf.verdict(state, now, whose),
            Self::Overdue { factor, gaps } => events::overdue_verdict(*factor, *gaps, state, now),
            Self::Streak { interval, least } => events::streak_verdict(*interval, *least, state, now, whose),
            Self::Fact(test) => facts::fact_verdict(test, state, now, whose),
            Self::Held { test, length } => facts::held_verdict(test, *length, state, now, whose),
            Self::Changed { window, .. } => match state {
                Some(State::Changed { at: Some(at), .. }) => window.verdict(*at, now, whose),
                _ => Verdict::always(false),
            },
        }
    }
}

impl Window {
    fn of(within: Within, calendar: &Calendar) -> Self {
        match within {
            Within::Ever => Self::Ever,
            Within::Last(length) => Self::Last(length.micros()),
            Within::First(length) => Self::First(length.micros()),
            Within::Dates { from, to } => Self::Dates {
                from: from.map_or(i64::MIN, |from| from.start(calendar).0),
                to: to.map_or(i64::MAX, |to| to.start(calendar).0),
            },
        }
    }

    /// Whether what happens at `at` can ever be in it.
    fn admits(self, at: i64, whose: Whose<'_>) -> bool {
        match self {
            Self::Ever | Self::Last(_) => true,
            Self::First(length) => at < whose.born.saturating_add(length),
            Self::Dates { from, to } => from <= at && at < to,
        }
    }

    /// Whether what happened at `at` is in it at `now`.
    fn verdict(self, at: i64, now: i64, whose: Whose<'_>) -> Verdict {
        match self {
            Self::Last(length) => {
                let end = at.saturating_add(length);
                if now < end { Verdict { holds: true, until: finite(end) } } else { Verdict::always(false) }
            }
            _ => Verdict::always(self.admits(at, whose)),
        }
    }
}

/// An instant; the last one stands for never.
fn finite(at: i64) -> Option<i64> {
    (at != i64::MAX).then_some(at)
}

fn instant(at: i64) -> Timestamp {
    Timestamp(at)
}
