//! Where a condition stands decides what it can test.
//!
//! Always holds: inside `performed.where` only events are tested, whatever the scope outside.

use super::place::Place;
use super::{Condition, Performed};
use crate::Error;

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
        Condition::Fact { .. } if scope == Scope::Event => {
            Err(place.field("fact").refuse("a filter of events tests properties only; say who beside it"))
        }
        Condition::Performed(_) if scope == Scope::Event => {
            Err(place.field("performed").refuse("a filter of events tests properties only; say who beside it"))
        }
        Condition::Performed(Performed { filter: Some(filter), .. }) => {
            check(filter, Scope::Event, &place.field("performed").field("where"))
        }
        Condition::Property { .. } | Condition::Fact { .. } | Condition::Performed(_) => Ok(()),
    }
}

fn check_each(children: &[Condition], scope: Scope, place: &Place<'_>) -> Result<(), Error> {
    children.iter().enumerate().try_for_each(|(index, child)| check(child, scope, &place.index(index)))
}
