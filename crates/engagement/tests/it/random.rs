//! Journeys by chance, the same for the same dice: such as pass the check, and such as may not.

use rapport_domain::{Rng, SeededRng};
use serde_json::{Value, json};

/// Segments that conditions ask for.
pub const SEGMENTS: [&str; 4] = ["s0", "s1", "s2", "s3"];
/// Events that are waited for.
pub const EVENTS: [&str; 3] = ["e0", "e1", "e2"];

/// Chance from a seed.
pub struct Dice(SeededRng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(SeededRng::new(seed))
    }

    /// From 0 to below `n`.
    pub fn below(&self, n: usize) -> usize {
        let n = u64::try_from(n).unwrap();
        usize::try_from(self.0.next_u64() % n).unwrap()
    }

    pub fn percent(&self, share: usize) -> bool {
        self.below(100) < share
    }

    pub fn one<'a, T>(&self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// Which ways nodes may lead.
#[derive(Clone, Copy, PartialEq)]
pub enum Ways {
    /// Forward, and back only where time passes and another way leads on: such a plan passes the check.
    Calm,
    /// Anywhere.
    Wild,
}

pub fn segment(dice: &Dice) -> Value {
    json!({"segment": {"key": dice.one(&SEGMENTS)}})
}

/// A plan into which a program lets people.
pub fn plan(dice: &Dice, ways: Ways) -> Value {
    let count = 2 + dice.below(7);
    let nodes: Vec<Value> = (0..count).map(|place| node(dice, ways, place, count)).collect();
    let mut plan = json!({"entry": {"api": {}}, "start": "n0", "nodes": nodes, "priority": dice.below(4),
        "most_visits": 2 + dice.below(4)});
    let reentry = [json!("never"), json!("after_exit"), json!({"after": "12h"}), json!({"at_most": 2})];
    plan["reentry"] = dice.one(&reentry).clone();
    if dice.percent(10) {
        plan["class"] = json!("transactional");
    }
    if dice.percent(40) {
        plan["topic"] = json!("sale");
    }
    if dice.percent(30) {
        plan["audience"] = segment(dice);
        plan["exits"] = json!({"out_of_audience": dice.percent(60), "at_goal": dice.percent(60)});
    }
    if dice.percent(20) {
        plan["goal"] = json!({"event": {"name": dice.one(&EVENTS)}});
    } else if dice.percent(15) {
        plan["goal"] = json!({"condition": segment(dice)});
    }
    if dice.percent(25) {
        plan["holdout_percent"] = json!(20);
    }
    if dice.percent(20) {
        plan["quiet"] = json!({"from": "20:00", "until": "09:30", "jitter_minutes": 0});
    }
    plan
}

fn node(dice: &Dice, ways: Ways, place: usize, count: usize) -> Value {
    let forward = || -> Value {
        if ways == Ways::Wild && dice.percent(60) {
            json!(format!("n{}", dice.below(count)))
        } else if place + 1 < count && dice.percent(80) {
            json!(format!("n{}", place + 1 + dice.below(count - place - 1)))
        } else {
            Value::Null
        }
    };
    let back = || if dice.percent(30) { json!(format!("n{}", dice.below(place + 1))) } else { forward() };
    let step = match dice.below(if place == 0 { 14 } else { 16 }) {
        0..=4 => json!({"message": {"channel": dice.one(&["email", "email", "sms", "in_app"]), "template": "t",
            "otherwise": dice.one(&["advance", "exit", "retry"]), "drop_after": dice.one(&["90m", "1d", "2d"]), "next": forward()}}),
        5 | 6 => json!({"wait": {"how": {"for": dice.one(&["1m", "45m", "7h", "1d", "3d"])}, "next": forward()}}),
        7 => {
            let weekdays: &[&str] = if dice.percent(30) { &["monday", "saturday"] } else { &[] };
            json!({"wait": {"how": {"day": {"days": dice.below(3), "at": dice.one(&["09:00", "18:30", "00:00"]), "weekdays": weekdays}},
                "next": forward()}})
        }
        8 => json!({"wait": {"how": {"usual_hour": {"fallback": "10:00"}}, "next": forward()}}),
        9 | 10 => json!({"wait_until": {"paths": [
                {"until": {"event": {"name": dice.one(&EVENTS)}}, "next": back()},
                {"until": {"condition": segment(dice)}, "next": forward()}],
            "timeout": dice.one(&["2h", "1d", "4d"]), "timed_out": back()}}),
        11 => {
            json!({"branch": {"paths": [{"when": segment(dice), "next": forward()}, {"when": segment(dice), "next": forward()}],
            "otherwise": forward()}})
        }
        12 => {
            json!({"split": {"arms": [{"name": "a", "percent": 30, "next": forward()}, {"name": "b", "percent": 70, "next": forward()}]}})
        }
        13 => {
            let acts = [
                json!({"set_trait": {"name": "x", "value": place, "next": forward()}}),
                json!({"list": {"list": "l", "on": dice.percent(50), "next": forward()}}),
                json!({"act": {"action": "points", "with": {"n": 1}, "next": forward()}}),
                json!({"webhook": {"url": "https://a.example/", "next": forward()}}),
            ];
            dice.one(&acts).clone()
        }
        14 => json!({"rate_limit": {"most": 3, "per": "10m", "next": forward()}}),
        _ => dice.one(&[json!({"goal": {"next": forward()}}), json!({"exit": {}})]).clone(),
    };
    json!({"id": format!("n{place}"), "step": step})
}
