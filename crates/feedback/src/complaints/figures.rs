//! What complaints amount to: how many, how fast they are answered and resolved in business time, in public too, whose they are again, and what they cost.
//!
//! Always holds: what still waits is counted beside what is done, and a median is of all of them: the time within which half were answered, with those
//! that wait counted as waiting at least so long (Kaplan and Meier, "Nonparametric estimation from incomplete observations", JASA 53, 1958), so leaving
//! the hard ones unanswered makes no figure better. Attainment is those in time among those that are decided: done, or late already.

use std::collections::BTreeMap;

use rapport_domain::{BusinessHours, PersonId, Timestamp};
use rapport_models::survey::{Confidence, share};
use serde::{Deserialize, Serialize};

use super::course::{Course, Happened, course};

/// Within how many minutes of business time what has to happen, from the lowest severity to the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets {
    /// The first answer.
    pub first_answer_minutes: [i64; 4],
    /// The resolution.
    pub resolution_minutes: [i64; 4],
}

impl Default for Targets {
    /// Days of eight hours: answered within one, resolved within five; what is critical within an hour and a day.
    fn default() -> Self {
        Self { first_answer_minutes: [960, 480, 240, 60], resolution_minutes: [4_800, 2_400, 1_440, 480] }
    }
}

/// A complaint or mention of ours, as far as figures go.
#[derive(Clone, Debug, PartialEq)]
pub struct Observed {
    /// Whether it wants an answer; a mention counts among what is public only.
    pub is_complaint: bool,
    /// When it came.
    pub opened_at: Timestamp,
    /// What was done.
    pub steps: Vec<Happened>,
    /// Whether others can read it.
    pub is_public: bool,
    /// 1 to 4.
    pub severity: i64,
    /// Whose it is, if that is known.
    pub person: Option<PersonId>,
    /// What it cost: a currency and millionths.
    pub cost: Option<(String, i64)>,
}

/// A share with the interval that holds it 19 times of 20.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// So many.
    pub hits: u64,
    /// Of so many.
    pub of: u64,
    /// The share.
    pub share: f64,
    /// Its interval.
    pub low: f64,
    /// The other end.
    pub high: f64,
}

impl Share {
    /// `None` of nothing.
    pub fn of(hits: u64, of: u64) -> Option<Self> {
        let (found, (low, high)) = share(hits, of, Confidence::default())?;
        Some(Self { hits, of, share: found, low, high })
    }
}

/// How long something takes, in microseconds of business time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times {
    /// For how many it has happened.
    pub done: u64,
    /// For how many it has not.
    pub waiting: u64,
    /// For how many of these it is late already.
    pub overdue: u64,
    /// Within this time it had happened for half; `None` while it is not known.
    pub median: Option<i64>,
    /// For nine of ten.
    pub ninth: Option<i64>,
    /// The mean of those for which it has happened.
    pub mean_of_done: Option<i64>,
    /// Those in time among those that are decided.
    pub attained: Option<Share>,
}

/// What is public.
#[derive(Clone, Debug, PartialEq)]
pub struct Public {
    /// How many complaints and mentions others can read.
    pub all: u64,
    /// The share that was answered where others can read it.
    pub answered: Option<Share>,
    /// How fast that was.
    pub times: Times,
}

/// Who comes again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repeats {
    /// People who complained.
    pub people: u64,
    /// People who did so twice or more.
    pub repeated: u64,
    /// Their complaints.
    pub complaints: u64,
}

/// What complaints amount to.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// How many.
    pub complaints: u64,
    /// How many are open, answered, resolved, reopened.
    pub states: [u64; 4],
    /// How many were opened again at least once.
    pub reopened: u64,
    /// How many were resolved without an answer. They neither wait for one nor had one.
    pub resolved_unanswered: u64,
    /// Until the first answer.
    pub first_answer: Times,
    /// Until the first resolution.
    pub first_resolution: Times,
    /// The time in which they were open in all.
    pub resolution: Times,
    /// What is public.
    pub public: Public,
    /// Who comes again.
    pub repeats: Repeats,
    /// What they cost by currency: how many say so, and millionths.
    pub cost: BTreeMap<String, (u64, i64)>,
}

/// One wait: how long, whether it is over, and within which time it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    long: i64,
    is_over: bool,
    /// Whether it can still become over; else it is left out of what waits, and only was no shorter.
    is_waiting: bool,
    target: i64,
}

/// What complaints amount to by `now`.
pub fn figures(observed: &[Observed], hours: &BusinessHours, targets: &Targets, now: Timestamp) -> Figures {
    let courses: Vec<(&Observed, Course)> = observed.iter().map(|it| (it, course(it.opened_at, &it.steps))).collect();
    let own: Vec<&(&Observed, Course)> = courses.iter().filter(|it| it.0.is_complaint).collect();
    let counted = |which: &dyn Fn(&Course) -> bool| own.iter().filter(|it| which(&it.1)).count() as u64;
    let target = |of: &[i64; 4], severity: i64| {
        let place = usize::try_from(severity - 1).unwrap_or(0).min(of.len() - 1);
        of[place].saturating_mul(Timestamp::MINUTE)
    };
    let until = |it: &(&Observed, Course), end: Option<Timestamp>, given_up: Option<Timestamp>, of: &[i64; 4]| Wait {
        long: hours.elapsed(it.0.opened_at, end.or(given_up).unwrap_or(now)),
        is_over: end.is_some(),
        is_waiting: end.is_none() && given_up.is_none(),
        target: target(of, it.0.severity),
    };
    let (answers, resolutions) = (&targets.first_answer_minutes, &targets.resolution_minutes);
    let in_all = |it: &&(&Observed, Course)| Wait {
        long: it.1.open_for(hours, now),
        is_over: it.1.resolved_at.is_some(),
        is_waiting: it.1.resolved_at.is_none(),
        target: target(resolutions, it.0.severity),
    };
    Figures {
        complaints: own.len() as u64,
        states: std::array::from_fn(|at| counted(&|it| it.state == super::State::ALL[at])),
        reopened: counted(&|it| it.reopened > 0),
        resolved_unanswered: counted(&|it| it.first_answer_at.is_none() && it.first_resolved_at.is_some()),
        first_answer: times(
            own.iter().map(|it| until(it, it.1.first_answer_at, it.1.first_resolved_at, answers)).collect(),
        ),
        first_resolution: times(own.iter().map(|it| until(it, it.1.first_resolved_at, None, resolutions)).collect()),
        resolution: times(own.iter().map(in_all).collect()),
        public: public(&courses, |it| until(it, it.1.public_answer_at, None, answers)),
        repeats: repeats(&own),
        cost: cost(&own),
    }
}

fn public(courses: &[(&Observed, Course)], until: impl Fn(&(&Observed, Course)) -> Wait) -> Public {
    let seen: Vec<&(&Observed, Course)> = courses.iter().filter(|it| it.0.is_public).collect();
    let answered = seen.iter().filter(|it| it.1.public_answer_at.is_some()).count() as u64;
    Public {
        all: seen.len() as u64,
        answered: Share::of(answered, seen.len() as u64),
        times: times(seen.into_iter().map(until).collect()),
    }
}

fn repeats(own: &[&(&Observed, Course)]) -> Repeats {
    let mut of: BTreeMap<PersonId, u64> = BTreeMap::new();
    own.iter().filter_map(|it| it.0.person).for_each(|person| *of.entry(person).or_default() += 1);
    let again = || of.values().filter(|count| **count > 1);
    Repeats { people: of.len() as u64, repeated: again().count() as u64, complaints: again().sum() }
}

fn cost(own: &[&(&Observed, Course)]) -> BTreeMap<String, (u64, i64)> {
    let mut sums: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    for (currency, micros) in own.iter().filter_map(|it| it.0.cost.clone()) {
        let sum = sums.entry(currency).or_default();
        *sum = (sum.0 + 1, sum.1.saturating_add(micros));
    }
    sums
}

fn times(mut waits: Vec<Wait>) -> Times {
    waits.sort_unstable_by_key(|it| it.long);
    let done: Vec<&Wait> = waits.iter().filter(|it| it.is_over).collect();
    let waiting = waits.iter().filter(|it| it.is_waiting);
    let overdue = waiting.clone().filter(|it| it.long > it.target).count() as u64;
    let in_time = done.iter().filter(|it| it.long <= it.target).count() as u64;
    let count = i64::try_from(done.len()).unwrap_or(i64::MAX);
    Times {
        done: done.len() as u64,
        waiting: waiting.count() as u64,
        overdue,
        median: quantile(&waits, 0.5),
        ninth: quantile(&waits, 0.9),
        mean_of_done: (count > 0).then(|| done.iter().map(|it| it.long).sum::<i64>() / count.max(1)),
        attained: Share::of(in_time, done.len() as u64 + overdue),
    }
}

/// The shortest time by which the share `part` is over, by the product-limit estimate. `waits` are sorted by how long they are.
fn quantile(waits: &[Wait], part: f64) -> Option<i64> {
    let mut left = 1.0;
    let mut at_risk = waits.len();
    for same in waits.chunk_by(|a, b| a.long == b.long) {
        let over = same.iter().filter(|it| it.is_over).count();
        left *= 1.0 - over as f64 / at_risk as f64;
        at_risk -= same.len();
        // Products of fractions miss halves by their last digit.
        if over > 0 && left <= 1.0 - part + 1e-9 {
            return Some(same[0].long);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::business_hours::Plan;

    use super::super::{State, Step};
    use super::*;

    const MINUTE: i64 = Timestamp::MINUTE;

    fn waits(of: &[(i64, bool)]) -> Vec<Wait> {
        let mut all: Vec<Wait> = of
            .iter()
            .map(|(long, is_over)| Wait { long: *long, is_over: *is_over, is_waiting: !is_over, target: 10 })
            .collect();
        all.sort_unstable_by_key(|it| it.long);
        all
    }

    #[test]
    fn what_waits_is_no_faster_than_what_is_done() {
        let found = times(waits(&[(5, true), (8, true), (20, false), (30, false)]));
        assert_eq!((found.done, found.waiting, found.overdue, found.mean_of_done), (2, 2, 2, Some(6)));
        assert_eq!((found.median, found.ninth), (Some(8), None));
        assert_eq!(found.attained.map(|it| (it.hits, it.of)), Some((2, 4)));
        // Leaving one more unanswered makes nothing better.
        assert_eq!(times(waits(&[(5, true), (8, true), (20, false), (30, false), (40, false)])).median, None);
        assert_eq!(times(Vec::new()), Times::default());
    }

    proptest! {
        /// Against the definition: of each time by itself, the product over all earlier ends.
        #[test]
        fn quantiles_are_those_of_the_product_limit(of in prop::collection::vec((0i64..12, any::<bool>()), 0..15), part in prop::sample::select(vec![0.1, 0.5, 0.9])) {
            let all = waits(&of);
            let survival = |at: i64| -> f64 {
                let ends: std::collections::BTreeSet<i64> = of.iter().filter(|it| it.1 && it.0 <= at).map(|it| it.0).collect();
                ends.iter().map(|end| {
                    let over = of.iter().filter(|it| it.1 && it.0 == *end).count() as f64;
                    let at_risk = of.iter().filter(|it| it.0 >= *end).count() as f64;
                    1.0 - over / at_risk
                }).product()
            };
            let expected = (0..12).filter(|at| of.iter().any(|it| it.1 && it.0 == *at)).find(|at| survival(*at) <= 1.0 - part + 1e-9);
            prop_assert_eq!(quantile(&all, part), expected);
            // Where all are over it is the one that so many are not longer than.
            if of.iter().all(|it| it.1) && !of.is_empty() {
                let place = ((part * of.len() as f64) - 1e-9).ceil().max(1.0);
                let mut sorted: Vec<i64> = of.iter().map(|it| it.0).collect();
                sorted.sort_unstable();
                prop_assert_eq!(quantile(&all, part), sorted.into_iter().enumerate().find(|it| it.0 as f64 + 1.0 >= place).map(|it| it.1));
            }
        }
    }

    prop_compose! {
        fn observed()(
            is_complaint in any::<bool>(), at in 0i64..6_000, steps in prop::collection::vec((0usize..5, 0i64..9_000, any::<bool>()), 0..5),
            is_public in any::<bool>(), severity in 1i64..=4, person in prop::option::of(1i64..4), cost in prop::option::of((prop::sample::select(vec!["EUR", "USD"]), 0i64..90)),
        ) -> Observed {
            let start = Timestamp::parse("2026-03-27T00:00:00Z").unwrap();
            let steps = steps.into_iter().map(|(which, at, is_public)| Happened { step: Step::ALL[which], at: start.plus(at * MINUTE), is_public });
            Observed {
                is_complaint, opened_at: start.plus(at * MINUTE), steps: steps.collect(), is_public, severity,
                person: person.map(PersonId), cost: cost.map(|(currency, it)| (currency.to_owned(), it)),
            }
        }
    }

    /// Minute by minute: how many of them the office is open between two instants.
    fn minutes(hours: &BusinessHours, from: Timestamp, to: Timestamp) -> i64 {
        let mut at = from;
        let mut sum = 0;
        while at < to {
            sum += i64::from(hours.is_open(at));
            at = at.plus(MINUTE);
        }
        sum
    }

    /// A wait by hand: minutes until it was over, or so far; whether it is over, whether it is still waited for; and the target.
    type ByHand = (i64, bool, bool, i64);

    /// What waits amount to, by their definitions: each time by itself, no order, no sums on the way.
    fn by_hand(waits: &[ByHand]) -> Times {
        let over: Vec<&ByHand> = waits.iter().filter(|it| it.1).collect();
        let still: Vec<&ByHand> = waits.iter().filter(|it| it.2).collect();
        let overdue = still.iter().filter(|it| it.0 > it.3).count() as u64;
        let in_time = over.iter().filter(|it| it.0 <= it.3).count() as u64;
        let survival = |at: i64| -> f64 {
            let ends: std::collections::BTreeSet<i64> = over.iter().map(|it| it.0).filter(|it| *it <= at).collect();
            let left = |end: &i64| {
                let here = over.iter().filter(|it| it.0 == *end).count() as f64;
                1.0 - here / waits.iter().filter(|it| it.0 >= *end).count() as f64
            };
            ends.iter().map(left).product()
        };
        let first = |part: f64| {
            let mut times: Vec<i64> =
                over.iter().map(|it| it.0).filter(|at| survival(*at) <= 1.0 - part + 1e-9).collect();
            times.sort_unstable();
            times.first().map(|it| it * MINUTE)
        };
        let sum: i64 = over.iter().map(|it| it.0).sum();
        Times {
            done: over.len() as u64,
            waiting: still.len() as u64,
            overdue,
            median: first(0.5),
            ninth: first(0.9),
            mean_of_done: (!over.is_empty()).then(|| sum * MINUTE / over.len() as i64),
            attained: Share::of(in_time, over.len() as u64 + overdue),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        /// Each figure against counting by hand.
        #[test]
        fn figures_are_what_counting_gives(all in prop::collection::vec(observed(), 0..7)) {
            let hours = BusinessHours::new(&Plan::usual("Europe/Berlin")).unwrap();
            let targets = Targets { first_answer_minutes: [400, 300, 200, 100], resolution_minutes: [900, 800, 700, 600] };
            let now = Timestamp::parse("2026-04-03T12:00:00Z").unwrap();
            let found = figures(&all, &hours, &targets, now);
            let own: Vec<&Observed> = all.iter().filter(|it| it.is_complaint).collect();
            prop_assert_eq!(found.complaints, own.len() as u64);
            for (at, state) in State::ALL.iter().enumerate() {
                let here = own.iter().filter(|it| course(it.opened_at, &it.steps).state == *state).count() as u64;
                prop_assert_eq!(found.states[at], here, "{:?}", state);
            }
            prop_assert_eq!(found.reopened, own.iter().filter(|it| course(it.opened_at, &it.steps).spans.len() > 1).count() as u64);

            // Until the first answer.
            let first = |it: &Observed, step: Step, public: bool| {
                it.steps.iter().filter(|one| one.step == step && (!public || one.is_public)).map(|one| one.at.max(it.opened_at)).min()
            };
            let place = |it: &Observed| usize::try_from(it.severity - 1).unwrap();
            let until = |it: &Observed, end: Option<Timestamp>, given_up: Option<Timestamp>, of: [i64; 4]| -> ByHand {
                let long = minutes(&hours, it.opened_at, end.or(given_up).unwrap_or(now));
                (long, end.is_some(), end.is_none() && given_up.is_none(), of[place(it)])
            };
            let (answers, resolutions) = (targets.first_answer_minutes, targets.resolution_minutes);
            let answered = |it: &&&Observed| first(it, Step::Answered, false);
            let resolved = |it: &&&Observed| first(it, Step::Resolved, false);
            let waits: Vec<ByHand> = own.iter().map(|it| until(it, answered(&it), resolved(&it), answers)).collect();
            prop_assert_eq!(&found.first_answer, &by_hand(&waits));
            prop_assert_eq!(found.resolved_unanswered, own.iter().filter(|it| answered(it).is_none() && resolved(it).is_some()).count() as u64);
            let waits: Vec<ByHand> = own.iter().map(|it| until(it, resolved(&it), None, resolutions)).collect();
            prop_assert_eq!(&found.first_resolution, &by_hand(&waits));

            // The time in which they were open in all.
            let in_all = |it: &&Observed| -> ByHand {
                let course = course(it.opened_at, &it.steps);
                let long = course.spans.iter().map(|(from, to)| minutes(&hours, *from, to.unwrap_or(now))).sum();
                (long, course.state == State::Resolved, course.state != State::Resolved, resolutions[place(it)])
            };
            prop_assert_eq!(&found.resolution, &by_hand(&own.iter().map(in_all).collect::<Vec<_>>()));

            // In public.
            let seen: Vec<&Observed> = all.iter().filter(|it| it.is_public).collect();
            let told = seen.iter().filter(|it| first(it, Step::Answered, true).is_some()).count() as u64;
            prop_assert_eq!(found.public.all, seen.len() as u64);
            prop_assert_eq!(found.public.answered, Share::of(told, seen.len() as u64));
            let waits: Vec<ByHand> = seen.iter().map(|it| until(it, first(it, Step::Answered, true), None, answers)).collect();
            prop_assert_eq!(&found.public.times, &by_hand(&waits));

            // People and money.
            let count = |person: i64| own.iter().filter(|it| it.person == Some(PersonId(person))).count() as u64;
            let again: Vec<u64> = (1..4).map(count).filter(|it| *it > 1).collect();
            prop_assert_eq!(found.repeats, Repeats {
                people: (1..4).filter(|it| count(*it) > 0).count() as u64, repeated: again.len() as u64, complaints: again.iter().sum(),
            });
            for currency in ["EUR", "USD"] {
                let costs: Vec<i64> = own.iter().filter_map(|it| it.cost.clone()).filter(|it| it.0 == currency).map(|it| it.1).collect();
                prop_assert_eq!(found.cost.get(currency).copied().unwrap_or_default(), (costs.len() as u64, costs.iter().sum()));
            }
        }
    }
}
