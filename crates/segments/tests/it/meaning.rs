//! What conditions mean, example by example, with the plain evaluator.

use std::collections::BTreeMap;

use rapport_domain::{Calendar, Timestamp, WeekStart};
use rapport_segments::{Condition, EventView, FactView, Moment, Scope, Subject, holds};
use serde_json::{Value, json};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Whether `condition` holds at noon UTC on 2026-03-31, in Berlin, for a person with these facts and events.
fn test(condition: &Value, facts: &Value, events: &[(&str, &str, Value)]) -> bool {
    let condition = Condition::parse(&condition.to_string()).unwrap();
    let facts: BTreeMap<String, Value> = serde_json::from_value(facts.clone()).unwrap();
    let flat = |properties: &Value| properties.as_object().unwrap().clone().into_iter().collect();
    let properties: Vec<Vec<(String, Value)>> = events.iter().map(|(_, _, properties)| flat(properties)).collect();
    let events: Vec<EventView<'_>> = events
        .iter()
        .zip(&properties)
        .map(|((name, time, _), properties)| EventView::new(name, at(time), properties))
        .collect();
    let facts: Vec<FactView<'_>> = facts.iter().map(|(key, value)| FactView::always(key, value)).collect();
    let calendar = Calendar::new("Europe/Berlin", WeekStart::Monday).unwrap();
    let moment = Moment { now: at("2026-03-31T12:00:00Z"), calendar: &calendar };
    let subject = Subject { event: events.first().copied(), facts: &facts, events: &events, ..Subject::NOBODY };
    holds(&condition, &subject, moment)
}

fn fact(value: Value, test_of_it: Value) -> bool {
    let mut fact = test_of_it;
    fact["key"] = json!("it");
    test(&json!({ "fact": fact }), &json!({ "it": value }), &[])
}

#[test]
fn a_missing_value_passes_only_the_negative_operators() {
    for (op, operand) in [
        ("equals", json!({ "value": "a" })),
        ("in", json!({ "values": ["a", 1] })),
        ("contains", json!({ "value": "a" })),
        ("starts_with", json!({ "value": "a" })),
        ("ends_with", json!({ "value": "a" })),
        ("at_least", json!({ "value": 1 })),
        ("more_than", json!({ "value": 1 })),
        ("at_most", json!({ "value": 1 })),
        ("less_than", json!({ "value": 1 })),
        ("between", json!({ "values": [0, 2] })),
        ("between", json!({ "values": ["2026-01-01", "2026-01-02"] })),
        ("before", json!({ "value": "2026-01-01" })),
        ("after", json!({ "value": "2026-01-01" })),
        ("exists", json!({})),
        ("is_true", json!({})),
        ("is_false", json!({})),
    ] {
        let mut missing = operand.clone();
        missing["op"] = json!(op);
        missing["key"] = json!("nothing");
        let condition = json!({ "fact": missing });
        for facts in [json!({}), json!({ "nothing": null })] {
            assert!(!test(&condition, &facts, &[]), "{op} of a missing value");
            assert!(test(&json!({ "not": condition }), &facts, &[]), "not {op} of a missing value");
        }
    }
    for (op, operand) in [
        ("not_equals", json!({ "value": "a" })),
        ("not_in", json!({ "values": ["a", 1] })),
        ("not_contains", json!({ "value": "a" })),
        ("not_exists", json!({})),
    ] {
        let mut test_of_it = operand;
        test_of_it["op"] = json!(op);
        assert!(fact(Value::Null, test_of_it), "{op} of a missing value");
    }
}

#[test]
fn the_operand_decides_how_a_value_is_read() {
    let equals = |value: Value, operand: Value| fact(value, json!({ "op": "equals", "value": operand }));
    assert!(equals(json!("12.50"), json!(12.5)) && equals(json!(12.50), json!(12.5)));
    assert!(!equals(json!("12.50"), json!("12.5")) && equals(json!(12.50), json!("12.5")));
    assert!(equals(json!(17850.0), json!("17850")) && equals(json!(true), json!("true")));
    assert!(equals(json!("false"), json!(false)) && !equals(json!(0), json!(false)));
    assert!(!equals(json!("DE"), json!("de")) && !equals(json!(["DE"]), json!("DE")));
    assert!(fact(json!("2"), json!({ "op": "in", "values": ["a", 2] })));
    assert!(fact(json!("0.1"), json!({ "op": "at_least", "value": 0.1 })));
    assert!(!fact(json!("abc"), json!({ "op": "at_most", "value": 5 })));
    assert!(fact(json!("abc"), json!({ "op": "exists" })) && fact(json!([]), json!({ "op": "exists" })));
}

#[test]
fn searching_in_a_text_ignores_letter_case() {
    assert!(fact(json!("Café au lait"), json!({ "op": "contains", "value": "CAFÉ" })));
    assert!(fact(json!("Café"), json!({ "op": "starts_with", "value": "c" })));
    assert!(fact(json!("Café"), json!({ "op": "ends_with", "value": "É" })));
    assert!(!fact(json!("Café"), json!({ "op": "not_contains", "value": "AF" })));
    assert!(!fact(json!("100"), json!({ "op": "contains", "value": "%" })));
}

#[test]
fn a_date_is_the_whole_day_in_the_zone_of_the_workspace() {
    // In Berlin the 29th of March 2026 lasts from 23:00 UTC the day before to 22:00 UTC.
    for (time, before, within, after) in [
        ("2026-03-28T22:59:59.999999Z", true, false, false),
        ("2026-03-28T23:00:00Z", false, true, false),
        ("2026-03-29T21:59:59.999999Z", false, true, false),
        ("2026-03-29T22:00:00Z", false, false, true),
    ] {
        assert_eq!(fact(json!(time), json!({ "op": "before", "value": "2026-03-29" })), before, "{time}");
        let one_day = json!({ "op": "between", "values": ["2026-03-29", "2026-03-29"] });
        assert_eq!(fact(json!(time), one_day), within, "{time}");
        assert_eq!(fact(json!(time), json!({ "op": "after", "value": "2026-03-29" })), after, "{time}");
    }
    let noon = json!({ "op": "after", "value": "2026-03-29T12:00:00Z" });
    assert!(!fact(json!("2026-03-29T12:00:00Z"), noon.clone()) && fact(json!("2026-03-29T12:00:00.000001Z"), noon));
}

#[test]
fn a_window_of_elapsed_time_is_exact_to_the_microsecond() {
    let last = |length: &str, time: &str| {
        test(
            &json!({ "performed": { "event": "Order Completed", "within": { "last": length } } }),
            &json!({}),
            &[("Order Completed", time, json!({}))],
        )
    };
    // Two days with a change of the clock between them are still 48 hours.
    assert!(!last("2d", "2026-03-29T12:00:00Z") && last("2d", "2026-03-29T12:00:00.000001Z"));
    assert!(last("2d", "2026-03-31T12:00:00Z"), "what happens now has happened");
    assert!(!last("2d", "2026-03-31T12:00:00.000001Z"), "what comes has not");
    assert!(last("36500d", "1970-01-01T00:00:00Z"));
}

#[test]
fn a_window_of_dates_begins_with_its_first_and_ends_before_its_last() {
    let between = |from: Value, to: Value, time: &str| {
        test(
            &json!({ "performed": { "event": "*", "within": { "from": from, "to": to } } }),
            &json!({}),
            &[("Order Completed", time, json!({}))],
        )
    };
    let (from, to) = (json!("2026-03-01"), json!("2026-03-02"));
    assert!(!between(from.clone(), to.clone(), "2026-02-28T22:59:59Z"));
    assert!(between(from.clone(), to.clone(), "2026-02-28T23:00:00Z"));
    assert!(between(from.clone(), to.clone(), "2026-03-01T22:59:59Z"));
    assert!(!between(from.clone(), to.clone(), "2026-03-01T23:00:00Z"));
    assert!(between(Value::Null, to, "1999-01-01T00:00:00Z"));
    assert!(!between(from, Value::Null, "2026-03-31T12:00:01Z"), "an open end is still the present");
}

#[test]
fn performed_counts_events_that_pass() {
    let orders = [
        ("Order Completed", "2026-03-01T00:00:00Z", json!({ "total": "19.99", "delivery.country": "DE" })),
        ("Order Completed", "2026-03-02T00:00:00Z", json!({ "total": 20, "delivery.country": "AT" })),
        ("Order Completed", "2026-03-03T00:00:00Z", json!({ "total": 20.01 })),
        ("Page Viewed", "2026-03-03T00:00:00Z", json!({ "total": 1000 })),
    ];
    let count = |times: Value, filter: Value| {
        let performed = json!({ "event": "Order Completed", "times": times, "where": filter });
        test(&json!({ "performed": performed }), &json!({}), &orders)
    };
    let dear = json!({ "property": { "path": "total", "op": "at_least", "value": 20 } });
    assert!(count(json!({ "exactly": 3 }), Value::Null) && count(json!({ "exactly": 2 }), dear.clone()));
    assert!(count(json!({ "between": [1, 2] }), dear.clone()) && !count(json!({ "between": [3, 9] }), dear.clone()));
    assert!(count(json!({ "at_most": 2 }), dear.clone()) && !count(json!({ "at_most": 1 }), dear));
    let german = json!({ "property": { "path": "delivery.country", "op": "equals", "value": "DE" } });
    assert!(count(json!({ "exactly": 1 }), german.clone()));
    assert!(count(json!({ "exactly": 2 }), json!({ "not": german })), "an order without a country is not German");
    let never = json!({ "performed": { "event": "Order Refunded", "times": { "exactly": 0 } } });
    assert!(test(&never, &json!({}), &orders) && test(&never, &json!({}), &[]));
}

/// In Berlin, where on 2026-03-29 the clock went from 2 to 3 in the morning.
#[test]
fn when_an_event_happened_is_a_property_of_it() {
    let passes = |time: &str, path: &str, mut test_of_it: Value| {
        test_of_it["path"] = json!(path);
        let own = json!({ "occurred.hour": 99, "occurred.weekday": "never" });
        test(&json!({ "property": test_of_it }), &json!({}), &[("Page Viewed", time, own)])
    };
    let hour = |time: &str, hour: u32| passes(time, "occurred.hour", json!({ "op": "equals", "value": hour }));
    assert!(hour("2026-03-29T00:59:59.999999Z", 1) && hour("2026-03-29T01:00:00Z", 3));
    assert!(hour("2026-03-28T23:00:00Z", 0) && hour("2026-03-28T22:59:59Z", 23), "midnight is the workspace's");
    assert!(
        hour("2025-10-26T00:30:00Z", 2) && hour("2025-10-26T01:30:00Z", 2),
        "the repeated hour is what the clock shows"
    );
    let day = |time: &str, days: Value| passes(time, "occurred.weekday", json!({ "op": "in", "values": days }));
    assert!(
        day("2026-03-28T12:00:00Z", json!(["saturday"])) && day("2026-03-28T23:30:00Z", json!(["sunday", "friday"]))
    );
    let evening = json!({ "op": "between", "values": [18, 21] });
    assert!(passes("2026-03-30T19:59:59Z", "occurred.hour", evening.clone()), "the last hour is in it to its end");
    assert!(!passes("2026-03-30T20:00:00Z", "occurred.hour", evening));

    let problem = |test: Value| {
        Condition::parse(&json!({ "property": test }).to_string())
            .unwrap()
            .validate(Scope::Event)
            .err()
            .map(|error| error.to_string())
    };
    let wrong = [
        json!({ "path": "occurred.hour", "op": "equals", "value": 24 }),
        json!({ "path": "occurred.hour", "op": "at_least", "value": 7.5 }),
        json!({ "path": "occurred.hour", "op": "equals", "value": "18" }),
        json!({ "path": "occurred.hour", "op": "contains", "value": "1" }),
        json!({ "path": "occurred.weekday", "op": "equals", "value": "Saturday" }),
        json!({ "path": "occurred.weekday", "op": "at_least", "value": 6 }),
    ];
    for test in wrong {
        let said = problem(test.clone()).unwrap_or_default();
        assert!(
            said.starts_with("property: an hour is") || said.starts_with("property: a weekday is"),
            "{test}: {said}"
        );
    }
    let measured = json!({ "measured": { "measure": "distinct", "path": "occurred.hour", "event": "*", "op": "at_least", "value": 2 } });
    let measured = Condition::parse(&measured.to_string()).unwrap().validate(Scope::Person).unwrap_err().to_string();
    assert!(measured.starts_with("measured.path: the time of an event is tested"), "{measured}");
}

#[test]
fn combinations_nest() {
    let facts = json!({ "trait.country": "AT", "balance": 5 });
    let yes = json!({ "fact": { "key": "trait.country", "op": "in", "values": ["DE", "AT"] } });
    let no = json!({ "fact": { "key": "balance", "op": "more_than", "value": 5 } });
    assert!(test(&json!({ "all": [yes, { "not": no }] }), &facts, &[]));
    assert!(test(&json!({ "any": [no, yes] }), &facts, &[]) && !test(&json!({ "all": [yes, no] }), &facts, &[]));
    assert!(test(&json!({ "all": [] }), &json!({}), &[]), "all of nothing is everyone");
}
