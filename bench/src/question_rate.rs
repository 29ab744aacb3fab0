//! A funnel, retention and a segment over six million events, as `cargo xtask bench` sets them beside chDB and DuckDB on the same files.
//!
//! `question_rate make FOLDER` writes the lake twice: `FOLDER/time`, files in order of time as they were flushed, and `FOLDER/cells`,
//! compacted. `question_rate ask FOLDER/cells [QUESTION]` prints one JSON line a question; `segment` is asked for by its name: processor seconds (minimum of five) and the answer.

use std::path::Path;

use rapport_analytics::{Analytics, Context, Detail, Question};
use rapport_domain::{
    Calendar, Currency, Event, EventId, EventKind, Handle, PersonId, Rng, SeededRng, SourceId, Timestamp, WorkspaceId,
};
use rapport_lake::{Budget, EventRow, Fate, Lake, Location, MIGRATIONS, PropertyPolicy, Settings, TableOptions};
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_segments::{Condition, Limits, Moment, Sources, person_set};
use rapport_store::{Store, StoreConfig};
use serde_json::{Map, Value, json};

const WORKSPACE: WorkspaceId = WorkspaceId(1);
const EVENTS: u64 = 6_000_000;
const PERSONS: f64 = 300_000.0;
const DAYS: u64 = 30;
const DAY: u64 = 86_400_000_000;
/// 2024-01-01.
const BEGIN: i64 = 1_704_067_200_000_000;
const BATCH: u64 = 10_000;
const ROUNDS: usize = 5;
/// Names, and up to which share of a thousand an event has them.
const NAMES: [(&str, u64); 6] = [
    ("Page Viewed", 520),
    ("Product Viewed", 740),
    ("Products Searched", 860),
    ("Product Added", 940),
    ("Signed In", 980),
    ("Order Completed", 1_000),
];

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
    let [command, folder, only @ ..] = arguments.as_slice() else {
        return Err("make FOLDER or ask FOLDER [QUESTION]".into());
    };
    let folder = Path::new(folder);
    match command.as_str() {
        "make" => {
            make(&folder.join("time"), false).await?;
            make(&folder.join("cells"), true).await
        }
        "ask" => ask(folder, only.first()).await,
        other => Err(format!("unknown: {other}").into()),
    }
}

async fn open(folder: &Path) -> Result<(Store, Lake), Failure> {
    std::fs::create_dir_all(folder)?;
    let store = Store::open(StoreConfig::folder(folder), &[PROFILES, MIGRATIONS]).await?;
    let place = Location::Folder(folder.join("lake"));
    let lake = Lake::open(store.clone(), &place, Settings { partitions: 2, ..Settings::default() }).await?;
    Ok((store, lake))
}

/// Events as live ones come: in order of time, flushed as they grow.
async fn make(folder: &Path, compact: bool) -> Result<(), Failure> {
    let (_, lake) = open(folder).await?;
    let rng = SeededRng::new(1);
    for batch in 0..EVENTS / BATCH {
        let rows = (batch * BATCH..(batch + 1) * BATCH).map(|number| row(number, &rng)).collect();
        lake.append(WORKSPACE, rows, i64::try_from((batch + 1) * BATCH)?).await?;
        if lake.is_flush_due(WORKSPACE).await? {
            lake.flush(WORKSPACE).await?;
        }
    }
    lake.flush(WORKSPACE).await?;
    while compact && lake.compact(WORKSPACE).await?.is_some() {}
    Ok(())
}

/// A few persons are much more active than most.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "far below 2^52"
)]
fn row(number: u64, rng: &SeededRng) -> EventRow {
    let share = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let place = (share.powf(1.6) * PERSONS) as u64;
    // Spread over all numbers, as persons' random ids are.
    let person = place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1;
    let draw = rng.next_u64() % 1_000;
    let name = NAMES.iter().find(|(_, until)| draw < *until).map_or("", |(name, _)| name);
    let at = Timestamp(BEGIN + (number * (DAYS * DAY / EVENTS) + rng.next_u64() % 1_000_000).cast_signed());
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
        properties: Map::new(),
        traits: Map::new(),
        context: Map::new(),
    };
    EventRow::of_event(&event, PersonId(person.cast_signed()), Handle(person.cast_signed()), &KeepAll).0
}

fn questions() -> Vec<(&'static str, Value)> {
    let event = |name: &str| json!({"event": name});
    let retention = |intervals: u64| {
        json!({"kind": "retention", "start": event("*"), "back": event("*"), "interval": "day", "intervals": intervals,
            "period": {"from": "2024-01-01T00:00:00Z", "to": "2024-01-02T00:00:00Z"}})
    };
    let steps = ["Product Viewed", "Product Added", "Order Completed"].map(event);
    let period = json!({"from": "2024-01-01T00:00:00Z", "to": "2024-01-31T00:00:00Z"});
    vec![
        ("funnel", json!({"kind": "funnel", "steps": steps, "window": "1d", "period": period})),
        ("retention 7", retention(7)),
        ("retention 29", retention(29)),
    ]
}

/// Who looked often and has not bought lately.
const SEGMENT: &str = "performed \"Product Viewed\" at least 3 times in the last 14 days and never performed \"Order Completed\" in the last 7 days";

/// How many people the segment has.
async fn members(lake: &Lake, condition: &Condition, now: Timestamp) -> Result<u64, Failure> {
    let snapshot = lake.snapshot(WORKSPACE).await?;
    let events = snapshot.scan(TableOptions { to: Some(now.plus(1)), ..TableOptions::default() })?.build()?;
    let calendar = Calendar::default();
    let sources = Sources { events, columns: &snapshot, facts: None, persons: None };
    let plan = person_set(condition, sources, Moment { now, calendar: &calendar })?;
    let (_, found) = lake.query(Budget::default())?.collect(plan).await?;
    Ok(found.iter().map(|batch| batch.num_rows() as u64).sum())
}

async fn ask(folder: &Path, only: Option<&String>) -> Result<(), Failure> {
    let (store, lake) = open(folder).await?;
    if only.is_some_and(|only| only == "segment") {
        let condition = Condition::from_text(SEGMENT, Limits::DEFAULT)?;
        let now = Timestamp(BEGIN + (DAYS * DAY).cast_signed());
        let (mut best, mut people) = (f64::MAX, 0);
        for _ in 0..ROUNDS {
            let before = processor_seconds()?;
            people = members(&lake, &condition, now).await?;
            best = best.min(processor_seconds()? - before);
        }
        println!("{}", json!({"question": "segment", "cpu_seconds": best, "counts": [people]}));
        return Ok(());
    }
    let analytics = Analytics::new(store, lake);
    let now = Timestamp(BEGIN + (DAYS * DAY).cast_signed());
    let currency = Currency::parse("EUR").ok_or("EUR is a currency")?;
    let context = Context { calendar: Calendar::default(), currency, now, data_until: now };
    for (name, question) in questions().into_iter().filter(|(name, _)| only.is_none_or(|only| only == name)) {
        let question = Question::from_json(question)?;
        let mut best = f64::MAX;
        let mut counts = Vec::new();
        for _ in 0..ROUNDS {
            let before = processor_seconds()?;
            let answer = analytics.ask(WORKSPACE, &question, &context).await?;
            best = best.min(processor_seconds()? - before);
            counts = match answer.detail {
                Detail::Funnel(funnel) => funnel.steps.iter().map(|step| step.people).collect(),
                Detail::Retention(table) => table.cohorts[0].cells.iter().map(|cell| cell.count).collect(),
                _ => Vec::new(),
            };
        }
        println!("{}", json!({"question": name, "cpu_seconds": best, "counts": counts}));
    }
    Ok(())
}

/// Processor seconds of this process, in ticks of 10 ms.
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    Ok((fields[11].parse::<f64>()? + fields[12].parse::<f64>()?) / 100.0)
}
