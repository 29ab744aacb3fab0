//! What to offer, by evidence: chosen, judged, held, gone back from; tried with a person; of nobody who was erased or may not be used.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_server::auth::Role;
use rapport_server::installation::MIGRATIONS;
use rapport_server::modelling::{self, job::Sort};
use rapport_server::recommending::learning::{self, LEARN, LEASE};
use rapport_server::records::workspaces::FIRST;
use rapport_store::testing::{TestDatabase, on_postgres, on_sqlite};
use rapport_store::{Priority, Queries, args, sql};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::baskets::planted;
use crate::engaging::{call, get};
use crate::models::only;
use crate::world::{Browser, World};

const MODEL: &str = "/api/v1/models/recommendations";
/// What the sample shop is drawn by.
const SEED: u64 = 3;

async fn settle(world: &World) {
    learning::settle(&world.app.installation).await.unwrap();
}

async fn fit(world: &World, owner: &Browser) -> Value {
    let asked = call(world, owner, Method::POST, &format!("{MODEL}/fit"), Value::Null).await;
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text());
    assert_eq!(asked.json()["fit"]["state"], "queued");
    settle(world).await;
    get(world, owner, MODEL).await
}

async fn tried(world: &World, owner: &Browser, person: &str, more: &str) -> Value {
    get(world, owner, &format!("{MODEL}/try?person={person}{more}")).await
}

/// As if this plan had been chosen.
async fn use_plan(world: &World, plan: Value) {
    let installation = &world.app.installation;
    let find = sql!("SELECT content FROM model_versions WHERE model = 'recommendations' AND state = 'live'");
    let (mut content,): (Value,) = installation.store.read().fetch_optional(find, args![]).await.unwrap().unwrap();
    content["plan"] = plan;
    let mut tx = installation.store.begin(Priority::Interactive).await.unwrap();
    let put = sql!("UPDATE model_versions SET content = $1 WHERE model = 'recommendations' AND state = 'live'");
    tx.execute(put, args![content]).await.unwrap();
    tx.commit().await.unwrap();
    installation.recommender.forget(FIRST);
    assert!(rapport_server::recommending::refresh(installation, FIRST).await.unwrap());
}

fn way<'a>(tried: &'a Value, method: &str) -> &'a Vec<Value> {
    let ways = tried["ways"].as_array().unwrap();
    let way = ways.iter().find(|it| it["method"] == method).unwrap_or_else(|| panic!("{method}: {tried}"));
    way["offers"]["products"].as_array().unwrap()
}

fn ids(products: &[Value]) -> BTreeSet<&str> {
    products.iter().map(|it| it["id"].as_str().unwrap()).collect()
}

fn price(product: &Value) -> f64 {
    product["price"].as_str().unwrap().parse().unwrap()
}

#[test]
fn the_sample_shops_pairs_are_found_and_it_is_offered_by_evidence_on_sqlite() {
    on_sqlite(MIGRATIONS.to_vec(), offered);
}

#[test]
fn the_sample_shops_pairs_are_found_and_it_is_offered_by_evidence_on_postgres() {
    on_postgres(MIGRATIONS.to_vec(), offered);
}

async fn offered(database: TestDatabase) {
    let world = World::over(&database).await;
    let owner = world.browser(Role::Owner).await;
    assert_eq!(world.get(MODEL, &owner.reads()).await.status, StatusCode::NOT_FOUND, "nobody bought yet");
    world.fill(700, SEED).await;
    world.app.pipeline.settle().await.unwrap();
    // What is bought together in this shop is found, too.
    let restricted = planted(&world, &owner, SEED).await;
    let buyers = get(&world, &owner, "/api/v1/customers?sort=spent&limit=4").await["rows"].clone();
    let mut usable =
        buyers.as_array().unwrap().iter().map(|it| it["person_id"].as_str().unwrap()).filter(|it| *it != restricted);
    let [first, second, third] = [(); 3].map(|()| usable.next().unwrap().to_owned());
    let early = world.get(&format!("{MODEL}/try?person={first}"), &owner.reads()).await;
    assert_eq!(
        (early.status, &early.json()["code"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("recommendations_not_ready"))
    );

    settle(&world).await;
    let model = get(&world, &owner, MODEL).await;
    let live = &model["live"];
    assert_eq!(
        (&live["version"], &model["held"], &model["verdict"]),
        (&json!(1), &json!(null), &json!(null)),
        "{model}"
    );
    assert_eq!(
        (&model["fit"]["state"], &model["table"]["version"], &model["table"]["fault"]),
        (&json!("done"), &json!(1), &json!(null))
    );
    let measures = &live["metrics"];
    for it in ["ndcg", "recall", "precision", "hit_rate", "mrr"] {
        let it = &measures["chosen"][it];
        let [low, value, high] = ["low", "value", "high"].map(|end| it[end].as_f64().unwrap());
        assert!(0.0 <= low && low <= value && value <= high && high <= 1.0, "{measures}");
    }
    // What is used is at least as good as what is popular, on the windows that it was chosen on; how much better, the third one says.
    assert!(measures["coverage"].as_f64() >= measures["coverage_popular"].as_f64(), "{measures}");
    let plans = live["tried"].as_array().unwrap();
    assert!(plans.len() > 10 && plans[0]["is_best"] == json!(true) && plans[0]["name"] == live["name"], "{plans:?}");
    let card = world.get(&format!("{MODEL}/versions/1/card"), &owner.reads()).await;
    assert!(card.header("content-type").starts_with("text/markdown") && card.text().contains("What it cannot say"));
    assert_eq!(get(&world, &owner, &format!("{MODEL}/versions/1")).await["card"]["title"], "What to offer whom");
    // It is no model of scores, and makes none.
    only(&world, &[]).await;
    modelling::settle(&world.app.installation).await.unwrap();
    let scoring = get(&world, &owner, "/api/v1/models").await;
    assert_eq!(
        scoring["rows"].as_array().unwrap().iter().map(|it| it["model"].as_str().unwrap()).collect::<Vec<_>>(),
        ["churn", "value"]
    );

    // Of so few customers what is popular may be the best guess. By EASE, what is offered has reasons.
    use_plan(&world, json!({"way": "popular", "whether": true})).await;
    let it = tried(&world, &owner, &first, "").await;
    assert!(way(&it, "for_person").iter().all(|it| it["because"] == "popular" && it["reasons"] == json!([])), "{it}");
    use_plan(&world, json!({"way": "ease", "penalty": 40.0, "whether": true})).await;
    assert_eq!(get(&world, &owner, MODEL).await["table"]["name"], "EASE, λ 40.0");
    // Somebody, in every way.
    let it = tried(&world, &owner, &first, "").await;
    let own = it["own"].as_array().unwrap();
    assert!(!own.is_empty() && it["is_restricted"] == json!(false));
    let had = ids(own);
    let fits = way(&it, "for_person");
    assert!(!fits.is_empty() && ids(fits).is_disjoint(&had), "what they had is not offered: {it}");
    assert!(fits.iter().any(|it| it["because"] == "like" && !it["reasons"].as_array().unwrap().is_empty()), "{it}");
    assert_eq!(it["ways"][1]["offers"]["model_version"], json!(1));
    for product in fits.iter().filter(|it| it["is_filled"] == json!(false)) {
        let reasons = product["reasons"].as_array().unwrap();
        assert!(reasons.iter().all(|it| had.contains(it["id"].as_str().unwrap())), "{product}");
        let shares: f64 = reasons.iter().map(|it| it["share"].as_f64().unwrap()).sum();
        assert!(shares <= 1.0 + 1e-9, "{product}");
    }
    assert_eq!(way(&it, "next_best").len(), 10);
    // By the products of the shop: a dearer one of the same category; one of another category.
    let catalogue: BTreeMap<String, (String, f64)> = {
        let popular = get(&world, &owner, "/api/v1/recommendations?method=popular&limit=100").await;
        let row = |it: &Value| {
            (it["id"].as_str().unwrap().to_owned(), (it["category"].as_str().unwrap().to_owned(), price(it)))
        };
        popular["products"].as_array().unwrap().iter().map(row).collect()
    };
    let dearer = |of: &(String, f64)| catalogue.values().any(|it| it.0 == of.0 && it.1 > of.1 && it.1 <= 3.0 * of.1);
    let (with, (category, cost)) = catalogue.iter().find(|it| dearer(it.1)).unwrap();
    let it = tried(&world, &owner, &first, &format!("&with={with}")).await;
    let up = way(&it, "up_sell");
    assert!(!up.is_empty(), "{it}");
    for product in up {
        assert_eq!((product["category"].as_str(), &product["because"]), (Some(category.as_str()), &json!("dearer")));
        assert!(price(product) > *cost && price(product) <= 3.0 * cost, "{product}");
    }
    let cross = way(&it, "cross_sell");
    assert!(cross.len() == 10 && cross.iter().all(|it| it["category"].as_str() != Some(category.as_str())), "{it}");
    // The same by the door that shops use.
    let answer =
        get(&world, &owner, &format!("/api/v1/recommendations?method=up_sell&person={first}&with={with}")).await;
    assert_eq!((ids(answer["products"].as_array().unwrap()), &answer["model_version"]), (ids(up), &json!(1)));
    let cheap = get(
        &world,
        &owner,
        &format!("/api/v1/recommendations?method=for_person&person={first}&most_price=20&least_price=10.50"),
    )
    .await;
    assert!(cheap["products"].as_array().unwrap().iter().all(|it| (10.5..=20.0).contains(&price(it))), "{cheap}");
    for bad in [
        "method=up_sell",
        "method=cross_sell",
        "method=next_best",
        "method=popular&usual_price=true",
        "method=popular&most_price=cheap",
        "method=popular&least_price=9&most_price=8",
    ] {
        let answer = world.get(&format!("/api/v1/recommendations?{bad}"), &owner.reads()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}: {}", answer.text());
    }
    assert_eq!(world.get(&format!("{MODEL}/try?person=1"), &owner.reads()).await.status, StatusCode::NOT_FOUND);

    use_plan(&world, live["plan"].clone()).await;
    // Erased, somebody is in nothing that is learnt, and cannot be tried.
    let people = live["seen"]["people"].as_i64().unwrap();
    // Who refuses to be understood in numbers is left out from the start.
    let left_out = live["seen"]["restricted"].as_i64().unwrap();
    let erased = call(&world, &owner, Method::POST, &format!("/api/v1/customers/{second}/erasure"), json!({})).await;
    assert!(erased.status.is_success(), "{}", erased.text());
    assert_eq!(world.get(&format!("{MODEL}/try?person={second}"), &owner.reads()).await.status, StatusCode::NOT_FOUND);
    let model = fit(&world, &owner).await;
    assert_eq!(
        (&model["live"]["version"], &model["live"]["seen"]["people"]),
        (&json!(2), &json!(people - 1)),
        "{model}"
    );
    assert!(model["live"]["against"]["version"] == json!(1) && model["live"]["held"] == json!([]));
    // Restricted, they are neither learnt from nor looked at: they get what anybody gets.
    let path = format!("/api/v1/customers/{third}/restriction");
    assert!(call(&world, &owner, Method::PUT, &path, json!({})).await.status.is_success());
    let model = fit(&world, &owner).await;
    let seen = &model["live"]["seen"];
    assert_eq!((&seen["people"], &seen["restricted"]), (&json!(people - 2), &json!(left_out + 1)), "{model}");
    let it = tried(&world, &owner, &third, "").await;
    assert_eq!((&it["is_restricted"], &it["own"], it["ways"].as_array().unwrap().len()), (&json!(true), &json!([]), 1));
    let answer =
        get(&world, &owner, &format!("/api/v1/recommendations?method=for_person&person={third}&not_bought=ever")).await;
    assert!(answer["products"].as_array().unwrap().iter().all(|it| it["because"] == "popular"), "{answer}");
    // Nothing of this is another workspace's.
    assert!(world.app.installation.recommender.table(WorkspaceId(2)).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn learning_that_was_cut_off_is_done_once_and_a_version_that_offers_worse_waits_and_staff_go_back() {
    // Days pass.
    let world = World::with(&[("session.idle_hours", "100000"), ("session.days", "4000")]).await;
    let owner = world.browser(Role::Owner).await;
    world.fill(400, 4).await;
    world.app.pipeline.settle().await.unwrap();
    // Killed in the middle, the job is done again by whoever comes next, and once.
    is_done_once(&world, &learning::SORT, (LEARN, LEASE), "recommendations").await;
    settle(&world).await;
    assert_eq!(get(&world, &owner, MODEL).await["live"]["version"], json!(1));
    // As if the version in use had been learnt from far more people.
    let store = &world.app.installation.store;
    let find = sql!("SELECT content FROM model_versions WHERE model = 'recommendations'");
    let (mut content,): (Value,) = store.read().fetch_optional(find, args![]).await.unwrap().unwrap();
    content["seen"]["people"] = json!(100_000);
    let mut tx = store.begin(Priority::Interactive).await.unwrap();
    let put = sql!("UPDATE model_versions SET content = $1 WHERE model = 'recommendations'");
    tx.execute(put, args![content]).await.unwrap();
    tx.commit().await.unwrap();
    let model = fit(&world, &owner).await;
    assert_eq!(
        (&model["live"]["version"], &model["held"]["version"], &model["table"]["version"]),
        (&json!(1), &json!(2), &json!(1)),
        "{model}"
    );
    assert_eq!(model["held"]["held"][0]["code"], "people_missing");
    let decide = async |version: u32, why: Value| {
        call(&world, &owner, Method::POST, &format!("{MODEL}/versions/{version}/use"), why).await
    };
    assert_eq!(decide(2, json!({"why": " "})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(decide(9, json!({"why": "because"})).await.status, StatusCode::NOT_FOUND);
    let used = decide(2, json!({"why": "We deleted old accounts."})).await;
    assert_eq!((used.status, &used.json()["decided_why"]), (StatusCode::OK, &json!("We deleted old accounts.")));
    assert_eq!(decide(2, json!({"why": "again"})).await.json()["code"], "model_version_live");
    // The next round of preparing offers takes it up.
    settle(&world).await;
    let model = get(&world, &owner, MODEL).await;
    assert_eq!(
        (&model["live"]["version"], &model["held"], &model["table"]["version"]),
        (&json!(2), &json!(null), &json!(2))
    );
    assert_eq!(decide(1, json!({"why": "The first was better."})).await.status, StatusCode::OK);
    let versions = get(&world, &owner, &format!("{MODEL}/versions")).await;
    let states: Vec<&str> =
        versions["rows"].as_array().unwrap().iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["retired", "live"]);
    // Nothing happened since: on schedule nothing is learnt.
    world.clock.advance(8 * Timestamp::DAY);
    settle(&world).await;
    let versions = get(&world, &owner, &format!("{MODEL}/versions")).await;
    assert_eq!(versions["rows"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_little_to_learn_from_is_a_sentence_and_settings_have_bounds() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let model = fit(&world, &owner).await;
    assert_eq!((&model["live"], &model["verdict"]["code"]), (&json!(null), &json!("too_little_time")), "{model}");
    assert_eq!((&model["table"]["products"], &model["table"]["version"]), (&json!(0), &json!(null)));
    let change = async |settings: Value| {
        call(&world, &owner, Method::PUT, MODEL, json!({"settings": settings, "is_paused": true})).await
    };
    for (settings, place) in [
        (json!({"held_weeks": 0}), "settings.held_weeks"),
        (json!({"held_weeks": 14}), "settings.held_weeks"),
        (json!({"fit_days": 91}), "settings.fit_days"),
        (json!({"horizon_weeks": 4}), "settings"),
        (json!("often"), "settings"),
    ] {
        let answer = change(settings.clone()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{settings}: {}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().starts_with(place), "{}", answer.text());
    }
    let changed = change(json!({"held_weeks": 3})).await.json();
    assert_eq!(
        (&changed["settings"], &changed["fit_at"]),
        (&json!({"held_weeks": 3, "fit_days": 7}), &json!(null)),
        "{changed}"
    );
    let viewer = world.browser(Role::Viewer).await;
    let refused = call(&world, &viewer, Method::POST, &format!("{MODEL}/fit"), Value::Null).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for path in ["versions/1", "versions/x", "versions/1/card", "overview"] {
        assert_eq!(world.get(&format!("{MODEL}/{path}"), &owner.reads()).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

/// A job that learns a model, of a workspace in which it is due: somebody had it and is gone, the server stops, and then it is done.
pub async fn is_done_once(world: &World, sort: &Sort, (kind, lease): (&str, Duration), model: &str) {
    let installation = &world.app.installation;
    (sort.due)(installation).await.unwrap();
    (sort.due)(installation).await.unwrap();
    let (stop, stopped) = watch::channel(false);
    let jobs = installation.store.jobs();
    let past_the_lease = i64::try_from(lease.as_micros()).unwrap() + Timestamp::SECOND;
    let lost = jobs.claim(&[kind], lease).await.unwrap().unwrap();
    assert!(!(sort.work)(installation, &stopped).await.unwrap(), "somebody has it");
    world.clock.advance(past_the_lease);
    stop.send_replace(true);
    assert!(!(sort.work)(installation, &stopped).await.unwrap(), "the server stops");
    stop.send_replace(false);
    world.clock.advance(past_the_lease);
    assert!((sort.work)(installation, &stopped).await.unwrap());
    assert!(!(sort.work)(installation, &stopped).await.unwrap(), "that was all");
    let mut tx = installation.store.begin(Priority::Background).await.unwrap();
    assert!(jobs.complete(&mut tx, &lost).await.is_err(), "the lease is lost");
    drop(tx);
    let count = sql!("SELECT COUNT(*) FROM model_versions WHERE model = $1");
    let versions: i64 = installation.store.read().scalar(count, args![model]).await.unwrap();
    assert_eq!(versions, 1);
}
