//! What can be asked about: event names, property paths and their most frequent values.
//!
//! Always holds: nothing personal can be shown, because nothing personal is in the lake.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::functions_aggregate::count::count_distinct;
use datafusion::functions_aggregate::expr_fn::{count, max, min};
use datafusion::logical_expr::{Expr, cast, ident, lit};
use rapport_domain::shop_events::{STANDARD, standard_name};
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_lake::columns::{NAME, OCCURRED_AT, PERSON};
use rapport_lake::{Budget, Lake, PropertyType, Snapshot, TableOptions};
use rapport_segments::EventColumns;
use rapport_segments::value::Reading;

use crate::columns::{self, Columns};
use crate::error::{Error, Result};

/// Rows up to which people are counted by event name; beyond, that would cost too much for a list.
const COUNT_PEOPLE_UP_TO: i64 = 20_000_000;

/// An event name in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventUse {
    /// The standard name.
    pub name: String,
    /// The room of the product it belongs to; none for the shop's own events.
    pub room: Option<&'static str>,
    /// How many events.
    pub events: u64,
    /// How many people; none where that would cost too much.
    pub people: Option<u64>,
    /// The first one.
    pub first_at: Timestamp,
    /// The last one.
    pub last_at: Timestamp,
}

/// A property path in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyInfo {
    /// The path.
    pub path: String,
    /// The types of its values, the most frequent first.
    pub types: Vec<PropertyType>,
    /// How many events have it.
    pub events: u64,
    /// Whether it has a column of its own.
    pub is_column: bool,
}

/// A value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyValue {
    /// As a text.
    pub value: String,
    /// How many events have it.
    pub events: u64,
}

/// The room of the product that an event belongs to.
pub fn room(name: &str) -> Option<&'static str> {
    STANDARD.iter().find(|(_, names)| names.contains(&name)).map(|(room, _)| *room)
}

pub(crate) async fn events(lake: &Lake, budget: Budget, workspace: WorkspaceId) -> Result<Vec<EventUse>> {
    let snapshot = lake.snapshot(workspace).await?;
    let with_people = snapshot.rows() <= COUNT_PEOPLE_UP_TO;
    let mut aggregates = vec![
        count(lit(1_i64)).alias("events"),
        min(ident(OCCURRED_AT)).alias("first"),
        max(ident(OCCURRED_AT)).alias("last"),
    ];
    aggregates.extend(with_people.then(|| count_distinct(ident(PERSON)).alias("people")));
    let name = cast(ident(NAME), DataType::Utf8).alias("event");
    let plan = snapshot
        .scan(TableOptions::default())?
        .project([name, ident(OCCURRED_AT), ident(PERSON)])?
        .aggregate([ident("event")], aggregates)?
        .sort([ident("event").sort(true, false)])?
        .build()?;
    let (_, batches) = lake.query(budget)?.collect(plan).await?;
    let mut uses = Vec::new();
    for batch in &batches {
        let columns = Columns(batch);
        let (names, events) = (columns.texts("event")?, columns.integers("events")?);
        let people = if with_people { Some(columns.integers("people")?) } else { None };
        let (first, last) = (time(batch, "first")?, time(batch, "last")?);
        for row in 0..batch.num_rows() {
            uses.push(EventUse {
                name: names.value(row).to_owned(),
                room: room(names.value(row)),
                events: columns::count(events.value(row)),
                people: people.map(|people| columns::count(people.value(row))),
                first_at: Timestamp(first.value(row)),
                last_at: Timestamp(last.value(row)),
            });
        }
    }
    Ok(uses)
}

fn time<'b>(batch: &'b arrow::array::RecordBatch, name: &str) -> Result<&'b arrow::array::TimestampMicrosecondArray> {
    let wrong = || Error::Plan(format!("the plan gave no time `{name}`"));
    batch.column_by_name(name).and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>()).ok_or_else(wrong)
}

pub(crate) async fn properties(
    lake: &Lake,
    budget: Budget,
    workspace: WorkspaceId,
    event: Option<&str>,
) -> Result<Vec<PropertyInfo>> {
    let snapshot = lake.snapshot(workspace).await?;
    let mut paths: BTreeMap<&str, Vec<(PropertyType, i64)>> = BTreeMap::new();
    for (path, kind, counted) in snapshot.properties().paths() {
        paths.entry(path).or_default().push((kind, counted.rows));
    }
    let mut found: Vec<PropertyInfo> = paths
        .into_iter()
        .map(|(path, mut types)| {
            types.sort_by_key(|(kind, rows)| (std::cmp::Reverse(*rows), *kind));
            PropertyInfo {
                path: path.to_owned(),
                events: columns::count(types.iter().map(|(_, rows)| rows).sum()),
                is_column: types.iter().all(|(kind, _)| snapshot.is_column(path, *kind)),
                types: types.into_iter().map(|(kind, _)| kind).collect(),
            }
        })
        .collect();
    if let Some(event) = event {
        of_event(lake, budget, &snapshot, event, &mut found).await?;
    }
    Ok(found)
}

/// Most paths that are counted in one plan.
const PATHS_A_PLAN: usize = 200;

/// Keeps the paths that events of a name have, with their counts there.
async fn of_event(
    lake: &Lake,
    budget: Budget,
    snapshot: &Snapshot,
    event: &str,
    found: &mut Vec<PropertyInfo>,
) -> Result<()> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for paths in found.chunks(PATHS_A_PLAN) {
        let column = |at: usize| format!("path_{at}");
        let value = |(at, info): (usize, &PropertyInfo)| {
            EventColumns::property(snapshot, &info.path, Reading::Text).alias(column(at))
        };
        let plan = snapshot
            .scan(TableOptions::default())?
            .filter(snapshot.name().eq(lit(standard_name(event))))?
            .project(paths.iter().enumerate().map(value).collect::<Vec<_>>())?
            .aggregate(
                Vec::<Expr>::new(),
                (0..paths.len()).map(|at| count(ident(column(at))).alias(column(at))).collect::<Vec<_>>(),
            )?
            .build()?;
        let (_, batches) = lake.query(budget)?.collect(plan).await?;
        for batch in batches.iter().filter(|batch| batch.num_rows() == 1) {
            for (at, info) in paths.iter().enumerate() {
                let events = columns::count(Columns(batch).integers(&column(at))?.value(0));
                counts.insert(info.path.clone(), events);
            }
        }
    }
    for info in found.iter_mut() {
        info.events = counts.get(&info.path).copied().unwrap_or(0);
    }
    found.retain(|info| info.events > 0);
    Ok(())
}

pub(crate) async fn values(
    lake: &Lake,
    budget: Budget,
    workspace: WorkspaceId,
    event: Option<&str>,
    path: &str,
    limit: usize,
) -> Result<Vec<PropertyValue>> {
    let snapshot = lake.snapshot(workspace).await?;
    let value = EventColumns::property(&snapshot, path, Reading::Text);
    let mut events = snapshot.scan(TableOptions::default())?.filter(value.clone().is_not_null())?;
    if let Some(event) = event {
        events = events.filter(snapshot.name().eq(lit(standard_name(event))))?;
    }
    let plan = events
        .aggregate([value.alias("value")], [count(lit(1_i64)).alias("events")])?
        .sort_with_limit([ident("events").sort(false, false), ident("value").sort(true, false)], Some(limit))?
        .build()?;
    let (_, batches) = lake.query(budget)?.collect(plan).await?;
    let mut found = Vec::new();
    for batch in &batches {
        let (values, events) = (Columns(batch).texts("value")?, Columns(batch).integers("events")?);
        found.extend((0..batch.num_rows()).filter(|row| values.is_valid(*row)).map(|row| PropertyValue {
            value: values.value(row).to_owned(),
            events: columns::count(events.value(row)),
        }));
    }
    Ok(found)
}
