//! Figures of offers: how long a workspace's table takes to build, and how long an answer takes, from memory alone and with a person's own history.
//!
//! `recommend_rate [THOUSANDS]` makes so many thousand events of views and orders, and prints one JSON line.

use std::time::Instant;

use rapport_analytics::recommend::{Method, Recommender, Request, Settings};
use rapport_analytics::{Analytics, Context};
use rapport_domain::{
    Calendar, Currency, Event, EventId, EventKind, Handle, PersonId, Rng, SeededRng, SourceId, Timestamp, WorkspaceId,
};
use rapport_lake::{EventRow, Fate, Lake, MIGRATIONS, PropertyPolicy};
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_store::{Store, StoreConfig};
use serde_json::{Map, Value, json};

const WORKSPACE: WorkspaceId = WorkspaceId(1);
const BATCH: u64 = 10_000;
const ITEMS: u64 = 5_000;
/// Events a person, on average.
const EVENTS: u64 = 20;
const DAYS: u64 = 180;
const DAY: u64 = 86_400_000_000;
/// 2024-01-01.
const BEGIN: i64 = 1_704_067_200_000_000;
const ANSWERS: usize = 500;

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

fn person(place: u64) -> PersonId {
    PersonId((place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1).cast_signed())
}

/// A person likes a few neighbours on the shelf; some items are bought by everybody. Every fifth event is an order of one to four lines.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "far below 2^52"
)]
fn row(number: u64, total: u64, rng: &SeededRng) -> EventRow {
    let place = rng.next_u64() % (total / EVENTS).max(1);
    let item = || {
        let share = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let liked = (place.wrapping_mul(7_919) + rng.next_u64() % 40) % ITEMS;
        if rng.next_u64().is_multiple_of(3) { (share.powi(3) * ITEMS as f64) as u64 } else { liked }
    };
    let product = |item: u64| json!({"product_id": format!("P{item:05}"), "name": format!("Product {item}"), "category": format!("Shelf {}", item / 100), "price": item % 90 + 5});
    let (name, properties) = if number.is_multiple_of(5) {
        let lines: Vec<Value> = (0..=rng.next_u64() % 4).map(|_| product(item())).collect();
        ("Order Completed", json!({"order_id": number.to_string(), "products": lines}))
    } else {
        ("Product Viewed", product(item()))
    };
    let at = Timestamp(BEGIN + (number * (DAYS * DAY / total)).cast_signed());
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
        traits: Map::new(),
        context: Map::new(),
    };
    let person = person(place);
    EventRow::of_event(&event, person, Handle(person.0), &KeepAll).0
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let total: u64 = std::env::args().nth(1).map_or(Ok(2_000), |text| text.parse())? * 1_000;
    let folder = tempfile::tempdir()?;
    let store = Store::open(StoreConfig::folder(folder.path().join("db")), &[PROFILES, MIGRATIONS]).await?;
    let lake = Lake::open_folder(store.clone(), folder.path().join("lake")).await?;
    let rng = SeededRng::new(1);
    for batch in 0..total.div_ceil(BATCH) {
        let rows = (batch * BATCH..total.min((batch + 1) * BATCH)).map(|number| row(number, total, &rng)).collect();
        lake.append(WORKSPACE, rows, i64::try_from((batch + 1) * BATCH)?).await?;
        if lake.is_flush_due(WORKSPACE).await? {
            lake.flush(WORKSPACE).await?;
        }
    }
    lake.flush(WORKSPACE).await?;
    while lake.compact(WORKSPACE).await?.is_some() {}
    let now = Timestamp(BEGIN + (DAYS * DAY).cast_signed());
    let currency = Currency::parse("EUR").ok_or("EUR is a currency")?;
    let context = Context { calendar: Calendar::default(), currency, now, data_until: now };
    let recommender = Recommender::new(Analytics::new(store, lake.clone()), Settings::default());
    let began = Instant::now();
    let table = recommender.rebuild(WORKSPACE, &context).await?;
    let built = began.elapsed().as_secs_f64();
    let mut figures = json!({"events": total, "items": table.items().len(), "orders": table.baskets, "built s": built, "memory MB": memory()});
    for (name, method, of) in [
        ("popular", Method::Popular, None),
        ("bought together", Method::BoughtTogether, None),
        ("for a person", Method::ForPerson, Some(())),
    ] {
        let mut times = Vec::new();
        for answer in 0..ANSWERS as u64 {
            let mut request = Request::new(method, of.map(|()| person(answer * 31 % (total / EVENTS).max(1))), 10);
            request.with = vec![format!("P{:05}", answer % ITEMS), format!("P{:05}", answer % 100)];
            request.rules.per_category = Some(3);
            let began = Instant::now();
            let found = recommender.recommend(WORKSPACE, &request, &context).await?;
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
            if found.offers.is_empty() && method != Method::BoughtTogether {
                return Err(format!("{name}: nothing was offered").into());
            }
        }
        times.sort_by(f64::total_cmp);
        figures[format!("{name}, p50 ms")] = json!(times[ANSWERS / 2]);
        figures[format!("{name}, p99 ms")] = json!(times[ANSWERS * 99 / 100]);
    }
    // What of the last is the point read.
    let mut times = Vec::new();
    for answer in 0..ANSWERS as u64 {
        let began = Instant::now();
        let person = person(answer * 31 % (total / EVENTS).max(1));
        lake.person_events(WORKSPACE, person, Some(table.since), Some(now.plus(1)), 2_000).await?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    figures["of that the point read, p50 ms"] = json!(times[ANSWERS / 2]);
    println!("{figures}");
    Ok(())
}

/// The highest resident memory.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1_024
}
