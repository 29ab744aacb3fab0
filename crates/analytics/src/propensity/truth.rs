//! What people then did, and from when until when conditions held of them.
//!
//! Always holds: a person is asked about at a day by what held before it; what began on the day itself is what followed.

use std::collections::HashMap;

use rapport_domain::{Calendar, PersonId, Timestamp};

use super::{Definition, Label};
use crate::foretelling::{Deed, Did, Foretold, Row};
use crate::value::{Bought, day_of};

/// From which day until which a condition held of somebody, ascending; to the last day there is where it still does.
pub type Spans = HashMap<PersonId, Vec<(i32, i32)>>;

/// Times from when until when a condition held, as days.
pub fn spans(times: Vec<(PersonId, (Timestamp, Option<Timestamp>))>, calendar: &Calendar) -> Spans {
    let mut found = Spans::new();
    for (person, (from, until)) in times {
        let until = until.map_or(i32::MAX, |it| day_of(it, calendar));
        found.entry(person).or_default().push((day_of(from, calendar), until));
    }
    found
}

/// Whether it held before a day.
fn held(of: &Spans, person: PersonId, day: i32) -> bool {
    of.get(&person).is_some_and(|all| all.iter().any(|(from, until)| *from < day && *until >= day))
}

/// What is known of what people did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// Where something is done: on which days by whom.
    pub days: HashMap<PersonId, Vec<i32>>,
    /// Where a condition comes to be fulfilled: when it was.
    pub fulfils: Spans,
    /// When people were of those who are asked about; `None` is always.
    pub audience: Option<Spans>,
}

impl Truth {
    /// Adds what somebody did.
    pub fn add(&mut self, person: PersonId, deeds: &[Deed]) {
        let own = deeds.iter().filter(|it| it.did == Did::Own && it.stands).map(|it| it.day);
        let days: Vec<i32> = own.collect();
        if !days.is_empty() {
            self.days.entry(person).or_default().extend(days);
        }
    }

    /// Whether somebody is one of those who are asked about on a day.
    pub(super) fn is_asked(&self, person: PersonId, day: i32) -> bool {
        self.audience.as_ref().is_none_or(|it| held(it, person, day))
    }

    /// Whether they are already what is foretold that they come to be.
    pub(super) fn is_so(&self, person: PersonId, day: i32) -> bool {
        held(&self.fulfils, person, day)
    }

    /// Whether it came true of a row within the horizon from a day on; `None` of whom it is not asked.
    pub(super) fn outcome<'a>(
        &'a self,
        bought: &'a Bought,
        definition: &'a Definition,
    ) -> impl Fn(&Row, i32) -> Option<bool> + 'a {
        let horizon = definition.horizon();
        move |row, day| {
            let person = row.person;
            if !self.is_asked(person, day) {
                return None;
            }
            let within = |it: i32| it >= day && it < day.saturating_add(horizon);
            match &definition.label {
                Label::Purchase {} => {
                    let buyer = bought.buyers.binary_search_by_key(&person, |it| it.person).ok();
                    Some(buyer.is_some_and(|it| bought.buyers[it].later(day, day + horizon).0 > 0))
                }
                Label::Condition { .. } if self.is_so(person, day) => None,
                Label::Condition { .. } => {
                    Some(self.fulfils.get(&person).is_some_and(|all| all.iter().any(|(from, _)| within(*from))))
                }
                Label::Category { .. } | Label::Event { .. } => {
                    Some(self.days.get(&person).is_some_and(|all| all.iter().any(|it| within(*it))))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rapport_domain::WeekStart;

    use super::*;
    use crate::foretelling::Known;

    fn row(person: i64) -> Row {
        let amount = f64::NAN;
        let deed = Deed { day: 1, heard: 1, did: Did::Visited, amount, reduced: false, stands: true, reason: None };
        Row { person: PersonId(person), look: 0, known: Known::at(&[deed], 10, 10).unwrap() }
    }

    fn definition(label: Label) -> Definition {
        Definition { label, horizon_weeks: 1, audience: None, active_weeks: 52 }
    }

    #[test]
    fn what_begins_on_the_day_is_what_followed_and_what_held_before_is_not_asked() {
        let condition = || serde_json::from_value(serde_json::json!({"all": []})).unwrap();
        let definition = definition(Label::Condition { condition: condition() });
        let day = |day: i64| Timestamp(day * Timestamp::DAY + Timestamp::HOUR);
        let calendar = Calendar::new("UTC", WeekStart::Monday).unwrap();
        let times = vec![
            (PersonId(1), (day(10), None)),
            (PersonId(2), (day(9), None)),
            (PersonId(3), (day(16), Some(day(16)))),
            (PersonId(4), (day(17), None)),
            (PersonId(5), (day(3), Some(day(9)))),
            (PersonId(6), (day(3), Some(day(10)))),
            (PersonId(7), (day(3), Some(day(5)))),
            (PersonId(7), (day(12), None)),
        ];
        let truth = Truth { fulfils: spans(times, &calendar), ..Truth::default() };
        let bought = Bought::default();
        let of = |person: i64| truth.outcome(&bought, &definition)(&row(person), 10);
        let found: Vec<Option<bool>> = (1..=8).map(of).collect();
        assert_eq!(
            found,
            [Some(true), None, Some(true), Some(false), Some(false), None, Some(true), Some(false)],
            "on the day, before it, on the last day, a day too late, over before, until the day, again, never"
        );
    }

    #[test]
    fn what_is_done_again_counts_again_and_only_of_those_asked_about() {
        let definition = definition(Label::Event { event: "Clicked".to_owned(), filter: None });
        let mut truth = Truth::default();
        let did = |day: i32, stands: bool| Deed {
            day,
            heard: day + 90,
            did: Did::Own,
            amount: f64::NAN,
            reduced: false,
            stands,
            reason: None,
        };
        truth.add(PersonId(1), &[did(3, true), did(12, true)]);
        truth.add(PersonId(2), &[did(12, false)]);
        truth.add(PersonId(3), &[did(9, true), did(17, true)]);
        let bought = Bought::default();
        let of = |truth: &Truth, person: i64| truth.outcome(&bought, &definition)(&row(person), 10);
        assert_eq!([1, 2, 3].map(|it| of(&truth, it)), [Some(true), Some(false), Some(false)]);
        truth.audience = Some(Spans::from([(PersonId(1), vec![(10, i32::MAX)]), (PersonId(3), vec![(9, 10)])]));
        assert_eq!([1, 2, 3].map(|it| of(&truth, it)), [None, None, Some(false)]);
    }
}
