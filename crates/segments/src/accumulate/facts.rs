//! What is known about a person.

use serde_json::Value;

use super::{State, Verdict, Whose, Window, finite, instant};
use crate::condition::{Changed, Test};
use crate::evaluate::person::is_change;
use crate::instant::Moment;
use crate::value;

fn passes(test: &Test, value: Option<&Value>, whose: Whose<'_>) -> bool {
    // Tests that look at the present are not asked here.
    test.holds(value, value::FACT_NUMBERS, Moment { now: instant(0), calendar: whose.calendar })
}

pub(super) fn fact(test: &Test, value: Option<&Value>, whose: Whose<'_>) -> State {
    match test {
        Test::InLast(_) | Test::InNext(_) => {
            let text = value.and_then(|value| value::as_text(value, value::FACT_NUMBERS));
            State::Fact { passes: false, time: text.and_then(|text| value::as_time(&text)).map(|time| time.0) }
        }
        test => State::Fact { passes: passes(test, value, whose), time: None },
    }
}

pub(super) fn fact_verdict(test: &Test, state: Option<&mut State>, now: i64, whose: Whose<'_>) -> Verdict {
    let (known, time) = match state {
        Some(State::Fact { passes, time }) => (Some(*passes), *time),
        _ => (None, None),
    };
    // From when until before when a time is near enough.
    let span = match (test, time) {
        (Test::InLast(length), Some(time)) => (time, time.saturating_add(length.micros())),
        (Test::InNext(length), Some(time)) => (time.saturating_sub(length.micros()), time),
        (Test::InLast(_) | Test::InNext(_), None) => return Verdict::always(false),
        _ => return Verdict::always(known.unwrap_or_else(|| passes(test, None, whose))),
    };
    match span {
        (from, _) if now < from => Verdict { holds: false, until: finite(from) },
        (_, to) if now < to => Verdict { holds: true, until: finite(to) },
        _ => Verdict::always(false),
    }
}

/// Since when it has passed, for somebody of whom nothing was told.
fn since_birth(test: &Test, whose: Whose<'_>) -> Option<i64> {
    passes(test, None, whose).then_some(whose.born)
}

pub(super) fn held(test: &Test, state: &mut Option<State>, at: i64, value: Option<&Value>, whose: Whose<'_>) {
    let before = match state {
        Some(State::Since(since)) => *since,
        _ => since_birth(test, whose),
    };
    *state = Some(State::Since(if passes(test, value, whose) { before.or(Some(at)) } else { None }));
}

pub(super) fn held_verdict(test: &Test, length: i64, state: Option<&mut State>, now: i64, whose: Whose<'_>) -> Verdict {
    let since = match state {
        Some(State::Since(since)) => *since,
        _ => since_birth(test, whose),
    };
    match since.map(|since| since.saturating_add(length)) {
        Some(from) if now >= from => Verdict::always(true),
        Some(from) => Verdict { holds: false, until: finite(from) },
        None => Verdict::always(false),
    }
}

pub(super) fn changed(
    changed: &Changed,
    window: Window,
    state: &mut Option<State>,
    at: i64,
    value: Option<&Value>,
    whose: Whose<'_>,
) {
    let (before, last) = match state.take() {
        Some(State::Changed { value, at }) => (value.and_then(|text| serde_json::from_str(&text).ok()), at),
        _ => (None, None),
    };
    let counts = window.admits(at, whose) && is_change(changed, before.as_ref(), value);
    *state = Some(State::Changed { value: value.map(Value::to_string), at: if counts { Some(at) } else { last } });
}
