//! What journeys do beside messages: traits, lists and webhooks, and what becomes of them when somebody or a journey is not there any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use rapport_domain::{Timestamp, WorkspaceId};
use rapport_engagement::records::acts as journey_acts;
use rapport_engagement::records::addresses::{self, DeadRow};
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::sending::acts::{self, posting};
use rapport_server::{engaging, keeper};
use rapport_store::{Priority, Queries, args, sql};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::channels::world;
use crate::engaging::{call, get, launch, only_person, settle, track};
use crate::provider::Provider;
use crate::world::World;

/// Sends events, and lets journeys decide what is to be done; nothing of it is done yet.
async fn decide(world: &World, key: &str, calls: Vec<Value>) {
    let answer = world.collect("/v1/batch", key, json!({ "batch": calls }).to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let app = &world.app;
    for _ in 0..20 {
        app.pipeline.drain().await.unwrap();
        keeper::fill_workspace(&app.installation, FIRST).await.unwrap();
        while app.installation.memberships.wake(FIRST, || None).await.unwrap() {}
        if !engaging::look(&app.installation, app.pipeline.observed(), true).await.unwrap() {
            return;
        }
    }
    panic!("it never comes to rest");
}

async fn states(world: &World) -> Vec<(String, String, Option<String>)> {
    let text = sql!("SELECT kind, state, error FROM journey_acts WHERE workspace = $1 ORDER BY kind, id");
    world.app.installation.store.read().fetch_all(text, args![FIRST]).await.unwrap()
}

fn signed_up(number: usize) -> Vec<Value> {
    let user = format!("u{number}");
    let who = json!({"email": format!("p{number}@example.com")});
    vec![
        json!({"type": "identify", "userId": user, "messageId": format!("i{number}"), "traits": who}),
        track(&format!("s{number}"), &user, "Signed Up", json!({})),
    ]
}

/// Somebody else's server that takes connections and says nothing; how many it had at once at most.
async fn silent() -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let at_most = Arc::clone(&most);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (open, most) = (Arc::clone(&open), Arc::clone(&most));
            tokio::spawn(async move {
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let _ = stream.read_to_end(&mut Vec::new()).await;
                open.fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (url, at_most)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_does_not_answer_holds_up_nobody_else() {
    const PEOPLE: usize = 12;
    let provider = Provider::start(|_, _| (204, String::new())).await;
    let (dead, at_once) = silent().await;
    let (world, owner, key) = world(&[]).await;
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "start": "dead", "nodes": [
        {"id": "dead", "step": {"webhook": {"url": dead, "next": "alive"}}},
        {"id": "alive", "step": {"webhook": {"url": provider.url, "next": "vip"}}},
        {"id": "vip", "step": {"set_trait": {"name": "vip", "value": true, "next": null}}}]});
    launch(&world, &owner, json!({"name": "Tell", "definition": definition})).await;
    decide(&world, &key, (0..PEOPLE).flat_map(signed_up).collect()).await;
    let (installation, client) = (&world.app.installation, &world.app.sender.client);
    let mut hosts = posting::Hosts::default();
    let told = async {
        while provider.kept().len() < PEOPLE || at_once.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // What is done here does not wait for it either, nor what becomes due meanwhile.
        assert!(acts::do_due(installation).await.unwrap());
        decide(&world, &key, signed_up(PEOPLE)).await;
        while provider.kept().len() <= PEOPLE {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::select! {
        posted = posting::post_due(installation, client, &mut hosts) => panic!("it did not wait: {posted:?}"),
        () = told => {}
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("{} were told", provider.kept().len()),
    }
    assert!((1..=4).contains(&at_once.load(Ordering::SeqCst)), "few at once to one host");
    let done = states(&world).await.into_iter().filter(|(kind, state, _)| kind == "trait" && state == "done").count();
    assert_eq!(done, PEOPLE);
    let text = sql!("SELECT COUNT(*) FROM journey_acts WHERE workspace = $1 AND node = 'dead' AND attempts = 0");
    let waiting: i64 = installation.store.read().scalar(text, args![FIRST]).await.unwrap();
    assert!(waiting > 0, "they did not wait for those that hang");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_not_done_for_whoever_is_restricted_nor_for_a_stopped_journey() {
    let provider = Provider::start(|_, _| (500, String::new())).await;
    let (world, owner, key) = world(&[]).await;
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "start": "tell", "nodes": [
        {"id": "tell", "step": {"webhook": {"url": provider.url, "next": "vip"}}},
        {"id": "vip", "step": {"set_trait": {"name": "vip", "value": true, "next": "list"}}},
        {"id": "list", "step": {"list": {"list": "vips", "on": true, "next": null}}}]});
    let list = call(&world, &owner, Method::POST, "/api/v1/lists", json!({"key": "vips", "name": "VIPs"})).await;
    assert!(list.status.is_success(), "{}", list.text());
    let journey = launch(&world, &owner, json!({"name": "Tell", "definition": definition})).await;
    decide(&world, &key, signed_up(1)).await;
    let person = only_person(&world, &owner, "p1").await;
    let restriction = format!("/api/v1/customers/{person}/restriction");
    let done = call(&world, &owner, Method::PUT, &restriction, json!({})).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    settle(&world).await;
    let restricted = |kind: &str| (kind.to_owned(), "skipped".to_owned(), Some("restricted".to_owned()));
    assert_eq!(states(&world).await, ["list_on", "trait", "webhook"].map(restricted));
    assert_eq!(provider.kept().len(), 0);
    // Lifted: whoever comes now is told of, until the journey is stopped.
    let lifted = call(&world, &owner, Method::DELETE, &restriction, Value::Null).await;
    assert_eq!(lifted.status, StatusCode::NO_CONTENT);
    decide(&world, &key, signed_up(2)).await;
    settle(&world).await;
    assert_eq!(provider.kept().len(), 1);
    let stopped =
        call(&world, &owner, Method::POST, &format!("/api/v1/journeys/{journey}/state"), json!({"state": "stopped"}))
            .await;
    assert!(stopped.status.is_success(), "{}", stopped.text());
    for _ in 0..3 {
        world.clock.advance(Timestamp::HOUR);
        settle(&world).await;
    }
    assert_eq!(provider.kept().len(), 1, "it is not tried again");
    let all = states(&world).await;
    assert!(all.contains(&("webhook".to_owned(), "skipped".to_owned(), Some("stopped".to_owned()))), "{all:?}");
    let page = get(&world, &owner, &format!("/api/v1/customers/{person}")).await.to_string();
    assert!(!page.contains("vip"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_listed_with_its_error_and_tried_again() {
    let provider = Provider::start(|_, before| (if before < 2 { 410 } else { 204 }, String::new())).await;
    let (world, owner, key) = world(&[]).await;
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "start": "tell", "nodes": [
        {"id": "tell", "step": {"webhook": {"url": provider.url, "next": null}}}]});
    let journey = launch(&world, &owner, json!({"name": "Tell", "definition": definition})).await;
    decide(&world, &key, (1..=2).flat_map(signed_up).collect()).await;
    settle(&world).await;
    let failed = get(&world, &owner, "/api/v1/failed-acts").await["rows"].clone();
    assert_eq!(failed.as_array().unwrap().len(), 2, "{failed}");
    let row = &failed[0];
    assert_eq!([&row["journey"], &row["node"], &row["kind"]], [&json!(journey), &json!("tell"), &json!("webhook")]);
    assert!(row["error"].as_str().unwrap().contains("410") && row["customer"]["person_id"].is_string(), "{row}");
    let replay = async |body: Value| {
        let answer = call(&world, &owner, Method::POST, "/api/v1/failed-acts/replay", body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        settle(&world).await;
        answer.json()["acts"].clone()
    };
    assert_eq!(replay(json!({"id": "act_of_nobody"})).await, 0);
    assert_eq!(replay(json!({"id": row["id"]})).await, 1);
    assert_eq!(get(&world, &owner, "/api/v1/failed-acts").await["rows"].as_array().unwrap().len(), 1);
    assert_eq!(replay(json!({})).await, 1);
    assert_eq!(get(&world, &owner, "/api/v1/failed-acts").await["rows"], json!([]));
    assert_eq!(provider.kept().len(), 4);
    let ids: std::collections::BTreeSet<String> =
        provider.kept().iter().map(|posted| posted.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.len(), 2, "each keeps its id");
    // Whoever may not change journeys, and whoever is of another workspace.
    let agent = world.browser(Role::Agent).await;
    let refused = call(&world, &agent, Method::POST, "/api/v1/failed-acts/replay", json!({})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let store = &world.app.installation.store;
    let mut tx = store.begin(Priority::Background).await.unwrap();
    tx.execute(sql!("UPDATE journey_acts SET state = 'failed'"), args![]).await.unwrap();
    let other = WorkspaceId(77);
    assert_eq!(journey_acts::failed_rows(&mut tx, other, 10).await.unwrap(), []);
    assert_eq!(journey_acts::replay(&mut tx, other, None, world.app.now(), 10).await.unwrap(), 0);
    assert_eq!(journey_acts::failed_rows(&mut tx, FIRST, 10).await.unwrap().len(), 2);
}

/// Taking somebody out by hand, and writing to an address again, are for those who may; of nobody else's customers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_take_people_out_and_revive_addresses() {
    let (world, owner, key) = world(&[]).await;
    let definition = json!({"entry": {"event": {"name": "Signed Up"}}, "start": "wait", "nodes": [
        {"id": "wait", "step": {"wait": {"how": {"for": "9d"}, "next": null}}}]});
    let journey = launch(&world, &owner, json!({"name": "Wait", "definition": definition})).await;
    decide(&world, &key, signed_up(1)).await;
    let person = only_person(&world, &owner, "p1").await;
    let handles = get(&world, &owner, &format!("/api/v1/customers/{person}")).await["identifiers"].clone();
    let mail = handles.as_array().unwrap().iter().find(|row| row["kind"] == "email").unwrap().clone();
    let handle = rapport_domain::Handle(mail["handle"].as_str().unwrap().parse().unwrap());
    let mut tx = world.app.installation.store.begin(Priority::Background).await.unwrap();
    let dead = DeadRow {
        handle,
        channel: "email".into(),
        topic: String::new(),
        reason: addresses::BOUNCED.into(),
        since: world.app.now(),
        detail: "550 No such user".into(),
    };
    addresses::insert(&mut tx, FIRST, &dead).await.unwrap();
    tx.commit().await.unwrap();
    let (take_out, revive) =
        (format!("/api/v1/journeys/{journey}/take-out"), format!("/api/v1/customers/{person}/revive-address"));
    let (who, channel) = (json!({"person_id": person}), json!({"channel": "email"}));
    let viewer = world.browser(Role::Viewer).await;
    let agent = world.browser(Role::Agent).await;
    for (browser, path, body) in [(&viewer, &take_out, &who), (&agent, &take_out, &who), (&viewer, &revive, &channel)] {
        let refused = call(&world, browser, Method::POST, path, body.clone()).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
    }
    let nobody = call(&world, &owner, Method::POST, &take_out, json!({"person_id": "123"})).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    let nobody = call(&world, &owner, Method::POST, "/api/v1/customers/123/revive-address", channel.clone()).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    let consents = format!("/api/v1/customers/{person}/consents");
    let dead = get(&world, &owner, &consents).await["dead"].clone();
    assert_eq!((&dead[0]["reason"], &dead[0]["detail"]), (&json!("bounced"), &json!("550 No such user")));
    assert!(!dead[0]["address_masked"].as_str().unwrap().contains("p1@"), "{dead}");
    let revived = call(&world, &agent, Method::POST, &revive, channel).await;
    assert_eq!(revived.json(), json!({"addresses": 1}));
    assert_eq!(get(&world, &owner, &consents).await["dead"], json!([]));
    let out = call(&world, &owner, Method::POST, &take_out, who).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.text());
    let own = get(&world, &owner, &format!("/api/v1/customers/{person}/journeys")).await;
    assert_eq!(own["rows"][0]["ended_why"], "manual", "{own}");
}
