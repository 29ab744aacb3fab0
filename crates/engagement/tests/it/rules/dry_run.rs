//! Dry runs: what one instance sees of another, what was so before counts, and what is only assumed is counted as that.

use rapport_domain::Timestamp;
use rapport_engagement::dry_run::tally::{Count, Tally};
use rapport_engagement::dry_run::{Coming, Did, Life, Outcome, Trip, play};
use rapport_engagement::journey::rules::{Plan, What};
use rapport_engagement::journey::{Definition, Situation};
use rapport_engagement::sending::{Cap, Reason, Settings, Window};
use serde_json::{Value, json};

use super::{NOON, message, plan_with, segment, ts, willing};

const HOUR: i64 = Timestamp::HOUR;

fn coming(hours: i64, key: &str) -> Coming {
    Coming { at: ts(NOON).plus(hours * HOUR), key: key.to_owned(), ..Coming::default() }
}

fn life(situation: Situation, comings: Vec<Coming>) -> Life {
    Life { situation, turns: Vec::new(), heard: Vec::new(), comings, before: Vec::new() }
}

fn run(definition: &Definition, settings: &Settings, lives: &[Life]) -> Vec<Vec<Trip>> {
    play(Plan { key: "j", definition, settings }, lives, ts(NOON).plus(40 * Timestamp::DAY))
}

fn free() -> Settings {
    Settings { quiet: None, caps: Vec::new(), ..Settings::default() }
}

fn outcomes(trips: &[Trip]) -> Vec<Outcome> {
    trips.iter().map(|trip| trip.outcome).collect()
}

fn by_order(reentry: Value) -> Definition {
    let entry = json!({"event": {"name": "Order Completed", "key": "order_id"}});
    plan_with(json!([message("m", Value::Null)]), json!({"entry": entry, "reentry": reentry}))
}

#[test]
fn whoever_comes_in_twice_is_written_to_as_caps_allow() {
    let settings = Settings { caps: vec![Cap { most: 1, window: Window::Day, channel: None, topic: None }], ..free() };
    let comings = vec![coming(0, "a"), coming(1, "b"), coming(24, "c")];
    let definition = by_order(json!("never"));
    let trips = run(&definition, &settings, &[life(willing(7), comings)]);
    let sent = |trip: &Trip| match &trip.steps[0].what {
        Did::Effect(What::Send { .. }) => None,
        Did::Effect(What::Skip { reason, .. }) => Some(*reason),
        other => panic!("{other:?}"),
    };
    let found: Vec<Option<Reason>> = trips[0].iter().map(sent).collect();
    assert_eq!(found, [None, Some(Reason::Capped), None]);
    let tally = Tally::of(&trips[0], ts(NOON).plus(2 * HOUR));
    let node = &tally.nodes["m"];
    assert_eq!((node.came, node.sends), (3, Count { all: 2, assumed: 1 }));
    assert_eq!(node.skips[&Reason::Capped], Count { all: 1, assumed: 0 });
}

#[test]
fn who_may_come_in_again_depends_on_what_was_before() {
    let comings = || vec![coming(0, "a"), coming(1, "a"), coming(2, "b")];
    let never = by_order(json!("never"));
    let fresh = run(&never, &free(), &[life(willing(7), comings())]);
    assert_eq!(outcomes(&fresh[0]), [Outcome::In, Outcome::NotAgain, Outcome::In]);
    let earlier = ts(NOON).plus(-48 * HOUR);
    let known = Life { before: vec![("a".to_owned(), earlier, Some(earlier))], ..life(willing(7), comings()) };
    assert_eq!(
        outcomes(&run(&never, &free(), std::slice::from_ref(&known))[0]),
        [Outcome::NotAgain, Outcome::NotAgain, Outcome::In]
    );
    let again = by_order(json!("after_exit"));
    assert_eq!(outcomes(&run(&again, &free(), &[known])[0]), [Outcome::In; 3]);
    // Who was in it still does not come in.
    let inside = Life { before: vec![("a".to_owned(), earlier, None)], ..life(willing(7), comings()) };
    assert_eq!(outcomes(&run(&again, &free(), &[inside])[0]), [Outcome::NotAgain, Outcome::NotAgain, Outcome::In]);
}

#[test]
fn what_was_done_counts_and_then_nothing_more_happens() {
    let wait = json!({"id": "w", "step": {"wait_until": {"paths": [{"until": {"event": {"name": "Order Completed"}}, "next": null}],
        "timeout": "3d", "timed_out": "m"}}});
    let more = json!({"entry": {"segment_entered": {"when": segment("s")}}});
    let definition = plan_with(json!([wait, message("m", Value::Null)]), more);
    let heard = |hours: i64| vec![(ts(NOON).plus(hours * HOUR), "w#0".to_owned())];
    let lives = [
        Life { heard: heard(2), ..life(willing(1), vec![coming(0, "")]) },
        life(willing(2), vec![coming(0, "")]),
        // It happened before they came in.
        Life { heard: heard(0), ..life(willing(3), vec![Coming { after: 1, ..coming(0, "") }]) },
    ];
    let trips = run(&definition, &free(), &lives);
    let known_until = ts(NOON).plus(20 * HOUR);
    let tally = Tally::of(trips.iter().flatten(), known_until);
    let node = &tally.nodes["w"];
    assert_eq!((node.came, node.stands), (3, 2));
    assert_eq!(node.ways["path:0"], Count { all: 1, assumed: 0 });
    assert_eq!(node.ways["timed_out"], Count { all: 2, assumed: 2 });
    assert_eq!(tally.nodes["m"].sends, Count { all: 2, assumed: 2 });
    assert_eq!(tally.ends["completed"], Count { all: 3, assumed: 2 });
}

#[test]
fn turns_are_given_in_the_order_in_which_people_come() {
    let limit = json!({"id": "r", "step": {"rate_limit": {"most": 2, "per": "1h", "next": "m"}}});
    let definition = plan_with(json!([limit, message("m", Value::Null)]), json!({}));
    let lives: Vec<Life> = (1..=5).map(|person| life(willing(person), vec![coming(0, "")])).collect();
    let trips = run(&definition, &free(), &lives);
    let sent = |own: &Vec<Trip>| {
        let step = own[0].steps.iter().find(|step| matches!(step.what, Did::Effect(What::Send { .. })));
        (step.unwrap().at.0 - ts(NOON).0) / HOUR
    };
    assert_eq!(trips.iter().map(sent).collect::<Vec<_>>(), [0, 0, 1, 1, 2]);
}
