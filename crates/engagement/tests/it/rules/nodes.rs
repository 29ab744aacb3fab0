//! What each kind of node does.

use std::collections::BTreeMap;

use rapport_domain::{Channel, PersonId, Timestamp};
use rapport_engagement::journey::Suppressed;
use rapport_engagement::journey::definition::heard_at;
use rapport_engagement::journey::rules::{What, place};
use rapport_engagement::lots::{Chances, Chosen};
use rapport_engagement::sending::{Pace, Reason};
use rapport_privacy::consent::State;
use serde_json::{Value, json};

use super::{NOON, Turns, Walk, message, plan_of, plan_with, said, segment, ts, willing};

#[test]
fn acts_are_done_in_order_and_once() {
    let nodes = json!([
        {"id": "a", "step": {"set_trait": {"name": "seen", "value": true, "next": "b"}}},
        {"id": "b", "step": {"list": {"list": "vip", "next": "c"}}},
        {"id": "c", "step": {"list": {"list": "old", "on": false, "next": "d"}}},
        {"id": "d", "step": {"webhook": {"url": "https://a.example/", "fields": {"x": 1}, "next": "e"}}},
        {"id": "e", "step": {"act": {"action": "points.give", "with": {"points": 5}, "next": "f"}}},
        message("f", json!("g")),
        {"id": "g", "step": {"exit": {}}},
    ]);
    let mut walk = Walk::begin(plan_of(nodes), NOON);
    let expected = [
        ("a", What::Trait("seen".into(), json!(true))),
        ("b", What::List("vip".into(), true)),
        ("c", What::List("old".into(), false)),
        ("d", What::Webhook("https://a.example/".into(), json!({"x": 1}))),
        ("e", What::Act("points.give".into(), json!({"points": 5}))),
        ("f", What::Send { channel: Channel::Email, template: "t".into() }),
    ];
    let expected: Vec<_> = expected.into_iter().map(|(node, what)| (node.to_owned(), 1, what)).collect();
    assert_eq!(walk.done(), expected);
    assert_eq!(walk.ways(), ["a>done", "b>done", "c>done", "d>done", "e>done", "f>sent", "g>completed"]);
    assert_eq!(walk.end().as_deref(), Some("completed"));
    assert_eq!(walk.look(NOON).done().len(), 6, "asked again it does nothing twice");
}

fn wait(how: Value) -> Value {
    json!([{"id": "w", "step": {"wait": {"how": how, "next": null}}}])
}

#[test]
fn waits_are_elapsed_or_by_the_persons_clock() {
    let until = |how: Value, at: &str| Walk::begin(plan_of(wait(how)), at).instance.wake_at;
    assert_eq!(until(json!({"for": "1d"}), "2026-03-28T12:00:00Z"), Some(ts("2026-03-29T12:00:00Z")));
    // "In 1 day at 09:00" is two hours before noon of the wall clock, which was put forward.
    let day = json!({"day": {"days": 1, "at": "09:00"}});
    assert_eq!(until(day, "2026-03-28T12:00:00Z"), Some(ts("2026-03-29T07:00:00Z")));
    let monday = json!({"day": {"days": 0, "at": "09:00", "weekdays": ["monday"]}});
    assert_eq!(until(monday, NOON), Some(ts("2026-06-15T07:00:00Z")));
    let usual = json!({"usual_hour": {"fallback": "10:00"}});
    assert_eq!(until(usual.clone(), NOON), Some(ts("2026-06-11T08:00:00Z")));
    let person = rapport_engagement::journey::Situation { usual_hour: Some(18), ..willing(1) };
    let walk = Walk::begin_as(plan_of(wait(usual)), person, NOON);
    assert_eq!(walk.instance.wake_at, Some(ts("2026-06-10T16:00:00Z")));
}

#[test]
fn a_usual_hour_comes_within_a_day_of_the_calendar() {
    let usual = json!({"usual_hour": {"fallback": "10:00"}});
    for zone in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"] {
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        for hour in 0..24_u8 {
            // Over both changes of the clock in Berlin: no wait is longer than a day there can be.
            for day in ["2026-03-28", "2026-03-29", "2026-06-10", "2026-10-24", "2026-10-25"] {
                let now = format!("{day}T11:30:00Z");
                let person =
                    rapport_engagement::journey::Situation { usual_hour: Some(hour), zone: zone.clone(), ..willing(1) };
                let walk = Walk::begin_as(plan_of(wait(usual.clone())), person, &now);
                let until = walk.instance.wake_at.unwrap();
                let waited = until.0 - ts(&now).0;
                assert!(0 < waited && waited <= 25 * Timestamp::HOUR, "{zone:?} {hour} {day}: {waited}");
                let shown = until.to_jiff().to_zoned(zone.clone()).hour();
                // An hour that a change of the clock leaves out is the one after it.
                assert!(shown == i8::try_from(hour).unwrap() || waited > 0 && shown == i8::try_from(hour).unwrap() + 1);
            }
        }
    }
}

#[test]
fn a_wait_ends_at_its_instant() {
    let mut walk = Walk::begin(plan_of(wait(json!({"for": "1h"}))), NOON);
    walk.look("2026-06-10T10:59:59.999999Z");
    assert_eq!((walk.end(), walk.instance.wake_at), (None, Some(ts("2026-06-10T11:00:00Z"))));
    assert_eq!(walk.look("2026-06-10T11:00:00Z").ways(), ["w>waited",]);
    assert_eq!(walk.end().as_deref(), Some("completed"));
    // The machine's clock was put back: nothing happens sooner or twice.
    assert_eq!(walk.look(NOON).ways().len(), 1);
}

fn awaiting() -> Value {
    json!([
        {"id": "first", "step": {"wait": {"how": {"for": "1h"}, "next": "until"}}},
        {"id": "until", "step": {"wait_until": {"paths": [
            {"until": {"event": {"name": "order_completed"}}, "next": "bought"},
            {"until": {"condition": segment("gone")}, "next": null},
        ], "timeout": "1d", "timed_out": "late"}}},
        {"id": "bought", "step": {"exit": {}}},
        {"id": "late", "step": {"exit": {}}},
    ])
}

#[test]
fn what_was_heard_before_coming_to_the_node_counts() {
    let mut walk = Walk::begin(plan_of(awaiting()), NOON);
    walk.instance.hear(&heard_at("until", 0), ts("2026-06-10T10:30:00Z"));
    assert_eq!(walk.look("2026-06-10T11:00:00Z").ways(), ["first>waited", "until>path:0", "bought>completed"]);
    // What happened before they came in does not.
    let mut walk = Walk::begin(plan_of(awaiting()), NOON);
    walk.instance.hear(&heard_at("until", 0), ts("2026-06-10T09:59:59Z"));
    assert_eq!(walk.look("2026-06-10T11:00:00Z").ways(), ["first>waited"]);
    assert_eq!(walk.instance.wake_at, Some(ts("2026-06-11T11:00:00Z")));
    // A condition that holds already leads on at once, and of two the first in the list.
    walk.person.members.insert("gone".into());
    assert_eq!(walk.look("2026-06-10T11:01:00Z").ways()[1..], ["until>path:1"]);
    let mut walk = Walk::begin(plan_of(awaiting()), NOON);
    walk.person.members.insert("gone".into());
    walk.instance.hear(&heard_at("until", 0), ts("2026-06-10T10:30:00Z"));
    assert_eq!(walk.look("2026-06-10T11:00:00Z").ways()[1], "until>path:0");
    // When nothing comes, the time is out at its instant.
    let mut walk = Walk::begin(plan_of(awaiting()), NOON);
    walk.look("2026-06-10T11:00:00Z").look("2026-06-11T10:59:59Z");
    assert_eq!(walk.ways(), ["first>waited"]);
    assert_eq!(walk.look("2026-06-11T11:00:00Z").ways()[1..], ["until>timed_out", "late>completed"]);
}

#[test]
fn the_event_that_was_heard_of_late_counts_from_when_it_happened() {
    let mut walk = Walk::begin(plan_of(awaiting()), NOON);
    walk.instance.hear(rapport_engagement::journey::instance::ENTRY, ts("2026-06-10T07:00:00Z"));
    walk.instance.hear(&heard_at("until", 0), ts("2026-06-10T08:00:00Z"));
    assert_eq!(walk.look("2026-06-10T11:00:00Z").ways()[1], "until>path:0");
}

#[test]
fn in_a_circle_only_what_came_since_counts() {
    let nodes = json!([
        {"id": "until", "step": {"wait_until": {"paths": [{"until": {"event": {"name": "x"}}, "next": "pause"}], "timeout": "1d", "timed_out": null}}},
        {"id": "pause", "step": {"wait": {"how": {"for": "1h"}, "next": "until"}}},
    ]);
    let mut walk = Walk::begin(plan_of(nodes), NOON);
    walk.instance.hear("until#0", ts(NOON));
    walk.look(NOON).look("2026-06-10T11:00:00Z");
    assert_eq!(walk.ways(), ["until>path:0", "pause>waited"]);
    assert_eq!(walk.instance.wake_at, Some(ts("2026-06-11T11:00:00Z")));
    walk.instance.hear("until#0", ts("2026-06-10T12:00:00Z"));
    assert_eq!(walk.look("2026-06-10T12:00:00Z").ways().len(), 3);
}

#[test]
fn branches_take_the_first_that_holds() {
    let nodes = json!([
        {"id": "b", "step": {"branch": {"paths": [
            {"when": segment("one"), "next": null}, {"when": segment("two"), "next": null}], "otherwise": null}}},
    ]);
    let way = |members: &[&str]| {
        let mut person = willing(1);
        person.members = members.iter().map(|key| (*key).to_owned()).collect();
        Walk::begin_as(plan_of(nodes.clone()), person, NOON).ways()[0].clone()
    };
    assert_eq!(way(&["two", "one"]), "b>path:0");
    assert_eq!(way(&["two"]), "b>path:1");
    assert_eq!(way(&[]), "b>otherwise");
}

fn split(experiment: Value) -> Value {
    let arms = json!([
        {"name": "none", "percent": 0, "next": null}, {"name": "a", "percent": 20, "next": null},
        {"name": "b", "percent": 30, "next": null}, {"name": "c", "percent": 50, "next": null}]);
    json!([{"id": "s", "step": {"split": {"experiment": experiment, "arms": arms}}}])
}

#[test]
fn lots_fall_as_their_shares_say_and_the_same_on_re_entry() {
    let arm = |walk: &Walk| match &walk.effects[0].what {
        What::Exposed { experiment, arm, is_experiment } => (experiment.clone(), arm.clone(), *is_experiment),
        other => panic!("{other:?}"),
    };
    let mut counts: BTreeMap<String, i32> = BTreeMap::new();
    let people = 20_000;
    for number in 1..=people {
        let walk = Walk::begin_as(plan_of(split(Value::Null)), willing(number), NOON);
        let (experiment, name, is_experiment) = arm(&walk);
        assert_eq!((experiment.as_str(), is_experiment), ("journey/j/s", false));
        *counts.entry(name).or_default() += 1;
        if number % 100 == 0 {
            let again = Walk::begin_as(plan_of(split(Value::Null)), willing(number), "2027-01-01");
            assert_eq!(arm(&again), arm(&walk));
        }
    }
    assert!(!counts.contains_key("none"));
    for (name, share) in [("a", 0.2), ("b", 0.3), ("c", 0.5)] {
        // Five standard deviations of a binomial count.
        let (mean, bound) = (share * 20_000.0, 5.0 * f64::sqrt(20_000.0 * share * (1.0 - share)));
        assert!((f64::from(counts[name]) - mean).abs() < bound, "{name}: {counts:?}");
    }
    let walk = Walk::begin_as(plan_of(split(json!("prices"))), willing(3), NOON);
    assert_eq!((arm(&walk).0.as_str(), arm(&walk).2), ("prices", true));
    // Lots of other nodes fall independently.
    let same = (1..=people).filter(|n| {
        (place("journey/j/s", willing(*n).person) < 50.0) == (place("journey/j/z", willing(*n).person) < 50.0)
    });
    let same = i32::try_from(same.count()).unwrap();
    assert!((same - 10_000).abs() < 354, "{same}");
}

#[derive(Default)]
struct Queue(Vec<Timestamp>);

impl Turns for Queue {
    fn take(&mut self, node: &str, most: u32, per: i64, now: Timestamp) -> Timestamp {
        assert_eq!((node, most, per), ("r", 2, Timestamp::MINUTE));
        self.0.push(now);
        now.plus(per)
    }
}

#[test]
fn a_turn_is_taken_once_a_visit() {
    let nodes = json!([{"id": "r", "step": {"rate_limit": {"most": 2, "per": "1m", "next": "w"}}},
        {"id": "w", "step": {"wait": {"how": {"for": "1h"}, "next": "r"}}}]);
    let mut walk = Walk::begin(plan_of(nodes), NOON);
    let mut queue = Queue::default();
    let (now, minute) = (ts("2026-06-10T12:00:00Z"), Timestamp::MINUTE);
    // The first turn was given at once by the walk's beginning; the second visit takes one of its own.
    walk.look_at(now, &mut queue);
    assert_eq!((walk.instance.wake_at, queue.0.len()), (Some(now.plus(minute)), 1));
    walk.look_at(now.plus(minute - 1), &mut queue);
    assert_eq!((walk.instance.wake_at, queue.0.len()), (Some(now.plus(minute)), 1));
    walk.look_at(now.plus(minute), &mut queue);
    assert_eq!(walk.ways(), ["r>passed", "w>waited", "r>passed"]);
}

fn refused(otherwise: &str) -> Value {
    let step = json!({"channel": "email", "template": "t", "otherwise": otherwise, "drop_after": "3h", "next": "then"});
    json!([{"id": "m", "step": {"message": step}}, {"id": "then", "step": {"exit": {}}}])
}

fn skipped(reason: Reason) -> What {
    What::Skip { channel: Channel::Email, template: "t".into(), reason }
}

#[test]
fn who_cannot_be_sent_to_goes_on_goes_out_or_waits() {
    let nobody_agreed = || {
        let mut person = willing(1);
        person.said.clear();
        person
    };
    let walk = Walk::begin_as(plan_of(refused("advance")), nobody_agreed(), NOON);
    assert_eq!(walk.done(), [("m".into(), 1, skipped(Reason::NoConsent))]);
    assert_eq!(walk.ways(), ["m>skipped", "then>completed"]);
    let walk = Walk::begin_as(plan_of(refused("exit")), nobody_agreed(), NOON);
    assert_eq!((walk.done().len(), walk.end().as_deref()), (1, Some("skipped:no_consent")));
    let mut walk = Walk::begin_as(plan_of(refused("retry")), nobody_agreed(), NOON);
    for hour in ["11:00", "12:00"] {
        walk.look(&format!("2026-06-10T{hour}:00Z"));
        assert_eq!(walk.done(), [], "nothing is said as long as it is tried");
    }
    // In an hour it would be of no use any more.
    walk.look("2026-06-10T13:00:00Z");
    assert_eq!(walk.done(), [("m".into(), 1, skipped(Reason::NoConsent))]);
    // Somebody who agrees meanwhile gets it.
    let mut walk = Walk::begin_as(plan_of(refused("retry")), nobody_agreed(), NOON);
    walk.person.said.push(said(State::Granted, NOON));
    walk.look("2026-06-10T11:00:00Z");
    assert_eq!(walk.ways()[0], "m>sent");
    // What does not pass is not waited for.
    let restricted = rapport_engagement::journey::Situation { is_restricted: true, ..willing(1) };
    let walk = Walk::begin_as(plan_of(refused("retry")), restricted, NOON);
    assert_eq!(walk.done(), [("m".into(), 1, skipped(Reason::Restricted))]);
}

#[test]
fn for_whoever_is_restricted_nothing_is_done() {
    let nodes = json!([
        {"id": "s", "step": {"split": {"arms": [{"name": "a", "percent": 100, "next": "t"}]}}},
        {"id": "t", "step": {"set_trait": {"name": "vip", "value": true, "next": "l"}}},
        {"id": "l", "step": {"list": {"list": "vips", "on": true, "next": "h"}}},
        {"id": "h", "step": {"webhook": {"url": "https://a.example/", "next": "e"}}},
        {"id": "e", "step": {"act": {"action": "tell_event", "with": {"name": "Hello"}, "next": "w"}}},
        {"id": "w", "step": {"wait": {"how": {"for": "1h"}, "next": "last"}}},
        {"id": "last", "step": {"set_trait": {"name": "seen", "value": true, "next": null}}}]);
    let restricted = rapport_engagement::journey::Situation { is_restricted: true, ..willing(1) };
    let mut walk = Walk::begin_as(plan_with(nodes.clone(), json!({"holdout_percent": 0.01})), restricted, NOON);
    assert_eq!(walk.done(), []);
    assert_eq!(walk.ways(), ["s>arm:a", "t>restricted", "l>restricted", "h>restricted", "e>restricted"]);
    // When it is lifted, what comes then is done.
    walk.person.is_restricted = false;
    walk.look("2026-06-10T11:00:00Z");
    assert_eq!(walk.done(), [("last".into(), 1, What::Trait("seen".into(), json!(true)))]);
    let walk = Walk::begin_as(plan_with(nodes, json!({"holdout_percent": 0.01})), willing(1), NOON);
    assert_eq!(walk.done().len(), 6, "of others all of it is done");
}

#[test]
fn every_reason_of_the_rule_is_noted_at_the_node() {
    let of = |change: &dyn Fn(&mut Walk)| {
        let nodes =
            json!([{"id": "w", "step": {"wait": {"how": {"for": "1m"}, "next": "m"}}}, message("m", Value::Null)]);
        let more = json!({"audience": segment("in"), "exits": {"out_of_audience": false}, "priority": 1});
        let mut person = willing(1);
        person.members.insert("in".into());
        let mut walk = Walk::begin_as(plan_with(nodes, more), person, NOON);
        change(&mut walk);
        walk.look("2026-06-10T10:01:00Z");
        match walk.done().pop() {
            Some((_, _, What::Skip { reason, .. })) => Some(reason),
            _ => None,
        }
    };
    use rapport_engagement::journey::situation::{Other, Sent};
    use rapport_engagement::sending::{Cap, Window};
    let sent = Sent { at: ts(NOON), channel: Channel::Email, topic: None };
    let cap = Cap { most: 1, window: Window::Day, channel: None, topic: None };
    assert_eq!(of(&|_| ()), None);
    assert_eq!(of(&|it| it.person.is_restricted = true), Some(Reason::Restricted));
    assert_eq!(of(&|it| it.person.reach.clear()), Some(Reason::Unreachable));
    assert_eq!(of(&|it| it.person.suppressed.push((Channel::Email, Suppressed::Everything))), Some(Reason::Suppressed));
    assert_eq!(of(&|it| it.person.said.clear()), Some(Reason::NoConsent));
    assert_eq!(of(&|it| it.person.said[0].state = State::Pending), Some(Reason::ConsentPending));
    assert_eq!(of(&|it| it.person.said[0].until = Some(ts(NOON))), Some(Reason::ConsentExpired));
    assert_eq!(of(&|it| it.person.is_troubled = true), Some(Reason::Trouble));
    assert_eq!(of(&|it| it.person.is_held_out = true), Some(Reason::HeldOut));
    assert_eq!(of(&|it| it.person.members.clear()), Some(Reason::OutOfAudience));
    assert_eq!(
        of(&|it| {
            it.person.wished_gap = Some(Timestamp::DAY);
            it.person.sent.push(sent.clone());
        }),
        Some(Reason::TooOften)
    );
    assert_eq!(
        of(&|it| {
            it.settings.caps.push(cap.clone());
            it.person.sent.push(sent.clone());
        }),
        Some(Reason::Capped)
    );
    assert_eq!(
        of(&|it| {
            it.settings.caps.push(cap.clone());
            it.person.others.push(Other { priority: 2, due: ts(NOON) });
        }),
        Some(Reason::Yielded)
    );
    assert_eq!(
        of(&|it| it.settings.quiet = rapport_engagement::sending::Settings::default().quiet.map(|mut quiet| {
            (quiet.from, quiet.until) = ("12:00".into(), "11:00".into());
            quiet
        })),
        None,
        "it is held"
    );
}

#[test]
fn two_messages_in_one_look_count_for_each_other() {
    let settings =
        rapport_engagement::sending::Settings { quiet: None, ..rapport_engagement::sending::Settings::default() };
    let nodes = json!([message("a", json!("b")), message("b", Value::Null)]);
    let mut walk = Walk::begin(
        plan_of(json!([{"id": "w", "step": {"wait": {"how": {"for": "1h"}, "next": "a"}}}, nodes[0], nodes[1]])),
        NOON,
    );
    walk.settings = settings;
    walk.look("2026-06-10T12:00:00Z");
    assert_eq!(walk.ways(), ["w>waited", "a>sent", "b>skipped"]);
    assert_eq!(walk.done()[1].2, skipped(Reason::Capped));
}

#[test]
fn quiet_hours_hold_at_the_node_and_end_what_is_too_late() {
    let mut walk = Walk::begin(
        plan_of(json!([{"id": "w", "step": {"wait": {"how": {"for": "1h"}, "next": "m"}}},
        {"id": "m", "step": {"message": {"channel": "email", "template": "t", "drop_after": "30h", "next": null}}}])),
        "2026-06-10T20:00:00Z",
    );
    walk.settings.quiet = rapport_engagement::sending::Settings::default().quiet;
    walk.look("2026-06-10T21:00:00Z");
    let until = walk.instance.wake_at.unwrap();
    assert!(until >= ts("2026-06-11T06:00:00Z") && until < ts("2026-06-11T06:30:00Z"), "{until:?}");
    // Woken in the middle of the night it stays, until the same instant.
    walk.look("2026-06-11T01:00:00Z");
    assert_eq!(walk.instance.wake_at, Some(until));
    // A server that was down until the next night: it is too late by then.
    walk.look("2026-06-11T23:00:00Z");
    assert_eq!(walk.done(), [("m".into(), 1, skipped(Reason::TooLate))]);
}

fn decided_split() -> Value {
    let arms = json!([{"name": "a", "percent": 50, "next": null}, {"name": "b", "percent": 50, "next": null}]);
    json!([{"id": "s", "step": {"split": {"policy": "offer", "arms": arms}}}])
}

/// Somebody for whom the policy takes `a` with .2 and `b` with .8.
fn offered(number: i64, decides: bool) -> rapport_engagement::journey::Situation {
    let arms = vec![("a".to_owned(), 0.2), ("b".to_owned(), 0.8)];
    let mut it = willing(number);
    it.chances
        .insert(("offer".into(), vec!["a".into(), "b".into()]), Chances { arms, features: vec![Some(1.0)], decides });
    it
}

/// The arm that was decided for, and the way that was taken.
fn decision(walk: &Walk) -> (Option<String>, String) {
    let decided = walk.effects.iter().find_map(|it| match &it.what {
        What::Chosen { policy, arm, chances } => {
            assert_eq!((policy.as_str(), chances.features.as_slice()), ("offer", &[Some(1.0)][..]));
            Some(arm.clone())
        }
        _ => None,
    });
    (decided, walk.ways()[0].clone())
}

#[test]
fn a_policy_draws_by_its_chances_for_each_passage_anew() {
    let (mut taken, mut again) = (0, 0);
    for number in 1..=2_000 {
        let walk = |instance: &str| {
            let now = ts(NOON);
            let plan = plan_of(decided_split());
            let id = format!("{instance}_{number}");
            Walk::enter_as(plan, offered(number, true), id, now)
        };
        let (first, second) = (decision(&walk("one")), decision(&walk("two")));
        assert_eq!(first.1, format!("s>arm:{}", first.0.clone().unwrap()));
        assert_eq!(decision(&walk("one")), first, "the same passage is decided the same");
        taken += i32::from(first.0.as_deref() == Some("b"));
        again += i32::from(first == second);
    }
    // Five standard deviations around .8 and around .2² + .8².
    assert!((taken - 1_600).abs() < 90 && (again - 1_360).abs() < 105, "{taken} {again}");
}

#[test]
fn who_is_held_out_or_restricted_goes_the_usual_way_and_teaches_nothing() {
    for change in
        [(|it| it.is_held_out = true) as fn(&mut rapport_engagement::journey::Situation), |it| it.is_restricted = true]
    {
        for number in 1..=20 {
            let mut person = offered(number, true);
            change(&mut person);
            let walk = Walk::begin_as(plan_of(decided_split()), person, NOON);
            assert_eq!(decision(&walk), (None, "s>arm:a".to_owned()));
        }
    }
    // Of what people need to know nobody is held out.
    let mut person = offered(1, true);
    person.is_held_out = true;
    let walk = Walk::begin_as(plan_with(decided_split(), json!({"class": "transactional"})), person, NOON);
    assert!(decision(&walk).0.is_some());
    // A policy that gives everybody the same decides nothing; without one the shares hold.
    assert_eq!(decision(&Walk::begin_as(plan_of(decided_split()), offered(1, false), NOON)).0, None);
    let walk = Walk::begin_as(plan_of(decided_split()), willing(1), NOON);
    assert!(matches!(&walk.effects[0].what, What::Exposed { is_experiment: false, .. }), "{:?}", walk.effects);
}

/// Whether a message goes out depends on how often a policy lets somebody be written to; that is noted where nothing else forbids it.
#[test]
fn a_policy_says_how_often_somebody_is_written_to() {
    let chosen = Chosen {
        person: PersonId(7),
        policy: "often".into(),
        subject: "frequency".into(),
        turn: "7:0".into(),
        arm: "never".into(),
        chances: Chances { arms: vec![("never".into(), 0.5)], features: Vec::new(), decides: true },
    };
    let paced = |most: u32| {
        let mut it = willing(7);
        it.pace = Some(Pace { most, within: Timestamp::DAY, chosen: Some(chosen.clone()) });
        it
    };
    let mails = json!([message("m", json!("n")), message("n", json!(null))]);
    let sent = |walk: &Walk| walk.done().iter().filter(|it| matches!(it.2, What::Send { .. })).count();
    let skipped =
        |walk: &Walk| walk.done().iter().filter(|it| matches!(&it.2, What::Skip { reason: Reason::Paced, .. })).count();
    let noted = |walk: &Walk| walk.done().iter().filter(|it| it.2 == What::Paced).count();
    for (most, expected) in [(0, (0, 2)), (1, (1, 1)), (2, (2, 0))] {
        let walk = Walk::begin_as(plan_of(mails.clone()), paced(most), NOON);
        assert_eq!((sent(&walk), skipped(&walk), noted(&walk)), (expected.0, expected.1, 2), "{most}");
    }
    // What people need to know is not held back, and nothing is noted of whoever did not agree.
    let walk = Walk::begin_as(plan_with(mails.clone(), json!({"class": "service"})), paced(0), NOON);
    assert_eq!((sent(&walk), noted(&walk)), (2, 0));
    let mut silent = paced(5);
    silent.said.clear();
    let walk = Walk::begin_as(plan_of(mails), silent, NOON);
    assert_eq!((sent(&walk), noted(&walk)), (0, 0));
}
