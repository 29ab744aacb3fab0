//! An experiment read out over ten million exposures, as `cargo xtask bench` sets it beside DuckDB on the same files.
//!
//! `experiment_rate make FOLDER [THOUSANDS]` writes the lake: so many thousand exposures, and an order to every eighth of them. `experiment_rate ask
//! FOLDER` prints one JSON line: seconds and processor seconds (minimum of five), and of each variant the persons, those counted, and of each metric y
//! and x.

use std::path::Path;
use std::time::Instant;

use rapport_analytics::experiment::{Experiment, Measured, Metric, Variant};
use rapport_analytics::{Analytics, Context};
use rapport_domain::{
    Calendar, Currency, Event, EventId, EventKind, Handle, PersonId, Rng, SeededRng, SourceId, Timestamp, WorkspaceId,
};
use rapport_lake::{EventRow, Fate, Lake, Location, MIGRATIONS, PropertyPolicy, Settings};
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_store::{Store, StoreConfig};
use serde_json::{Value, json};

const WORKSPACE: WorkspaceId = WorkspaceId(1);
/// Exposures a person, on average.
const EXPOSURES: u64 = 7;
/// Exposures an order.
const ORDER: u64 = 8;
const DAYS: u64 = 28;
const DAY: u64 = 86_400_000_000;
/// 2024-01-01.
const BEGIN: i64 = 1_704_067_200_000_000;
const BATCH: u64 = 10_000;
const ROUNDS: usize = 5;

struct KeepAll;

impl PropertyPolicy for KeepAll {
    fn fate(&self, _: &str, _: &Value) -> Fate {
        Fate::Keep
    }
}

/// As in the product.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Failure = Box<dyn std::error::Error>;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", folder] => make(Path::new(folder), 10_000_000).await,
        ["make", folder, thousands] => make(Path::new(folder), thousands.parse::<u64>()? * 1_000).await,
        ["ask", folder] => ask(Path::new(folder)).await,
        _ => Err("make FOLDER [THOUSANDS] or ask FOLDER".into()),
    }
}

async fn open(folder: &Path) -> Result<(Store, Lake), Failure> {
    std::fs::create_dir_all(folder)?;
    let store = Store::open(StoreConfig::folder(folder), &[PROFILES, MIGRATIONS]).await?;
    let place = Location::Folder(folder.join("lake"));
    let lake = Lake::open(store.clone(), &place, Settings { partitions: 2, ..Settings::default() }).await?;
    Ok((store, lake))
}

/// Events as live ones come: in order of time, flushed as they grow, then compacted.
async fn make(folder: &Path, exposures: u64) -> Result<(), Failure> {
    let (_, lake) = open(folder).await?;
    let rng = SeededRng::new(1);
    let events = exposures + exposures / ORDER;
    for batch in 0..events.div_ceil(BATCH) {
        let numbers = batch * BATCH..events.min((batch + 1) * BATCH);
        let rows = numbers.map(|number| row(number, events, exposures / EXPOSURES, &rng)).collect();
        lake.append(WORKSPACE, rows, i64::try_from((batch + 1) * BATCH)?).await?;
        if lake.is_flush_due(WORKSPACE).await? {
            lake.flush(WORKSPACE).await?;
        }
    }
    lake.flush(WORKSPACE).await?;
    while lake.compact(WORKSPACE).await?.is_some() {}
    Ok(())
}

/// Every ninth event is an order, the others are exposures; one of 500 persons has a device that shows the other variant.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn row(number: u64, events: u64, persons: u64, rng: &SeededRng) -> EventRow {
    let place = rng.next_u64() % persons.max(1);
    // Spread over all numbers, as persons' random ids are.
    let person = place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1;
    let at = Timestamp(BEGIN + (number * (DAYS * DAY / events) + rng.next_u64() % 1_000_000).cast_signed());
    let (name, properties) = if number.is_multiple_of(ORDER + 1) {
        let revenue = (rng.next_u64() % 20_000) as f64 / 100.0;
        ("Order Completed", json!({"revenue": revenue, "currency": "EUR", "order_id": number.to_string()}))
    } else {
        let treated = person.is_multiple_of(2) != (place.is_multiple_of(500) && rng.next_u64().is_multiple_of(2));
        let experiment = if rng.next_u64().is_multiple_of(10) { "banner" } else { "checkout" };
        (
            "Experiment Viewed",
            json!({"experiment": experiment, "variant": if treated { "one page" } else { "control" }}),
        )
    };
    let event = Event {
        id: EventId::of_message(WORKSPACE, SourceId(1), &number.to_string()),
        workspace: WORKSPACE,
        source: SourceId(1),
        kind: EventKind::Track,
        name: name.to_owned(),
        occurred_at: at,
        sent_at: None,
        received_at: at,
        order_key: 0,
        identifiers: Vec::new(),
        group_id: None,
        previous_id: None,
        natural_key: None,
        supersedes: None,
        properties: properties.as_object().cloned().unwrap_or_default(),
        traits: serde_json::Map::new(),
        context: serde_json::Map::new(),
    };
    EventRow::of_event(&event, PersonId(person.cast_signed()), Handle(person.cast_signed()), &KeepAll).0
}

/// Conversion, revenue with what was before, revenue an order.
fn question() -> Result<Experiment, Failure> {
    let metrics: Vec<Metric> = serde_json::from_value(json!([
        {"of": {"event": "Order Completed", "measure": "people"}},
        {"of": {"event": "Order Completed", "measure": "sum", "property": "revenue"}},
        {"of": {"event": "Order Completed", "measure": "sum", "property": "revenue"}, "per": {"event": "Order Completed", "measure": "count"}},
    ]))?;
    let mut question = Experiment::new("checkout", &["control", "one page"], metrics);
    question.window = Some("7d".parse()?);
    question.before = Some("7d".parse()?);
    Ok(question)
}

async fn ask(folder: &Path) -> Result<(), Failure> {
    let (store, lake) = open(folder).await?;
    let analytics = Analytics::new(store, lake);
    let now = Timestamp(BEGIN + (DAYS * DAY).cast_signed());
    let currency = Currency::parse("EUR").ok_or("EUR is a currency")?;
    let context = Context { calendar: Calendar::default(), currency, now, data_until: now };
    let question = question()?;
    let (mut wall, mut processor, mut last) = (f64::MAX, f64::MAX, None);
    for _ in 0..ROUNDS {
        let (began, before) = (Instant::now(), processor_seconds()?);
        last = Some(analytics.experiment(WORKSPACE, &question, &context).await?);
        wall = wall.min(began.elapsed().as_secs_f64());
        processor = processor.min(processor_seconds()? - before);
    }
    let found = last.ok_or("nothing was asked")?;
    let sums = |metric: &Measured| match metric {
        Measured::Share { moments, before } | Measured::Mean { moments, before } => {
            [moments.sum, before.map_or(0.0, |before| before.x)]
        }
        Measured::Ratio(sums) => [sums.y, sums.x],
    };
    let variant = |it: &Variant| {
        json!([it.persons, it.exposures, it.counted, it.metrics.iter().flat_map(sums).collect::<Vec<_>>()])
    };
    let variants: Vec<Value> = found.all.variants.iter().map(variant).collect();
    let (mixed, events) = (found.all.mixed, found.rows_read);
    println!(
        "{}",
        json!({"seconds": wall, "cpu_seconds": processor, "mixed": mixed, "events": events, "variants": variants})
    );
    Ok(())
}

/// Processor seconds of this process, in ticks of 10 ms.
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}
