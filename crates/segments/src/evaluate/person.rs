//! The tests of a person that look at more than one count, in the most obvious way.

use std::collections::BTreeSet;

use rapport_domain::{Interval, Timestamp};
use rapport_sequences::order::{self, Ordered};
use serde_json::Value;

use super::{EventView, Subject};
use crate::condition::{Changed, Events, Given, Measure, Measured, Number, Operand, Overdue, Sequence, Streak, Test};
use crate::duration::Duration;
use crate::instant::Moment;
use crate::value::{self, Reading};

pub(super) fn measured(measured: &Measured, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    let mut events = subject.events_meant(&measured.of, moment);
    events.retain(|event| measured.within.includes(event.occurred_at, subject.born(), moment));
    let (figure, parts) = match measured.measure {
        Measure::Distinct => {
            let texts =
                events.iter().filter_map(|event| value::as_text(event.property(&measured.path)?, Reading::Text));
            (whole(texts.collect::<BTreeSet<_>>().len()), 1)
        }
        Measure::Days => {
            let days: BTreeSet<_> = events.iter().map(|event| moment.calendar.date(event.occurred_at)).collect();
            (whole(days.len()), 1)
        }
        _ => match amount(measured, &events) {
            Some(figure) => figure,
            None => return false,
        },
    };
    passes(&measured.test, figure, parts)
}

/// What the amounts of events come to, as a sum in millionths and the number of its parts; nothing where there is no such figure.
pub(super) fn amount(measured: &Measured, events: &[EventView<'_>]) -> Option<(i128, i128)> {
    let amounts: Vec<i128> =
        events.iter().filter_map(|event| value::as_amount(event.property(&measured.path)?)).map(i128::from).collect();
    let sum: i128 = amounts.iter().sum();
    match measured.measure {
        Measure::Average => (!amounts.is_empty()).then_some((sum, amounts.len() as i128)),
        Measure::Smallest => Some((*amounts.iter().min()?, 1)),
        Measure::Largest => Some((*amounts.iter().max()?, 1)),
        _ => Some((sum, 1)),
    }
}

fn whole(count: usize) -> i128 {
    count as i128 * 1_000_000
}

/// Whether `sum / parts`, in millionths, passes a test of numbers.
pub(crate) fn passes(test: &Test, sum: i128, parts: i128) -> bool {
    let with = |number: &Number| sum.cmp(&(i128::from(number.micros()) * parts));
    match test {
        Test::AtLeast(number) => with(number).is_ge(),
        Test::MoreThan(number) => with(number).is_gt(),
        Test::AtMost(number) => with(number).is_le(),
        Test::LessThan(number) => with(number).is_lt(),
        Test::Between(from, to) => with(from).is_ge() && with(to).is_le(),
        Test::Equals(operand) => operand.number().is_some_and(|number| with(&number).is_eq()),
        _ => false,
    }
}

/// An event that plays a part in a sequence.
#[derive(Clone, Copy)]
struct Part<'a> {
    event: EventView<'a>,
    steps: u32,
    unwanted: bool,
}

impl Ordered for Part<'_> {
    fn time(&self) -> i64 {
        self.event.occurred_at.0
    }
    fn order_key(&self) -> i64 {
        self.event.order_key
    }
}

pub(super) fn sequence(sequence: &Sequence, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    let is = |events: &Events, event: &EventView<'_>| {
        subject.is_meant(event, &events.event, events.filter.as_deref(), moment)
    };
    let mut parts: Vec<Part<'_>> = Vec::new();
    for event in subject.events_of("*", None, moment) {
        let steps = sequence.steps.iter().enumerate().filter(|(_, step)| is(step, &event));
        let steps = steps.fold(0, |steps, (at, _)| steps | 1 << at);
        let unwanted = sequence.without.as_ref().is_some_and(|(events, _)| is(events, &event));
        parts.push(Part { event, steps, unwanted });
    }
    parts.retain(|part| part.steps != 0 || part.unwanted);
    let mut group = vec![0; parts.len()];
    for (number, members) in order::tie_groups(&parts, |_| true).enumerate() {
        group[members].fill(number);
    }
    let search = Search { sequence, parts: &parts, group: &group, born: subject.born(), moment };
    search.goes_on(&mut Vec::new())
}

/// Tries every chain.
struct Search<'a> {
    sequence: &'a Sequence,
    parts: &'a [Part<'a>],
    group: &'a [usize],
    born: Timestamp,
    moment: Moment<'a>,
}

impl Search<'_> {
    fn goes_on(&self, chain: &mut Vec<usize>) -> bool {
        let step = chain.len();
        if step == self.sequence.steps.len() {
            return self.counts(chain);
        }
        (0..self.parts.len()).any(|at| {
            let fits = self.parts[at].steps & (1 << step) != 0
                && !chain.contains(&at)
                && chain.last().is_none_or(|last| self.group[*last] <= self.group[at])
                && chain.first().is_none_or(|first| self.spans(*first, at) && self.are_same(*first, at))
                && self.same(at).is_some();
            fits && {
                chain.push(at);
                let found = self.goes_on(chain);
                chain.pop();
                found
            }
        })
    }

    fn spans(&self, first: usize, at: usize) -> bool {
        let took = self.parts[at].time() - self.parts[first].time();
        self.sequence.spanning.is_none_or(|length| took <= length.micros())
    }

    /// What must be the same; a text for everyone where nothing must.
    fn same(&self, at: usize) -> Option<String> {
        match &self.sequence.same {
            Some(path) => {
                let value = self.parts[at].event.property(path)?;
                value::as_text(value, Reading::Text).map(std::borrow::Cow::into_owned)
            }
            None => Some(String::new()),
        }
    }

    fn are_same(&self, one: usize, other: usize) -> bool {
        self.same(one) == self.same(other)
    }

    fn counts(&self, chain: &[usize]) -> bool {
        let Some(last) = chain.last().copied() else { return false };
        let ended = self.parts[last].event.occurred_at;
        if !self.sequence.within.includes(ended, self.born, self.moment) {
            return false;
        }
        let Some((_, length)) = &self.sequence.without else { return true };
        let limit = ended.plus(length.micros());
        let followed = (0..self.parts.len()).any(|at| {
            self.parts[at].unwanted
                && self.group[at] > self.group[last]
                && self.parts[at].event.occurred_at <= limit
                && self.are_same(last, at)
        });
        limit <= self.moment.now && !followed
    }
}

pub(super) fn overdue(overdue: &Overdue, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    let (times, gaps) = rhythm(overdue, subject, moment);
    let Some(last) = times.last().filter(|_| gaps.len() >= *overdue.gaps as usize) else { return false };
    moment.now.0 - last > usual(&gaps, *overdue.factor)
}

/// When it happened, and the gaps that say what is usual.
pub(super) fn rhythm(overdue: &Overdue, subject: &Subject<'_>, moment: Moment<'_>) -> (Vec<i64>, Vec<i64>) {
    let times: BTreeSet<i64> =
        subject.events_meant(&overdue.of, moment).iter().map(|event| event.occurred_at.0).collect();
    let times: Vec<i64> = times.into_iter().collect();
    let gaps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let gaps = gaps[gaps.len().saturating_sub(Overdue::REMEMBERED)..].to_vec();
    (times, gaps)
}

/// So many times the middle of the gaps, of which there is one at least; of two middle ones their mean, rounded down.
pub(crate) fn usual(gaps: &[i64], factor: Number) -> i64 {
    let mut gaps = gaps.to_vec();
    gaps.sort_unstable();
    let (lower, upper) = (gaps[(gaps.len() - 1) / 2], gaps[gaps.len() / 2]);
    let middle = lower + (upper - lower) / 2;
    i64::try_from(i128::from(middle) * i128::from(factor.micros()) / 1_000_000).unwrap_or(i64::MAX)
}

pub(super) fn streak(streak: &Streak, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    streak_length(streak, subject, moment) >= *streak.least
}

/// So many intervals in a row, up to the present one or the one before it.
pub(super) fn streak_length(streak: &Streak, subject: &Subject<'_>, moment: Moment<'_>) -> u32 {
    let floor = |at: Timestamp| moment.calendar.floor(at, streak.interval);
    let with: BTreeSet<Timestamp> =
        subject.events_meant(&streak.of, moment).iter().map(|event| floor(event.occurred_at)).collect();
    let before = |start: Timestamp| floor(start.plus(-1));
    let mut at = floor(moment.now);
    if !with.contains(&at) {
        at = before(at);
    }
    let mut length = 0;
    while with.contains(&at) {
        length += 1;
        at = before(at);
    }
    debug_assert!(streak.interval != Interval::Hour, "hours repeat where a clock is put back");
    length
}

pub(super) fn held(key: &str, test: &Test, length: Duration, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    held_since(key, test, subject, moment).is_some_and(|since| since.plus(length.micros()) <= moment.now)
}

/// Since when a fact has passed a test without a break, if it does.
pub(super) fn held_since(key: &str, test: &Test, subject: &Subject<'_>, moment: Moment<'_>) -> Option<Timestamp> {
    let passes = |at: Timestamp| test.holds(subject.fact(key, at), value::FACT_NUMBERS, moment);
    let instants = told(key, subject, moment);
    let mut since = None;
    if test.holds(None, value::FACT_NUMBERS, moment) {
        since = Some(subject.born());
    }
    for at in instants {
        since = if passes(at) { since.or(Some(at)) } else { None };
    }
    since
}

/// When a fact was told, up to now, ascending.
fn told(key: &str, subject: &Subject<'_>, moment: Moment<'_>) -> BTreeSet<Timestamp> {
    let told = subject.facts.iter().filter(|fact| fact.key == key && fact.valid_from <= moment.now);
    told.map(|fact| fact.valid_from).collect()
}

pub(super) fn changed(changed: &Changed, subject: &Subject<'_>, moment: Moment<'_>) -> bool {
    changes(changed, subject, moment).iter().any(|at| changed.within.includes(*at, subject.born(), moment))
}

/// When the fact last took another value that is meant.
pub(super) fn last_change(changed: &Changed, subject: &Subject<'_>, moment: Moment<'_>) -> Option<Timestamp> {
    changes(changed, subject, moment).last().copied()
}

fn changes(changed: &Changed, subject: &Subject<'_>, moment: Moment<'_>) -> Vec<Timestamp> {
    let is_meant = |at: &Timestamp| {
        let (before, after) = (subject.fact(&changed.key, at.plus(-1)), subject.fact(&changed.key, *at));
        is_change(changed, before, after)
    };
    told(&changed.key, subject, moment).into_iter().filter(is_meant).collect()
}

/// Whether going from one value to another is meant.
pub(crate) fn is_change(changed: &Changed, before: Option<&Value>, after: Option<&Value>) -> bool {
    let is = |operand: &Option<Given<Operand>>, value: Option<&Value>| {
        operand.as_ref().is_none_or(|operand| value.is_some_and(|value| operand.equals(value, value::FACT_NUMBERS)))
    };
    let both = changed.from.is_some() || changed.to.is_some() || (before.is_some() && after.is_some());
    before != after && both && is(&changed.from, before) && is(&changed.to, after)
}
