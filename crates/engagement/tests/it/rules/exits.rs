//! What takes people out, or does not let them in.

use rapport_engagement::journey::definition::GOAL;
use rapport_engagement::journey::rules::{Begun, HELD_OUT, TREATED, What, begin, place};
use rapport_engagement::journey::{Instance, Situation};
use rapport_privacy::consent::State;
use serde_json::{Value, json};

use super::{NOON, Walk, message, plan_of, plan_with, said, segment, ts, willing};

const LATER: &str = "2026-06-10T11:00:00Z";

fn waiting() -> Value {
    json!([{"id": "w", "step": {"wait": {"how": {"for": "1h"}, "next": "m"}}}, message("m", Value::Null)])
}

/// How it ends, and whether a message goes out, when something changes while somebody waits.
fn out(more: Value, change: impl FnOnce(&mut Walk)) -> (Option<String>, bool) {
    let mut person = willing(1);
    person.members.insert("in".into());
    let mut walk = Walk::begin_as(plan_with(waiting(), more), person, NOON);
    change(&mut walk);
    walk.look(LATER);
    let sent = walk.done().iter().any(|(_, _, what)| matches!(what, What::Send { .. }));
    (walk.end(), sent)
}

fn ended(why: &str) -> (Option<String>, bool) {
    (Some(why.to_owned()), false)
}

fn sent() -> (Option<String>, bool) {
    (Some("completed".to_owned()), true)
}

#[test]
fn each_way_out_is_asked_before_each_act() {
    assert_eq!(out(json!({}), |_| ()), sent());
    assert_eq!(out(json!({}), |it| it.person.is_gone = true), ended("gone"));
    let audience = json!({"audience": segment("in")});
    assert_eq!(out(audience.clone(), |_| ()), sent());
    assert_eq!(out(audience, |it| it.person.members.clear()), ended("out_of_audience"));
    // Who may stay gets no message for it, and a reason.
    let stays = json!({"audience": segment("in"), "exits": {"out_of_audience": false}});
    assert_eq!(out(stays, |it| it.person.members.clear()), ended("completed"));
    let refuses = |it: &mut Walk| it.person.said.push(said(State::Withdrawn, NOON));
    assert_eq!(out(json!({}), refuses), ended("consent_gone"));
    assert_eq!(out(json!({"class": "transactional"}), refuses), sent());
    assert_eq!(out(json!({}), |it| it.person.said.clear()), ended("completed"));
    assert_eq!(out(json!({}), |it| it.instance.node = Some("elsewhere".into())), ended("no_node"));
}

#[test]
fn goals_are_reached_by_events_and_conditions() {
    let event = json!({"goal": {"event": {"name": "order_completed"}}});
    assert_eq!(out(event.clone(), |it| it.instance.hear(GOAL, ts(NOON))), ended("goal"));
    assert_eq!(out(event.clone(), |it| it.instance.hear(GOAL, ts(NOON).plus(-1))), sent());
    let stays = json!({"goal": event["goal"], "exits": {"at_goal": false}});
    assert_eq!(out(stays, |it| it.instance.hear(GOAL, ts(NOON))), sent());
    let condition = json!({"goal": {"condition": segment("bought")}});
    assert_eq!(out(condition.clone(), |it| _ = it.person.members.insert("bought".into())), ended("goal"));
    // It is reached once, and stays reached.
    let mut walk =
        Walk::begin(plan_with(waiting(), json!({"goal": condition["goal"], "exits": {"at_goal": false}})), NOON);
    walk.person.members.insert("bought".into());
    walk.look("2026-06-10T10:30:00Z");
    walk.person.members.clear();
    walk.look("2026-06-10T10:40:00Z").look(LATER);
    let goals = walk.effects.iter().filter(|effect| effect.what == What::Goal).count();
    assert_eq!((goals, walk.instance.goal_at), (1, Some(ts("2026-06-10T10:30:00Z"))));
    // A node can be the goal.
    let nodes = json!([{"id": "g", "step": {"goal": {"next": "m"}}}, message("m", Value::Null)]);
    let walk = Walk::begin(plan_of(nodes), NOON);
    assert_eq!((walk.ways(), walk.end().as_deref()), (vec!["g>reached".to_owned()], Some("goal")));
}

#[test]
fn several_channels_are_refused_only_together() {
    let nodes = json!([
        {"id": "w", "step": {"wait": {"how": {"for": "1h"}, "next": "m"}}},
        message("m", json!("s")),
        {"id": "s", "step": {"message": {"channel": "sms", "template": "t", "next": null}}},
    ]);
    let of = |channel| {
        let mut walk = Walk::begin(plan_of(nodes.clone()), NOON);
        let mut no = said(State::Denied, NOON);
        no.scope.channel = channel;
        walk.person.said.push(no);
        walk.look(LATER).end()
    };
    assert_eq!(of(None).as_deref(), Some("consent_gone"));
    assert_eq!(of(Some(rapport_domain::Channel::Email)).as_deref(), Some("completed"));
}

#[test]
fn circles_are_left() {
    let nodes = json!([{"id": "a", "step": {"set_trait": {"name": "x", "value": 1, "next": "b"}}},
        {"id": "b", "step": {"wait": {"how": {"for": "1s"}, "next": "a"}}}]);
    let mut walk = Walk::begin(plan_with(nodes, json!({"most_visits": 3})), NOON);
    for _ in 0..10 {
        if let Some(at) = walk.instance.wake_at {
            walk.look_at(at, &mut super::Free);
        }
    }
    assert_eq!((walk.end().as_deref(), walk.done().len()), (Some("circle"), 3));
    // One without waiting, which no check lets pass, ends too, and nothing is done without end.
    let nodes = json!([{"id": "a", "step": {"set_trait": {"name": "x", "value": 1, "next": "a"}}}]);
    let mut walk = Walk::begin(plan_with(nodes, json!({"most_visits": 1000})), NOON);
    assert_eq!((walk.done().len(), walk.instance.wake_at), (50, Some(ts(NOON))));
    for _ in 0..30 {
        walk.look(NOON);
    }
    assert_eq!((walk.end().as_deref(), walk.done().len()), (Some("circle"), 1_000));
}

#[test]
fn who_is_held_out_is_out_as_they_come_in() {
    let definition = plan_with(waiting(), json!({"holdout_percent": 25}));
    let mut held = 0;
    for number in 1..=4_000 {
        let walk = Walk::begin_as(definition.clone(), willing(number), NOON);
        let is_held = place("holdout/journey/j", walk.person.person) < 25.0;
        let arm = if is_held { HELD_OUT } else { TREATED };
        let exposed = What::Exposed { experiment: "holdout/journey/j".into(), arm: arm.into(), is_experiment: false };
        assert_eq!(walk.done(), [("w".to_owned(), 0, exposed)]);
        assert_eq!(walk.end().as_deref(), is_held.then_some("held_out"));
        held += i32::from(is_held);
    }
    assert!((held - 1_000).abs() < 137, "{held}");
}

#[test]
fn who_is_not_of_the_audience_does_not_come_in() {
    let definition = plan_with(waiting(), json!({"audience": segment("in")}));
    let come = |person: &Situation| {
        let mut instance = Instance::new("i".into(), ("j", 1), person.person, String::new(), "w", ts(NOON));
        let settings = rapport_engagement::sending::Settings::default();
        let plan = rapport_engagement::journey::rules::Plan { key: "j", definition: &definition, settings: &settings };
        let mut effects = Vec::new();
        let begun = begin(plan, &mut instance, person, ts(NOON), &mut effects);
        (begun, instance.has_begun())
    };
    let mut person = willing(1);
    assert_eq!(come(&person), (Begun::Refused, false));
    person.members.insert("in".into());
    assert_eq!(come(&person), (Begun::In, true));
    person.is_gone = true;
    assert_eq!(come(&person), (Begun::Refused, false));
}

#[test]
fn who_is_moved_before_they_come_in_begins_at_the_new_start() {
    let definition = plan_of(waiting());
    let mut instance = Instance::new("i".into(), ("j", 2), willing(1).person, String::new(), "old-start", ts(NOON));
    let settings = rapport_engagement::sending::Settings::default();
    let plan = rapport_engagement::journey::rules::Plan { key: "j", definition: &definition, settings: &settings };
    begin(plan, &mut instance, &willing(1), ts(NOON), &mut Vec::new());
    assert_eq!(instance.node.as_deref(), Some("w"));
}
