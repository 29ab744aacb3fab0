//! Membership over time: the accumulator, driven at once and piece by piece, against the plain evaluator at every instant that matters.

use proptest::prelude::*;
use proptest::sample::select;
use rapport_domain::{Calendar, PersonId, Timestamp, WeekStart};
use rapport_segments::{
    Change, Condition, EventView, FactView, History, Limits, Moment, Person, Program, SegmentView, Subject, Told,
    holds, spans,
};
use serde_json::{Value, json};

const HOUR: i64 = Timestamp::HOUR;
/// Shortly before clocks are put forward in Berlin, at the end of a leap year's February plus a month.
const BEGIN: &str = "2024-03-28T20:00:00Z";

fn begin() -> Timestamp {
    Timestamp::parse(BEGIN).unwrap()
}

#[derive(Clone, Debug)]
struct Event {
    name: &'static str,
    at: Timestamp,
    order_key: i64,
    properties: Vec<(String, Value)>,
}

#[derive(Clone, Debug)]
struct Fact {
    key: &'static str,
    at: Timestamp,
    value: Value,
}

#[derive(Clone, Debug)]
struct Life {
    events: Vec<Event>,
    facts: Vec<Fact>,
    now: Timestamp,
    calendar: Calendar,
}

/// Instants close enough together that they tie, and that windows of hours and days end between them.
fn any_instant() -> impl Strategy<Value = Timestamp> {
    (0i64..40, select(vec![0, 0, 0, 1, -1, 600_000_000])).prop_map(|(step, off)| begin().plus(step * 4 * HOUR + off))
}

fn any_event() -> impl Strategy<Value = Event> {
    let name = select(vec!["View", "View", "Cart", "Order"]);
    let properties = (select(vec![None, Some(1), Some(2), Some(5)]), select(vec![None, Some("a"), Some("b")]));
    (name, any_instant(), 0u32..3, 0u32..3, properties).prop_map(|(name, at, producer, counter, (price, order))| {
        let mut properties = Vec::new();
        properties.extend(price.map(|price| ("price".to_owned(), json!(price))));
        properties.extend(order.map(|order| ("order_id".to_owned(), json!(order))));
        Event { name, at, order_key: rapport_sequences::order::order_key(producer, counter), properties }
    })
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let plan = select(vec![json!("free"), json!("pro"), json!(5), Value::Null]);
    let ends = any_instant().prop_map(|at| json!(at.to_rfc3339()));
    let of = prop_oneof![plan.prop_map(|value| ("plan", value)), ends.prop_map(|value| ("ends", value))];
    (of, any_instant()).prop_map(|((key, value), at)| Fact { key, at, value })
}

fn any_life() -> impl Strategy<Value = Life> {
    let events = prop::collection::vec(any_event(), 0..9);
    let facts = prop::collection::vec(any_fact(), 0..5);
    let zone = select(vec!["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/Sao_Paulo"]);
    (events, facts, 0i64..60, zone).prop_map(|(events, facts, step, zone)| Life {
        events,
        facts,
        now: begin().plus(step * 4 * HOUR),
        calendar: Calendar::new(zone, WeekStart::Sunday).unwrap(),
    })
}

fn any_within() -> impl Strategy<Value = Value> {
    select(vec![
        Value::Null,
        json!({"last": "4h"}),
        json!({"last": "1d"}),
        json!({"last": "3d"}),
        json!({"first": "1d"}),
        json!({"from": "2024-03-29", "to": "2024-03-31"}),
        json!({"from": "2024-03-30T10:00:00Z"}),
    ])
}

fn any_filter() -> impl Strategy<Value = Value> {
    select(vec![
        Value::Null,
        Value::Null,
        json!({"property": {"path": "price", "op": "at_least", "value": 2}}),
        json!({"not": {"property": {"path": "order_id", "op": "equals", "value": "a"}}}),
        json!({"property": {"path": "occurred.hour", "op": "between", "values": [8, 15]}}),
        json!({"property": {"path": "occurred.weekday", "op": "in", "values": ["saturday", "sunday"]}}),
    ])
}

fn any_name() -> impl Strategy<Value = &'static str> {
    select(vec!["View", "Cart", "Order", "*"])
}

fn any_leaf() -> impl Strategy<Value = Value> {
    let times = select(vec![
        Value::Null,
        json!({"at_least": 2}),
        json!({"at_least": 3}),
        json!({"exactly": 0}),
        json!({"exactly": 1}),
        json!({"at_most": 1}),
        json!({"between": [1, 2]}),
    ]);
    let performed = (any_name(), any_filter(), times, any_within()).prop_map(
        |(event, filter, times, within)| json!({"performed": {"event": event, "where": filter, "times": times, "within": within}}),
    );
    let one = (any_name(), any_filter(), select(vec!["first", "last"]), any_filter(), any_within()).prop_map(
        |(event, filter, which, having, within)| {
            json!({"performed": {"event": event, "where": filter, "which": which, "having": having, "within": within}})
        },
    );
    let test = select(vec![
        json!({"op": "at_least", "value": 3}),
        json!({"op": "less_than", "value": 2.5}),
        json!({"op": "between", "values": [1, 2]}),
        json!({"op": "equals", "value": 2}),
        json!({"op": "at_most", "value": 0}),
    ]);
    let measures = select(vec!["sum", "average", "smallest", "largest", "distinct", "days"]);
    let measured =
        (measures, any_name(), any_filter(), any_within(), test).prop_map(|(measure, event, filter, within, test)| {
            let path = match measure {
                "days" => Value::Null,
                "distinct" => json!("order_id"),
                _ => json!("price"),
            };
            let mut it = json!({"measure": measure, "path": path, "event": event, "where": filter, "within": within});
            it.as_object_mut().unwrap().extend(test.as_object().unwrap().clone());
            json!({ "measured": it })
        });
    let step = (any_name(), any_filter()).prop_map(|(event, filter)| json!({"event": event, "where": filter}));
    let without = (any_name(), any_filter(), select(vec!["4h", "1d"]));
    let without = prop::option::of(
        without.prop_map(|(event, filter, within)| json!({"event": event, "where": filter, "within": within})),
    );
    let same = select(vec![Value::Null, json!("order_id")]);
    let sequence = (prop::collection::vec(step, 1..4), select(vec!["4h", "12h", "3d"]), same, without, any_within())
        .prop_filter_map("one step alone is no sequence", |(steps, spanning, same, without, within)| {
            let several = steps.len() > 1;
            let spanning = if several { json!(spanning) } else { Value::Null };
            let fits = several || without.is_some();
            fits.then(|| {
                json!({"sequence": {"steps": steps, "spanning": spanning, "same": same, "without": without, "within": within}})
            })
        });
    let overdue = (any_name(), select(vec![json!(0.5), json!(1), json!(1.5)]), 1u32..4)
        .prop_map(|(event, factor, gaps)| json!({"overdue": {"event": event, "factor": factor, "gaps": gaps}}));
    let streak = (any_name(), any_filter(), select(vec!["day", "week"]), 1u32..4).prop_map(
        |(event, filter, interval, least)| json!({"streak": {"event": event, "where": filter, "interval": interval, "at_least": least}}),
    );
    let plan_test = select(vec![
        json!({"key": "plan", "op": "equals", "value": "pro"}),
        json!({"key": "plan", "op": "not_equals", "value": "pro"}),
        json!({"key": "plan", "op": "exists"}),
        json!({"key": "plan", "op": "at_least", "value": 3}),
        json!({"key": "ends", "op": "before", "value": "2024-03-30"}),
    ]);
    let near = (select(vec!["in_last", "in_next"]), select(vec!["4h", "2d"]))
        .prop_map(|(op, value)| json!({"fact": {"key": "ends", "op": op, "value": value}}));
    let held = (plan_test.clone(), select(vec!["4h", "1d", "3d"])).prop_map(|(mut test, length)| {
        test["for"] = json!(length);
        json!({ "held": test })
    });
    let value = select(vec![Value::Null, json!("free"), json!("pro"), json!(5)]);
    let changed = (value.clone(), value, any_within())
        .prop_map(|(from, to, within)| json!({"changed": {"key": "plan", "from": from, "to": to, "within": within}}));
    let segment = (select(vec!["one", "two"]), select(vec![Value::Null, json!("4h"), json!("1d")]))
        .prop_map(|(key, length)| json!({"segment": {"key": key, "for": length}}));
    let bucket = select(vec![json!({"bucket": {"salt": "x", "from": 0, "to": 50}})]);
    prop_oneof![
        3 => performed, 2 => one, 3 => measured, 3 => sequence, 1 => overdue, 2 => streak,
        1 => plan_test.prop_map(|test| json!({ "fact": test })), 1 => near, 1 => held, 1 => changed, 2 => segment, 1 => bucket
    ]
}

fn any_tree() -> impl Strategy<Value = Value> {
    any_leaf().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|children| json!({ "all": children })),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|children| json!({ "any": children })),
            inner.prop_map(|child| json!({ "not": child })),
        ]
    })
}

/// Replaces tests of segments, which `one` must not ask for, and `two` only of `one`.
fn asking_for(tree: &Value, allowed: &[&str]) -> Value {
    match tree {
        Value::Object(fields) if fields.contains_key("segment") => {
            if allowed.iter().any(|key| fields["segment"]["key"] == **key) { tree.clone() } else { json!({"all": []}) }
        }
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), asking_for(value, allowed))).collect())
        }
        Value::Array(values) => values.iter().map(|value| asking_for(value, allowed)).collect(),
        other => other.clone(),
    }
}

fn read(form: &Value) -> Condition {
    Condition::parse(&form.to_string()).unwrap_or_else(|error| panic!("{form}: {error}"))
}

impl Life {
    fn views(&self) -> Vec<EventView<'_>> {
        let view = |event: &'_ Event| (event.name, event.at, event.order_key);
        self.events
            .iter()
            .map(|event| {
                let (name, occurred_at, order_key) = view(event);
                EventView { name, occurred_at, order_key, properties: &event.properties }
            })
            .collect()
    }

    fn facts(&self) -> Vec<FactView<'_>> {
        self.facts.iter().map(|fact| FactView { key: fact.key, valid_from: fact.at, value: &fact.value }).collect()
    }

    fn born(&self) -> Option<Timestamp> {
        self.events.iter().map(|event| event.at).chain(self.facts.iter().map(|fact| fact.at)).min()
    }

    /// Instants at which anything could change: everything that happened, moved by every length that a condition names, and calendar days.
    fn instants(&self) -> Vec<Timestamp> {
        let happened: Vec<Timestamp> =
            self.events.iter().map(|event| event.at).chain(self.facts.iter().map(|fact| fact.at)).collect();
        let ends = self.facts.iter().filter_map(|fact| Timestamp::parse(fact.value.as_str()?));
        let mut instants = Vec::new();
        for at in happened.iter().copied().chain(ends) {
            for hours in [-48, -4, 0, 2, 4, 6, 8, 12, 24, 28, 48, 72, 76] {
                instants.extend([-1, 0, 1].map(|off| at.plus(hours * HOUR + off)));
            }
        }
        let mut day = begin();
        while day <= self.now {
            instants.extend([-1, 0].map(|off| self.calendar.floor(day, rapport_domain::Interval::Day).plus(off)));
            day = day.plus(12 * HOUR);
        }
        let born = self.born();
        instants.push(self.now);
        instants.retain(|at| *at <= self.now && born.is_some_and(|born| born <= *at));
        instants.sort_unstable();
        instants.dedup();
        instants
    }
}

type Pairs = Vec<(Timestamp, Timestamp)>;

/// The spans of one segment, open ones until the end of time.
fn of_tree(program: &Program, changes: &[Change], key: &str) -> Pairs {
    let tree = program.keys().position(|other| other == key).unwrap();
    let spans = spans(changes).into_iter().filter(|(other, ..)| *other == tree);
    spans.map(|(_, from, until)| (from, until.unwrap_or(Timestamp(i64::MAX)))).collect()
}

fn check(life: &Life, trees: [&Value; 3]) -> Result<(), TestCaseError> {
    let conditions = [
        ("one", read(&asking_for(trees[0], &[]))),
        ("two", read(&asking_for(trees[1], &["one"]))),
        ("three", read(&asking_for(trees[2], &["one", "two"]))),
    ];
    let named: Vec<(&str, &Condition)> = conditions.iter().map(|(key, condition)| (*key, condition)).collect();
    let program = Program::new(&named, life.calendar.clone()).unwrap();
    let (events, facts) = (life.views(), life.facts());
    let id = PersonId(7);
    let history = History::of(&program, &events, &facts);
    let Some((person, changes)) = history.play(&program, id, life.now) else {
        prop_assert!(life.born().is_none_or(|born| born > life.now));
        return Ok(());
    };

    // Membership is what the plain evaluator says, at every instant.
    let mut known: Vec<(&str, Pairs)> = Vec::new();
    for (key, condition) in &conditions {
        let spans = of_tree(&program, &changes, key);
        prop_assert!(spans.iter().all(|(from, until)| from < until), "{}: {:?}", key, spans);
        let segments: Vec<SegmentView<'_>> = known.iter().map(|(key, spans)| SegmentView { key, spans }).collect();
        let subject =
            Subject { person: id, born: life.born(), event: None, facts: &facts, events: &events, segments: &segments };
        for now in life.instants() {
            let is = spans.iter().any(|(from, until)| *from <= now && now < *until);
            let should = holds(condition, &subject, Moment { now, calendar: &life.calendar });
            prop_assert_eq!(is, should, "{} at {} of {}: {}", key, now, condition.to_json(), condition.to_text());
        }
        known.push((key, spans));
    }

    // Piece by piece, through a cache, it is the same.
    let mut piecewise: Vec<Change> = Vec::new();
    let mut other = Person::new(&program, id, history.born.unwrap());
    let mut instants: Vec<Timestamp> =
        history.seen.iter().map(|(at, _)| *at).chain(history.told.iter().map(|(at, _)| *at)).collect();
    instants.sort_unstable();
    instants.dedup();
    for at in instants.into_iter().filter(|at| *at <= life.now) {
        other = Person::unpack(&other.pack()).unwrap();
        prop_assert!(other.is_new(at));
        let seen: Vec<_> = history.seen.iter().filter(|(other, _)| *other == at).map(|(_, seen)| *seen).collect();
        let mut told: Vec<Told> = Vec::new();
        for (_, one) in history.told.iter().filter(|(other, _)| *other == at) {
            told.retain(|other| other.key != one.key);
            told.push(one.clone());
        }
        // Whoever drives it may wake it whenever it likes in between.
        if let Some(wake) = other.wakes_at().filter(|wake| *wake < at) {
            other.wake(&program, wake, &mut piecewise);
        }
        other.at(&program, at, &seen, &told, &mut piecewise);
    }
    other.wake(&program, life.now, &mut piecewise);
    prop_assert_eq!(&piecewise, &changes);
    // Whoever played all that is known also knows when the first of what is to come counts.
    let later = history.told.iter().map(|(at, _)| *at).filter(|at| *at > life.now).min();
    prop_assert_eq!(other.wakes_at().into_iter().chain(later).min(), person.wakes_at());
    Ok(())
}

/// Puts parameters where values can be given by one.
fn give(form: &mut Value, with: &mut serde_json::Map<String, Value>) {
    const PLACES: [&str; 15] = [
        "value", "values", "at_least", "exactly", "at_most", "between", "last", "first", "spanning", "within", "for",
        "factor", "gaps", "from", "to",
    ];
    fn put(value: &mut Value, with: &mut serde_json::Map<String, Value>) {
        let name = format!("p{}", with.len());
        let given = std::mem::replace(value, json!({"parameter": name}));
        with.insert(name, given);
    }
    match form {
        Value::Array(elements) => elements.iter_mut().for_each(|element| give(element, with)),
        Value::Object(fields) => {
            // Where a bucket begins and ends is no value.
            let is_bucket = fields.contains_key("salt");
            for (name, field) in fields.iter_mut().filter(|_| !is_bucket) {
                match field {
                    Value::Object(_) => give(field, with),
                    Value::Array(values) if PLACES.contains(&name.as_str()) => {
                        values.iter_mut().for_each(|value| put(value, with));
                    }
                    Value::Array(_) => give(field, with),
                    _ if PLACES.contains(&name.as_str()) => put(field, with),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// As much of JSON Schema as ours uses.
fn is_valid(schema: &Value, root: &Value, value: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        return is_valid(root.pointer(&reference[1..]).unwrap(), root, value);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return choices.iter().any(|choice| is_valid(choice, root, value));
    }
    if let Some(values) = schema["enum"].as_array() {
        return values.contains(value);
    }
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_u64(),
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    };
    let kind = &schema["type"];
    if !kind.as_array().map_or_else(|| is(kind), |kinds| kinds.iter().any(is)) {
        return false;
    }
    match value {
        Value::Object(fields) => {
            let of = |name: &str| schema["properties"].get(name).or(schema.get("additionalProperties"));
            let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
            required.iter().all(|name| fields.contains_key(name.as_str().unwrap()))
                && fields
                    .iter()
                    .all(|(name, value)| of(name).is_some_and(|of| of.is_object() && is_valid(of, root, value)))
        }
        Value::Array(values) => {
            let (least, most) =
                (schema["minItems"].as_u64().unwrap_or(0), schema["maxItems"].as_u64().unwrap_or(u64::MAX));
            (least..=most).contains(&(values.len() as u64))
                && values.iter().all(|value| is_valid(&schema["items"], root, value))
        }
        Value::Number(number) => number.as_f64().unwrap() >= schema["minimum"].as_f64().unwrap_or(f64::MIN),
        _ => true,
    }
}

#[test]
fn the_schema_refuses_what_is_no_condition() {
    let schema = Condition::schema();
    for form in [
        json!({}),
        json!({"any": []}),
        json!({"fact": {"key": "a", "op": "like", "value": "x"}}),
        json!({"performed": {"event": "A", "often": true}}),
        json!({"performed": {"times": {"at_least": 1}}}),
        json!({"streak": {"event": "A", "interval": "hour", "at_least": 2}}),
        json!({"sequence": {"steps": []}}),
    ] {
        assert!(!is_valid(&schema, &schema, &form), "{form}");
        assert!(Condition::parse(&form.to_string()).is_err(), "{form}");
    }
}

fn cases() -> u32 {
    std::env::var("RAPPORT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1_500)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    /// RAPPORT_CASES=100000 is the long run.
    #[test]
    fn membership_is_what_the_condition_says_at_every_instant(
        life in any_life(), one in any_tree(), two in any_tree(), three in any_tree(),
    ) {
        check(&life, [&one, &two, &three])?;
    }

    #[test]
    fn both_forms_of_a_condition_read_back_and_the_schema_takes_it(tree in any_tree()) {
        let condition = read(&tree);
        let form = condition.to_json();
        let schema = Condition::schema();
        prop_assert!(is_valid(&schema, &schema, &tree), "{}", tree);
        prop_assert!(is_valid(&schema, &schema, &form), "{}", form);
        prop_assert_eq!(&read(&form), &condition);
        let text = condition.to_text();
        let again = Condition::from_text(&text, Limits::DEFAULT);
        prop_assert_eq!(again.as_ref().ok(), Some(&condition), "{}: {:?}", text, again);
    }

    #[test]
    fn a_condition_with_parameters_says_the_same(tree in any_tree()) {
        let condition = read(&tree);
        let mut form = condition.to_json();
        let mut with = serde_json::Map::new();
        give(&mut form, &mut with);
        prop_assume!(!with.is_empty() && with.len() <= 50);
        form["with"] = Value::Object(with);
        let schema = Condition::schema();
        prop_assert!(is_valid(&schema, &schema, &form), "{}", form);
        let given = read(&form);
        prop_assert_eq!(&given, &condition);
        prop_assert_eq!(&given.to_json(), &form);
        let text = given.to_text();
        let again = Condition::from_text(&text, Limits::DEFAULT);
        prop_assert_eq!(again.map(|again| again.to_json()).ok(), Some(form), "{}", text);
        prop_assert_eq!(given.bound().to_json(), condition.to_json());
    }
}
