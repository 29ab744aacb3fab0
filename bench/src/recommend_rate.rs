//! Figures of offers: how long a workspace's table takes to build, and how long an answer takes, from memory alone and with a person's own history.
//!
//! `recommend_rate [THOUSANDS] [ITEMS]` makes so many thousand events of views and orders of so many items, and prints one JSON line. Answers are measured without a version first,
//! then by the plan that is chosen from these data (above 2,500 items EASE is left out).

use std::collections::BTreeSet;
use std::time::Instant;

use rapport_analytics::recommend::learning::Wishes;
use rapport_analytics::recommend::{KeptPlan, Method, Recommender, Request, Settings};
use rapport_analytics::scores::RECOMMENDATIONS;
use rapport_analytics::scores::records::versions::VersionRow;
use rapport_analytics::scores::records::{models, versions};
use rapport_analytics::scores::schema::MIGRATIONS as MODELS;
use rapport_analytics::{Analytics, Context};
use rapport_domain::{
    Calendar, Currency, Event, EventId, EventKind, Handle, PersonId, Rng, SeededRng, SourceId, Timestamp, WorkspaceId,
};
use rapport_lake::{EventRow, Fate, Lake, MIGRATIONS, PropertyPolicy};
use rapport_profiles::MIGRATIONS as PROFILES;
use rapport_store::{Priority, Store, StoreConfig};
use serde_json::{Map, Value, json};

const WORKSPACE: WorkspaceId = WorkspaceId(1);
const BATCH: u64 = 10_000;
/// Items unless said.
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
fn row(number: u64, total: u64, items: u64, rng: &SeededRng) -> EventRow {
    let place = rng.next_u64() % (total / EVENTS).max(1);
    let item = || {
        let share = (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let liked = (place.wrapping_mul(7_919) + rng.next_u64() % 40) % items;
        if rng.next_u64().is_multiple_of(3) { (share.powi(3) * items as f64) as u64 } else { liked }
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
    let argument = |at: usize, usual: u64| std::env::args().nth(at).map_or(Ok(usual), |text| text.parse::<u64>());
    let (total, items) = (argument(1, 2_000)? * 1_000, argument(2, ITEMS)?);
    let folder = tempfile::tempdir()?;
    let store = Store::open(StoreConfig::folder(folder.path().join("db")), &[PROFILES, MIGRATIONS, MODELS]).await?;
    let lake = Lake::open_folder(store.clone(), folder.path().join("lake")).await?;
    let rng = SeededRng::new(1);
    for batch in 0..total.div_ceil(BATCH) {
        let numbers = batch * BATCH..total.min((batch + 1) * BATCH);
        let rows = numbers.map(|number| row(number, total, items, &rng)).collect();
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
    let analytics = Analytics::new(store.clone(), lake.clone());
    let recommender = Recommender::new(analytics.clone(), Settings::default());
    let nobody = BTreeSet::new();
    let began = Instant::now();
    let table = recommender.rebuild(WORKSPACE, &context, &nobody).await?;
    let built = began.elapsed().as_secs_f64();
    let mut figures = json!({"events": total, "items": table.items().len(), "orders": table.baskets, "built s": built, "memory MB": memory()});
    answers(&mut figures, &recommender, &context, (total, items), "").await?;
    // What of it is the point read.
    let mut times = Vec::new();
    for answer in 0..ANSWERS as u64 {
        let began = Instant::now();
        let person = person(answer * 31 % (total / EVENTS).max(1));
        lake.person_events(WORKSPACE, person, Some(table.since), Some(now.plus(1)), 2_000).await?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    figures["of that the point read, p50 ms"] = json!(times[ANSWERS / 2]);
    let began = Instant::now();
    let past = analytics.past(WORKSPACE, &context, recommender.settings(), &Wishes::default(), &nobody).await?;
    let learned = past.map_err(|it| it.text)?.learn(None, &KeptPlan::usual(50), 1, &|_| ()).map_err(|it| it.text)?;
    figures["learnt s"] = json!(began.elapsed().as_secs_f64());
    figures["chosen"] = json!(learned.content.plan.name());
    figures["nDCG"] = json!(learned.content.metrics.chosen.ndcg.value);
    let mut tx = store.begin(Priority::Background).await?;
    models::ensure(&mut tx, WORKSPACE, RECOMMENDATIONS, RECOMMENDATIONS, json!({})).await?;
    let row = VersionRow {
        version: 1,
        state: "live".to_owned(),
        fitted_at: now,
        fitted_by: "bench".to_owned(),
        as_of: now,
        people: 0,
        content: serde_json::to_value(&learned.content)?,
        card: json!({}),
        held: json!([]),
        came: None,
        decided_at: None,
        decided_by: None,
        decided_why: None,
    };
    versions::insert(&mut tx, WORKSPACE, RECOMMENDATIONS, &row).await?;
    models::judged(&mut tx, WORKSPACE, RECOMMENDATIONS, Some(1), None).await?;
    tx.commit().await?;
    let began = Instant::now();
    recommender.rebuild(WORKSPACE, &context, &nobody).await?;
    figures["built with the version s"] = json!(began.elapsed().as_secs_f64());
    answers(&mut figures, &recommender, &context, (total, items), " by the version").await?;
    figures["memory at the end MB"] = json!(memory());
    println!("{figures}");
    Ok(())
}

/// How long answers take.
async fn answers(
    figures: &mut Value,
    recommender: &Recommender,
    context: &Context,
    (total, items): (u64, u64),
    what: &str,
) -> Result<(), Failure> {
    for (name, method, of) in [
        ("popular", Method::Popular, None),
        ("bought together", Method::BoughtTogether, None),
        ("for a person", Method::ForPerson, Some(())),
        ("next best", Method::NextBest, Some(())),
        ("up-sell", Method::UpSell, Some(())),
        ("cross-sell", Method::CrossSell, Some(())),
    ] {
        let mut times = Vec::new();
        for answer in 0..ANSWERS as u64 {
            let mut request = Request::new(method, of.map(|()| person(answer * 31 % (total / EVENTS).max(1))), 10);
            request.with = vec![format!("P{:05}", answer % items), format!("P{:05}", answer % 100)];
            request.rules.per_category = Some(3);
            let began = Instant::now();
            let found = recommender.recommend(WORKSPACE, &request, context).await?;
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
            let may_be_empty = matches!(method, Method::BoughtTogether | Method::UpSell);
            if found.offers.is_empty() && !may_be_empty {
                return Err(format!("{name}: nothing was offered").into());
            }
        }
        times.sort_by(f64::total_cmp);
        figures[format!("{name}{what}, p50 ms")] = json!(times[ANSWERS / 2]);
        figures[format!("{name}{what}, p99 ms")] = json!(times[ANSWERS * 99 / 100]);
    }
    Ok(())
}

/// The highest resident memory.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) / 1_024
}
