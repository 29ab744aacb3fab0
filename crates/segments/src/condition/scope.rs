//! Where a condition stands decides what it can test.
//!
//! Always holds: inside `performed.where` only events are tested, whatever the scope outside.

use super::place::Place;
use super::{Condition, Events, Test};
use crate::Error;
use crate::occurred::Occurred;

/// What a condition is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// It filters events: `property` only.
    Event,
    /// It says who: `fact` and `performed`.
    Person,
    /// It looks at an event and at who did it: everything.
    EventAndPerson,
}

impl Condition {
    /// Refuses tests that mean nothing in `scope`, with their place.
    pub fn validate(&self, scope: Scope) -> Result<(), Error> {
        check(self, scope, &Place::ROOT)
    }
}

fn check(condition: &Condition, scope: Scope, place: &Place<'_>) -> Result<(), Error> {
    match condition {
        Condition::All(children) => check_each(children, scope, &place.field("all")),
        Condition::Any(children) => check_each(children, scope, &place.field("any")),
        Condition::Not(child) => check(child, scope, &place.field("not")),
        Condition::Property { .. } if scope == Scope::Person => Err(place
            .field("property")
            .refuse("there is no event to look at here; put the test into the `where` of a `performed`")),
        Condition::Property { test: Test::InLast(_) | Test::InNext(_), .. } => Err(place
            .field("property")
            .refuse("an event's property does not change, so it is not compared with the present; use `before`, `after` or `between`")),
        Condition::Property { path, test } => match Occurred::of_path(path).and_then(|part| part.problem(test)) {
            Some(problem) => Err(place.field("property").refuse(problem)),
            None => Ok(()),
        },
        _ if scope == Scope::Event => {
            Err(place.field(condition.word()).refuse("a filter of events tests properties only; say who beside it"))
        }
        Condition::Performed(performed) => {
            let place = place.field("performed");
            check_filter(performed.filter.as_deref(), &place, "where")?;
            check_filter(performed.having.as_deref(), &place, "having")
        }
        Condition::Measured(measured) => {
            check_path(&measured.path, &place.field("measured").field("path"))?;
            check_events(&measured.of, &place.field("measured"))
        }
        Condition::Overdue(overdue) => check_events(&overdue.of, &place.field("overdue")),
        Condition::Streak(streak) => check_events(&streak.of, &place.field("streak")),
        Condition::Sequence(sequence) => {
            let place = place.field("sequence");
            check_path(sequence.same.as_deref().unwrap_or_default(), &place.field("same"))?;
            for (index, step) in sequence.steps.iter().enumerate() {
                check_events(step, &place.field("steps").index(index))?;
            }
            sequence.without.as_ref().map_or(Ok(()), |(events, _)| check_events(events, &place.field("without")))
        }
        Condition::Fact { .. }
        | Condition::Held { .. }
        | Condition::Changed(_)
        | Condition::Segment { .. }
        | Condition::Bucket(_) => Ok(()),
    }
}

/// The time of an event is tested, not measured.
fn check_path(path: &str, place: &Place<'_>) -> Result<(), Error> {
    match Occurred::of_path(path) {
        Some(_) => Err(place.refuse("the time of an event is tested in its `where`; it has no figure of its own")),
        None => Ok(()),
    }
}

fn check_events(events: &Events, place: &Place<'_>) -> Result<(), Error> {
    check_filter(events.filter.as_deref(), place, "where")
}

fn check_filter(filter: Option<&Condition>, place: &Place<'_>, name: &str) -> Result<(), Error> {
    filter.map_or(Ok(()), |filter| check(filter, Scope::Event, &place.field(name)))
}

fn check_each(children: &[Condition], scope: Scope, place: &Place<'_>) -> Result<(), Error> {
    children.iter().enumerate().try_for_each(|(index, child)| check(child, scope, &place.index(index)))
}
