//! Random plans: their form, that they end, and that what is done is what the slow model does.

use proptest::prelude::*;
use rapport_domain::{Channel, Timestamp};
use rapport_engagement::content::Severity;
use rapport_engagement::dry_run::{Coming, Did, Life, Outcome, Step};
use rapport_engagement::journey::check::{Known, check};
use rapport_engagement::journey::rules::Plan;
use rapport_engagement::journey::{Definition, Situation};
use rapport_engagement::sending::{Cap, Settings, Window};
use rapport_privacy::consent::State;
use serde_json::{Value, json};

use super::slow::{Change, Slow};
use super::{NOON, Walk, said, ts, willing};
use crate::random::{Dice, EVENTS, SEGMENTS, Ways, plan};

/// Everything is known.
pub struct All;

impl Known for All {
    fn needs(&self, _: &str) -> std::collections::BTreeSet<rapport_engagement::content::known::Group> {
        std::collections::BTreeSet::new()
    }
    fn template(&self, key: &str) -> Option<Channel> {
        Channel::parse(key)
    }
    fn has_segment(&self, _: &str) -> bool {
        true
    }
    fn has_topic(&self, _: &str) -> bool {
        true
    }
    fn has_list(&self, _: &str) -> bool {
        true
    }
    fn has_action(&self, _: &str) -> bool {
        true
    }
    fn can_send(&self, _: Channel) -> bool {
        true
    }
    fn webhook_problem(&self, _: &str) -> Option<(Severity, &'static str, String)> {
        None
    }
}

/// The errors of a plan, but for its templates, which all are `t`.
fn errors(definition: &Definition) -> Vec<(&'static str, String)> {
    let found = check(definition, &All).into_iter();
    let errors = found.filter(|it| it.severity == Severity::Error && it.code != "template_unknown");
    errors.map(|it| (it.code, it.place)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn plans_come_back_from_their_form(seed in any::<u64>(), wild in any::<bool>()) {
        let form = plan(&Dice::new(seed), if wild { Ways::Wild } else { Ways::Calm });
        let definition = Definition::from_json(&form).unwrap();
        prop_assert_eq!(&Definition::from_json(&definition.to_json()).unwrap(), &definition);
        prop_assert!(wild || errors(&definition).is_empty(), "{:?} {form}", errors(&definition));
    }

    /// Whatever changes while people are on their way, the rules asked only when they want to be do what a model does that looks each minute.
    #[test]
    fn what_is_done_is_what_the_slow_model_does(
        seed in any::<u64>(), day in prop::sample::select(vec!["2026-06-10", "2026-03-27", "2026-10-23"]), start in 0i64..1_440,
        changes in prop::collection::vec((0i64..10_000, 0usize..12), 0..10),
        usual in prop::option::of(0u8..24), quiet in any::<bool>(), person in 1i64..50,
    ) {
        let definition = Definition::from_json(&plan(&Dice::new(seed), Ways::Calm)).unwrap();
        let began = ts(day).plus(start * Timestamp::MINUTE);
        let mut changes: Vec<(Timestamp, Change)> = changes.into_iter().map(|(minutes, what)| (began.plus((1 + minutes) * Timestamp::MINUTE), match what {
            0..3 => Change::Event(EVENTS[what]),
            3..7 => Change::In(SEGMENTS[what - 3]),
            7..10 => Change::Out(SEGMENTS[what - 7]),
            10 => Change::Refuses,
            _ => Change::Agrees,
        })).collect();
        changes.sort_by_key(|(at, _)| *at);
        let mut settings = Settings { quiet: None, caps: vec![Cap { most: 1, window: Window::Day, channel: None, topic: None }], ..Settings::default() };
        if quiet {
            settings.quiet = Settings::default().quiet.map(|quiet| rapport_engagement::sending::Quiet { jitter_minutes: 0, ..quiet });
        }
        let mut who = Situation { usual_hour: usual, ..willing(person) };
        who.members.extend(["s0".to_owned(), "s1".to_owned()]);
        let until = began.plus(14 * Timestamp::DAY);
        let fast = fast(&definition, &settings, who.clone(), began, &changes, until);
        let slow = Slow::run(&definition, &settings, who.clone(), began, &changes, until);
        prop_assert_eq!(&fast, &slow, "{}", definition.to_json());
        if let Some(dry) = dry(&definition, &settings, who, began, &changes, until) {
            prop_assert_eq!(&dry, &slow, "{}", definition.to_json());
        }
    }
}

/// Everything that was done, with when, and how it ended: asked at the beginning, at each wake, and when something changed.
fn fast(
    definition: &Definition,
    settings: &Settings,
    person: Situation,
    began: Timestamp,
    changes: &[(Timestamp, Change)],
    until: Timestamp,
) -> Vec<String> {
    let mut walk = Walk::enter(definition.clone(), settings.clone(), person, began);
    let mut done = Vec::new();
    let mut changes = changes.iter().peekable();
    let mut now = began;
    loop {
        let told =
            walk.effects.drain(..).map(|effect| format!("{now:?} {} {} {:?}", effect.node, effect.visit, effect.what));
        done.extend(told);
        if let Some((at, why)) = walk.instance.ended {
            done.push(format!("{at:?} ended {}", why.word()));
            return done;
        }
        let wake = walk.instance.wake_at.expect("whoever is not out is woken");
        assert!(wake > now, "woken at once without end");
        let change = changes.peek().map(|(at, _)| *at).filter(|at| *at <= wake);
        now = change.unwrap_or(wake);
        if now > until {
            return done;
        }
        while let Some((_, change)) = changes.next_if(|(at, _)| *at == now) {
            match change {
                Change::Event(name) => {
                    for (what, _) in definition.listens().into_iter().filter(|(_, event)| event.name == *name) {
                        walk.instance.hear(&what, now);
                    }
                }
                Change::In(key) => _ = walk.person.members.insert((*key).to_owned()),
                Change::Out(key) => _ = walk.person.members.remove(*key),
                Change::Refuses => {
                    walk.person.said.push(rapport_privacy::Statement { at: now, ..said(State::Denied, NOON) })
                }
                Change::Agrees => {
                    walk.person.said.push(rapport_privacy::Statement { at: now, ..said(State::Granted, NOON) })
                }
            }
        }
        walk.look_at(now, &mut super::Free);
    }
}

/// The same by a dry run, which knows from the beginning what will be when; `None` for whoever does not come in.
fn dry(
    definition: &Definition,
    settings: &Settings,
    mut person: Situation,
    began: Timestamp,
    changes: &[(Timestamp, Change)],
    until: Timestamp,
) -> Option<Vec<String>> {
    let (mut turns, mut heard) = (Vec::new(), Vec::new());
    for (at, change) in changes {
        let state = |state| rapport_privacy::Statement { at: *at, ..said(state, NOON) };
        match change {
            Change::Event(name) => {
                let meant = definition.listens().into_iter().filter(|(_, event)| event.name == *name);
                heard.extend(meant.map(|(what, _)| (*at, what)));
            }
            Change::In(key) => turns.push((*at, (*key).to_owned(), true)),
            Change::Out(key) => turns.push((*at, (*key).to_owned(), false)),
            Change::Refuses => person.said.push(state(State::Denied)),
            Change::Agrees => person.said.push(state(State::Granted)),
        }
        // Nobody waits for it; the model looks, too, whenever something changes.
        heard.push((*at, "-".to_owned()));
    }
    let comings = vec![Coming { at: began, ..Coming::default() }];
    let life = Life { situation: person, turns, heard, comings, before: Vec::new() };
    let plan = Plan { key: "j", definition, settings };
    let trip = rapport_engagement::dry_run::play(plan, &[life], until).remove(0).remove(0);
    let mut done = Vec::new();
    for Step { at, node, visit, what } in &trip.steps {
        match what {
            Did::Effect(what) => done.push(format!("{at:?} {node} {visit} {what:?}")),
            Did::Ends(why) => done.push(format!("{at:?} ended {}", why.word())),
            Did::Waits(end) => assert!(end > at),
            Did::Unwritten { .. } => unreachable!("nobody tried"),
        }
    }
    if trip.outcome == Outcome::HeldOut {
        done.push(format!("{began:?} ended held_out"));
    }
    (trip.outcome != Outcome::Refused).then_some(done)
}

/// Plans of any shape, of which the check lets only those pass that end.
#[test]
fn what_passes_the_check_never_gets_stuck() {
    let (mut passed, mut circles) = (0, 0);
    for seed in 0..4_000 {
        let dice = Dice::new(seed);
        let ways = if seed % 2 == 0 { Ways::Wild } else { Ways::Calm };
        let definition = Definition::from_json(&plan(&dice, ways)).unwrap();
        if !errors(&definition).is_empty() {
            continue;
        }
        passed += 1;
        let mut person = willing(i64::try_from(seed).unwrap() + 1);
        if dice.percent(30) {
            person.said.clear();
        }
        person.members.extend(SEGMENTS.iter().filter(|_| dice.percent(50)).map(|key| (*key).to_owned()));
        let mut walk = Walk::enter(definition.clone(), Settings::default(), person, ts(NOON));
        let (mut looks, mut at_once, mut now) = (0, 0, ts(NOON));
        while walk.instance.ended.is_none() {
            let wake = walk.instance.wake_at.expect("whoever is not out is woken");
            at_once = if wake <= now { at_once + 1 } else { 0 };
            looks += 1;
            assert!(at_once <= 2 && looks < 5_000, "seed {seed}: {looks} looks, {}", definition.to_json());
            now = wake.max(now);
            walk.look_at(now, &mut super::Free);
        }
        circles += u32::from(walk.end().as_deref() == Some("circle"));
    }
    assert!(passed > 2_300, "{passed} of 4000 passed the check");
    assert!(circles > 5, "{circles} went round until they were let go");
}

#[test]
fn unknown_and_impossible_fields_are_refused_with_their_place() {
    let form = json!({
        "entry": {"schedule": {"at": "2026-12-01T09:00"}}, "audience": {"segment": {"key": "s"}}, "start": "a",
        "exits": {"at_goal": true}, "quiet": {"from": "21:00", "until": "08:00"},
        "nodes": [
            {"id": "a", "step": {"message": {"channel": "email", "template": "t", "next": "b"}}},
            {"id": "b", "step": {"wait_until": {"paths": [{"until": {"event": {"name": "x"}}, "next": null}], "timeout": "1d", "timed_out": "c"}}},
            {"id": "c", "step": {"split": {"arms": [{"name": "a", "percent": 100, "next": null}]}}},
        ],
    });
    assert!(Definition::from_json(&form).is_ok());
    let with = |pointer: &str, key: &str, value: Value| {
        let mut form = form.clone();
        form.pointer_mut(pointer).unwrap()[key] = value;
        Definition::from_json(&form).err().map(|error| error.to_string()).unwrap_or_default()
    };
    for (pointer, place) in [
        ("", "extra"),
        ("/entry/schedule", "entry.schedule"),
        ("/exits", "exits.extra"),
        ("/quiet", "quiet.extra"),
        ("/nodes/0", "nodes[0].extra"),
        ("/nodes/0/step/message", "nodes[0].step.message.extra"),
        ("/nodes/1/step/wait_until/paths/0", "nodes[1].step.wait_until.paths[0].extra"),
        ("/nodes/1/step/wait_until/paths/0/until/event", "nodes[1].step.wait_until.paths[0].until.event.extra"),
        ("/nodes/2/step/split/arms/0", "nodes[2].step.split.arms[0].extra"),
    ] {
        let problem = with(pointer, "extra", json!(1));
        assert!(problem.starts_with(place) && problem.contains("extra"), "{pointer}: {problem}");
    }
    for (pointer, key, value, place) in [
        ("/nodes/0/step/message", "channel", json!("pigeon"), "nodes[0].step.message.channel"),
        ("/nodes/0/step/message", "drop_after", json!("soon"), "nodes[0].step.message.drop_after"),
        ("/nodes/1/step/wait_until", "timeout", json!("1 month"), "nodes[1].step.wait_until.timeout"),
        ("/nodes/2/step/split/arms/0", "percent", json!("half"), "nodes[2].step.split.arms[0].percent"),
        ("/nodes/0/step", "exit", json!({}), "nodes[0].step"),
        ("", "audience", json!({"segment": {}}), "audience"),
        ("", "reentry", json!("always"), "reentry"),
    ] {
        let problem = with(pointer, key, value);
        assert!(problem.starts_with(place), "{pointer}/{key}: {problem}");
    }
    let nodes: Vec<Value> = (0..201).map(|n| json!({"id": format!("n{n}"), "step": {"exit": {}}})).collect();
    assert!(with("", "nodes", json!(nodes)).contains("200 nodes"));
}
