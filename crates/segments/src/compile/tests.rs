//! The compiler against the plain evaluator: random conditions over random small worlds, executed by the query engine.
//!
//! Always holds: both see the same events and facts; only the way to the answer differs.

mod world;

use std::collections::BTreeSet;

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, col};
use datafusion::prelude::SessionContext;
use proptest::prelude::*;
use serde_json::json;
use world::{Columns, World, any_event_filter, any_person_condition, any_world};

use super::{Sources, event_filter, person_set};
use crate::condition::Condition;
use crate::evaluate::{Subject, holds};
use crate::instant::Moment;

/// Runs a plan on a new session and gives its first column, sorted.
fn run(plan: LogicalPlan) -> Vec<i64> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let batches = SessionContext::new().execute_logical_plan(plan).await.unwrap().collect().await.unwrap();
        let values = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter());
        let mut values: Vec<i64> = values.map(|value| value.expect("never null")).collect();
        values.sort_unstable();
        values
    })
}

fn moment(world: &World) -> Moment<'_> {
    Moment { now: world.now, calendar: &world.calendar }
}

/// Whom the evaluator finds among `persons`.
fn expected(world: &World, condition: &Condition, persons: &BTreeSet<i64>) -> Vec<i64> {
    let qualifies = |person: &i64| {
        let events = world.events_of(*person);
        let subject = Subject { event: None, facts: &world.facts_of(*person), events: &events };
        holds(condition, &subject, moment(world))
    };
    persons.iter().copied().filter(qualifies).collect()
}

fn compiled(world: &World, condition: &Condition, with_persons: bool, with_facts: bool) -> Vec<i64> {
    let sources = Sources {
        events: world.events_table(),
        columns: &Columns,
        facts: with_facts.then(|| world.facts_table()),
        persons: with_persons.then(|| world.persons_table()),
    };
    run(person_set(condition, sources, moment(world)).unwrap())
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
    fn the_events_left_are_those_that_pass(world in any_world(), filter in any_event_filter()) {
        let predicate = event_filter(&filter, &Columns, &world.calendar).unwrap();
        let plan = LogicalPlanBuilder::from(world.events_table()).filter(predicate).unwrap();
        let found = run(plan.project([col("row")]).unwrap().build().unwrap());
        let facts = world.facts_of(0);
        let passes = |row: &usize| {
            let subject = Subject { event: Some(world.event(*row)), facts: &facts, events: &[] };
            holds(&filter, &subject, moment(&world))
        };
        let expected: Vec<i64> = (0..world.events.len()).filter(passes).map(|row| row as i64).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn what_is_generated_is_what_is_stored(condition in any_person_condition()) {
        let text = serde_json::to_string(&condition).unwrap();
        prop_assert_eq!(Condition::parse(&text).unwrap(), condition);
    }
}

#[test]
fn without_a_table_of_facts_no_one_has_any() {
    let world = World::small();
    let parse = |json: serde_json::Value| Condition::parse(&json.to_string()).unwrap();
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
