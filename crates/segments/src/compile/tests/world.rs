//! Random small worlds (persons, their events and facts) and random conditions that have something to find in them.
//!
//! Always holds: the tables hold each value under all its readings, as a lake and a loader of facts would give them.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ident};
use proptest::prelude::*;
use proptest::sample::select;
use rapport_domain::{Calendar, PersonId, Timestamp, WeekStart};
use serde_json::{Value, json};

use crate::compile::{EventColumns, fact_rows, fact_schema};
use crate::condition::Condition;
use crate::evaluate::{EventView, FactView};
use crate::value::{self, Reading};

const READINGS: [Reading; 4] = [Reading::Text, Reading::Number, Reading::Amount, Reading::Boolean];
const PATHS: [&str; 3] = ["price", "size", "delivery.note"];
const KEYS: [&str; 3] = ["tier", "balance", "since"];
const NAMES: [&str; 3] = ["Order Completed", "Page Viewed", "Quiz finished"];

#[derive(Clone, Debug)]
pub(super) struct Happening {
    person: i64,
    name: &'static str,
    occurred_at: Timestamp,
    properties: Vec<(String, Value)>,
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) calendar: Calendar,
    pub(super) persons: Vec<i64>,
    pub(super) events: Vec<Happening>,
    facts: Vec<(PersonId, &'static str, Value)>,
}

impl World {
    /// Person 1 has an order and is gold, person 2 saw a page, person 3 has nothing.
    pub(super) fn small() -> Self {
        let now = Timestamp::parse("2026-03-31T12:00:00Z").unwrap();
        let happening = |person, name| Happening { person, name, occurred_at: now, properties: Vec::new() };
        Self {
            now,
            calendar: Calendar::default(),
            persons: vec![1, 2, 3],
            events: vec![happening(1, "Order Completed"), happening(2, "Page Viewed")],
            facts: vec![(PersonId(1), "tier", json!("gold"))],
        }
    }

    /// One order at each time, each by another person, in Berlin at noon UTC on 2026-03-31.
    pub(super) fn of_times(times: impl IntoIterator<Item = Timestamp>) -> Self {
        let name = NAMES[0];
        let order = |(person, occurred_at)| Happening { person, name, occurred_at, properties: Vec::new() };
        let events: Vec<Happening> = (1..).zip(times).map(order).collect();
        let calendar = Calendar::new("Europe/Berlin", WeekStart::Monday).unwrap();
        Self { calendar, persons: (1..=events.len() as i64).collect(), events, facts: Vec::new(), ..Self::small() }
    }

    /// One event with each `size`.
    pub(super) fn of_sizes(sizes: impl IntoIterator<Item = Value>) -> Self {
        let small = Self::small();
        let sized = |size| Happening { properties: vec![("size".to_owned(), size)], ..small.events[0].clone() };
        Self { events: sizes.into_iter().map(sized).collect(), ..small }
    }

    pub(super) fn event(&self, row: usize) -> EventView<'_> {
        let event = &self.events[row];
        EventView::new(event.name, event.occurred_at, &event.properties)
    }

    pub(super) fn events_of(&self, person: i64) -> Vec<EventView<'_>> {
        (0..self.events.len()).filter(|row| self.events[*row].person == person).map(|row| self.event(row)).collect()
    }

    pub(super) fn facts_of(&self, person: i64) -> Vec<FactView<'_>> {
        let of = self.facts.iter().filter(|(of, _, _)| of.0 == person);
        of.map(|(_, key, value)| FactView::always(key, value)).collect()
    }

    /// Who has an event up to now, or a fact.
    pub(super) fn known_persons(&self) -> BTreeSet<i64> {
        let happened = self.events.iter().filter(|event| event.occurred_at <= self.now).map(|event| event.person);
        let facts = self.facts.iter().filter(|(_, _, value)| !value.is_null()).map(|(person, _, _)| person.0);
        happened.chain(facts).collect()
    }

    pub(super) fn persons_table(&self) -> LogicalPlan {
        let person: ArrayRef = Arc::new(Int64Array::from(self.persons.clone()));
        scan("persons", RecordBatch::try_from_iter([("person", person)]).unwrap())
    }

    pub(super) fn facts_table(&self) -> LogicalPlan {
        let batch = fact_rows(self.facts.iter().map(|(person, key, value)| (*person, *key, value))).unwrap();
        assert_eq!(batch.schema(), fact_schema());
        scan("facts", batch)
    }

    pub(super) fn events_table(&self) -> LogicalPlan {
        let events = &self.events;
        let words = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(events.iter().map(|event| event.name)));
        let times = TimestampMicrosecondArray::from_iter_values(events.iter().map(|event| event.occurred_at.0));
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("row".to_owned(), Arc::new(Int64Array::from_iter_values(0..events.len() as i64))),
            ("person".to_owned(), Arc::new(Int64Array::from_iter_values(events.iter().map(|event| event.person)))),
            ("name".to_owned(), cast(&names, &words).unwrap()),
            ("occurred_at".to_owned(), Arc::new(times.with_timezone("UTC"))),
        ];
        for path in PATHS {
            let of =
                |event: &Happening| event.properties.iter().find(|(of, _)| of == path).map(|(_, value)| value.clone());
            let values: Vec<Option<Value>> = events.iter().map(of).collect();
            columns.extend(READINGS.map(|reading| (column_name(path, reading), readings(path, &values, reading))));
        }
        let fields: Vec<Field> =
            columns.iter().map(|(name, column)| Field::new(name, column.data_type().clone(), true)).collect();
        let arrays = columns.into_iter().map(|(_, column)| column).collect();
        scan("events", RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap())
    }
}

/// A table in two partitions, so that partial answers are merged.
fn scan(name: &str, batch: RecordBatch) -> LogicalPlan {
    let half = batch.num_rows() / 2;
    let parts = vec![vec![batch.slice(0, half)], vec![batch.slice(half, batch.num_rows() - half)]];
    let table = MemTable::try_new(batch.schema(), parts).unwrap();
    LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(table)), None).unwrap().build().unwrap()
}

fn readings(path: &str, values: &[Option<Value>], reading: Reading) -> ArrayRef {
    let values = values.iter().map(Option::as_ref);
    match reading {
        Reading::Text => {
            let text = |value| value::as_text(value, value::number_reading(path)).map(String::from);
            Arc::new(values.map(|value| value.and_then(text)).collect::<StringArray>())
        }
        Reading::Number => Arc::new(values.map(|value| value.and_then(value::as_number)).collect::<Float64Array>()),
        Reading::Amount => Arc::new(values.map(|value| value.and_then(value::as_amount)).collect::<Int64Array>()),
        Reading::Boolean => Arc::new(values.map(|value| value.and_then(value::as_boolean)).collect::<BooleanArray>()),
    }
}

fn column_name(path: &str, reading: Reading) -> String {
    format!("{path}:{reading:?}")
}

/// The columns of [`World::events_table`].
pub(super) struct Columns;

impl EventColumns for Columns {
    fn person(&self) -> Expr {
        ident("person")
    }

    fn name(&self) -> Expr {
        ident("name")
    }

    fn occurred_at(&self) -> Expr {
        ident("occurred_at")
    }

    fn property(&self, path: &str, reading: Reading) -> Expr {
        ident(column_name(path, reading))
    }
}

/// A few persons with some events each, or many with one, so that each event decides about someone.
pub(super) fn any_world() -> impl Strategy<Value = World> {
    prop_oneof![any_world_of(3), any_world_of(60)]
}

fn any_world_of(persons: i64) -> impl Strategy<Value = World> {
    let values = prop::collection::vec(prop::option::of(any_value()), PATHS.len());
    let event = (1..=persons, select(&NAMES[..]), any_time(), values);
    let event = event.prop_map(|(person, name, occurred_at, values)| {
        let properties = PATHS.iter().zip(values).filter_map(|(path, value)| Some(((*path).to_owned(), value?)));
        Happening { person, name, occurred_at, properties: properties.collect() }
    });
    let facts = prop::collection::btree_map((1..=persons, select(&KEYS[..])), any_value(), 0..30);
    let zone = select(vec!["Europe/Berlin", "UTC", "Asia/Kathmandu"]);
    (prop::collection::vec(event, 0..60), facts, any_time(), zone).prop_map(move |(events, facts, now, zone)| World {
        now,
        calendar: Calendar::new(zone, WeekStart::Monday).unwrap(),
        persons: (1..=persons + 1).collect(),
        events,
        facts: facts.into_iter().map(|((person, key), value)| (PersonId(person), key, value)).collect(),
    })
}

/// Around the change of the clock on 2026-03-29, to the microsecond, with many ties.
fn any_time() -> impl Strategy<Value = Timestamp> + Clone {
    // Midnight in Berlin on the short day, which lasts 23 hours.
    let midnight = Timestamp::parse("2026-03-28T23:00:00Z").unwrap();
    let day = 23 * Timestamp::HOUR;
    let starts =
        select(vec![-2 * Timestamp::DAY, -Timestamp::DAY, -Timestamp::DAY / 2, 0, day / 2, day, day + Timestamp::DAY]);
    (starts, -1..=1i64).prop_map(move |(start, micros)| midnight.plus(start + micros))
}

fn any_date() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        (27..32u32).prop_map(|day| json!(format!("2026-03-{day}"))),
        any_time().prop_map(|time| json!(time.to_rfc3339())),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => select(vec![
            json!("DE"), json!("de"), json!("Straße"), json!("STRASSE"), json!(""), json!("20.50"), json!(" 20 "), json!("-0"),
            json!(0), json!(-0.0), json!(20), json!(20.0), json!(20.5), json!(20.4999999), json!(1e15), json!(true), json!("False"),
            json!(["DE"]), json!(null),
        ]),
        1 => (-3..25i64).prop_map(|number| json!(number)),
        1 => any_date(),
    ]
}

fn any_operand() -> impl Strategy<Value = Value> + Clone {
    select(vec![
        json!("DE"),
        json!("de"),
        json!("20"),
        json!("20.5"),
        json!("true"),
        json!("[\"DE\"]"),
        json!(0),
        json!(20),
        json!(20.5),
        json!(-3),
        json!(true),
        json!(false),
    ])
}

/// An operator with its operands.
fn any_test() -> impl Strategy<Value = Value> + Clone {
    let number = || {
        prop_oneof![
            select(vec![json!(0), json!(20), json!(20.5), json!("20.499999")]),
            (-3..25i64).prop_map(|n| json!(n))
        ]
    };
    let part = select(vec!["d", "E", "ß", "S", "20", "%", "["]);
    let numbers = (-3..25i64, 0..9i64).prop_map(|(from, length)| json!([from, from + length]));
    let days = (27..32u32, 0..3u32)
        .prop_map(|(day, length)| json!([format!("2026-03-{day}"), format!("2026-03-{}", (day + length).min(31))]));
    prop_oneof![
        select(vec!["exists", "not_exists", "is_true", "is_false"]).prop_map(|op| json!({ "op": op })),
        (select(vec!["equals", "not_equals"]), any_operand())
            .prop_map(|(op, value)| json!({ "op": op, "value": value })),
        (select(vec!["in", "not_in"]), prop::collection::vec(any_operand(), 1..5))
            .prop_map(|(op, values)| json!({ "op": op, "values": values })),
        (select(vec!["contains", "not_contains", "starts_with", "ends_with"]), part)
            .prop_map(|(op, part)| json!({ "op": op, "value": part })),
        (select(vec!["at_least", "more_than", "at_most", "less_than"]), number())
            .prop_map(|(op, value)| json!({ "op": op, "value": value })),
        prop_oneof![numbers, days].prop_map(|values| json!({ "op": "between", "values": values })),
        (select(vec!["before", "after"]), any_date()).prop_map(|(op, value)| json!({ "op": op, "value": value })),
    ]
}

/// Leaves alone, where every edge shows, and leaves in trees of `all`, `any` and `not`.
fn any_tree(leaf: impl Strategy<Value = Value> + Clone + 'static) -> impl Strategy<Value = Value> + Clone {
    let tree = leaf.clone().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|children| json!({ "all": children })),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|children| json!({ "any": children })),
            inner.prop_map(|child| json!({ "not": child })),
        ]
    });
    prop_oneof![leaf, tree]
}

/// A test of when an event happened.
fn any_time_test() -> impl Strategy<Value = Value> + Clone {
    let hours = prop_oneof![
        (select(vec!["at_least", "more_than", "at_most", "less_than", "equals", "not_equals"]), 0..24u32)
            .prop_map(|(op, hour)| json!({ "op": op, "value": hour })),
        (0..24u32, 0..24u32).prop_map(|(a, b)| json!({ "op": "between", "values": [a.min(b), a.max(b)] })),
        prop::collection::vec(0..24u32, 1..6).prop_map(|hours| json!({ "op": "in", "values": hours })),
    ];
    let days = (select(vec!["in", "not_in"]), prop::collection::vec(select(&crate::occurred::WEEKDAYS[..]), 1..5));
    let days = days.prop_map(|(op, days)| json!({ "op": op, "values": days }));
    let of = |path: &'static str| {
        move |mut test: Value| {
            test["path"] = json!(path);
            test
        }
    };
    prop_oneof![hours.prop_map(of("occurred.hour")), days.prop_map(of("occurred.weekday"))]
}

fn any_filter() -> impl Strategy<Value = Value> + Clone {
    let of_value = (select(&PATHS[..]), any_test()).prop_map(|(path, mut test)| {
        test["path"] = json!(path);
        test
    });
    any_tree(prop_oneof![4 => of_value, 1 => any_time_test()].prop_map(|test| json!({ "property": test })))
}

fn any_performed() -> impl Strategy<Value = Value> + Clone {
    let times = prop_oneof![
        (1..3u32).prop_map(|n| json!({ "at_least": n })),
        (0..3u32).prop_map(|n| json!({ "exactly": n })),
        (0..3u32).prop_map(|n| json!({ "at_most": n })),
        (0..2u32, 0..3u32).prop_map(|(from, length)| json!({ "between": [from, from + length] })),
    ];
    let within = prop_oneof![
        select(vec!["12h", "1d", "2d", "23h", "1s"]).prop_map(|last| json!({ "last": last })),
        (27..30u32, 0..3u32).prop_map(|(day, length)| {
            json!({ "from": format!("2026-03-{day}"), "to": format!("2026-03-{}", (day + length).min(31)) })
        }),
        any_date().prop_map(|from| json!({ "from": from })),
        any_date().prop_map(|to| json!({ "to": to })),
    ];
    let event = select(vec!["*", "*", NAMES[0], NAMES[1], NAMES[2], "Never Seen"]);
    let filter = prop::option::of(any_filter());
    (event, filter, prop::option::of(times), prop::option::of(within)).prop_map(|(event, filter, times, within)| {
        json!({ "performed": { "event": event, "where": filter, "times": times, "within": within } })
    })
}

fn parsed(json: Value) -> Condition {
    Condition::parse(&json.to_string()).unwrap_or_else(|error| panic!("{json}: {error}"))
}

/// A condition on persons.
pub(super) fn any_person_condition() -> impl Strategy<Value = Condition> {
    let fact = (select(&KEYS[..]), any_test()).prop_map(|(key, mut test)| {
        test["key"] = json!(key);
        json!({ "fact": test })
    });
    any_tree(prop_oneof![any_performed(), fact]).prop_map(parsed)
}

/// A condition on events.
pub(super) fn any_event_filter() -> impl Strategy<Value = Condition> {
    any_filter().prop_map(parsed)
}
