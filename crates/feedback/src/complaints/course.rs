//! The course of a complaint: where it stands after its steps, and how long what took.
//!
//! Always holds: steps count in the order of their times, whatever the order in which they were heard of; a step that changes nothing (resolving what is
//! resolved) changes nothing; notes and what the customer says do not answer anything; a reopened complaint has both its first resolution and the time in
//! which it was open in all.

use std::collections::BTreeMap;

use rapport_domain::{BusinessHours, Timestamp};

use super::{State, Step};

/// One step, as far as its course goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What.
    pub step: Step,
    /// When.
    pub at: Timestamp,
    /// Of an answer: whether others can read it.
    pub is_public: bool,
}

/// Where a complaint stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    /// Its state.
    pub state: State,
    /// When the company answered first, whether for everybody or not.
    pub first_answer_at: Option<Timestamp>,
    /// When it answered first in public.
    pub public_answer_at: Option<Timestamp>,
    /// When it was resolved first.
    pub first_resolved_at: Option<Timestamp>,
    /// When it was resolved last, if it is.
    pub resolved_at: Option<Timestamp>,
    /// How often it was opened again.
    pub reopened: i64,
    /// When it was open: each from an opening to its resolution, the last one without an end while it is open.
    pub spans: Vec<(Timestamp, Option<Timestamp>)>,
}

/// Plays the steps of what was opened at an instant. Steps of before that instant (a wrong clock) count as of that instant.
pub fn course(opened_at: Timestamp, steps: &[Happened]) -> Course {
    let mut steps: Vec<Happened> = steps.iter().map(|it| Happened { at: it.at.max(opened_at), ..*it }).collect();
    steps.sort_by_key(|it| (it.at, it.step));
    let mut found = Course {
        state: State::Open,
        first_answer_at: None,
        public_answer_at: None,
        first_resolved_at: None,
        resolved_at: None,
        reopened: 0,
        spans: vec![(opened_at, None)],
    };
    for step in steps {
        found.take(step);
    }
    found
}

impl Course {
    fn take(&mut self, happened: Happened) {
        let at = happened.at;
        match happened.step {
            Step::Answered => {
                self.first_answer_at = self.first_answer_at.or(Some(at));
                if happened.is_public {
                    self.public_answer_at = self.public_answer_at.or(Some(at));
                }
                if self.state.is_open() {
                    self.state = State::Answered;
                }
            }
            Step::Resolved if self.state.is_open() => {
                self.state = State::Resolved;
                self.first_resolved_at = self.first_resolved_at.or(Some(at));
                self.resolved_at = Some(at);
                if let Some(last) = self.spans.last_mut() {
                    last.1 = Some(at);
                }
            }
            // Whoever writes again has not got what they wanted.
            Step::Reopened | Step::Continued if !self.state.is_open() => {
                self.state = State::Reopened;
                self.resolved_at = None;
                self.reopened += 1;
                self.spans.push((at, None));
            }
            Step::Resolved | Step::Reopened | Step::Continued | Step::Noted => {}
        }
    }

    /// Whether a step would change anything now.
    pub fn allows(&self, step: Step) -> bool {
        match step {
            Step::Resolved => self.state.is_open(),
            Step::Reopened => !self.state.is_open(),
            Step::Answered | Step::Continued | Step::Noted => true,
        }
    }

    /// The business time in which it was open by `now`, reopenings included.
    pub fn open_for(&self, hours: &BusinessHours, now: Timestamp) -> i64 {
        self.spans.iter().map(|(from, to)| hours.elapsed(*from, to.unwrap_or(now))).sum()
    }
}

/// How many of some spans hold an instant: at `from`, and at each later instant at which that changes. A span without an end holds all after its start.
pub fn counts(spans: &[(Timestamp, Option<Timestamp>)], from: Timestamp) -> Vec<(Timestamp, i64)> {
    let mut changes: BTreeMap<Timestamp, i64> = BTreeMap::from([(from, 0)]);
    for (start, end) in spans.iter().filter(|span| span.1.is_none_or(|end| end > from)) {
        *changes.entry((*start).max(from)).or_default() += 1;
        if let Some(end) = end {
            *changes.entry(*end).or_default() -= 1;
        }
    }
    let mut sum = 0;
    let mut counted = |(at, change)| {
        sum += change;
        (at, sum)
    };
    changes.into_iter().map(&mut counted).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::business_hours::Plan;

    use super::*;

    fn step(step: Step, at: i64, is_public: bool) -> Happened {
        Happened { step, at: Timestamp(at), is_public }
    }

    #[test]
    fn reopening_is_a_new_resolution_and_both_are_told() {
        let steps = [
            step(Step::Noted, 5, false),
            step(Step::Answered, 10, false),
            step(Step::Resolved, 20, false),
            step(Step::Continued, 30, false),
            step(Step::Answered, 35, true),
            step(Step::Resolved, 50, false),
        ];
        let found = course(Timestamp(0), &steps);
        assert_eq!((found.state, found.reopened), (State::Resolved, 1));
        assert_eq!(
            (found.first_answer_at, found.public_answer_at, found.first_resolved_at, found.resolved_at),
            (Some(Timestamp(10)), Some(Timestamp(35)), Some(Timestamp(20)), Some(Timestamp(50)))
        );
        let hours = BusinessHours::new(&Plan::always("UTC")).unwrap();
        assert_eq!(found.open_for(&hours, Timestamp(1_000)), 20 + 20);
        assert_eq!(course(Timestamp(0), &steps[..4]).open_for(&hours, Timestamp(1_000)), 20 + 970);
        assert!(!found.allows(Step::Resolved) && found.allows(Step::Reopened) && found.allows(Step::Answered));
    }

    proptest! {
        /// Against asking of each instant by itself whether it is open: it is while fewer resolutions that counted lie behind it than openings.
        #[test]
        fn a_course_is_what_each_instant_says(steps in prop::collection::vec((0usize..5, 0i64..40, any::<bool>()), 0..12), seed in 0usize..12) {
            let mut steps: Vec<Happened> =
                steps.into_iter().map(|(which, at, public)| step(Step::ALL[which], at, public)).collect();
            let found = course(Timestamp(3), &steps);
            // The order in which they were heard of is of no account.
            if !steps.is_empty() {
                let middle = seed % steps.len();
                steps.rotate_left(middle);
            }
            prop_assert_eq!(&course(Timestamp(3), &steps), &found);
            let late: Vec<Happened> = steps.iter().map(|it| Happened { at: it.at.max(Timestamp(3)), ..*it }).collect();
            // What is open after all steps of an instant, found by walking through instants.
            let mut open = true;
            let mut minutes = 0;
            for at in 3..60 {
                for kind in Step::ALL {
                    for _ in late.iter().filter(|it| it.at == Timestamp(at) && it.step == *kind) {
                        match kind {
                            Step::Resolved => open = false,
                            Step::Reopened | Step::Continued => open = true,
                            Step::Answered | Step::Noted => {}
                        }
                    }
                }
                minutes += i64::from(open);
            }
            prop_assert_eq!(found.state.is_open(), open);
            let always = BusinessHours::new(&Plan::always("UTC")).unwrap();
            prop_assert_eq!(found.open_for(&always, Timestamp(60)), minutes);
            let first = |wanted: &dyn Fn(&Happened) -> bool| late.iter().filter(|it| wanted(it)).map(|it| it.at).min();
            prop_assert_eq!(found.first_answer_at, first(&|it| it.step == Step::Answered));
            prop_assert_eq!(found.public_answer_at, first(&|it| it.step == Step::Answered && it.is_public));
            prop_assert_eq!(found.first_resolved_at, first(&|it| it.step == Step::Resolved));
        }

        /// Against looking at each instant by itself.
        #[test]
        fn counts_are_what_each_instant_says(spans in prop::collection::vec((0i64..20, prop::option::of(0i64..12)), 0..6), from in 0i64..25) {
            let spans: Vec<(Timestamp, Option<Timestamp>)> =
                spans.into_iter().map(|(start, long)| (Timestamp(start), long.map(|long| Timestamp(start + long)))).collect();
            let told = counts(&spans, Timestamp(from));
            prop_assert_eq!(told[0].0, Timestamp(from));
            for at in from..40 {
                let holds = |span: &&(Timestamp, Option<Timestamp>)| span.0.0 <= at && span.1.is_none_or(|end| at < end.0);
                let expected = spans.iter().filter(holds).count() as i64;
                let found = told.iter().rev().find(|it| it.0.0 <= at).unwrap().1;
                prop_assert_eq!(found, expected, "at {}", at);
            }
        }
    }
}
