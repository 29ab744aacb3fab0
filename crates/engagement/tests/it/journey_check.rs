//! Each finding of the check of a plan: it is there where it should be, and not in a plan that is right.

use std::collections::BTreeSet;

use rapport_domain::Channel;
use rapport_engagement::content::Severity;
use rapport_engagement::content::known::Group;
use rapport_engagement::journey::Definition;
use rapport_engagement::journey::check::{Finding, Known, check};
use serde_json::{Value, json};

/// A workspace with a mail template, a segment, a topic, a list and an action.
struct Shop;

impl Known for Shop {
    fn template(&self, key: &str) -> Option<Channel> {
        match key {
            "hello" | "order" => Some(Channel::Email),
            "text" | "approved" => Some(Channel::Sms),
            _ => None,
        }
    }
    fn needs(&self, key: &str) -> BTreeSet<Group> {
        if key == "order" { BTreeSet::from([Group::Order]) } else { BTreeSet::new() }
    }
    fn lacks_approved(&self, key: &str) -> bool {
        key == "text"
    }
    fn has_segment(&self, key: &str) -> bool {
        key == "fans"
    }
    fn has_topic(&self, key: &str) -> bool {
        key == "sale"
    }
    fn policy(&self, key: &str) -> Option<Vec<String>> {
        (key == "offer").then(|| ["a", "b", "c"].map(str::to_owned).to_vec())
    }
    fn has_list(&self, key: &str) -> bool {
        key == "vip"
    }
    fn has_action(&self, name: &str) -> bool {
        name == "points.give"
    }
    fn can_send(&self, channel: Channel) -> bool {
        channel == Channel::Email
    }
    fn webhook_problem(&self, url: &str) -> Option<(Severity, &'static str, String)> {
        url.contains("127.0.0.1").then(|| (Severity::Error, "webhook_private", "this address is private".to_owned()))
    }
}

fn good() -> Value {
    json!({
        "entry": {"event": {"name": "cart_updated"}}, "topic": "sale", "start": "wait",
        "audience": {"segment": {"key": "fans"}},
        "nodes": [
            {"id": "wait", "step": {"wait": {"how": {"for": "1h"}, "next": "ask"}}},
            {"id": "ask", "step": {"wait_until": {"paths": [{"until": {"event": {"name": "order_completed"}}, "next": null}],
                "timeout": "1d", "timed_out": "mail"}}},
            {"id": "mail", "step": {"message": {"channel": "email", "template": "hello", "next": "list"}}},
            {"id": "list", "step": {"list": {"list": "vip", "next": "act"}}},
            {"id": "act", "step": {"act": {"action": "points.give", "next": "hook"}}},
            {"id": "hook", "step": {"webhook": {"url": "https://a.example/", "next": "out"}}},
            {"id": "out", "step": {"exit": {}}},
        ],
    })
}

fn findings(form: &Value) -> Vec<Finding> {
    check(&Definition::from_json(form).unwrap(), &Shop)
}

fn found(form: &Value) -> Vec<(Severity, &'static str, String)> {
    findings(form).into_iter().map(|it| (it.severity, it.code, it.place)).collect()
}

#[test]
fn a_good_plan_has_none() {
    assert_eq!(found(&good()), []);
}

/// Where a value is put, the value, and what is found then: only that.
fn one(pointer: &str, value: Value, code: &str, place: &str, severity: Severity) {
    let mut form = good();
    match form.pointer_mut(pointer) {
        Some(at) => *at = value,
        None => form[&pointer[1..]] = value,
    }
    let found = findings(&form);
    let same: Vec<&Finding> = found.iter().filter(|it| it.code == code).collect();
    assert!(same.len() == 1 && same[0].place == place && same[0].severity == severity, "{pointer}: {found:?}");
    assert!(!same[0].text.is_empty());
    // What is made unreachable by it may be said too.
    assert!(found.iter().all(|it| it.code == code || it.code == "unreachable"), "{pointer}: {found:?}");
}

#[test]
fn each_error_is_found() {
    let error =
        |pointer: &str, value: Value, code: &str, place: &str| one(pointer, value, code, place, Severity::Error);
    error("/start", json!("x"), "start_unknown", "start");
    error("/entry/event/name", json!(" "), "event_missing", "entry");
    error("/entry", json!({"date": {"fact": "", "at": "09:00"}}), "fact_missing", "entry");
    error("/entry", json!({"date": {"fact": "trait.born", "at": "9"}}), "time_of_day", "entry");
    error("/entry", json!({"date": {"fact": "trait.born", "yearly": true}}), "date_reentry", "reentry");
    error("/entry", json!({"date": {"fact": "trait.born", "days": -367}}), "date_days", "entry");
    error("/holdout_percent", json!(91), "holdout", "holdout_percent");
    error("/most_visits", json!(0), "visits", "most_visits");
    error("/reentry", json!({"at_most": 0}), "reentry", "reentry");
    error("/quiet", json!({"from": "9", "until": "10:00"}), "quiet", "quiet");
    error("/quiet", json!({"from": "09:00", "until": "10:00", "jitter_minutes": 1000}), "quiet", "quiet");
    error("/entry", json!({"schedule": {"at": "tomorrow"}}), "schedule_time", "entry");
    error("/entry", json!({"schedule": {"at": "2026-12-01T09:00", "until": "soon"}}), "schedule_until", "entry");
    error("/entry", json!({"schedule": {"at": "2026-12-01T09:00", "ramp_up_percent": 0}}), "schedule_ramp", "entry");
    error("/entry", json!({"schedule": {"at": "2026-12-01T09:00", "most_per_hour": 0}}), "schedule_pace", "entry");
    error("/entry", json!({"schedule": {"at": "2026-12-01T09:00", "every": "week"}}), "schedule_reentry", "reentry");
    error("/audience", json!({"segment": {"key": "nobody"}}), "segment_unknown", "audience");
    error("/topic", json!("news"), "topic_unknown", "topic");
    let mut form = good();
    form["nodes"][6]["id"] = json!("not so");
    form["nodes"][5]["step"]["webhook"]["next"] = json!("not so");
    assert_eq!(found(&form), [(Severity::Error, "node_id", "not so".to_owned())]);
}

#[test]
fn each_error_of_a_node_is_found() {
    let at = |node: usize, step: Value, code: &str| {
        let place = good()["nodes"][node]["id"].as_str().unwrap().to_owned();
        one(&format!("/nodes/{node}/step"), step, code, &place, Severity::Error);
    };
    at(0, json!({"wait": {"how": {"for": "367d"}, "next": "ask"}}), "waits_for_ever");
    at(0, json!({"wait": {"how": {"day": {"days": 367, "at": "09:00"}}, "next": "ask"}}), "waits_for_ever");
    at(0, json!({"wait": {"how": {"day": {"days": 1, "at": "25:00"}}, "next": "ask"}}), "time_of_day");
    at(
        0,
        json!({"wait": {"how": {"day": {"days": 1, "at": "09:00", "weekdays": ["Monday"]}}, "next": "ask"}}),
        "weekday",
    );
    at(0, json!({"wait": {"how": {"usual_hour": {"fallback": ""}}, "next": "ask"}}), "time_of_day");
    at(0, json!({"rate_limit": {"most": 0, "per": "1h", "next": "ask"}}), "rate");
    at(0, json!({"rate_limit": {"most": 1, "per": "367d", "next": "ask"}}), "rate");
    at(0, json!({"branch": {"paths": [], "otherwise": "ask"}}), "branch_empty");
    let arms = |shares: [f64; 2], names: [&str; 2]| json!({"split": {"arms": [{"name": names[0], "percent": shares[0], "next": "ask"}, {"name": names[1], "percent": shares[1], "next": null}]}});
    at(0, arms([50.0, 49.0], ["a", "b"]), "split_shares");
    at(0, arms([150.0, -50.0], ["a", "b"]), "split_shares");
    at(0, arms([50.0, 50.0], ["a", "a"]), "split_names");
    at(0, arms([50.0, 50.0], ["", "a"]), "split_names");
    let decided = |policy: &str, names: [&str; 2]| {
        let mut form = arms([50.0, 50.0], names);
        form["split"]["policy"] = json!(policy);
        form
    };
    at(0, decided("gone", ["a", "b"]), "policy_unknown");
    at(0, decided("offer", ["a", "other"]), "policy_arms");
    one("/nodes/0/step", decided("offer", ["a", "b"]), "policy_ways", "wait", Severity::Warning);
    at(1, json!({"wait_until": {"paths": [], "timeout": "1d", "timed_out": "mail"}}), "nothing_awaited");
    let until = |name: &str, timeout: &str| json!({"wait_until": {"paths": [{"until": {"event": {"name": name}}, "next": null}], "timeout": timeout, "timed_out": "mail"}});
    at(1, until("", "1d"), "event_missing");
    at(1, until("x", "367d"), "waits_for_ever");
    let mail =
        |channel: &str, template: &str| json!({"message": {"channel": channel, "template": template, "next": "list"}});
    at(2, mail("email", ""), "template_missing");
    at(2, mail("email", "gone"), "template_unknown");
    at(2, mail("email", "text"), "template_channel");
    at(2, mail("sms", "text"), "no_channel");
    at(2, json!({"message": {"channel": "email", "template": "hello", "next": "nowhere"}}), "next_unknown");
    at(3, json!({"list": {"list": "other", "next": "act"}}), "list_unknown");
    at(3, json!({"set_trait": {"name": "", "value": 1, "next": "act"}}), "trait_name");
    at(4, json!({"act": {"action": "rob_bank", "next": "hook"}}), "action_unknown");
    at(5, json!({"webhook": {"url": "http://127.0.0.1/", "next": "out"}}), "webhook_private");
    assert_eq!(
        found(&json!({"entry": {"api": {}}, "start": "a", "nodes": []})),
        [(Severity::Error, "empty", "nodes".to_owned())]
    );
    let mut form = good();
    form["nodes"].as_array_mut().unwrap().push(json!({"id": "out", "step": {"exit": {}}}));
    assert_eq!(found(&form), [(Severity::Error, "node_twice", "out".to_owned())]);
    let mut form = good();
    form["entry"] = json!({"schedule": {"at": "2026-12-01T09:00"}});
    form.as_object_mut().unwrap().remove("audience");
    assert_eq!(found(&form), [(Severity::Error, "audience_missing", "audience".to_owned())]);
}

#[test]
fn each_warning_is_found() {
    let warning =
        |pointer: &str, value: Value, code: &str, place: &str| one(pointer, value, code, place, Severity::Warning);
    warning("/nodes/0/step", json!({"wait": {"how": {"for": "1h"}, "next": "mail"}}), "unreachable", "ask");
    let mut form = good();
    form["entry"]["event"]["name"] = json!("*");
    form["reentry"] = json!("after_exit");
    assert_eq!(found(&form), [(Severity::Warning, "reentry_any", "entry".to_owned())]);
    let mut form = good();
    form["entry"] = json!({"segment_entered": {"when": {"segment": {"key": "fans"}}}});
    form["class"] = json!("transactional");
    assert_eq!(found(&form), [(Severity::Warning, "transactional", "class".to_owned())]);
    let idle = json!({"entry": {"api": {}}, "start": "a", "nodes": [{"id": "a", "step": {"wait": {"how": {"for": "1h"}, "next": null}}}]});
    assert_eq!(found(&idle), [(Severity::Warning, "does_nothing", "nodes".to_owned())]);
    let mut form = good();
    form["entry"] =
        json!({"segment_entered": {"when": {"fact": {"key": "trait.level", "op": "equals", "value": "gold"}}}});
    form["reentry"] = json!("after_exit");
    form["nodes"][3]["step"] = json!({"set_trait": {"name": "level", "value": "silver", "next": "act"}});
    assert_eq!(found(&form), [(Severity::Warning, "causes_itself", "list".to_owned())]);
}

fn circle(steps: &[Value]) -> Vec<(Severity, &'static str, String)> {
    let nodes: Vec<Value> =
        steps.iter().enumerate().map(|(n, step)| json!({"id": format!("n{n}"), "step": step})).collect();
    found(&json!({"entry": {"api": {}}, "start": "n0", "nodes": nodes}))
}

#[test]
fn circles_need_time_and_an_end() {
    let mail = |next: Value| json!({"message": {"channel": "email", "template": "hello", "next": next}});
    let wait = |next: Value| json!({"wait": {"how": {"for": "1h"}, "next": next}});
    let until = |until: Value, next: Value, timed_out: Value| json!({"wait_until": {"paths": [{"until": until, "next": next}], "timeout": "1d", "timed_out": timed_out}});
    let condition = json!({"condition": {"segment": {"key": "fans"}}});
    let event = json!({"event": {"name": "x"}});
    let codes = |found: Vec<(Severity, &'static str, String)>| {
        found
            .into_iter()
            .filter(|it| it.0 == Severity::Error)
            .map(|it| format!("{} {}", it.1, it.2))
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(circle(&[mail(json!("n1")), wait(json!("n0"))])), ["no_end n0", "no_end n1"]);
    // An event comes in its own time, and so does the end of a wait.
    assert_eq!(
        circle(&[mail(json!("n1")), until(event.clone(), json!("n0"), Value::Null)]),
        [(Severity::Hint, "no_topic", "topic".to_owned()), (Severity::Hint, "loop", "n1".to_owned())]
    );
    assert_eq!(codes(circle(&[mail(json!("n1")), until(condition.clone(), Value::Null, json!("n0"))])), [""; 0]);
    // A condition may hold already, and a rate has room for the first ones.
    assert_eq!(
        codes(circle(&[mail(json!("n1")), until(condition, json!("n0"), Value::Null)])),
        ["circle n0", "circle n1"]
    );
    let branch =
        json!({"branch": {"paths": [{"when": {"segment": {"key": "fans"}}, "next": "n2"}], "otherwise": null}});
    let rate = json!({"rate_limit": {"most": 5, "per": "1h", "next": "n0"}});
    assert_eq!(codes(circle(&[mail(json!("n1")), branch, rate])), ["circle n0", "circle n1", "circle n2"]);
    assert_eq!(codes(circle(&[mail(json!("n0"))])), ["no_end n0", "circle n0"]);
}

#[test]
fn a_template_whose_values_nobody_gives_is_found() {
    let plan = |entry: Value, template: &str, channel: &str| {
        json!({"entry": entry, "topic": "sale", "audience": {"performed": {"event": "Order Completed"}}, "start": "m",
            "nodes": [{"id": "m", "step": {"message": {"channel": channel, "template": template, "next": null}}}]})
    };
    let codes = |form: Value| -> Vec<&'static str> {
        let definition = Definition::from_json(&form).unwrap();
        check(&definition, &Shop).into_iter().map(|finding| finding.code).collect()
    };
    let event = |name: &str| json!({"event": {"name": name}});
    assert_eq!(codes(plan(event("Order Completed"), "order", "email")), Vec::<&str>::new());
    assert_eq!(codes(plan(event("*"), "order", "email")), Vec::<&str>::new(), "it may bring one");
    let date = json!({"date": {"fact": "trait.birthday", "at": "09:00"}});
    for entry in [event("Signed Up"), json!({"api": {}}), date, json!({"schedule": {"at": "2026-12-01T09:00"}})] {
        assert_eq!(codes(plan(entry.clone(), "order", "email")), ["template_needs"], "{entry}");
        assert_eq!(codes(plan(entry, "hello", "email")), Vec::<&str>::new());
    }
    // A text goes to a telephone by either way.
    assert_eq!(codes(plan(event("Signed Up"), "approved", "whatsapp")), ["no_channel"]);
    // Later than a day after somebody's last message WhatsApp takes approved texts only; that is no matter for an SMS.
    assert_eq!(codes(plan(event("Signed Up"), "text", "whatsapp")), ["not_approved", "no_channel"]);
    assert_eq!(codes(plan(event("Signed Up"), "text", "sms")), ["no_channel"]);
    let warned = check(&Definition::from_json(&plan(event("Signed Up"), "text", "whatsapp")).unwrap(), &Shop).remove(0);
    assert_eq!((warned.severity, warned.place.as_str()), (Severity::Warning, "m"));
    let mut without = plan(event("Signed Up"), "hello", "email");
    without.as_object_mut().unwrap().remove("topic");
    assert_eq!(codes(without.clone()), ["no_topic"]);
    without["class"] = json!("transactional");
    assert_eq!(codes(without), Vec::<&str>::new());
}
