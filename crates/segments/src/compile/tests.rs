//! The compiler against the plain evaluator: random conditions over random small worlds, executed by the query engine.
//!
//! Always holds: both see the same events and facts; only the way to the answer differs.

mod world;

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col};
use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use rapport_domain::Timestamp;
use serde_json::{Value, json};
use world::{Columns, World, any_event_filter, any_person_condition, any_world};

use super::{Sources, event_filter, person_set};
use crate::condition::Condition;
use crate::evaluate::{Subject, holds};
use crate::instant::Moment;

/// Runs a plan on a new session.
fn run(plan: LogicalPlan) -> Vec<RecordBatch> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { SessionContext::new().execute_logical_plan(plan).await.unwrap().collect().await.unwrap() })
}

/// The first column of what a plan gives, sorted.
fn first_column(plan: LogicalPlan) -> Vec<i64> {
    let batches = run(plan);
    let values = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter());
    let mut values: Vec<i64> = values.map(|value| value.expect("never null")).collect();
    values.sort_unstable();
    values
}

fn moment(world: &World) -> Moment<'_> {
    Moment { now: world.now, calendar: &world.calendar }
}

/// Whom the evaluator finds among `persons`.
fn expected(world: &World, condition: &Condition, persons: &BTreeSet<i64>) -> Vec<i64> {
    let qualifies = |person: &i64| {
        let events = world.events_of(*person);
        let subject = Subject { facts: &world.facts_of(*person), events: &events, ..Subject::NOBODY };
        holds(condition, &subject, moment(world))
    };
    persons.iter().copied().filter(qualifies).collect()
}

/// The rows of the events that pass each filter, found by one plan.
fn passing(world: &World, filters: &[Condition]) -> Vec<Vec<i64>> {
    let predicate = |(index, filter): (usize, &Condition)| {
        event_filter(filter, &Columns, &world.calendar).unwrap().is_true().alias(format!("filter_{index}"))
    };
    let predicates = filters.iter().enumerate().map(predicate);
    let plan = LogicalPlanBuilder::from(world.events_table());
    let batches = run(plan.project(std::iter::once(col("row")).chain(predicates)).unwrap().build().unwrap());
    let passing = |index: usize| {
        let passed = batches.iter().flat_map(|batch| {
            let rows = batch.column(0).as_primitive::<Int64Type>().values().iter().copied();
            rows.zip(batch.column(index + 1).as_boolean()).filter(|(_, passes)| *passes == Some(true))
        });
        passed.map(|(row, _)| row).collect::<BTreeSet<i64>>().into_iter().collect()
    };
    (0..filters.len()).map(passing).collect()
}

fn expected_rows(world: &World, filter: &Condition) -> Vec<i64> {
    let facts = world.facts_of(0);
    let passes = |row: &usize| {
        let subject = Subject { event: Some(world.event(*row)), facts: &facts, ..Subject::NOBODY };
        holds(filter, &subject, moment(world))
    };
    (0..world.events.len()).filter(passes).map(|row| row as i64).collect()
}

fn compiled(world: &World, condition: &Condition, with_persons: bool, with_facts: bool) -> Vec<i64> {
    let sources = Sources {
        events: world.events_table(),
        columns: &Columns,
        facts: with_facts.then(|| world.facts_table()),
        persons: with_persons.then(|| world.persons_table()),
    };
    first_column(person_set(condition, sources, moment(world)).unwrap())
}

proptest! {
    // Planning costs: a quarter of the usual 256, or of PROPTEST_CASES.
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    #[test]
    fn the_persons_found_are_those_for_whom_it_holds(world in any_world(), condition in any_person_condition()) {
        let everyone: BTreeSet<i64> = world.persons.iter().copied().collect();
        prop_assert_eq!(compiled(&world, &condition, true, true), expected(&world, &condition, &everyone));
        let known = world.known_persons();
        prop_assert_eq!(compiled(&world, &condition, false, true), expected(&world, &condition, &known));
    }

    #[test]
    fn the_events_left_are_those_that_pass(
        world in any_world(),
        filters in prop::collection::vec(any_event_filter(), 20),
    ) {
        for (filter, found) in filters.iter().zip(passing(&world, &filters)) {
            prop_assert_eq!(found, expected_rows(&world, filter), "{:?}", filter);
        }
    }

    #[test]
    fn what_is_generated_is_what_is_stored(condition in any_person_condition()) {
        let text = serde_json::to_string(&condition).unwrap();
        prop_assert_eq!(Condition::parse(&text).unwrap(), condition);
    }
}

#[test]
fn the_edges_of_windows_are_exact() {
    let instants = ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-29T12:00:00Z", "2026-03-31T12:00:00Z"];
    let instants = instants.map(|text| Timestamp::parse(text).unwrap());
    let world = World::of_times(instants.iter().flat_map(|instant| [-1, 0, 1].map(|micros| instant.plus(micros))));
    let order = |within| json!({ "performed": { "event": "Order Completed", "within": within } });
    let last = |length| order(json!({ "last": length }));
    for condition in [
        last("2d"),
        last("1s"),
        order(json!({ "from": "2026-03-29", "to": "2026-03-30" })),
        order(json!({ "from": "2026-03-29T12:00:00Z" })),
        order(json!({ "to": "2026-03-29T12:00:00Z" })),
        order(Value::Null),
        json!({ "not": last("2d") }),
        json!({ "any": [last("1s"), order(json!({ "to": "2026-03-29" }))] }),
        json!({ "all": [{ "not": last("1s") }, order(json!({ "from": "2026-03-29" }))] }),
    ] {
        let condition = Condition::parse(&condition.to_string()).unwrap();
        let everyone = world.persons.iter().copied().collect();
        assert_eq!(compiled(&world, &condition, true, true), expected(&world, &condition, &everyone), "{condition:?}");
        let known = world.known_persons();
        assert_eq!(compiled(&world, &condition, false, true), expected(&world, &condition, &known), "{condition:?}");
    }
}

#[test]
fn the_two_zeros_of_doubles_are_one_number() {
    let world = World::of_sizes([json!(0), json!(-0.0), json!("-0"), json!(-0.5), json!(0.5)]);
    for (test, rows) in [
        (json!({ "op": "equals", "value": 0 }), vec![0, 1, 2]),
        (json!({ "op": "in", "values": [0, 0.5, 1, 2, 3, 4] }), vec![0, 1, 2, 4]),
        (json!({ "op": "at_least", "value": 0 }), vec![0, 1, 2, 4]),
        (json!({ "op": "more_than", "value": 0 }), vec![4]),
        (json!({ "op": "at_most", "value": 0 }), vec![0, 1, 2, 3]),
        (json!({ "op": "less_than", "value": 0 }), vec![3]),
        (json!({ "op": "between", "values": [0, 0] }), vec![0, 1, 2]),
    ] {
        let mut test = test;
        test["path"] = json!("size");
        let filter = Condition::parse(&json!({ "property": test }).to_string()).unwrap();
        assert_eq!(passing(&world, std::slice::from_ref(&filter)), [rows.as_slice()], "{test}");
        assert_eq!(expected_rows(&world, &filter), rows, "{test}");
    }
}

#[test]
fn without_a_table_of_facts_no_one_has_any() {
    let world = World::small();
    let parse = |json: Value| Condition::parse(&json.to_string()).unwrap();
    let gold = parse(json!({ "fact": { "key": "tier", "op": "equals", "value": "gold" } }));
    let not_gold = parse(json!({ "fact": { "key": "tier", "op": "not_equals", "value": "gold" } }));
    assert_eq!(compiled(&world, &gold, true, true), [1]);
    assert_eq!(compiled(&world, &gold, true, false), [0i64; 0]);
    assert_eq!(compiled(&world, &gold, false, false), [0i64; 0]);
    assert_eq!(compiled(&world, &not_gold, true, false), [1, 2, 3]);
    assert_eq!(compiled(&world, &not_gold, false, false), [1, 2]);
}

#[test]
fn the_events_are_read_once_and_only_those_that_can_count() {
    let world = World::small();
    let order =
        |times| json!({ "performed": { "event": "Order Completed", "times": times, "within": { "last": "90d" } } });
    let condition = json!({ "all": [
        order(json!({ "at_least": 1 })),
        order(json!({ "at_most": 5 })),
        { "performed": { "event": "Page Viewed", "within": { "last": "30d" } } },
    ] });
    let condition = Condition::parse(&condition.to_string()).unwrap();
    let sources =
        Sources { events: world.events_table(), columns: &Columns, facts: None, persons: Some(world.persons_table()) };
    let plan = person_set(&condition, sources, moment(&world)).unwrap();
    let text = plan.display_indent().to_string();
    assert_eq!(text.matches("TableScan: events").count(), 1, "{text}");
    assert_eq!(text.matches("count(").count(), 2, "the same orders are counted once: {text}");
    assert!(text.contains(r#"events.name IN ([Utf8("Order Completed"), Utf8("Page Viewed")])"#), "{text}");
}

#[test]
fn the_largest_condition_is_planned_and_answered() {
    let world = World::small();
    let leaf = |index: usize| json!({ "fact": { "key": format!("key{index}"), "op": "at_least", "value": index } });
    let mut condition = json!({ "any": (0..460).map(leaf).collect::<Vec<_>>() });
    for level in 0..6 {
        let tier = json!({ "fact": { "key": "tier", "op": "exists" } });
        let name = if level % 2 == 0 { "all" } else { "any" };
        condition = json!({ name: [{ "not": { "not": condition } }, tier] });
    }
    let condition = Condition::parse(&condition.to_string()).unwrap();
    let everyone = world.persons.iter().copied().collect();
    assert_eq!(compiled(&world, &condition, true, true), expected(&world, &condition, &everyone));
}

#[test]
fn a_condition_in_the_wrong_place_is_refused_before_planning() {
    let world = World::small();
    let property = Condition::parse(r#"{"property":{"path":"size","op":"exists"}}"#).unwrap();
    let sources = Sources { events: world.events_table(), columns: &Columns, facts: None, persons: None };
    assert_eq!(person_set(&property, sources, moment(&world)).unwrap_err().code(), "condition_invalid");
    let fact = Condition::parse(r#"{"fact":{"key":"tier","op":"exists"}}"#).unwrap();
    assert_eq!(event_filter(&fact, &Columns, &world.calendar).unwrap_err().code(), "condition_invalid");
}
