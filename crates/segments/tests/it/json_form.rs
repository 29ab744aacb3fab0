//! The JSON form: what is accepted comes back as it was, what is refused names its place, and hostile sizes are refused quickly.

use rapport_segments::{Condition, Error, Limits, Scope};
use serde_json::{Value, json};

fn refusal(condition: Value) -> String {
    Condition::parse(&condition.to_string()).expect_err("is refused").to_string()
}

#[test]
fn what_is_accepted_comes_back() {
    let tests = [
        json!({ "op": "exists" }),
        json!({ "op": "not_exists" }),
        json!({ "op": "is_true" }),
        json!({ "op": "is_false" }),
        json!({ "op": "equals", "value": "DE" }),
        json!({ "op": "equals", "value": 17850 }),
        json!({ "op": "not_equals", "value": true }),
        json!({ "op": "in", "values": ["DE", 12.5, false, "12.50"] }),
        json!({ "op": "not_in", "values": ["DE"] }),
        json!({ "op": "contains", "value": "100% \\ _ \" äöü" }),
        json!({ "op": "not_contains", "value": " " }),
        json!({ "op": "starts_with", "value": "A" }),
        json!({ "op": "ends_with", "value": "z" }),
        json!({ "op": "at_least", "value": 20 }),
        json!({ "op": "more_than", "value": -0.000001 }),
        json!({ "op": "at_most", "value": 0.1 }),
        json!({ "op": "less_than", "value": 1e12 as i64 }),
        json!({ "op": "between", "values": [1, 2.5] }),
        json!({ "op": "between", "values": ["2026-03-01", "2026-03-31"] }),
        json!({ "op": "before", "value": "2026-03-01T10:00:00.000001Z" }),
        json!({ "op": "after", "value": "2024-02-29" }),
    ];
    for test in tests {
        for (tag, name) in [("property", "path"), ("fact", "key")] {
            let mut inner = test.clone();
            inner[name] = json!("some.where");
            same_again(&json!({ tag: inner }));
        }
    }
    for rest in [
        json!({}),
        json!({ "times": { "at_least": 3 } }),
        json!({ "times": { "exactly": 0 } }),
        json!({ "times": { "at_most": 2 } }),
        json!({ "times": { "between": [2, 4] } }),
        json!({ "within": { "last": "90d" } }),
        json!({ "within": { "last": "14d" } }),
        json!({ "within": { "from": "2026-01-01" } }),
        json!({ "within": { "from": "2026-01-01T00:00:00Z", "to": "2026-02-01" } }),
        json!({ "where": { "all": [{ "property": { "path": "total", "op": "more_than", "value": 5 } }] } }),
    ] {
        let mut performed = rest.clone();
        performed["event"] = json!("Order Completed");
        same_again(&json!({ "performed": performed }));
    }
    let leaf = json!({ "performed": { "event": "*" } });
    same_again(&json!({ "any": [{ "all": [] }, { "not": leaf }, leaf] }));
}

fn same_again(written: &Value) {
    let condition = Condition::parse(&written.to_string()).unwrap_or_else(|error| panic!("{written}: {error}"));
    assert_eq!(serde_json::to_value(&condition).unwrap(), *written);
    assert_eq!(serde_json::from_value::<Condition>(written.clone()).unwrap(), condition);
}

#[test]
fn nulls_defaults_and_other_spellings_come_to_one_form() {
    let long = r#"{"performed":{"event":" completed order","where":null,"times":{"at_least":1},"within":null}}"#;
    let short = r#"{"performed":{"event":"Order Completed"}}"#;
    assert_eq!(Condition::parse(long).unwrap(), Condition::parse(short).unwrap());
    let text = r#"{"fact":{"key":"balance","op":"at_least","value":"20.50"}}"#;
    let number = r#"{"fact":{"key":"balance","op":"at_least","value":20.5}}"#;
    assert_eq!(Condition::parse(text).unwrap(), Condition::parse(number).unwrap());
}

#[test]
fn a_refusal_names_its_place() {
    let performed = |fields: Value| {
        let mut performed = fields;
        performed["event"] = json!("Order Completed");
        refusal(json!({ "all": [{ "all": [] }, { "performed": performed }] }))
    };
    assert_eq!(performed(json!({ "times": 3 })), "all[1].performed.times: expected an object, found a number");
    assert_eq!(
        performed(json!({ "times": {} })),
        "all[1].performed.times: expected exactly one of `at_least`, `exactly`, `at_most`, `between`"
    );
    assert_eq!(
        performed(json!({ "times": { "at_least": 0 } })),
        "all[1].performed.times.at_least: at least 0 always holds; expected 1 or more"
    );
    assert_eq!(
        performed(json!({ "times": { "between": [1, -2] } })),
        "all[1].performed.times.between[1]: expected a whole number from 0 to 4294967295"
    );
    assert_eq!(
        performed(json!({ "times": { "between": [3, 2] } })),
        "all[1].performed.times.between: the first number is larger than the second"
    );
    assert_eq!(
        performed(json!({ "within": { "last": "3mo" } })),
        "all[1].performed.within.last: months and years differ in length: write days, e.g. `30d` or `365d`, or give the dates"
    );
    assert_eq!(
        performed(json!({ "within": { "last": "3d", "to": "2026-01-01" } })),
        "all[1].performed.within: `last` stands alone: expected either `last`, or `from` and `to`"
    );
    assert_eq!(
        performed(json!({ "within": { "from": "2026-02-01", "to": "2026-01-01" } })),
        "all[1].performed.within: `from` is later than `to`"
    );
    assert_eq!(
        performed(json!({ "within": { "from": "1.2.2026" } })),
        "all[1].performed.within.from: expected a date such as \"2026-03-01\" or a time with its offset such as \
         \"2026-03-01T10:00:00Z\""
    );
    assert_eq!(
        performed(json!({ "where": { "any": [] } })),
        "all[1].performed.where.any: an empty `any` never holds; put at least one condition into it"
    );
    assert_eq!(
        performed(json!({ "widthin": null })),
        "all[1].performed: unknown field `widthin`; expected `event`, `where`, `times`, `within`, `which`, `having`"
    );
    assert_eq!(refusal(json!({ "performed": { "event": " " } })), "performed.event: expected a text that is not blank");
    assert_eq!(refusal(json!({ "performed": {} })), "performed: the field `event` is missing");
}

#[test]
fn a_refused_test_names_its_operator() {
    let fact = |fields: Value| {
        let mut fact = fields;
        fact["key"] = json!("trait.country");
        refusal(json!({ "not": { "fact": fact } }))
    };
    assert_eq!(fact(json!({})), "not.fact: the field `op` is missing");
    assert!(fact(json!({ "op": "like" })).starts_with("not.fact.op: unknown operator; expected one of equals, "));
    assert_eq!(fact(json!({ "op": "equals" })), "not.fact: `equals` needs the field `value`");
    assert_eq!(
        fact(json!({ "op": "equals", "value": [1] })),
        "not.fact.value: expected a text, a number or a boolean, found a list"
    );
    assert_eq!(
        fact(json!({ "op": "in", "value": "DE" })),
        "not.fact.value: `in` takes a list in `values`, without `value`"
    );
    assert_eq!(
        fact(json!({ "op": "in", "values": [] })),
        "not.fact.values: the list is empty; put at least one value into it"
    );
    assert_eq!(
        fact(json!({ "op": "in", "values": ["DE", null] })),
        "not.fact.values[1]: expected a text, a number or a boolean, found null"
    );
    assert_eq!(
        fact(json!({ "op": "exists", "value": true })),
        "not.fact.value: `exists` takes nothing to compare with, without `value`"
    );
    assert_eq!(fact(json!({ "op": "contains", "value": 5 })), "not.fact.value: expected a text, found a number");
    assert_eq!(
        fact(json!({ "op": "at_least", "value": "2026-01-01" })),
        "not.fact.value: `at_least` compares numbers; for times use `before`, `after` or `between`"
    );
    assert_eq!(
        fact(json!({ "op": "at_least", "value": 0.12345678 })),
        "not.fact.value: a number is written like 20 or \"20.50\", with at most six decimals, below 9 * 10^12"
    );
    assert_eq!(
        fact(json!({ "op": "between", "values": [2, 1] })),
        "not.fact.values: the first is larger than the second"
    );
    assert!(
        fact(json!({ "op": "between", "values": [1, "2026-01-01"] })).starts_with("not.fact.values: expected two ")
    );
    assert_eq!(fact(json!({ "op": "between", "values": [1] })), "not.fact.values: expected a list of two");
}

#[test]
fn what_is_no_condition_is_refused() {
    assert_eq!(refusal(json!([])), "the condition: expected an object, found a list");
    let expected = "expected one of `all`, `any`, `not`, `property`, `fact`, `held`, `changed`, \
         `performed`, `measured`, `sequence`, `overdue`, `streak`, `segment`, `bucket`";
    let exactly_one = format!("the condition: a condition is an object with exactly one field; {expected}");
    assert_eq!(refusal(json!({})), exactly_one);
    assert_eq!(refusal(json!({ "all": [], "any": [] })), exactly_one);
    assert_eq!(refusal(json!({ "and": [] })), format!("the condition: unknown field `and`; {expected}"));
    assert_eq!(refusal(json!({ "all": { "0": 1 } })), "all: expected a list, found an object");
    let error = Condition::parse("{\"all\":[}").unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("condition_not_json", false));
    let place = serde_json::from_str::<Condition>(r#"{"not":{"fact":{"key":"a","op":"in"}}}"#).unwrap_err();
    assert!(place.to_string().starts_with("not.fact: `in` needs the field `values`"), "{place}");
}

#[test]
fn error_texts_never_quote_what_is_compared_with() {
    let secret = "ada@example.org";
    for op in ["at_least", "between", "before", "in", "is_true", "ada@example.org"] {
        for operand in [json!(secret), json!([secret]), json!([secret, secret])] {
            for field in ["value", "values"] {
                let condition = json!({ "fact": { "key": "k", "op": op, field: operand } });
                if let Err(error) = Condition::parse(&condition.to_string()) {
                    assert!(!error.to_string().contains(secret), "{error}");
                }
            }
        }
    }
}

#[test]
fn hostile_depth_is_refused_before_anything_recurses() {
    let nots = format!("{}{}", r#"{"not":"#.repeat(100_000), "}".repeat(100_000));
    assert!(matches!(Condition::parse(&nots), Err(Error::TooDeep { limit: 20 })));
    let lists = format!("{}{}", r#"{"all":["#.repeat(100_000), "]}".repeat(100_000));
    assert!(matches!(Condition::parse(&lists), Err(Error::TooDeep { limit: 20 })));
    let performed = r#"{"performed":{"event":"A","where":"#.repeat(100_000);
    assert!(matches!(Condition::parse(&performed), Err(Error::TooDeep { limit: 20 })));
    // Brackets inside a text nest nothing.
    let text = format!(r#"{{"fact":{{"key":"k","op":"equals","value":"\"{}"}}}}"#, "[".repeat(900));
    assert!(Condition::parse(&text).is_ok());
}

#[test]
fn the_limits_are_exact() {
    let leaf = r#"{"fact":{"key":"k","op":"in","values":["a"]}}"#;
    let nested = |levels: usize| format!("{}{leaf}{}", r#"{"all":["#.repeat(levels), "]}".repeat(levels));
    assert!(Condition::parse(&nested(19)).is_ok());
    assert!(matches!(Condition::parse(&nested(20)), Err(Error::TooDeep { limit: 20 })));

    let wide = |leaves: usize| format!(r#"{{"any":[{}]}}"#, vec![leaf; leaves].join(","));
    assert!(Condition::parse(&wide(499)).is_ok());
    let error = Condition::parse(&wide(500)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the condition is too large: at most 500 conditions; split it into several conditions"
    );

    let values = |count: usize| json!({ "fact": { "key": "k", "op": "in", "values": vec!["a"; count] } }).to_string();
    assert!(Condition::parse(&values(5_000)).is_ok());
    assert!(matches!(Condition::parse(&values(5_001)), Err(Error::TooLarge { limit: 5_000, .. })));

    let long = |length: usize| json!({ "fact": { "key": "ä".repeat(length), "op": "exists" } }).to_string();
    assert!(Condition::parse(&long(1_000)).is_ok());
    assert_eq!(
        Condition::parse(&long(1_001)).unwrap_err().to_string(),
        "fact.key: the text is longer than 1000 characters"
    );

    let small = Limits { nodes: 2, depth: 2, ..Limits::DEFAULT };
    assert!(Condition::parse_within(&nested(1), small).is_ok());
    assert!(matches!(Condition::parse_within(&wide(2), small), Err(Error::TooLarge { limit: 2, .. })));
}

#[test]
fn the_scope_decides_what_can_be_tested() {
    let property = json!({ "property": { "path": "total", "op": "exists" } });
    let fact = json!({ "fact": { "key": "tier", "op": "exists" } });
    let performed = json!({ "performed": { "event": "A", "where": { "not": property } } });
    let place = |condition: &Value, scope| {
        let condition = Condition::parse(&json!({ "all": [{ "not": condition }] }).to_string()).unwrap();
        condition.validate(scope).map_err(|error| error.to_string().split(':').next().unwrap_or_default().to_owned())
    };
    for (condition, event, person) in [
        (&property, Ok(()), Err("all[0].not.property".to_owned())),
        (&fact, Err("all[0].not.fact".to_owned()), Ok(())),
        (&performed, Err("all[0].not.performed".to_owned()), Ok(())),
    ] {
        assert_eq!(place(condition, Scope::Event), event);
        assert_eq!(place(condition, Scope::Person), person);
        assert_eq!(place(condition, Scope::EventAndPerson), Ok(()));
    }
    for inner in [&fact, &performed] {
        let condition = json!({ "performed": { "event": "A", "where": { "any": [inner] } } });
        let place = place(&condition, Scope::EventAndPerson).unwrap_err();
        assert!(place.starts_with("all[0].not.performed.where.any[0]."), "{place}");
    }
}

#[test]
fn a_caller_learns_which_facts_to_load() {
    let condition = json!({ "all": [
        { "fact": { "key": "tier", "op": "exists" } },
        { "not": { "any": [{ "fact": { "key": "balance", "op": "at_least", "value": 1 } }] } },
        { "fact": { "key": "tier", "op": "equals", "value": "gold" } },
    ] });
    assert_eq!(Condition::parse(&condition.to_string()).unwrap().fact_keys(), ["balance", "tier"]);
}
