//! Figures of the lake alone: rows appended, flushed and compacted a second, memory, and one person's timeline among all of them.
//!
//! `timeline_rate [MILLIONS]`

use std::time::{Duration, Instant};

use rapport_domain::{
    Event, EventId, EventKind, Handle, Identifier, IdentifierKind, PersonId, Rng, SeededRng, SourceId, Timestamp,
    WorkspaceId,
};
use rapport_lake::{EventRow, Fate, Lake, MIGRATIONS, PropertyPolicy};
use rapport_store::{Store, StoreConfig};
use serde_json::{Map, Value, json};

const WORKSPACE: WorkspaceId = WorkspaceId(1);
const HEAVY: PersonId = PersonId(4_242_424_242);
const BATCH: u64 = 5_000;

struct KeepAll;

impl PropertyPolicy for KeepAll {
    fn fate(&self, _: &str, _: &Value) -> Fate {
        Fate::Keep
    }
}

/// One of 500,000 persons; every thousandth event is the heavy one's. Times run through a year.
fn event(number: u64, total: u64, rng: &SeededRng) -> (Event, PersonId) {
    let heavy = number.is_multiple_of(total / 10_000);
    let person = if heavy { HEAVY } else { PersonId(1 + (rng.next_u64() % 500_000) as i64 * 7_919) };
    let at = Timestamp::from_seconds(1_700_000_000 + (number * 31_536_000 / total) as i64);
    let price = (rng.next_u64() % 20_000) as f64 / 100.0;
    let properties = json!({
        "price": price, "currency": "EUR", "product_id": format!("p{}", rng.next_u64() % 2_000),
        "category": format!("c{}", rng.next_u64() % 40), "quantity": rng.next_u64() % 4 + 1, "theme": "dark"
    });
    let event = Event {
        id: EventId::of_message(WORKSPACE, SourceId(1), &number.to_string()),
        workspace: WORKSPACE,
        source: SourceId(1),
        kind: EventKind::Track,
        name: ["Product Viewed", "Product Added", "Order Completed", "Page Viewed"][number as usize % 4].to_owned(),
        occurred_at: at,
        sent_at: None,
        received_at: at,
        order_key: 0,
        identifiers: vec![Identifier { kind: IdentifierKind::UserId, value: person.0.to_string() }],
        group_id: None,
        previous_id: None,
        natural_key: None,
        supersedes: None,
        properties: properties.as_object().cloned().unwrap_or_default(),
        traits: Map::new(),
        context: Map::new(),
    };
    (event, person)
}

/// Resident and highest resident memory, in MB.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    format!("{} {}", line("VmRSS"), line("VmHWM")).replace('\t', " ")
}

/// As in the product.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let millions: u64 = std::env::args().nth(1).map_or(Ok(10), |text| text.parse())?;
    let total = millions * 1_000_000;
    let folder = tempfile::tempdir()?;
    let store = Store::open(StoreConfig::folder(folder.path().join("db")), &[MIGRATIONS]).await?;
    let lake = Lake::open_folder(store, folder.path().join("lake")).await?;
    let rng = SeededRng::new(1);
    let (mut appending, mut flushing, mut compacting) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for batch in 0..total / BATCH {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        let events: Vec<_> = numbers.map(|number| event(number, total, &rng)).collect();
        let began = Instant::now();
        let rows =
            events.iter().map(|(event, person)| EventRow::of_event(event, *person, Handle(person.0), &KeepAll).0);
        lake.append(WORKSPACE, rows.collect(), ((batch + 1) * BATCH) as i64).await?;
        appending += began.elapsed();
        if lake.is_flush_due(WORKSPACE).await? || batch + 1 == total / BATCH {
            let began = Instant::now();
            let flushed = lake.flush(WORKSPACE).await?;
            flushing += began.elapsed();
            let began = Instant::now();
            while lake.compact(WORKSPACE).await?.is_some() {}
            compacting += began.elapsed();
            if batch % 50 == 0 {
                println!("{} rows in {} files, {}", flushed.rows, flushed.files, memory());
            }
        }
    }
    let per_second = |time: Duration| (total as f64 / time.as_secs_f64()) as u64;
    println!(
        "rows a second: append {}, flush {}, compact {}; {}",
        per_second(appending),
        per_second(flushing),
        per_second(compacting),
        memory()
    );
    let bytes = walk(&folder.path().join("lake"));
    println!("{} bytes a row in {} files", bytes / total, count(&folder.path().join("lake")));
    let mut times = Vec::new();
    for limit in [10_000, 10_000, 10_000, 10_000, 10_000, 50, 50, 50, 50, 50] {
        let began = Instant::now();
        let read = lake.person_events(WORKSPACE, HEAVY, None, None, limit).await?;
        times.push(format!("{} rows {:.1} ms", read.len(), began.elapsed().as_secs_f64() * 1_000.0));
    }
    println!("one person among {millions} million: {}", times.join(", "));
    Ok(())
}

fn count(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
}

fn walk(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() { walk(&path) } else { entry.metadata().map_or(0, |meta| meta.len()) }
        })
        .sum()
}
