//! Whoever refused to be understood in numbers: no model learns from them, says anything of them, or keeps what it said.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::modelling::{self, CHURN_FACTS, FACTS, NEXT};
use rapport_server::records::workspaces::FIRST;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get};
use crate::models::{only, people_of};
use crate::world::{Browser, World};

#[test]
fn whoever_refuses_is_nobody_to_any_model_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), refused);
}

#[test]
fn whoever_refuses_is_nobody_to_any_model_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), refused);
}

/// Notes what somebody said of being understood in numbers.
pub async fn note(world: &World, owner: &Browser, person: &str, state: &str) {
    let said = json!({"state": state, "channel": "any", "purpose": "analytics"});
    let path = format!("/api/v1/customers/{person}/consents");
    let answer = call(world, owner, Method::POST, &path, said).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    world.app.pipeline.drain().await.unwrap();
    world.clock.advance(Timestamp::MINUTE);
}

/// The facts that models told of somebody, as they are now.
async fn facts(world: &World, person: &str) -> Vec<(String, Value)> {
    let text = sql!(
        "SELECT f.fact_key, f.value FROM facts f JOIN identifiers i ON i.workspace = f.workspace AND i.handle = f.handle
         WHERE i.person = $1 ORDER BY f.fact_key, f.recorded_at"
    );
    let person: i64 = person.parse().unwrap();
    let rows: Vec<(String, String)> = world.app.installation.store.read().fetch_all(text, args![person]).await.unwrap();
    let mut found: Vec<(String, Value)> = Vec::new();
    let own = |key: &str| ["value.", "churn.", "next_order.", "propensity."].iter().any(|it| key.starts_with(it));
    for (key, value) in rows.into_iter().filter(|it| own(&it.0)) {
        let value = serde_json::from_str(&value).unwrap();
        match found.last_mut().filter(|it| it.0 == key) {
            Some(last) => last.1 = value,
            None => found.push((key, value)),
        }
    }
    found
}

/// How many people a version's card says may not be used.
fn left_out(version: &Value) -> i64 {
    let mut sentences = version["card"]["left_out"].as_array().unwrap().iter().filter_map(Value::as_str);
    let said = sentences.find_map(|it| it.strip_suffix(" people whose data may not be used."));
    said.map_or(0, |it| it.parse().unwrap())
}

async fn refused(database: TestDatabase) {
    let world = World::over_with(&database, &[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    world.fill(1_000, 3).await;
    world.app.pipeline.settle().await.unwrap();
    only(&world, &["value", "churn"]).await;
    let propensity =
        json!({"settings": {"name": "Next", "label": {"kind": "purchase"}, "horizon_weeks": 8, "active_weeks": 156}});
    let made = call(&world, &owner, Method::POST, "/api/v1/models/propensities", propensity).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let settle = async || modelling::settle(&world.app.installation).await.unwrap();
    settle().await;
    let models = ["value", "churn", "propensity.next"];
    let people = async |model: &str| {
        let all = people_of(&world, &owner, model, "").await;
        all.iter().map(|it| it["customer"]["person_id"].as_str().unwrap().to_owned()).collect::<Vec<String>>()
    };
    let mut before = Vec::new();
    for model in models {
        before.push(people(model).await);
    }
    let learnt_from = async |model: &str| {
        get(&world, &owner, &format!("/api/v1/models/{model}")).await["live"]["people"].as_i64().unwrap()
    };
    let mut learnt = Vec::new();
    for model in models {
        learnt.push(learnt_from(model).await);
    }
    let baskets = async || {
        let answer = call(&world, &owner, Method::POST, "/api/v1/baskets/ask", json!({"period": {"all": true}})).await;
        answer.json()["baskets"].as_u64().unwrap()
    };
    let orders = baskets().await;

    // Somebody of whom all of them say something, and who is waited for.
    let mut person = String::new();
    for candidate in &before[0] {
        let told = facts(&world, candidate).await;
        let is_whole = told.iter().any(|it| it.0 == NEXT && it.1.is_string());
        if is_whole && before.iter().all(|all| all.contains(candidate)) {
            person = candidate.clone();
            break;
        }
    }
    let told = facts(&world, &person).await;
    let keys: Vec<&str> = told.iter().map(|it| it.0.as_str()).collect();
    for key in FACTS.into_iter().chain(CHURN_FACTS).chain([NEXT, "propensity.next"]) {
        assert!(keys.contains(&key), "{key}: {keys:?}");
    }
    assert!(told.iter().all(|it| !it.1.is_null()), "{told:?}");
    let next = told.iter().find(|it| it.0 == NEXT).unwrap().1.as_str().unwrap().to_owned();
    let scores = get(&world, &owner, &format!("/api/v1/customers/{person}/scores")).await;
    let of_value = scores["rows"].as_array().unwrap().iter().find(|it| it["model"] == "value").unwrap();
    assert_eq!(of_value["detail"]["next"]["expected_at"], json!(next));

    note(&world, &owner, &person, "denied").await;
    world.clock.advance(2 * Timestamp::DAY);
    settle().await;
    for (model, before) in models.iter().zip(&before) {
        let now = people(model).await;
        assert!(!now.contains(&person) && now.len() + 1 == before.len(), "{model}: {} of {}", now.len(), before.len());
    }
    let told = facts(&world, &person).await;
    assert!(told.iter().all(|it| it.1.is_null()), "there is nothing to say of them: {told:?}");
    assert_eq!(get(&world, &owner, &format!("/api/v1/customers/{person}/scores")).await["rows"], json!([]));
    assert!(baskets().await < orders, "nor are their orders in baskets");
    rapport_server::recommending::refresh(&world.app.installation, FIRST).await.unwrap();
    let tried = get(&world, &owner, &format!("/api/v1/models/recommendations/try?person={person}")).await;
    assert_eq!(
        (&tried["is_restricted"], &tried["own"]),
        (&json!(true), &json!([])),
        "nor is anything offered by what they did"
    );
    // They are no row of the next fit.
    for (model, before) in models.iter().zip(&learnt) {
        let asked = call(&world, &owner, Method::POST, &format!("/api/v1/models/{model}/fit"), Value::Null).await;
        assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
        settle().await;
        let version = get(&world, &owner, &format!("/api/v1/models/{model}/versions/2")).await;
        assert_eq!(version["version"]["people"].as_i64().unwrap(), before - 1, "{model}");
        let first = get(&world, &owner, &format!("/api/v1/models/{model}/versions/1")).await;
        // Some of the sample shop's people refused before.
        assert_eq!(left_out(&version), left_out(&first) + 1, "{model}: {}", version["card"]["left_out"]);
    }
    // Whoever agrees again is told of again.
    note(&world, &owner, &person, "granted").await;
    world.clock.advance(2 * Timestamp::DAY);
    settle().await;
    for (model, before) in models.iter().zip(&before) {
        assert_eq!(people(model).await.len(), before.len(), "{model}");
    }
    assert!(facts(&world, &person).await.iter().filter(|it| it.0 != NEXT).all(|it| !it.1.is_null()));
}
