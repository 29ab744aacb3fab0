//! The sample shop, whose truth is known, through log, identity, lake and questions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use axum::http::{Method, StatusCode};
use rapport_domain::{PersonId, money};
use rapport_sample::{Options, SampleShop, Totals};
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::pipeline::caretaker;
use rapport_server::records::workspaces::FIRST;
use rapport_server::scoring;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::world::{Browser, World};

const CUSTOMERS: u32 = 150;
const SEED: u64 = 11;

/// A world with a sample shop, all of it in memory: nothing is flushed yet.
async fn shop(world: World) -> (World, Totals) {
    let (_, filled) = world.fill(CUSTOMERS, SEED).await;
    (world, filled.totals)
}

fn questions() -> Vec<Value> {
    let ordered = json!({"event": "Order Completed"});
    let steps = ["Product Viewed", "Product Added", "Order Completed"].map(|event| json!({"event": event}));
    vec![
        json!({"kind": "trend", "series": [ordered], "interval": "month", "breakdown": {"property": "device"}}),
        json!({"kind": "trend", "series": [{"event": "Order Completed", "measure": "sum", "property": "revenue"}, {"event": "*", "measure": "people"}], "interval": "quarter"}),
        json!({"kind": "funnel", "steps": steps, "window": "14d", "period": {"last": "180d"}, "breakdown": {"property": "device"}}),
        json!({"kind": "retention", "start": ordered, "back": ordered, "interval": "month", "first_time": true, "intervals": 12}),
        json!({"kind": "trend", "series": [ordered], "interval": "year", "who": {"fact": {"key": "trait.country", "op": "equals", "value": "DE"}}}),
        json!({"kind": "rfm"}),
        json!({"kind": "kpis", "period": {"last": "90d"}, "compare": true}),
    ]
}

/// What a person sees: the answers, and the list of customers, without what differs by nature.
async fn seen(world: &World, browser: &Browser) -> Vec<Value> {
    let mut seen = Vec::new();
    for question in questions() {
        let answer =
            world.request(Method::POST, "/api/v1/questions/ask", &json_of(browser), question.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{question}: {}", answer.text());
        let mut answer = answer.json();
        for by_nature in ["computed_ms", "rows_read"] {
            answer.as_object_mut().unwrap().remove(by_nature);
        }
        seen.push(answer);
    }
    seen.push(customers(world).await);
    seen
}

fn json_of(browser: &Browser) -> [(&str, &str); 3] {
    let [cookie, token] = browser.writes();
    [cookie, token, ("content-type", "application/json")]
}

/// Everyone with what they bought, in an order that does not depend on their numbers.
async fn customers(world: &World) -> Value {
    let mut db = world.app.installation.store.read();
    let rows = db.fetch_all::<(Option<String>, i64, i64, i64, i64)>(
        sql!("SELECT email, orders, spent_micros, refunded_micros, events FROM persons WHERE workspace = $1 ORDER BY email NULLS LAST, orders, spent_micros, events, last_seen_at"),
        args![FIRST],
    );
    json!(rows.await.unwrap())
}

/// A piece of evidence that joins a device with a customer number.
async fn some_evidence(world: &World) -> String {
    let text = sql!(
        "SELECT e.id FROM evidence e JOIN identifiers l ON l.workspace = e.workspace AND l.handle = e.left_handle
         JOIN identifiers r ON r.workspace = e.workspace AND r.handle = e.right_handle
         WHERE e.workspace = $1 AND l.kind <> r.kind AND l.events > 3 AND r.events > 3
         ORDER BY CASE WHEN l.value < r.value THEN l.value ELSE r.value END LIMIT 1"
    );
    let row: Option<(String,)> = world.app.installation.store.read().fetch_optional(text, args![FIRST]).await.unwrap();
    row.expect("the sample shop has devices on which people sign in").0
}

/// The answers while all rows are in memory, in files as they were flushed, compacted, after a merge was undone, and stood by again,
/// and after that was compacted, too.
async fn course(db: TestDatabase) -> Vec<Vec<Value>> {
    let (world, _) = shop(World::over(&db).await).await;
    let lake = &world.app.installation.lake;
    let browser = world.browser(Role::Owner).await;
    let hot = seen(&world, &browser).await;
    lake.flush(FIRST).await.unwrap();
    assert_eq!(seen(&world, &browser).await, hot, "flushed");
    while lake.compact(FIRST).await.unwrap().is_some() {}
    assert_eq!(seen(&world, &browser).await, hot, "compacted");
    let evidence = some_evidence(&world).await;
    let change = async |word: &str| {
        let path = format!("/api/v1/identity/evidence/{evidence}/{word}");
        let answer = world.request(Method::POST, &path, &json_of(&browser), r#"{"reason": "a test"}"#).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    };
    change("undo").await;
    let apart = seen(&world, &browser).await;
    assert_ne!(apart, hot, "one person became two");
    caretaker::settle(&world.app.installation, FIRST).await.unwrap();
    assert_eq!(seen(&world, &browser).await, apart, "apart, in files");
    change("redo").await;
    assert_eq!(seen(&world, &browser).await, hot, "joined again");
    caretaker::settle(&world.app.installation, FIRST).await.unwrap();
    assert_eq!(seen(&world, &browser).await, hot, "joined again, in files");
    vec![hot, apart]
}

/// Not one `db_test` an engine, because what both answer is compared.
#[test]
fn answers_are_equal_hot_and_cold_merged_and_split_on_both_engines() {
    let answers = Arc::new(Mutex::new(Vec::new()));
    let keep = |answers: Arc<Mutex<Vec<_>>>| {
        move |db: TestDatabase| async move {
            let course = course(db).await;
            answers.lock().unwrap().push(course);
        }
    };
    on_sqlite(MIGRATIONS.to_vec(), keep(Arc::clone(&answers)));
    on_postgres(MIGRATIONS.to_vec(), keep(Arc::clone(&answers)));
    let answers = answers.lock().unwrap();
    assert!(answers.windows(2).all(|both| both[0] == both[1]), "SQLite and PostgreSQL answer differently");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_answered_is_what_was_simulated() {
    let (world, truth) = shop(World::new().await).await;
    let browser = world.browser(Role::Owner).await;
    let ask = async |question: Value| {
        let answer =
            world.request(Method::POST, "/api/v1/questions/ask", &json_of(&browser), question.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    };
    let series = |series: Value| json!({"kind": "trend", "interval": "year", "series": [series]});
    let orders = ask(series(json!({"event": "Order Completed"}))).await;
    assert_eq!(orders["detail"]["series"][0]["total"], truth.orders);
    let revenue = ask(series(json!({"event": "Order Completed", "measure": "sum", "property": "revenue"}))).await;
    assert_eq!(micros(&revenue["detail"]["series"][0]["total"]), truth.revenue_micros);
    let buyers = ask(series(json!({"event": "Order Completed", "measure": "people"}))).await;
    assert_eq!(buyers["detail"]["series"][0]["total"], truth.buyers);
    let kpis = ask(json!({"kind": "kpis"})).await;
    let figure = |key: &str| {
        let figures = kpis["detail"]["figures"].as_array().unwrap();
        figures.iter().find(|figure| figure["key"] == key).unwrap_or_else(|| panic!("no {key}"))["value"].clone()
    };
    assert_eq!(micros(&figure("mrr")), truth.mrr_micros);
    let repeat = figure("repeat_purchase_rate").as_f64().unwrap();
    assert!((repeat - truth.repeat_buyers as f64 / truth.buyers as f64).abs() < 1e-12);

    scoring::refresh(&world.app.installation, FIRST).await.unwrap();
    let text = sql!(
        "SELECT COUNT(*), CAST(SUM(orders) AS BIGINT), CAST(SUM(refunded_micros) AS BIGINT) FROM persons WHERE workspace = $1 AND orders > 0"
    );
    let row: Option<(i64, i64, i64)> =
        world.app.installation.store.read().fetch_optional(text, args![FIRST]).await.unwrap();
    let (people, orders, _) = row.unwrap();
    // Someone whose only orders were all called off has none left.
    assert!(people as u64 <= truth.buyers && people as u64 + truth.cancelled_orders >= truth.buyers);
    assert_eq!(orders as u64, truth.orders - truth.cancelled_orders);
    let refunds = sql!("SELECT CAST(SUM(amount_micros) AS BIGINT) FROM refunds WHERE workspace = $1");
    let refunded: Option<(i64,)> =
        world.app.installation.store.read().fetch_optional(refunds, args![FIRST]).await.unwrap();
    assert_eq!(refunded.unwrap().0, truth.refunded_micros);
}

fn micros(value: &Value) -> i64 {
    money::parse_micros(value.as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_in_the_lake_names_reaches_or_quotes_anybody() {
    let (world, _) = shop(World::new().await).await;
    let lake = &world.app.installation.lake;
    lake.flush(FIRST).await.unwrap();
    let personal = personal_data(&world);
    assert!(personal.len() > 500, "the sample shop tells who its customers are: {}", personal.len());
    let mut people: BTreeMap<i64, u64> = BTreeMap::new();
    let text = sql!("SELECT person, events FROM persons WHERE workspace = $1");
    for (person, events) in
        world.app.installation.store.read().fetch_all::<(i64, i64)>(text, args![FIRST]).await.unwrap()
    {
        people.insert(person, events.cast_unsigned());
    }
    let mut rows = 0;
    for person in people.keys() {
        for row in lake.person_events(FIRST, PersonId(*person), None, None, 1_000_000).await.unwrap() {
            rows += 1;
            for (path, value) in row.properties() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let found = personal.iter().find(|datum| text.contains(datum.as_str()));
                assert!(found.is_none(), "{}: {path} holds {found:?}", row.name);
            }
        }
    }
    assert_eq!(rows, people.values().sum::<u64>(), "every event of everyone was looked at");
    let metrics = world.get("/metrics", &[]).await.text();
    assert!(personal.iter().all(|datum| !metrics.contains(datum.as_str())), "metrics hold personal data");
}

/// What the simulated people are called, can be reached by, and wrote.
fn personal_data(world: &World) -> BTreeSet<String> {
    let shop = SampleShop::new(Options { customers: CUSTOMERS, seed: SEED, end: world.clock_now() });
    let mut personal = BTreeSet::new();
    for message in shop.messages() {
        personal.extend(message.user_id);
        personal.extend(message.anonymous_id);
        for (key, value) in message.traits.iter().chain(&message.properties) {
            let says = [
                "email", "phone", "name", "street", "address", "comment", "text", "body", "subject", "answer",
                "message",
            ];
            let is_product = message.properties.contains_key("product_id") || key == "products";
            if says.iter().any(|word| key.contains(word)) && !is_product {
                texts(value, &mut personal);
            }
        }
    }
    // Too short to mean anybody: "Jo" is in "Journal".
    personal.retain(|datum| datum.chars().count() >= 6);
    personal
}

fn texts(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => drop(found.insert(text.clone())),
        Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
        Value::Object(map) => map.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}
