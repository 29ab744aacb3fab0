//! The text form: what people write, what is printed, and what is said about mistakes.

use proptest::prelude::*;
use proptest::sample::select;
use rapport_segments::{Condition, Error, Limits};
use serde_json::{Value, json};

fn from_text(text: &str) -> Result<Condition, Error> {
    Condition::from_text(text, Limits::default())
}

fn from_json(form: &Value) -> Result<Condition, Error> {
    Condition::from_json(form, Limits::default())
}

fn read(text: &str) -> Condition {
    from_text(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_people_write_means_the_json_form() {
    for (text, form) in [
        (
            r#"performed "Order Completed" at least 3 times in the last 90 days where revenue >= 50 and trait country in (DE, AT) and not trait employee is true"#,
            json!({"all": [
                {"performed": {"event": "Order Completed", "times": {"at_least": 3}, "within": {"last": "90d"},
                    "where": {"property": {"path": "revenue", "op": "at_least", "value": 50}}}},
                {"fact": {"key": "trait.country", "op": "in", "values": ["DE", "AT"]}},
                {"not": {"fact": {"key": "trait.employee", "op": "is_true"}}}]}),
        ),
        (
            "never performed \"Order Refunded\" since 2026-01-01 or fact tier = gold",
            json!({"any": [
                {"performed": {"event": "Order Refunded", "times": {"exactly": 0}, "within": {"from": "2026-01-01"}}},
                {"fact": {"key": "tier", "op": "equals", "value": "gold"}}]}),
        ),
        (
            r#"performed * between 2 and 4 times from 2026-01-01 to 2026-02-01T10:00:00Z where (price > 1.5 or not coupon exists)"#,
            json!({"performed": {"event": "*", "times": {"between": [2, 4]},
                "within": {"from": "2026-01-01", "to": "2026-02-01T10:00:00Z"},
                "where": {"any": [{"property": {"path": "price", "op": "more_than", "value": 1.5}},
                    {"not": {"property": {"path": "coupon", "op": "exists"}}}]}}}),
        ),
        (
            r#"TRAIT name CONTAINS "says \"hi\"""#,
            json!({"fact": {"key": "trait.name", "op": "contains", "value": "says \"hi\""}}),
        ),
        ("price between 5 and 10", json!({"property": {"path": "price", "op": "between", "values": [5, 10]}})),
        (
            "trait born between 1990-01-01 and 1999-12-31",
            json!({"fact": {"key": "trait.born", "op": "between", "values": ["1990-01-01", "1999-12-31"]}}),
        ),
        ("size = \"5\"", json!({"property": {"path": "size", "op": "equals", "value": "5"}})),
    ] {
        assert_eq!(read(text), from_json(&form).unwrap(), "{text}");
    }
}

#[test]
fn mistakes_are_shown_where_they_are() {
    for (text, place, expected) in [
        ("", (1, 1), "`performed`"),
        ("trait country", (1, 14), "`in`"),
        ("trait country in (DE AT)", (1, 22), "`,`"),
        ("performed \"Order Completed\" at least three times", (1, 38), "a whole number"),
        ("performed A in the last 3 months", (1, 27), "days"),
        ("performed A\n  where trait country = DE", (2, 9), "properties"),
        ("trait a = 1 trait b = 2", (1, 13), "`and`"),
        ("(trait a = 1", (1, 13), "`)`"),
        ("trait a = \"open", (1, 11), "another"),
        ("trait a = 1.0000001", (1, 11), "six decimals"),
        ("trait a ~ 1", (1, 9), "a comparison"),
    ] {
        let error = from_text(text).unwrap_err();
        let said = error.to_string();
        assert!(said.contains(&format!("line {}, column {}", place.0, place.1)), "{text}: {said}");
        assert!(said.contains(expected), "{text}: {said}");
        assert_eq!(error.code(), "condition_text");
    }
}

#[test]
fn depth_is_limited_before_the_stack_is() {
    let deep = format!("{}trait a = 1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert_eq!(from_text(&deep).unwrap_err().code(), "condition_too_deep");
    assert_eq!(from_text(&format!("{} trait a = 1", "not ".repeat(10_000))).unwrap_err().code(), "condition_too_deep");
}

#[test]
fn parameters_stand_for_values() {
    for (text, form, same) in [
        (
            r#"performed "Order Completed" at least $least times in the last $window where revenue >= $amount and trait plan = $plan with $amount = 50, $least = 3, $plan = pro, $window = 90d"#,
            json!({"all": [
                {"performed": {"event": "Order Completed", "times": {"at_least": {"parameter": "least"}}, "within": {"last": {"parameter": "window"}},
                    "where": {"property": {"path": "revenue", "op": "at_least", "value": {"parameter": "amount"}}}}},
                {"fact": {"key": "trait.plan", "op": "equals", "value": {"parameter": "plan"}}}],
                "with": {"amount": 50, "least": 3, "plan": "pro", "window": "90d"}}),
            r#"performed "Order Completed" at least 3 times in the last 90 days where revenue >= 50 and trait plan = pro"#,
        ),
        (
            "performed A since $day with $day = 2026-01-01",
            json!({"performed": {"event": "A", "within": {"from": {"parameter": "day"}}}, "with": {"day": "2026-01-01"}}),
            "performed A since 2026-01-01",
        ),
        (
            "performed A at least $n times with $n = 1",
            json!({"performed": {"event": "A", "times": {"at_least": {"parameter": "n"}}}, "with": {"n": 1}}),
            "performed A",
        ),
        (
            r#"trait a in ($x, $y) or trait b starts with $part with $part = "a, b", $x = true, $y = "5""#,
            json!({"any": [
                {"fact": {"key": "trait.a", "op": "in", "values": [{"parameter": "x"}, {"parameter": "y"}]}},
                {"fact": {"key": "trait.b", "op": "starts_with", "value": {"parameter": "part"}}}],
                "with": {"part": "a, b", "x": true, "y": "5"}}),
            r#"trait a in (true, "5") or trait b starts with "a, b""#,
        ),
    ] {
        let condition = read(text);
        assert_eq!(condition.to_json(), form, "{text}");
        assert_eq!(from_json(&form).unwrap().to_text(), text);
        assert_eq!(condition, read(same), "who evaluates it sees no difference");
        assert_eq!(condition.bound().to_json(), read(same).to_json());
        assert_eq!(condition.bound().to_text(), read(same).to_text());
    }
    // `with` is also what a text may start with.
    assert_eq!(read("trait a starts with with").to_text(), "trait a starts with \"with\"");
    assert_eq!(read("trait a = \"$x\"").to_text(), "trait a = \"$x\"");
}

#[test]
fn parameters_take_other_values() {
    let condition = read("performed A at least $least times in the last $window with $least = 3, $window = 90d");
    assert_eq!(serde_json::to_value(condition.parameters()).unwrap(), json!({"least": 3, "window": "90d"}));
    let with = |values: Value| condition.with_parameters(values.as_object().unwrap());
    let text = with(json!({"least": 5})).unwrap().to_text();
    assert_eq!(text, "performed A at least $least times in the last $window with $least = 5, $window = 90d");
    for (values, said) in [
        (json!({"most": 5}), "with.most: it has no parameter of this name"),
        (json!({"least": "many"}), "with.least: expected a whole number from 0 to 4294967295"),
        (json!({"least": 0}), "performed.times.at_least: at least 0 always holds; expected 1 or more"),
        (
            json!({"window": "soon"}),
            "with.window: a length of time is a whole number and one of s, m, h, d, w, e.g. `90d`, `12h` or `30m`",
        ),
    ] {
        assert_eq!(with(values).unwrap_err().to_string(), said);
    }
}

#[test]
fn mistakes_with_parameters_are_shown_where_they_are() {
    for (text, place, expected) in [
        ("performed A at least $least times", (1, 22), "`with $least = ...`"),
        ("performed A with $least = 3", (1, 18), "uses"),
        ("performed A at least $n times with $n = many", (1, 41), "a whole number"),
        ("performed A at least $n times with $n = 3 days", (1, 43), "`,` or the end"),
        ("performed A at least $n times with $n = 3, $n = 4", (1, 44), "another parameter"),
        ("performed A at least $N times with $N = 3", (1, 36), "lower-case"),
        ("performed A at least $n times with $n = 3, 5", (1, 44), "a parameter such as"),
        ("performed A at least $n times with $n = 3 trait a = 1", (1, 43), "`,` or the end"),
    ] {
        let said = from_text(text).unwrap_err().to_string();
        assert!(said.contains(&format!("line {}, column {}", place.0, place.1)), "{text}: {said}");
        assert!(said.contains(expected), "{text}: {said}");
    }
    let performed = json!({"event": "A", "times": {"at_least": {"parameter": "n"}}});
    let with = |with: Value| from_json(&json!({"performed": performed, "with": with})).unwrap_err().to_string();
    assert!(with(json!({})).starts_with("performed.times.at_least.parameter: there is no parameter `n`"));
    assert_eq!(with(json!({"n": 3, "m": 4})), "with.m: nothing uses this parameter");
    assert_eq!(with(json!({"n": [3]})), "with.n: expected a text, a number or a boolean");
    assert!(with(json!({"N": 3})).starts_with("with: a parameter's name is"));
    assert!(with(json!([3])).starts_with("with: expected an object"));
    let inside = json!({"all": [{"performed": performed, "with": {"n": 3}}]});
    assert!(
        from_json(&inside).unwrap_err().to_string().starts_with("all[0]: a condition is an object with exactly one")
    );
    let both = json!({"all": [{"fact": {"key": "a", "op": "at_least", "value": {"parameter": "n"}}},
        {"fact": {"key": "a", "op": "equals", "value": {"parameter": "n"}}}], "with": {"n": "5"}});
    assert!(from_json(&both).unwrap_err().to_string().contains("values of two kinds"));
    let many: serde_json::Map<_, _> = (0..51).map(|n| (format!("p{n}"), json!(n))).collect();
    assert!(with(json!(many)).contains("at most 50 parameters"));
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "price",
            "country",
            "a.b",
            "and",
            "in",
            "true",
            "Not",
            "5",
            "-1",
            "a b",
            "",
            "\"",
            "\\",
            "é",
            "顾客",
            "(",
            "last seen",
            "a\nb",
            "where"
        ])
        .prop_map(str::to_owned),
        "[ -~]{1,8}",
    ]
    .prop_filter("a name is not empty", |name| !name.trim().is_empty() && name.trim() == name)
}

fn any_operand() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![select(vec![
        json!("DE"),
        json!("true"),
        json!("5"),
        json!(""),
        json!("a, b"),
        json!("x)y"),
        json!(5),
        json!(-1.25),
        json!(0.000001),
        json!(true),
        json!(false)
    ]),]
}

fn any_test(subject: &'static str, name: String) -> impl Strategy<Value = Value> {
    let with = move |op: &str, rest: Value| {
        let mut test = json!({subject: name, "op": op});
        test.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        test
    };
    let numbers = select(vec![json!(5), json!(-0.5), json!(1_000_000)]);
    let times = select(vec![json!("2026-01-01"), json!("2026-03-01T10:00:00Z")]);
    let texts = select(vec![json!("a"), json!("say \"hi\""), json!("\\n")]);
    let (a, b, c, d, e, f) = (with.clone(), with.clone(), with.clone(), with.clone(), with.clone(), with);
    prop_oneof![
        select(vec!["exists", "not_exists", "is_true", "is_false"]).prop_map(move |op| a(op, json!({}))),
        (select(vec!["equals", "not_equals"]), any_operand())
            .prop_map(move |(op, value)| b(op, json!({"value": value}))),
        (select(vec!["in", "not_in"]), prop::collection::vec(any_operand(), 1..4))
            .prop_map(move |(op, values)| c(op, json!({"values": values}))),
        (select(vec!["contains", "not_contains", "starts_with", "ends_with"]), texts)
            .prop_map(move |(op, value)| d(op, json!({"value": value}))),
        (select(vec!["at_least", "more_than", "at_most", "less_than"]), numbers.clone())
            .prop_map(move |(op, value)| e(op, json!({"value": value}))),
        (select(vec!["before", "after"]), times).prop_map(move |(op, value)| f(op, json!({"value": value}))),
    ]
}

fn any_property() -> impl Strategy<Value = Value> {
    any_name().prop_flat_map(|name| any_test("path", name)).prop_map(|test| json!({"property": test}))
}

fn any_fact() -> impl Strategy<Value = Value> {
    (any::<bool>(), any_name())
        .prop_map(|(is_trait, name)| if is_trait { format!("trait.{name}") } else { name })
        .prop_flat_map(|key| any_test("key", key))
        .prop_map(|test| json!({"fact": test}))
}

fn grown(leaf: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|children| json!({"all": children})),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|children| json!({"any": children})),
            inner.prop_map(|child| json!({"not": child})),
        ]
    })
}

fn any_performed() -> impl Strategy<Value = Value> {
    let times = select(vec![
        json!({"at_least": 1}),
        json!({"at_least": 3}),
        json!({"exactly": 0}),
        json!({"exactly": 2}),
        json!({"at_most": 4}),
        json!({"between": [1, 5]}),
    ]);
    let within = prop::option::of(select(vec![
        json!({"last": "90d"}),
        json!({"last": "1h"}),
        json!({"from": "2026-01-01"}),
        json!({"to": "2026-01-01"}),
        json!({"from": "2026-01-01", "to": "2026-02-01"}),
    ]));
    let filter = prop::option::of(grown(any_property().boxed()));
    (any_name(), times, within, filter).prop_map(|(event, times, within, filter)| {
        let mut performed = json!({"event": event, "times": times});
        let fields = performed.as_object_mut().unwrap();
        fields.extend(within.map(|within| ("within".to_owned(), within)));
        fields.extend(filter.map(|filter| ("where".to_owned(), filter)));
        json!({"performed": performed})
    })
}

fn any_condition() -> impl Strategy<Value = Value> {
    grown(prop_oneof![any_property(), any_fact(), any_performed()].boxed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]
    #[test]
    fn what_is_printed_reads_back_and_prints_the_same(form in any_condition()) {
        let Ok(condition) = from_json(&form) else { return Ok(()) };
        let text = condition.to_text();
        let back = from_text(&text);
        prop_assert!(back.is_ok(), "{}: {}", text, back.unwrap_err());
        let back = back.unwrap();
        prop_assert_eq!(&back, &condition, "{}", text);
        prop_assert_eq!(back.to_text(), text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
        let _ = from_text(&text);
    }
}
