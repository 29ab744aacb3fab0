//! Counts, figures, rhythms and streaks.

use std::collections::VecDeque;

use rapport_domain::Interval;

use super::{State, Verdict, Whose, Window, finite, instant};
use crate::condition::{Measure, Number, Overdue, Test, Times};
use crate::evaluate::person::{passes, usual};
use crate::program::Seen;

/// So many are told apart: one more than the largest number that a test names.
fn cap(times: Times) -> u32 {
    let largest = match times {
        Times::AtLeast(count) => return *count,
        Times::Exactly(count) | Times::AtMost(count) | Times::Between(_, count) => count,
    };
    largest.saturating_add(1)
}

pub(super) fn count(times: Times, window: Window, state: &mut Option<State>, at: i64, more: usize, whose: Whose<'_>) {
    if !window.admits(at, whose) {
        return;
    }
    let cap = cap(times);
    if let Window::Last(length) = window {
        let State::Times(list) = state.get_or_insert_with(|| State::Times(VecDeque::new())) else { return };
        list.extend(std::iter::repeat_n(at, more.min(cap as usize)));
        while list.len() > cap as usize || list.front().is_some_and(|first| first.saturating_add(length) <= at) {
            list.pop_front();
        }
        return;
    }
    let State::Count(count) = state.get_or_insert(State::Count(0)) else { return };
    *count = u32::try_from(more).unwrap_or(u32::MAX).saturating_add(*count).min(cap);
}

pub(super) fn count_verdict(times: Times, window: Window, state: Option<&mut State>, now: i64) -> Verdict {
    let Window::Last(length) = window else {
        let count = if let Some(State::Count(count)) = state { *count } else { 0 };
        return Verdict::always(times.holds(u64::from(count)));
    };
    let Some(State::Times(list)) = state else { return Verdict::always(times.holds(0)) };
    while list.front().is_some_and(|first| first.saturating_add(length) <= now) {
        list.pop_front();
    }
    let holds = times.holds(list.len() as u64);
    if !holds && matches!(times, Times::AtLeast(_)) {
        // Nothing that leaves makes them enough.
        return Verdict::always(false);
    }
    // The first instant at which enough have left the window to make a difference.
    let until = (1..=list.len())
        .filter(|left| list.get(*left) != list.get(left - 1))
        .find(|left| times.holds((list.len() - left) as u64) != holds)
        .and_then(|left| finite(list[left - 1].saturating_add(length)));
    Verdict { holds, until }
}

pub(super) fn one(first: bool, state: &mut Option<State>, at: i64, seen: &[Seen]) {
    let one = if first { seen.first() } else { seen.last() };
    let Some(one) = one.filter(|_| !first || state.is_none()) else { return };
    // Without `having` there is nothing to pass.
    *state = Some(State::One { at, passes: one.value.is_none_or(|passes| passes == 1) });
}

pub(super) fn measure(
    measure: Measure,
    window: Window,
    state: &mut Option<State>,
    at: i64,
    seen: &[Seen],
    whose: Whose<'_>,
) {
    if !window.admits(at, whose) {
        return;
    }
    let length = if let Window::Last(length) = window { Some(length) } else { None };
    if measure == Measure::Days {
        return days(length.is_some(), state, at, whose);
    }
    for value in seen.iter().filter_map(|seen| seen.value) {
        match (measure, length) {
            (Measure::Sum | Measure::Average, Some(_)) => {
                let empty = || State::Amounts { list: VecDeque::new(), sum: 0 };
                let State::Amounts { list, sum } = state.get_or_insert_with(empty) else { return };
                list.push_back((at, value));
                *sum += i128::from(value);
            }
            (Measure::Sum | Measure::Average, None) => {
                let State::Total { count, sum } = state.get_or_insert(State::Total { count: 0, sum: 0 }) else {
                    return;
                };
                *count += 1;
                *sum += i128::from(value);
            }
            (Measure::Smallest | Measure::Largest, Some(_)) => {
                let State::Extremes(list) = state.get_or_insert_with(|| State::Extremes(VecDeque::new())) else {
                    return;
                };
                while list.back().is_some_and(|(_, other)| is_better_or_equal(measure, value, *other)) {
                    list.pop_back();
                }
                list.push_back((at, value));
            }
            (Measure::Smallest | Measure::Largest, None) => {
                let State::Extreme(best) = state.get_or_insert(State::Extreme(value)) else { return };
                if is_better_or_equal(measure, value, *best) {
                    *best = value;
                }
            }
            (Measure::Distinct, Some(_)) => {
                let State::ValuesAt(list) = state.get_or_insert_with(|| State::ValuesAt(Vec::new())) else { return };
                match list.iter_mut().find(|(known, _)| *known == value) {
                    Some((_, last)) => *last = at,
                    None => list.push((value, at)),
                }
            }
            (Measure::Distinct, None) => {
                let State::Values(list) = state.get_or_insert_with(|| State::Values(Vec::new())) else { return };
                if let Err(place) = list.binary_search(&value) {
                    list.insert(place, value);
                }
            }
            (Measure::Days, _) => {}
        }
    }
}

fn is_better_or_equal(measure: Measure, value: i64, other: i64) -> bool {
    if measure == Measure::Smallest { value <= other } else { value >= other }
}

fn days(in_window: bool, state: &mut Option<State>, at: i64, whose: Whose<'_>) {
    let start = whose.calendar.floor(instant(at), Interval::Day).0;
    if in_window {
        let State::DaysAt(list) = state.get_or_insert_with(|| State::DaysAt(VecDeque::new())) else { return };
        match list.back_mut().filter(|(day, _)| *day == start) {
            Some((_, last)) => *last = at,
            None => list.push_back((start, at)),
        }
        return;
    }
    let State::Days { count, last } = state.get_or_insert(State::Days { count: 0, last: i64::MIN }) else { return };
    if *count == 0 || *last != start {
        *count += 1;
        *last = start;
    }
}

pub(super) fn measured_verdict(
    measure: Measure,
    test: &Test,
    window: Window,
    state: Option<&mut State>,
    now: i64,
) -> Verdict {
    let ends = |at: i64| if let Window::Last(length) = window { at.saturating_add(length) } else { i64::MAX };
    let whole = |count: usize| Some((count as i128 * 1_000_000, 1));
    // The figure as a sum and the number of its parts, and when the first of what it is made of leaves the window.
    let (figure, until) = match state {
        None => {
            let is_zero = matches!(measure, Measure::Sum | Measure::Distinct | Measure::Days);
            (is_zero.then_some((0, 1)), i64::MAX)
        }
        Some(State::Total { count, sum }) if measure == Measure::Average => {
            (Some((*sum, i128::from(*count))), i64::MAX)
        }
        Some(State::Total { sum, .. }) => (Some((*sum, 1)), i64::MAX),
        Some(State::Amounts { list, sum }) => {
            while let Some((_, value)) = list.pop_front_if(|(at, _)| ends(*at) <= now) {
                *sum -= i128::from(value);
            }
            let until = list.front().map_or(i64::MAX, |(at, _)| ends(*at));
            let parts = list.len() as i128;
            match measure {
                Measure::Average => ((parts > 0).then_some((*sum, parts)), until),
                _ => (Some((*sum, 1)), until),
            }
        }
        Some(State::Extreme(best)) => (Some((i128::from(*best), 1)), i64::MAX),
        Some(State::Extremes(list)) => {
            while list.pop_front_if(|(at, _)| ends(*at) <= now).is_some() {}
            let best = list.front().map(|(at, value)| (i128::from(*value), ends(*at)));
            (best.map(|(value, _)| (value, 1)), best.map_or(i64::MAX, |(_, until)| until))
        }
        Some(State::Values(list)) => (whole(list.len()), i64::MAX),
        Some(State::ValuesAt(list)) => {
            list.retain(|(_, at)| ends(*at) > now);
            (whole(list.len()), list.iter().map(|(_, at)| ends(*at)).min().unwrap_or(i64::MAX))
        }
        Some(State::Days { count, .. }) => (whole(*count as usize), i64::MAX),
        Some(State::DaysAt(list)) => {
            while list.pop_front_if(|(_, at)| ends(*at) <= now).is_some() {}
            (whole(list.len()), list.front().map_or(i64::MAX, |(_, at)| ends(*at)))
        }
        Some(_) => (None, i64::MAX),
    };
    Verdict { holds: figure.is_some_and(|(sum, parts)| passes(test, sum, parts)), until: finite(until) }
}

pub(super) fn rhythm(state: &mut Option<State>, at: i64) {
    let Some(State::Rhythm { last, gaps }) = state else {
        *state = Some(State::Rhythm { last: at, gaps: VecDeque::new() });
        return;
    };
    if *last == at {
        return;
    }
    gaps.push_back(at - *last);
    if gaps.len() > Overdue::REMEMBERED {
        gaps.pop_front();
    }
    *last = at;
}

pub(super) fn overdue_verdict(factor: Number, least: usize, state: Option<&mut State>, now: i64) -> Verdict {
    let Some(State::Rhythm { last, gaps }) = state else { return Verdict::always(false) };
    if gaps.len() < least {
        return Verdict::always(false);
    }
    let late = last.saturating_add(usual(gaps.make_contiguous(), factor)).saturating_add(1);
    if now >= late { Verdict::always(true) } else { Verdict { holds: false, until: finite(late) } }
}

pub(super) fn streak(interval: Interval, state: &mut Option<State>, at: i64, whose: Whose<'_>) {
    let now = whose.calendar.floor(instant(at), interval).0;
    match state {
        Some(State::Streak { start, .. }) if *start == now => {}
        Some(State::Streak { start, length }) if whose.calendar.next(instant(*start), interval).0 == now => {
            *length += 1;
            *start = now;
        }
        other => *other = Some(State::Streak { start: now, length: 1 }),
    }
}

pub(super) fn streak_verdict(
    interval: Interval,
    least: u32,
    state: Option<&mut State>,
    now: i64,
    whose: Whose<'_>,
) -> Verdict {
    let Some(State::Streak { start, length }) = state else { return Verdict::always(false) };
    let next = whose.calendar.next(instant(*start), interval);
    let end = whose.calendar.next(next, interval).0;
    if *length >= least && now < end { Verdict { holds: true, until: finite(end) } } else { Verdict::always(false) }
}
