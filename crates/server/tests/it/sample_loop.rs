//! The sample shop's loop: what its unhappy customers said, what was done about it, and what came of that.

use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::{following_up, surveying, understanding};
use serde_json::{Value, json};

use crate::engaging::{call, get};
use crate::world::{Browser, World};

const CUSTOMERS: u32 = 700;
const DAY: i64 = Timestamp::DAY;

async fn shop() -> (World, Browser) {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let installation = world.app.installation.clone();
    let now = world.clock_now();
    surveying::sample::begin(&installation, FIRST, now, "demo").await.unwrap();
    let (source, filled) = world.fill(CUSTOMERS, 7).await;
    following_up::sample::save(&installation, &world.app.pipeline, (FIRST, source), &filled.voices, "demo")
        .await
        .unwrap();
    understanding::sample::save(&installation, FIRST, "demo").await.unwrap();
    world.clock.advance(Timestamp::SECOND);
    (world, owner)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_shops_loop_is_lived_in_the_order_of_time_and_measured() {
    let (world, owner) = shop().await;
    let figures = get(&world, &owner, "/api/v1/follow-ups/figures?days=60").await;
    let all = &figures["all"];
    assert!(number(&all["opened"]) > 30.0, "{figures}");
    for share in ["contacted", "in_time", "recovered"] {
        let estimate = number(&all[share]["estimate"]);
        assert!(estimate > 0.2 && estimate < 0.95, "{share}: {figures}");
    }
    let later = &figures["later"];
    for group in ["contacted", "others"] {
        assert!(number(&later[group]["people"]) > 5.0, "{group}: {figures}");
    }
    // A call does nothing in the simulation: the interval of the difference holds nought.
    let more = &later["bought_more"];
    assert!(number(&more["low"]) <= 0.0 && number(&more["high"]) >= 0.0, "{figures}");

    // Something stands in every column, and what is told on the timeline happened when it did.
    let rows = get(&world, &owner, "/api/v1/follow-ups?state=done&limit=200").await;
    let done = rows["rows"].as_array().unwrap();
    let row = done.iter().find(|row| row["outcome"] == "recovered").unwrap();
    let opened_at = Timestamp::parse(row["opened_at"].as_str().unwrap()).unwrap();
    assert!(opened_at < world.clock_now().plus(-7 * DAY), "{row}");
    let shown = get(&world, &owner, &format!("/api/v1/follow-ups/{}", row["id"].as_str().unwrap())).await;
    let lines = shown["log"].as_array().unwrap();
    let times: Vec<&str> = lines.iter().map(|it| it["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted() && lines.iter().any(|it| it["act"] == "contacted" && !it["text"].is_null()), "{shown}");
    let person = row["person_id"].as_str().unwrap();
    let timeline = get(&world, &owner, &format!("/api/v1/customers/{person}/timeline?limit=200")).await;
    let told: Vec<&Value> = timeline["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["name"].as_str().is_some_and(|name| name.starts_with("Follow-up ")))
        .map(|it| &it["occurred_at"])
        .collect();
    assert!(!told.is_empty(), "{timeline}");
    for at in told {
        assert!(Timestamp::parse(at.as_str().unwrap()).unwrap() < world.clock_now().plus(-DAY), "{timeline}");
    }

    // The same customers, the same loop.
    let (again, other) = shop().await;
    assert_eq!(get(&again, &other, "/api/v1/follow-ups/figures?days=60").await, figures);

    let improvements = get(&world, &owner, "/api/v1/improvements").await;
    let states: Vec<&str> =
        improvements["rows"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["proposed", "decided", "changed"], "{improvements}");
    let id = improvements["rows"][2]["id"].as_str().unwrap();
    let effect = get(&world, &owner, &format!("/api/v1/improvements/{id}/effect")).await;
    for side in ["before", "after"] {
        assert!(number(&effect[side]["texts"]) > 20.0 && number(&effect[side]["about_it"]) > 0.0, "{effect}");
        assert!(number(&effect["score"][side]["answers"]) > 10.0, "{effect}");
    }
    assert!(number(&effect["share_change"]["low"]) < number(&effect["share_change"]["high"]), "{effect}");

    let topics = get(&world, &owner, "/api/v1/topics").await;
    assert_eq!(topics["version"], 1);
    assert!(number(&topics["examples"]) > 5.0, "{topics}");
    let aspects = get(&world, &owner, "/api/v1/topics/aspects").await;
    assert!(aspects["rows"].as_array().unwrap().iter().any(|it| it["key"] == "durability"), "{aspects}");
    let intents = get(&world, &owner, "/api/v1/intents").await;
    assert!(intents["rows"].as_array().unwrap().len() == 5 && number(&intents["accuracy"]) > 0.5, "{intents}");
    let text = json!({"text": "Hello, where does my parcel stay? It should have been delivered on Monday."});
    let guesses = call(&world, &owner, axum::http::Method::POST, "/api/v1/intents/guess", text).await.json();
    assert_eq!(guesses["rows"][0]["intent"], "where_is_my_order", "{guesses}");
}
