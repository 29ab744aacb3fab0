//! Waits against products made by hand, day by day; and of each rule, what goes wrong without it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rapport_domain::{Calendar, Timestamp, WeekStart};
use rapport_segments::{Condition, Limits};
use serde_json::Value;

use super::*;
use crate::value::{Buyer, Day};

/// The first day that is not known.
const END: i32 = 1_000;
/// Two weeks.
const HORIZON: i32 = 14;
/// Where waits begin at the earliest.
const SINCE: i32 = END - SPAN;

/// By the days on which each bought, ascending. Their data begin long before: somebody bought on the first day, and never again.
fn bought(of: &[Vec<i32>]) -> Bought {
    let day = |day: &i32| Day { day: *day, micros: None };
    let all = std::iter::once(vec![0]).chain(of.iter().cloned()).zip(0..);
    let buyers = all.map(|(days, at)| Buyer { person: PersonId(at), days: days.iter().map(day).collect() });
    Bought { buyers: buyers.collect(), ..Bought::default() }
}

fn when(of: &[Vec<i32>]) -> When {
    When::of(&bought(of), (END, HORIZON))
}

fn many(people: usize, days: &[i32]) -> Vec<Vec<i32>> {
    vec![days.to_vec(); people]
}

fn week(waits: &Waits, weeks: u32) -> &ByWeek {
    waits.weeks.iter().find(|it| it.weeks == weeks).unwrap()
}

fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// Numbers that look like chance, below `of`, and are the same each time.
fn drawn(seed: u64, of: u64) -> u64 {
    let mixed = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 32) % of
}

/// A person, slowly: all their days and the one from which they are watched.
struct Slow {
    days: Vec<i32>,
    from: i32,
}

impl Slow {
    fn all(of: &[Vec<i32>], is_wanted: impl Fn(&Self) -> bool) -> Vec<Self> {
        let slow = of.iter().filter_map(|days| {
            let from = *days.iter().find(|day| **day >= SINCE && **day < END)?;
            Some(Self { days: days.clone(), from })
        });
        slow.filter(is_wanted).collect()
    }

    fn is_new(&self) -> bool {
        !self.days.iter().any(|day| *day < self.from)
    }

    fn is_watched(&self, days: i32) -> bool {
        self.from + days < END
    }

    /// Whether they bought on none of the days after the first, up to one.
    fn stays(&self, days: i32) -> bool {
        !self.days.iter().any(|day| *day > self.from && *day <= self.from + days)
    }

    fn is_at_risk(&self, day: i32) -> bool {
        self.is_watched(day) && self.stays(day - 1)
    }

    fn comes(&self, day: i32) -> bool {
        self.is_at_risk(day) && !self.stays(day)
    }

    fn waits(&self, days: i32) -> bool {
        self.is_watched(days) && self.stays(days)
    }
}

fn count(of: &[Slow], which: impl Fn(&Slow) -> bool) -> usize {
    of.iter().filter(|it| which(it)).count()
}

/// Day by day, of those who were watched and had not come, the part that did not.
fn left(of: &[Slow], from: i32, to: i32) -> f64 {
    let day = |day: i32| match count(of, |it| it.is_at_risk(day)) {
        0 => 1.0,
        at_risk => 1.0 - count(of, |it| it.comes(day)) as f64 / at_risk as f64,
    };
    (from + 1..=to).map(day).product()
}

fn is_as_by_hand(waits: &Waits, of: &[Slow]) -> bool {
    let again = count(of, |it| (1..END).any(|day| it.comes(day)));
    if (waits.people, waits.bought_again) != (of.len() as u64, again as u64) {
        return false;
    }
    if of.len() < 30 || again < 10 {
        return waits.verdict.is_some()
            && waits.weeks.is_empty()
            && waits.curve.is_empty()
            && waits.half == Half::default();
    }
    let row = |row: &ByWeek| {
        let days = 7 * row.weeks.cast_signed();
        let waiting = count(of, |it| it.waits(days));
        let known = count(of, |it| it.is_watched(days));
        let share = match &row.share {
            Some(it) => known >= 30 && is_near(it.value, 1.0 - left(of, 0, days)),
            // After the last day that was seen nobody knows.
            None => known < 30 || waiting == 0,
        };
        let followed = count(of, |it| it.waits(days) && it.is_watched(days + HORIZON));
        let later = match &row.later {
            Some(it) => followed >= 30 && is_near(it.value, 1.0 - left(of, days, days + HORIZON)),
            None => followed < 30 || count(of, |it| it.waits(days + HORIZON)) == 0,
        };
        let is_sound = |it: &Sure| it.low >= 0.0 && it.low <= it.value && it.value <= it.high && it.high <= 1.0;
        share && later && row.waiting == waiting as u64 && row.share.iter().chain(&row.later).all(is_sound)
    };
    let mut so_far = 1.0;
    let curve = (1..).zip(&waits.curve).all(|(week, it)| {
        so_far *= left(of, 7 * (week - 1), 7 * week);
        it.weeks.cast_signed() == week && is_near(it.share.value, 1.0 - so_far)
    });
    let half = waits.half.days.is_none_or(|it| {
        let days = it.cast_signed();
        left(of, 0, days) <= 0.5 + 1e-9 && left(of, 0, days - 1) > 0.5
    });
    waits.verdict.is_none() && waits.weeks.iter().all(row) && curve && half
}

/// The first day from which on fewer than one in ten still come, with how near to one in ten any day is.
fn lapse_by_hand(of: &[Slow]) -> (Option<i32>, f64) {
    let known = (0..END).take_while(|day| count(of, |it| it.waits(*day) && it.is_watched(day + HORIZON)) >= 30);
    let shares: Vec<f64> = known.map(|day| 1.0 - left(of, day, day + HORIZON)).collect();
    let first = (0..shares.len()).find(|at| shares[*at..].iter().all(|it| *it < 0.1));
    let nearest = shares.iter().map(|it| (it - 0.1).abs()).fold(1.0, f64::min);
    (first.and_then(|it| i32::try_from(it).ok()), nearest)
}

fn people() -> impl Strategy<Value = Vec<Vec<i32>>> {
    // Most buy again soon or not at all, so that there is something to be told.
    let gap = prop_oneof![3 => 1..15i32, 1 => 15..200i32];
    let person = (0..END, prop::collection::vec(gap, 0..4)).prop_map(|(first, gaps)| {
        let mut days = vec![first];
        for gap in gaps {
            days.push(days[days.len() - 1] + gap);
        }
        days.retain(|day| *day < END);
        days
    });
    prop::collection::vec(person, 20..110)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Oracle: each figure by its own words, with no curve, no sorting and no sums on the way.
    #[test]
    fn figures_are_those_by_hand(of in people()) {
        let found = when(&of);
        let (all, new, returning) =
            (Slow::all(&of, |_| true), Slow::all(&of, Slow::is_new), Slow::all(&of, |it| !it.is_new()));
        prop_assert!(is_as_by_hand(&found.all, &all), "{:?}", found.all);
        prop_assert!(is_as_by_hand(&found.new, &new), "{:?}", found.new);
        prop_assert!(is_as_by_hand(&found.returning, &returning), "{:?}", found.returning);
        if let Some(it) = &found.difference {
            let expected: f64 = (1..END).map(|day| {
                let at_risk = count(&all, |it| it.is_at_risk(day)).max(1) as f64;
                count(&all, |it| it.comes(day)) as f64 * count(&new, |it| it.is_at_risk(day)) as f64 / at_risk
            }).sum();
            prop_assert!((it.new_expected - expected).abs() < 1e-6, "{it:?}: {expected}");
            let again = (found.new.bought_again + found.returning.bought_again) as f64;
            prop_assert!((it.new_expected + it.returning_expected - again).abs() < 1e-6);
            prop_assert!((0.0..=1.0).contains(&it.p) && it.statistic.is_finite());
        }
        let (day, nearest) = lapse_by_hand(&all);
        if found.all.verdict.is_none() && nearest > 1e-9 {
            prop_assert_eq!(found.lapse.as_ref().map(|it| it.days.cast_signed()), day);
        }
    }
}

#[test]
fn whoever_is_not_back_yet_waits_so_far_and_not_for_ever() {
    // Thirty came back after ten days and ten never did; forty bought five days ago, and nobody knows.
    let of = [many(30, &[500, 510]), many(10, &[500]), many(40, &[END - 6])].concat();
    let all = when(&of).all;
    assert_eq!((all.people, all.bought_again), (80, 30));
    let share = week(&all, 2).share.unwrap();
    assert!(is_near(share.value, 0.75) && share.low > 0.55 && share.high < 0.9, "{share:?}");
    assert_eq!(all.half, Half { days: Some(10), low: Some(10), high: Some(10) });
    assert_eq!((week(&all, 1).waiting, week(&all, 2).waiting, all.known_days), (40, 10, 499));
}

#[test]
fn which_wait_counts_is_not_chosen_by_how_long_it_is() {
    // Everybody buys again after ten days or after fifty, each as often as the other.
    let of: Vec<Vec<i32>> = (0..1_000)
        .map(|person| {
            let mut day = drawn(person, 60) as i32;
            let mut days = Vec::new();
            while day < END {
                days.push(day);
                day += if drawn(1_000 * person + days.len() as u64, 2) == 0 { 10 } else { 50 };
            }
            days
        })
        .collect();
    let share = week(&when(&of).all, 2).share.unwrap();
    assert!((share.value - 0.5).abs() < 0.06, "{share:?}");
    // The waits that a day falls into, such as those after the last purchase before it, are long five times of six.
    let day = END - 100;
    let around = |days: &Vec<i32>| {
        let at = days.partition_point(|it| *it < day);
        days[at] - days[at - 1] == 10
    };
    let short = of.iter().filter(|it| around(it)).count();
    assert!(short < 250, "{short}");
}

#[test]
fn each_person_counts_once_however_often_they_buy() {
    let often: Vec<i32> = (0..100).map(|at| 300 + 7 * at).collect();
    let of = [many(20, &often), many(40, &[500])].concat();
    let found = when(&of);
    assert_eq!((found.all.people, found.all.bought_again), (60, 20));
    assert!(is_near(week(&found.all, 1).share.unwrap().value, 1.0 / 3.0));
}

#[test]
fn whoever_bought_first_soon_after_the_data_begin_is_not_called_new() {
    // The data begin on day 600: whoever buys until day 613 may have bought before, who buys on day 620 again has.
    let buyers = [many(40, &[600, 640]), many(40, &[650, 660])].concat();
    let buyers = buyers.into_iter().zip(0..).map(|(days, at)| Buyer {
        person: PersonId(at),
        days: days.into_iter().map(|day| Day { day, micros: None }).collect(),
    });
    let bought = Bought { buyers: buyers.collect(), ..Bought::default() };
    let found = When::of(&bought, (END, HORIZON));
    assert_eq!((found.since, found.new.people, found.returning.people), (date_of(614), 40, 40));
    assert_eq!((found.new.bought_again, found.returning.bought_again), (40, 0), "nothing came after day 640");
}

#[test]
fn whoever_may_not_be_used_is_left_out() {
    let at = |day: i64| Timestamp(day * Timestamp::DAY);
    // Sixty people on one day; every other of them came back, and none of those may be used whose number is divided by three.
    let mut orders = vec![(PersonId(0), at(0), None)];
    for person in 1..=60 {
        orders.push((PersonId(person), at(500), None));
        orders.extend((person % 2 == 0).then(|| (PersonId(person), at(503), None)));
    }
    let refused: BTreeSet<PersonId> = (1..=60).filter(|it| it % 3 == 0).map(PersonId).collect();
    let calendar = Calendar::new("UTC", WeekStart::Monday).unwrap();
    let of = |refused: &BTreeSet<PersonId>| {
        When::of(&Bought::of(orders.iter().copied(), &calendar, refused), (END, HORIZON))
    };
    let (found, everybody) = (of(&refused), of(&BTreeSet::new()));
    assert_eq!((found.left_out, found.all.people, found.all.bought_again), (20, 40, 20));
    assert_eq!((everybody.left_out, everybody.all.people, everybody.all.bought_again), (0, 60, 30));
}

#[test]
fn too_few_are_a_sentence_and_no_curve() {
    let code = |of: Vec<Vec<i32>>| {
        let found = when(&of);
        assert!(found.difference.is_none());
        let all = found.all;
        assert_eq!(all.verdict.is_some(), all.weeks.is_empty() && all.curve.is_empty() && all.half == Half::default());
        all.verdict.map(|it| (it.code, it.have, it.need))
    };
    let few = |code: &str, have: u64, need: u64| Some((code.to_owned(), have, need));
    assert_eq!(code(many(29, &[500, 510])), few("too_few_people", 29, 30));
    assert_eq!(code([many(9, &[500, 510]), many(30, &[500])].concat()), few("too_few_again", 9, 10));
    assert_eq!(code([many(10, &[500, 510]), many(20, &[500])].concat()), None);
    assert_eq!(code(many(40, &[100, 110])), few("too_few_people", 0, 30), "too long ago");
}

#[test]
fn where_nobody_or_everybody_came_the_interval_is_no_point() {
    let found = when(&many(40, &[500, 530]));
    let nobody = week(&found.all, 1).share.unwrap();
    assert!(nobody.value == 0.0 && nobody.low == 0.0 && nobody.high > 0.05 && nobody.high < 0.1, "{nobody:?}");
    let everybody = week(&found.all, 8).share.unwrap();
    assert!(everybody.value == 1.0 && everybody.high == 1.0 && everybody.low > 0.9 && everybody.low < 0.95);
    assert_eq!(found.all.half, Half { days: Some(30), low: Some(30), high: Some(30) });
    // A lull before all come is no lapse.
    assert_eq!((week(&found.all, 8).later, found.lapse), (None, None));
}

#[test]
fn half_that_never_came_back_is_no_median() {
    let all = when(&[many(12, &[500, 510]), many(40, &[500])].concat()).all;
    assert_eq!((all.half.days, all.half.high), (None, None));
    // What is beyond the last week that is told is not told either.
    let young = when(&[many(30, &[END - 30, END - 20]), many(30, &[END - 30])].concat()).all;
    let told: Vec<bool> = young.weeks.iter().map(|it| it.share.is_some()).collect();
    assert_eq!(
        (told, young.curve.len(), young.known_days),
        (vec![true, true, true, false, false, false, false], 4, 29)
    );
}

#[test]
fn after_the_day_hardly_anybody_comes_and_whoever_has_waited_so_long_is_marked() {
    // Sixty came back after a week, forty never; then somebody who bought on the last day, six and seven days before it.
    let of = [many(60, &[500, 507]), many(40, &[500]), vec![vec![END - 1], vec![END - 7], vec![END - 8]]].concat();
    let bought = bought(&of);
    let mut found = When::of(&bought, (END, HORIZON));
    let people: Vec<PersonId> = bought.buyers.iter().map(|it| it.person).chain([PersonId(9_999)]).collect();
    let marks = found.marks(&bought, &people, END);
    let lapse = found.lapse.unwrap();
    assert_eq!((lapse.days, lapse.people, lapse.horizon_weeks, lapse.share.value), (7, 40, 2, 0.0));
    assert!(lapse.share.high > 0.05 && lapse.share.high < 0.1, "{:?}", lapse.share);
    assert_eq!(marks[101..], [Some(LAPSING), Some(LAPSING), Some(LAPSED), None]);
    assert_eq!((lapse.lapsed, lapse.lapsing), (1 + 100 + 1, 2));
    assert!(marks[..101].iter().all(|it| *it == Some(LAPSED)));
    let text = |json: Option<Value>| Condition::from_json(&json.unwrap(), Limits::DEFAULT).unwrap().to_text();
    assert!(text(lapse.lapsed_condition).contains("never performed \"Order Completed\" in the last 7 days"));
    assert_eq!(text(lapse.lapsing_condition), "performed \"Order Completed\" in the last 7 days");

    // Where they come back after half a year, soon is the month before.
    let late = when(&[many(60, &[500, 700]), many(40, &[500])].concat()).lapse.unwrap();
    assert_eq!(late.days, 200);
    let text = text(late.lapsing_condition);
    assert!(text.contains("in the last 200 days") && text.contains("in the last 172 days"), "{text}");
}

#[test]
fn new_and_returning_customers_are_told_apart_where_they_differ() {
    let returning = |days: &[i32]| [&[100, 200][..], days].concat();
    let sooner = [many(40, &[500, 550]), many(40, &[500]), many(80, &returning(&[500, 505]))].concat();
    let found = when(&sooner).difference.unwrap();
    assert!(found.sooner == "returning" && found.p < 1e-6 && found.returning_expected < 80.0, "{found:?}");
    let alike =
        [many(40, &[500, 505]), many(40, &[500]), many(40, &returning(&[500, 505])), many(40, &returning(&[500]))];
    let found = when(&alike.concat()).difference.unwrap();
    assert!(found.p > 0.99 && is_near(found.new_expected, 40.0), "{found:?}");
}
