//! Who has a subscription, and when it ended: lost where customers are held by a contract.
//!
//! A subscription is named by its property `subscription_id`, without one by its person, as in the figures of recurring revenue. Somebody may have several.
//!
//! Always holds: who has one is judged by the end of a day, so that a change of plan, which ends one and begins another on one day, is no loss; who has one at a moment is
//! told by what had happened *and been heard of* before it; whether they were lost is what followed, as it stands now.
//!
//! Does not do: prices, or saying why a subscription ended.

mod signs;

use std::collections::HashMap;
use std::sync::Arc;

use rapport_domain::PersonId;
use rapport_domain::shop_events::{
    SUBSCRIPTION_CANCELLED, SUBSCRIPTION_CHANGED, SUBSCRIPTION_RENEWED, SUBSCRIPTION_STARTED,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::foretelling::{Looks, Rows, SUBSCRIBED};
use crate::scores::within;

/// The most names of either kind.
const MOST: usize = 20;
/// The longest name of an event.
const LONGEST: usize = 200;
/// As long as nothing ended it.
const STILL: i32 = i32::MAX;

/// By which events somebody has a subscription, and which end it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ChurnContract)]
pub struct Contract {
    /// The names of events by which somebody has a subscription: its start, and whatever shows that it goes on. 1 to 20.
    pub has: Vec<String>,
    /// The names of events that end it. 1 to 20.
    pub ends: Vec<String>,
}

impl Default for Contract {
    fn default() -> Self {
        let has = [SUBSCRIPTION_STARTED, SUBSCRIPTION_RENEWED, SUBSCRIPTION_CHANGED];
        Self { has: has.map(str::to_owned).to_vec(), ends: vec![SUBSCRIPTION_CANCELLED.to_owned()] }
    }
}

impl Contract {
    /// What is wrong with it: the field, and what is expected.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let are_names = |all: &[String]| {
            (1..=MOST).contains(&all.len()) && all.iter().all(|it| !it.trim().is_empty() && it.len() <= LONGEST)
        };
        within(are_names(&self.has), "contract.has", "1 to 20 names of events, each up to 200 letters")?;
        within(are_names(&self.ends), "contract.ends", "1 to 20 names of events, each up to 200 letters")?;
        let is_other = !self.ends.iter().any(|it| self.has.contains(it));
        within(is_other, "contract.ends", "other events than those by which somebody has a subscription")
    }

    /// All of its events.
    pub fn names(&self) -> Vec<String> {
        self.has.iter().chain(&self.ends).cloned().collect()
    }
}

/// An event of a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign {
    /// The day on which it happened, since 1970, by the workspace's calendar.
    pub day: i32,
    /// The day on which it was heard of.
    pub heard: i32,
    /// Which subscription; empty where it is named by its person.
    pub subscription: Arc<str>,
    /// Whether it ends it.
    pub ends: bool,
}

/// The events of everybody's subscriptions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions(HashMap<PersonId, Vec<Sign>>);

impl Subscriptions {
    /// Of people's events, each person's in the order in which they happened.
    pub fn new(all: impl IntoIterator<Item = (PersonId, Vec<Sign>)>) -> Self {
        Self(all.into_iter().collect())
    }

    /// How many people have, or had, one.
    pub fn people(&self) -> usize {
        self.0.len()
    }

    /// The first day of any.
    pub fn first_day(&self) -> Option<i32> {
        self.0.values().filter_map(|it| it.first()).map(|it| it.day).min()
    }

    /// Since which day somebody had one before the day `moment`, by what had been heard of before the day `heard`; `None` where they had none.
    pub fn since(&self, person: PersonId, moment: i32, heard: i32) -> Option<i32> {
        let known = self.0.get(&person)?.iter().filter(|it| it.day < moment && it.heard < heard);
        spans(known).last().filter(|it| it.1 == STILL).map(|it| it.0)
    }

    /// Whether somebody had none at the end of any day from one before `from` to one before `until`, as it stands now.
    pub fn is_lost(&self, person: PersonId, from: i32, until: i32) -> bool {
        let Some(signs) = self.0.get(&person) else { return true };
        !spans(signs.iter()).iter().any(|it| it.0 < from && it.1 >= until)
    }

    /// Keeps the rows of those who had one, each at its day, and says since when they had.
    pub fn keep(&self, rows: &mut Rows, looks: &Looks) {
        rows.rows.retain_mut(|row| {
            let day = looks.days[row.look];
            let Some(since) = self.since(row.person, day, looks.heard(row.look)) else { return false };
            row.known.values[SUBSCRIBED] = f64::from(day - since);
            true
        });
        rows.lost.clear();
    }
}

/// From which day on until before which somebody had one at the end of the day, ascending.
fn spans<'a>(signs: impl Iterator<Item = &'a Sign>) -> Vec<(i32, i32)> {
    let (mut open, mut found): (Vec<&str>, Vec<(i32, i32)>) = (Vec::new(), Vec::new());
    for sign in signs {
        let own: &str = &sign.subscription;
        if sign.ends {
            open.retain(|it| *it != own);
        } else if !open.contains(&own) {
            open.push(own);
        }
        match found.last_mut() {
            Some(last) if last.1 == STILL && open.is_empty() => last.1 = sign.day,
            Some(last) if last.1 == STILL => {}
            // Ended and begun on one day: it was changed.
            Some(last) if last.1 == sign.day && !open.is_empty() => last.1 = STILL,
            _ if !open.is_empty() => found.push((sign.day, STILL)),
            _ => {}
        }
    }
    found.retain(|it| it.0 < it.1);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(day: i32, subscription: &str, ends: bool) -> Sign {
        Sign { day, heard: day, subscription: subscription.into(), ends }
    }

    fn of(signs: &[Sign]) -> Subscriptions {
        Subscriptions::new([(PersonId(1), signs.to_vec())])
    }

    #[test]
    fn a_subscription_lasts_until_it_is_ended_and_a_change_of_plan_on_one_day_is_no_end() {
        let one = [sign(10, "a", false), sign(20, "a", false), sign(30, "a", true), sign(50, "a", false)];
        assert_eq!(spans(one.iter()), [(10, 30), (50, STILL)]);
        let changed = [sign(10, "a", false), sign(30, "a", true), sign(30, "b", false)];
        assert_eq!(spans(changed.iter()), [(10, STILL)]);
        let two = [sign(10, "a", false), sign(12, "b", false), sign(30, "a", true), sign(40, "b", true)];
        assert_eq!(spans(two.iter()), [(10, 40)], "they still had another one");
        let other = [sign(10, "a", false), sign(30, "b", true)];
        assert_eq!(spans(other.iter()), [(10, STILL)], "another one ended");
        let tried = [sign(10, "a", false), sign(10, "a", true), sign(12, "a", false)];
        assert_eq!(spans(tried.iter()), [(12, STILL)]);
        assert_eq!(spans([sign(5, "a", true)].iter()), []);
    }

    #[test]
    fn who_has_one_is_told_by_what_was_heard_of_and_lost_is_what_followed() {
        let late = Sign { heard: 40, ..sign(25, "a", true) };
        let all = of(&[sign(10, "a", false), late]);
        let since = |moment, heard| all.since(PersonId(1), moment, heard);
        assert_eq!([since(10, 10), since(11, 11)], [None, Some(10)], "on the day itself it was not known");
        assert_eq!([since(30, 30), since(30, 41), since(41, i32::MAX)], [Some(10), None, None]);
        assert_eq!(all.since(PersonId(2), 30, 30), None);
        let lost = |from, until| all.is_lost(PersonId(1), from, until);
        assert_eq!([lost(18, 25), lost(18, 26), lost(25, 32)], [false, true, true]);
        assert!(lost(30, 37), "it had ended already, which nobody had heard of");
        assert!(all.is_lost(PersonId(2), 18, 25));
    }

    #[test]
    fn names_are_asked_for_and_none_does_both() {
        assert_eq!(Contract::default().check(), Ok(()));
        let names = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect::<Vec<String>>();
        for (has, ends, field) in [
            (names(&[]), names(&["Left"]), "contract.has"),
            (names(&["Joined", " "]), names(&["Left"]), "contract.has"),
            (names(&["Joined"]), names(&[]), "contract.ends"),
            (names(&["Joined"]), vec!["x".repeat(201)], "contract.ends"),
            (names(&["Joined", "Left"]), names(&["Left"]), "contract.ends"),
        ] {
            assert_eq!(Contract { has, ends }.check().unwrap_err().0, field);
        }
    }
}
