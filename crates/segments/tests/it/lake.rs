//! Filters of events over a real lake: whether a value is hot, in a residual, in a column of its own type or of another one, and
//! after compaction, the filter finds what the plain evaluator finds.

use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::{LogicalPlan, ident};
use rapport_domain::{
    Calendar, Event, EventId, EventKind, Handle, Identifier, IdentifierKind, PersonId, SourceId, Timestamp, WorkspaceId,
};
use rapport_lake::{
    Budget, EventRow, Fate, HotRule, Lake, Location, PropertyPolicy, PropertyType, Settings, Snapshot, TableOptions,
    columns,
};
use rapport_segments::{Condition, EventView, Moment, Sources, Subject, event_filter, holds, person_set};
use rapport_store::testing::on_sqlite;
use serde_json::{Map, Value, json};

const WORKSPACE: WorkspaceId = WorkspaceId(1);
/// An amount that is a column from the start, a text that is one, and a path of the shop's own.
const PATHS: [&str; 3] = ["price", "country", "size"];

struct KeepAll;

impl PropertyPolicy for KeepAll {
    fn fate(&self, _: &str, _: &Value) -> Fate {
        Fate::Keep
    }
}

fn values() -> Vec<Value> {
    let values = json!([
        "DE",
        "de",
        "Straße",
        "",
        "20.50",
        " 20 ",
        "-0",
        "NaN",
        "1e400",
        "2026-03-29",
        "2026-03-29T12:00:00+02:00",
        "true",
        "False",
        0,
        -0.0,
        7,
        20,
        20.0,
        20.5,
        20.499_999_9,
        1e15,
        9_007_199_254_740_993i64,
        true,
        false,
        ["DE"],
        null
    ]);
    values.as_array().unwrap().clone()
}

fn conditions() -> Vec<Condition> {
    let tests = json!([
        { "op": "exists" }, { "op": "not_exists" }, { "op": "is_true" }, { "op": "is_false" },
        { "op": "equals", "value": "DE" }, { "op": "equals", "value": "20" }, { "op": "equals", "value": "20.5" },
        { "op": "equals", "value": "true" }, { "op": "equals", "value": "" },
        { "op": "equals", "value": 0 }, { "op": "equals", "value": 20 }, { "op": "not_equals", "value": 20.5 },
        { "op": "equals", "value": true }, { "op": "in", "values": ["de", 7, false, 0] }, { "op": "not_in", "values": ["20", 20.5] },
        { "op": "contains", "value": "E" }, { "op": "not_contains", "value": "0" }, { "op": "starts_with", "value": "d" },
        { "op": "ends_with", "value": "5" },
        { "op": "at_least", "value": 0 }, { "op": "more_than", "value": 0 }, { "op": "at_most", "value": 0 },
        { "op": "less_than", "value": 0 }, { "op": "at_least", "value": 20.5 }, { "op": "between", "values": [7, 20] },
        { "op": "between", "values": ["2026-03-29", "2026-03-29"] }, { "op": "before", "value": "2026-03-29" },
        { "op": "after", "value": "2026-03-28" },
    ]);
    let all = tests.as_array().unwrap().iter().flat_map(|test| {
        PATHS.map(|path| {
            let mut test = test.clone();
            test["path"] = json!(path);
            Condition::parse(&json!({ "property": test }).to_string()).unwrap()
        })
    });
    all.collect()
}

/// One event for each path and value; its order key is its number.
fn rows(first: i64) -> Vec<EventRow> {
    let properties =
        PATHS.iter().flat_map(|path| values().into_iter().map(|value| Map::from_iter([((*path).to_owned(), value)])));
    let row = |(number, properties)| row(first + number, properties);
    (0..).zip(properties).map(row).collect()
}

fn row(number: i64, properties: Map<String, Value>) -> EventRow {
    let event = Event {
        id: EventId::of_message(WORKSPACE, SourceId(1), &number.to_string()),
        workspace: WORKSPACE,
        source: SourceId(1),
        kind: EventKind::Track,
        name: "Product Viewed".to_owned(),
        occurred_at: Timestamp::from_seconds(1_770_000_000),
        sent_at: None,
        received_at: Timestamp::from_seconds(1_770_000_000),
        order_key: number,
        identifiers: vec![Identifier { kind: IdentifierKind::UserId, value: "u".to_owned() }],
        group_id: None,
        previous_id: None,
        natural_key: None,
        supersedes: None,
        properties,
        traits: Map::new(),
        context: Map::new(),
    };
    EventRow::of_event(&event, PersonId(1 + number % 5), Handle(1 + number % 5), &KeepAll).0
}

fn view(row: &EventRow) -> EventView<'_> {
    EventView::new(&row.name, row.occurred_at, row.properties())
}

async fn collect(lake: &Lake, plan: LogicalPlan) -> Vec<RecordBatch> {
    lake.query(Budget::default()).unwrap().collect(plan).await.unwrap().1
}

/// Compares every condition in one plan: the number of each event, and whether each condition holds for it.
async fn compare(lake: &Lake, rows: &[EventRow], state: &str) {
    let calendar = Calendar::default();
    let moment = Moment { now: Timestamp::from_seconds(1_780_000_000), calendar: &calendar };
    let snapshot = lake.snapshot(WORKSPACE).await.unwrap();
    let conditions = conditions();
    let predicates = conditions.iter().enumerate().map(|(index, condition)| {
        event_filter(condition, &snapshot, &calendar).unwrap().is_true().alias(format!("condition_{index}"))
    });
    let scan = snapshot.scan(TableOptions::default()).unwrap();
    let plan = scan.project(std::iter::once(ident(columns::ORDER_KEY)).chain(predicates)).unwrap().build().unwrap();
    let mut seen = 0;
    for batch in collect(lake, plan).await {
        for (at, number) in batch.column(0).as_primitive::<Int64Type>().values().iter().enumerate() {
            let row = &rows[usize::try_from(*number).unwrap()];
            let subject = Subject { event: Some(view(row)), ..Subject::NOBODY };
            for (condition, found) in conditions.iter().zip(&batch.columns()[1..]) {
                let (found, expected) = (found.as_boolean().value(at), holds(condition, &subject, moment));
                assert_eq!(found, expected, "{state}: {} of {:?}", condition.to_json(), row.properties());
            }
            seen += 1;
        }
    }
    assert_eq!(seen, rows.len(), "{state}");
    compare_persons(lake, &snapshot, rows, moment).await;
}

async fn compare_persons(lake: &Lake, snapshot: &Snapshot, rows: &[EventRow], moment: Moment<'_>) {
    let large = json!({ "property": { "path": "size", "op": "at_least", "value": 20 } });
    let condition = json!({ "performed": { "event": "*", "times": { "at_least": 2 }, "where": large } });
    let condition = Condition::parse(&condition.to_string()).unwrap();
    let events = snapshot.scan(TableOptions::default()).unwrap().build().unwrap();
    let sources = Sources { events, columns: snapshot, facts: None, persons: None };
    let batches = collect(lake, person_set(&condition, sources, moment).unwrap()).await;
    let found = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    let mut found: Vec<i64> = found.collect();
    found.sort_unstable();
    let qualifies = |person: &i64| {
        let events: Vec<EventView<'_>> = rows.iter().filter(|row| row.person.0 == *person).map(view).collect();
        holds(&condition, &Subject { events: &events, ..Subject::NOBODY }, moment)
    };
    assert_eq!(found, (1..=5).filter(qualifies).collect::<Vec<_>>());
}

#[test]
fn a_filter_finds_the_same_wherever_the_values_lie() {
    on_sqlite(vec![rapport_lake::MIGRATIONS], |store| async move {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            hot_rule: HotRule { min_rows: 1, by_frequency: 64, cap: 256 },
            merge_files: 2,
            grace: Duration::ZERO,
            ..Settings::default()
        };
        let location = Location::Folder(folder.path().to_owned());
        let lake = Lake::open((*store).clone(), &location, settings).await.unwrap();
        let mut all = rows(0);
        lake.append(WORKSPACE, all.clone(), 1).await.unwrap();
        compare(&lake, &all, "hot, without columns of their own").await;
        lake.flush(WORKSPACE).await.unwrap();
        compare(&lake, &all, "in a file, without columns of their own").await;
        let more = rows(all.len() as i64);
        all.extend(more.clone());
        lake.append(WORKSPACE, more, 2).await.unwrap();
        let snapshot = lake.snapshot(WORKSPACE).await.unwrap();
        for kind in [PropertyType::Number, PropertyType::Text, PropertyType::Boolean] {
            assert!(PATHS.iter().all(|path| *path == "price" || snapshot.is_column(path, kind)), "{kind:?}");
        }
        compare(&lake, &all, "some in a file, some hot with columns").await;
        lake.flush(WORKSPACE).await.unwrap();
        while lake.compact(WORKSPACE).await.unwrap().is_some() {}
        compare(&lake, &all, "compacted").await;
    });
}
