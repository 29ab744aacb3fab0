//! Points that a step of a journey gives; and circles between journeys and rules, found when one of them is saved.

use axum::http::{Method, StatusCode};
use rapport_server::records::workspaces::FIRST;
use rapport_server::sending::acts;
use rapport_store::{Queries, args, sql};
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, launch, person, settle, track, world};
use crate::sink::{Manner, Sink};
use crate::world::{Browser, World};

async fn put(world: &World, owner: &Browser, path: &str, body: Value) -> (StatusCode, String) {
    let saved = call(world, owner, Method::PUT, path, body).await;
    (saved.status, saved.text())
}

async fn founded(sink: &Sink, enrolment: &str) -> (World, Browser, String) {
    let (world, owner, key) = world(sink).await;
    let program = json!({
        "name": "Club", "zone": "UTC", "currency": "EUR", "enrolment": {"by": enrolment},
        "wallets": [{"key": "points", "name": "Points"}, {"key": "stamps", "name": "Stamps", "unit": {"kind": "stamps"}}],
    });
    let (status, text) =
        put(&world, &owner, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    happen(&world, &key, person(1, "ann@example.com")).await;
    (world, owner, key)
}

fn gives(entry: &str, reentry: Value, with: Value) -> Value {
    json!({"name": "Thanks", "definition": {"entry": {"event": {"name": entry}}, "reentry": reentry, "start": "give", "nodes": [
        {"id": "give", "step": {"act": {"action": "give_points", "with": with, "next": null}}}]}})
}

async fn acted(world: &World) -> Vec<(String, Option<String>)> {
    while acts::do_due(&world.app.installation).await.unwrap() {}
    let text = sql!("SELECT state, error FROM journey_acts WHERE workspace = $1 ORDER BY id");
    world.app.installation.store.read().fetch_all(text, args![FIRST]).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journey_gives_points_once() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink, "earning").await;
    launch(&world, &owner, gives("Survey Answered", json!("after_exit"), json!({"points": 50, "wallet": "stamps"})))
        .await;
    happen(&world, &key, vec![track("a1", "u1", "Survey Answered", json!({"survey": "nps", "score": 9}))]).await;
    settle(&world).await;
    assert_eq!(acted(&world).await, [("done".to_owned(), None)]);
    let members = get(&world, &owner, "/api/v1/loyalty/members").await;
    assert_eq!(
        (&members["rows"][0]["wallets"][0]["wallet"], &members["rows"][0]["wallets"][0]["available"]),
        (&json!("stamps"), &json!(50)),
        "{members}"
    );
    // The act is done again, as after a crash between giving and noting it.
    let mut tx = world.app.installation.store.begin(rapport_store::Priority::Interactive).await.unwrap();
    let again = sql!("UPDATE journey_acts SET state = 'queued', due_at = decided_at WHERE workspace = $1");
    tx.execute(again, args![FIRST]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(acted(&world).await, [("done".to_owned(), None)]);
    let members = get(&world, &owner, "/api/v1/loyalty/members").await;
    assert_eq!(members["rows"][0]["wallets"][0]["available"], json!(50), "given once");
    let id = members["rows"][0]["member_id"].as_str().unwrap();
    let operations = get(&world, &owner, &format!("/api/v1/loyalty/members/{id}/operations")).await;
    assert_eq!(
        (&operations["rows"][0]["source_kind"], operations["rows"].as_array().unwrap().len()),
        (&json!("journey"), 1),
        "{operations}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_member_gets_nothing_and_staff_see_why() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink, "hand").await;
    launch(&world, &owner, gives("Signed Up", json!("never"), json!({"points": 50}))).await;
    happen(&world, &key, vec![track("s1", "u1", "Signed Up", json!({}))]).await;
    settle(&world).await;
    let why = Some("they are no member of the programme".to_owned());
    assert_eq!(acted(&world).await, [("failed".to_owned(), why)]);
    assert_eq!(get(&world, &owner, "/api/v1/loyalty/members").await["rows"], json!([]));
}

fn rewards(with: Value) -> Value {
    let mut plan = gives("Apology Owed", json!("after_exit"), with);
    plan["definition"]["nodes"][0]["step"]["act"]["action"] = json!("give_reward");
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journey_gives_a_reward_out_of_its_budget_for_surprises() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = founded(&sink, "earning").await;
    let mug = json!({"version": 0, "state": "live", "reward": {"name": "Mug", "gives": {"kind": "code"},
        "prices": [{"points": 500}], "surprises": {"most": 1, "every": "month"}}});
    let (status, text) = put(&world, &owner, "/api/v1/loyalty/rewards/mug", mug).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let with = json!({"reward": "mug", "reason": "Sorry for the wait"});
    for wrong in [
        json!({"reward": "mug"}),
        json!({"reward": "none", "reason": "x"}),
        json!({"reward": "mug", "reason": "x", "points": 1}),
    ] {
        let found = findings(&world, &owner, &rewards(wrong.clone())).await;
        assert!(found.iter().any(|(code, _)| code == "act"), "{wrong}: {found:?}");
    }
    let id = crate::engaging::only_person(&world, &owner, "ann").await;
    let member = call(&world, &owner, Method::POST, "/api/v1/loyalty/members", json!({"person_id": id})).await.json();
    let member = member["member_id"].as_str().unwrap();
    launch(&world, &owner, rewards(with)).await;
    happen(&world, &key, vec![track("apology-1", "u1", "Apology Owed", json!({}))]).await;
    settle(&world).await;
    assert_eq!(acted(&world).await, [("done".to_owned(), None)]);
    // Done again, as after a crash between giving and noting it.
    let mut tx = world.app.installation.store.begin(rapport_store::Priority::Interactive).await.unwrap();
    let again = sql!("UPDATE journey_acts SET state = 'queued', due_at = decided_at WHERE workspace = $1");
    tx.execute(again, args![FIRST]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(acted(&world).await, [("done".to_owned(), None)]);
    let given = get(&world, &owner, &format!("/api/v1/loyalty/members/{member}/redemptions")).await;
    let rows = given["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "given once: {given}");
    assert_eq!(
        (&rows[0]["is_surprise"], &rows[0]["points"], &rows[0]["reason"]),
        (&json!(true), &json!(0), &json!("Sorry for the wait")),
        "{given}"
    );
    // The budget is spent: staff see why nothing was given.
    happen(&world, &key, vec![track("apology-2", "u1", "Apology Owed", json!({}))]).await;
    settle(&world).await;
    let all = acted(&world).await;
    let failed: Vec<_> = all.iter().filter(|(state, why)| state == "failed" && why.is_some()).collect();
    assert_eq!((all.len(), failed.len()), (2, 1), "{all:?}");
}

/// The findings of a plan: code and text.
async fn findings(world: &World, owner: &Browser, plan: &Value) -> Vec<(String, String)> {
    let body = json!({"definition": plan["definition"]});
    let found = call(world, owner, Method::POST, "/api/v1/journeys/check", body).await.json();
    let text = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
    found["findings"].as_array().unwrap().iter().map(|it| (text(it, "code"), text(it, "text"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn circles_and_wrong_steps_are_found_before_they_begin() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, _) = founded(&sink, "earning").await;
    for with in [
        json!({}),
        json!({"points": 0}),
        json!({"points": "5"}),
        json!({"points": 5, "wallet": "miles"}),
        json!({"points": 5, "into": "points"}),
    ] {
        let found = findings(&world, &owner, &gives("Signed Up", json!("never"), with.clone())).await;
        assert!(found.iter().any(|(code, _)| code == "act"), "{with}: {found:?}");
    }
    // By itself: points for points.
    let itself = gives("Points Earned", json!("after_exit"), json!({"points": 5}));
    let found = findings(&world, &owner, &itself).await;
    assert!(found.iter().any(|(code, text)| code == "causes_itself" && text.contains("`Points Earned`")), "{found:?}");
    let once = gives("Points Earned", json!("never"), json!({"points": 5}));
    assert_eq!(findings(&world, &owner, &once).await, [], "whoever comes in once gets them once");
    // By what is known of points.
    let mut known = itself.clone();
    known["definition"]["entry"] = json!({"segment_entered": {"when": {"fact": {"key": "points.points.available", "op": "at_least", "value": 1}}}});
    let found = findings(&world, &owner, &known).await;
    assert!(found.iter().any(|(code, _)| code == "causes_itself"), "{found:?}");

    // Through another: whoever earns comes into a journey, and whoever comes into a journey earns.
    let tells = json!({"name": "Tells", "definition": {"entry": {"event": {"name": "Points Earned"}}, "reentry": "after_exit", "start": "tell", "nodes": [
        {"id": "tell", "step": {"act": {"action": "tell_event", "with": {"name": "Thanked"}, "next": null}}}]}});
    launch(&world, &owner, tells.clone()).await;
    let rule = |event: &str| json!({"version": 0, "state": "live", "rule": {"name": "Thanked", "event": event, "gives": {"kind": "fixed", "points": 5}}});
    let (status, text) = put(&world, &owner, "/api/v1/loyalty/rules/thanked", rule("Thanked")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(text.contains("the rule `thanked` → `Points Earned` → the journey `tells` → `Thanked`"), "{text}");
    let mut draft = rule("Thanked");
    draft["state"] = json!("draft");
    assert_eq!(
        put(&world, &owner, "/api/v1/loyalty/rules/thanked", draft).await.0,
        StatusCode::OK,
        "a draft gives nothing"
    );
    assert_eq!(put(&world, &owner, "/api/v1/loyalty/rules/other", rule("Order Completed")).await.0, StatusCode::OK);
    // The other way round: the rule is there, and the journey would close the circle.
    let stop = json!({"state": "stopped"});
    assert_eq!(call(&world, &owner, Method::POST, "/api/v1/journeys/tells/state", stop).await.status, StatusCode::OK);
    let mut live = rule("Thanked");
    live["version"] = json!(1);
    let (status, text) = put(&world, &owner, "/api/v1/loyalty/rules/thanked", live).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    let again = call(&world, &owner, Method::POST, "/api/v1/journeys/tells/launch", json!({})).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", again.text());
    assert!(again.text().contains("again and again"), "{}", again.text());
}
