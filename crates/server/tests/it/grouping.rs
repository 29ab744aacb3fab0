//! Groups of customers over HTTP: people of three kinds are found again, lead to their people, are named, keep their numbers; nobody who was erased, restricted or refused.

use axum::http::{Method, StatusCode};
use rapport_analytics::scores::GROUPS;
use rapport_analytics::scores::records::{models, personas};
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_server::api::questions::context;
use rapport_server::auth::Role;
use rapport_server::grouping::{self, LEARN, LEASE};
use rapport_server::installation::MIGRATIONS;
use rapport_server::records::workspaces::FIRST;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Priority, Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, track};
use crate::models::only;
use crate::recommending::is_done_once;
use crate::world::{Browser, World};

const MODEL: &str = "/api/v1/models/groups";
/// So many of each kind: who buys dear shoes often, who waits for coupons for hats, who bought a book once long ago.
const KINDS: [u32; 3] = [90, 70, 50];

async fn settle(world: &World) {
    grouping::settle(&world.app.installation).await.unwrap();
}

async fn fit(world: &World, owner: &Browser) -> Value {
    let asked = call(world, owner, Method::POST, &format!("{MODEL}/fit"), Value::Null).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    assert_eq!(asked.json()["fit"]["state"], "queued");
    settle(world).await;
    get(world, owner, MODEL).await
}

/// The orders of one person, by their number.
fn orders(world: &World, n: u32) -> Vec<Value> {
    let jitter = |of: u32| i64::from((n * 7 + of * 5) % 11);
    let kind = if n < KINDS[0] { 0 } else { 1 + usize::from(n >= KINDS[0] + KINDS[1]) };
    let (count, every, since, price, category) =
        [(7, 20, 5, 90, "Shoes"), (5, 40, 45, 18, "Hats"), (1, 1, 400, 40, "Books")][kind];
    let one = |at: i64| {
        let id = format!("o{n}-{at}");
        let paid = price + jitter(3);
        let mut properties = json!({
            "order_id": id, "currency": "EUR", "revenue": paid,
            "products": [{"product_id": format!("{category}-{}", (i64::from(n) + at) % 5), "category": category, "price": paid}],
        });
        if kind == 1 {
            properties["coupon"] = json!("SAVE");
        }
        let mut event = track(&id, &format!("c{n}"), "Order Completed", properties);
        let days = since + jitter(1) * if kind == 2 { 6 } else { 1 } + at * every;
        event["timestamp"] = json!(world.clock_now().plus(-days * Timestamp::DAY).to_rfc3339());
        event
    };
    (0..count).map(one).collect()
}

async fn fill(world: &World) {
    let (key, _) = world.write_key("shop", None).await;
    let all: Vec<Value> = (0..KINDS.iter().sum()).flat_map(|n| orders(world, n)).collect();
    for part in all.chunks(300) {
        let answer = world.collect("/v1/batch", &key, json!({ "batch": part }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    happen(world, &key, Vec::new()).await;
    world.app.pipeline.settle().await.unwrap();
}

async fn segment(world: &World, owner: &Browser, key: &str, text: &str) {
    let body = json!({"key": key, "name": key, "text": text});
    let saved = call(world, owner, Method::POST, "/api/v1/segments", body).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

/// How many people are in a segment.
async fn size(world: &World, owner: &Browser, key: &str) -> usize {
    rapport_server::keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
    let (mut all, mut cursor) = (0, String::new());
    loop {
        let page = get(world, owner, &format!("/api/v1/segments/{key}/members?limit=50{cursor}")).await;
        all += page["rows"].as_array().unwrap().len();
        let Some(next) = page["next"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

fn sizes(version: &Value) -> Vec<(u64, u64)> {
    let of = |it: &Value| (it["number"].as_u64().unwrap(), it["people"].as_u64().unwrap());
    version["groups"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn kinds_of_customers_are_found_named_and_used_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), found);
}

#[test]
fn kinds_of_customers_are_found_named_and_used_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), found);
}

async fn found(database: TestDatabase) {
    let world = World::over(&database).await;
    let owner = world.browser(Role::Owner).await;
    assert_eq!(world.get(MODEL, &owner.reads()).await.status, StatusCode::NOT_FOUND, "nobody bought yet");
    fill(&world).await;
    settle(&world).await;
    let model = get(&world, &owner, MODEL).await;
    let live = &model["live"];
    assert_eq!(
        (&live["version"], &model["held"], &model["verdict"], &model["placed_version"]),
        (&json!(1), &json!(null), &json!(null), &json!(1)),
        "{model}"
    );
    assert_eq!(sizes(live), [(1, 90), (2, 70), (3, 50)], "{live}");
    assert_eq!((&live["against"], &live["by"]), (&json!(null), &json!("everything")));
    let group = &live["groups"][1];
    assert_eq!(
        (&group["name"], &group["persona"], &group["condition"]),
        (&json!("Group 2"), &json!(null), &json!("fact group.number = 2"))
    );
    let keys: Vec<&str> = group["traits"].as_array().unwrap().iter().map(|it| it["key"].as_str().unwrap()).collect();
    assert!(keys.contains(&"reduced") && keys.contains(&"category:Hats"), "{group}");
    // The figures, and the people behind each.
    let overview = get(&world, &owner, &format!("{MODEL}/overview")).await;
    assert_eq!((&overview["people"], &overview["left_out"]), (&json!(210), &json!(0)), "{overview}");
    for (number, people) in sizes(live) {
        let own =
            overview["groups"].as_array().unwrap().iter().find(|it| it["number"] == json!(number)).unwrap().clone();
        let page = get(&world, &owner, &format!("{MODEL}/people?group={number}&limit=500")).await;
        let rows = page["rows"].as_array().unwrap();
        assert_eq!((&own["people"], rows.len() as u64, &page["total"]), (&json!(people), people, &json!(people)));
        assert!(
            rows.iter().all(|it| it["detail"]["number"] == json!(number) && it["detail"]["second"] != json!(number))
        );
        let typical: Vec<f64> = rows.iter().map(|it| it["detail"]["typical"].as_f64().unwrap()).collect();
        assert!(typical.windows(2).all(|pair| pair[0] >= pair[1]) && rows[0]["tenth"] == json!(10));
    }
    assert_eq!(get(&world, &owner, &format!("{MODEL}/people?group=9")).await["total"], json!(0));
    for (query, code) in [("order=best", 422), ("group=x", 400), ("cursor=!", 400)] {
        let answer = world.get(&format!("{MODEL}/people?{query}"), &owner.reads()).await;
        assert_eq!(answer.status.as_u16(), code, "{query}: {}", answer.text());
    }
    // It is no model of scores and stands among none; of one person it is told beside them, by the group's name.
    only(&world, &["loyalty_index"]).await;
    rapport_server::modelling::settle(&world.app.installation).await.unwrap();
    let scoring = get(&world, &owner, "/api/v1/models").await;
    assert!(scoring["rows"].as_array().unwrap().iter().all(|it| it["model"] != "groups"), "{scoring}");
    let page = get(&world, &owner, &format!("{MODEL}/people?group=2&limit=500")).await;
    let person = |at: usize| page["rows"][at]["customer"]["person_id"].as_str().unwrap().to_owned();
    let scores = get(&world, &owner, &format!("/api/v1/customers/{}/scores", person(0))).await;
    let own = scores["rows"].as_array().unwrap().iter().find(|it| it["model"] == "groups").unwrap();
    assert_eq!((&own["name"], &own["group"]["number"]), (&json!("Group 2"), &json!(2)), "{scores}");

    // Conditions ask for the number; the name is told when it was given.
    segment(&world, &owner, "savers", group["condition"].as_str().unwrap()).await;
    segment(&world, &owner, "named", "fact group.name = \"Bargain hunters\"").await;
    assert_eq!((size(&world, &owner, "savers").await, size(&world, &owner, "named").await), (70, 0));
    let name = async |browser: &Browser, number: &str, body: Value| {
        call(&world, browser, Method::PUT, &format!("{MODEL}/personas/{number}"), body).await
    };
    let viewer = world.browser(Role::Viewer).await;
    assert_eq!(name(&viewer, "2", json!({"name": "Bargain hunters"})).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        call(&world, &viewer, Method::POST, &format!("{MODEL}/fit"), Value::Null).await.status,
        StatusCode::FORBIDDEN
    );
    let hostile = "<img src=x onerror=alert(1)> waits for\u{202E} coupons\r\nand buys hats";
    let named = name(&owner, "2", json!({"name": "  Bargain   hunters ", "note": hostile})).await;
    assert_eq!(named.status, StatusCode::OK, "{}", named.text());
    let note = "<img src=x onerror=alert(1)> waits for coupons\nand buys hats";
    assert_eq!((&named.json()["name"], &named.json()["note"]), (&json!("Bargain hunters"), &json!(note)));
    assert_eq!(name(&owner, "7", json!({"name": "Nobody"})).await.status, StatusCode::NOT_FOUND);
    assert_eq!(name(&owner, "1", json!({"name": "bargain HUNTERS"})).await.json()["code"], "persona_name_taken");
    for body in [json!({"name": " "}), json!({"name": "a".repeat(61)}), json!({"name": "a", "note": "b".repeat(2_001)})]
    {
        assert_eq!(name(&owner, "1", body).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(name(&owner, "x", json!({"name": "a"})).await.status.is_client_error());
    settle(&world).await;
    assert_eq!((size(&world, &owner, "savers").await, size(&world, &owner, "named").await), (70, 70));

    // Erased, somebody is in no group; restricted, or refusing to be understood in numbers, neither.
    let erased =
        call(&world, &owner, Method::POST, &format!("/api/v1/customers/{}/erasure", person(0)), json!({})).await;
    assert!(erased.status.is_success(), "{}", erased.text());
    assert_eq!(get(&world, &owner, &format!("{MODEL}/people?group=2")).await["total"], json!(69));
    let path = format!("/api/v1/customers/{}/restriction", person(1));
    assert!(call(&world, &owner, Method::PUT, &path, json!({})).await.status.is_success());
    let refusal = json!({"state": "denied", "channel": "any", "purpose": "analytics"});
    let refused =
        call(&world, &owner, Method::POST, &format!("/api/v1/customers/{}/consents", person(2)), refusal).await;
    assert_eq!(refused.status, StatusCode::ACCEPTED, "{}", refused.text());
    world.app.pipeline.drain().await.unwrap();
    world.clock.advance(Timestamp::MINUTE);
    let model = fit(&world, &owner).await;
    let live = &model["live"];
    assert_eq!((&live["version"], sizes(live)), (&json!(2), vec![(1, 90), (2, 67), (3, 50)]), "{model}");
    let against = &live["against"];
    assert_eq!(
        (&against["version"], &against["staying"], &against["kept"]),
        (&json!(1), &json!(1.0), &json!([1, 2, 3]))
    );
    assert_eq!(
        (&live["groups"][1]["name"], &live["groups"][1]["persona"]["note"]),
        (&json!("Bargain hunters"), &json!(note))
    );
    assert_eq!(get(&world, &owner, &format!("{MODEL}/overview")).await["left_out"], json!(2));
    assert_eq!(get(&world, &owner, &format!("{MODEL}/people?group=2")).await["total"], json!(67));
    assert_eq!(
        (size(&world, &owner, "savers").await, size(&world, &owner, "named").await),
        (67, 67),
        "they are told to be in none"
    );
    let card = world.get(&format!("{MODEL}/versions/2/card"), &owner.reads()).await;
    assert!(card.header("content-type").starts_with("text/markdown") && card.text().contains("What it cannot say"));
    assert_eq!(get(&world, &owner, &format!("{MODEL}/versions/2")).await["card"]["title"], "Groups of customers");
    // Nothing of this is another workspace's.
    let (installation, other) = (&world.app.installation, WorkspaceId(2));
    let context = context(installation, FIRST).await.unwrap();
    let elsewhere = installation.analytics.grouped_people(other, &context, &Default::default(), 730).await.unwrap();
    assert_eq!((elsewhere.rows.len(), elsewhere.categories.len()), (0, 0));
    let db = &mut installation.store.read();
    assert!(
        personas::all(db, other).await.unwrap().is_empty() && models::find(db, other, GROUPS).await.unwrap().is_none()
    );
    // Without its name it is called by its number again.
    let unname =
        async || call(&world, &owner, Method::DELETE, &format!("{MODEL}/personas/2"), Value::Null).await.status;
    assert_eq!((unname().await, unname().await), (StatusCode::NO_CONTENT, StatusCode::NOT_FOUND));
    settle(&world).await;
    assert_eq!((size(&world, &owner, "savers").await, size(&world, &owner, "named").await), (67, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_moves_most_people_waits_and_staff_go_back() {
    let world = World::with(&[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    fill(&world).await;
    settle(&world).await;
    // As if the version in use had been learnt from far more people.
    let store = &world.app.installation.store;
    let find = sql!("SELECT content FROM model_versions WHERE model = 'groups'");
    let (mut content,): (Value,) = store.read().fetch_optional(find, args![]).await.unwrap().unwrap();
    content["people"] = json!(100_000);
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    tx.execute(sql!("UPDATE model_versions SET content = $1 WHERE model = 'groups'"), args![content]).await.unwrap();
    tx.commit().await.unwrap();
    let model = fit(&world, &owner).await;
    assert_eq!((&model["live"]["version"], &model["held"]["version"]), (&json!(1), &json!(2)), "{model}");
    assert_eq!(model["held"]["held"][0]["code"], "people_missing");
    let decide = async |version: u32, why: Value| {
        call(&world, &owner, Method::POST, &format!("{MODEL}/versions/{version}/use"), why).await
    };
    assert_eq!(decide(2, json!({"why": " "})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(decide(9, json!({"why": "because"})).await.status, StatusCode::NOT_FOUND);
    let used = decide(2, json!({"why": "We deleted old accounts."})).await;
    assert_eq!((used.status, &used.json()["decided_why"]), (StatusCode::OK, &json!("We deleted old accounts.")));
    assert_eq!(decide(2, json!({"why": "again"})).await.json()["code"], "model_version_live");
    settle(&world).await;
    let model = get(&world, &owner, MODEL).await;
    assert_eq!(
        (&model["live"]["version"], &model["held"], &model["placed_version"]),
        (&json!(2), &json!(null), &json!(2))
    );
    assert_eq!(decide(1, json!({"why": "The first was better."})).await.status, StatusCode::OK);
    let versions = get(&world, &owner, &format!("{MODEL}/versions")).await;
    let states: Vec<&str> =
        versions["rows"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["retired", "live"]);
    // Nothing happened since: on schedule nothing is looked for, and telling again tells nothing.
    settle(&world).await;
    let count = async || -> i64 {
        let text = sql!("SELECT COUNT(*) FROM facts WHERE fact_key LIKE 'group.%'");
        store.read().scalar(text, args![]).await.unwrap()
    };
    let before = count().await;
    assert_eq!(before, 3 * 210);
    world.clock.advance(29 * Timestamp::DAY);
    settle(&world).await;
    let versions = get(&world, &owner, &format!("{MODEL}/versions")).await;
    assert_eq!((versions["rows"].as_array().unwrap().len(), count().await), (2, before));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_few_people_are_a_sentence_and_settings_have_bounds() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let model = fit(&world, &owner).await;
    let verdict = &model["verdict"];
    assert_eq!(
        (&model["live"], &verdict["code"], &verdict["have"]),
        (&json!(null), &json!("too_few_people"), &json!(0))
    );
    let change = async |settings: Value| {
        call(&world, &owner, Method::PUT, MODEL, json!({"settings": settings, "is_paused": true})).await
    };
    for (settings, place) in [
        (json!({"groups": 1}), "settings.groups"),
        (json!({"least_people": 3}), "settings.least_people"),
        (json!({"window_days": 9_000}), "settings.window_days"),
        (json!({"fit_days": 91}), "settings.fit_days"),
        (json!({"place_hours": 0}), "settings.place_hours"),
        (json!({"by": "stars"}), "settings"),
        (json!({"horizon_weeks": 4}), "settings"),
        (json!("often"), "settings"),
    ] {
        let answer = change(settings.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{settings}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(place), "{}", answer.text());
    }
    let changed = change(json!({"by": "habits", "groups": 4})).await.json();
    assert_eq!(
        (&changed["settings"]["by"], &changed["settings"]["fit_days"], &changed["fit_at"], &changed["place_at"]),
        (&json!("habits"), &json!(28), &json!(null), &json!(null)),
        "{changed}"
    );
    for path in ["versions/1", "versions/x", "versions/1/card", "overview", "groups?by=market"] {
        assert_eq!(world.get(&format!("{MODEL}/{path}"), &owner.reads()).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// Killed in the middle, a job is done again by whoever comes next, and once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_that_was_cut_off_is_done_once() {
    let world = World::new().await;
    fill(&world).await;
    is_done_once(&world, &grouping::SORT, (LEARN, LEASE), GROUPS).await;
}
