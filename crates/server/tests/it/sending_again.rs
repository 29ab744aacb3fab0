//! What is sent again, what waits and what is left: mail servers that never answer, journeys that are paused, failures that are tried again by hand,
//! readers who complain.

use axum::http::{Method, StatusCode};
use rapport_domain::{Channel, PersonId, Timestamp};
use rapport_engagement::journey::Class;
use rapport_engagement::records::messages::{self, Heard, MessageRow, Outcome};
use rapport_server::records::workspaces::FIRST;
use rapport_server::sending::outcomes;
use rapport_store::Priority;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, launch, one_mail, only_person, person, settle, with_template, world};
use crate::sink::{Act, Manner, Sink};
use crate::world::{Browser, World};

async fn insert(world: &World, rows: &[MessageRow]) {
    let mut tx = world.app.installation.store.begin(Priority::Background).await.unwrap();
    messages::insert(&mut tx, FIRST, rows).await.unwrap();
    tx.commit().await.unwrap();
}

fn queued(id: &str, person: PersonId, class: Class, world: &World) -> MessageRow {
    let row = MessageRow::queued(id.to_owned(), person, Channel::Email, class, world.app.now());
    MessageRow { template: "welcome".to_owned(), ..row }
}

async fn note(world: &World, id: &str, outcome: Outcome<'_>) {
    let mut tx = world.app.installation.store.begin(Priority::Background).await.unwrap();
    messages::note(&mut tx, id, &outcome).await.unwrap();
    tx.commit().await.unwrap();
}

async fn row(world: &World, id: &str) -> MessageRow {
    messages::find(&mut world.app.installation.store.read(), FIRST, id).await.unwrap().unwrap()
}

/// State and reason.
async fn told(world: &World, id: &str) -> (String, Option<String>) {
    let row = row(world, id).await;
    (row.state, row.reason)
}

async fn replay(world: &World, owner: &Browser, id: Option<&str>) -> Value {
    let answer = call(world, owner, Method::POST, "/api/v1/messages/replay", json!({ "id": id })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

async fn ann(world: &World, owner: &Browser, key: &str, address: &str) -> PersonId {
    with_template(world, owner).await;
    happen(world, key, person(1, address)).await;
    PersonId(only_person(world, owner, address.split('@').next().unwrap()).await.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_gets_it_three_times_and_no_more() {
    let sink = Sink::start(Manner::default(), &[("mute.example", Act::Cut("."))]).await;
    let (world, owner, key) = world(&sink).await;
    let ann = ann(&world, &owner, &key, "ann@mute.example").await;
    insert(&world, &[queued("msg_1", ann, Class::Marketing, &world)]).await;
    let copies = || sink.commands().iter().filter(|line| *line == "DATA").count();
    for _ in 0..12 {
        settle(&world).await;
        world.clock.advance(5 * Timestamp::HOUR);
    }
    assert_eq!(copies(), 3);
    let left = row(&world, "msg_1").await;
    assert_eq!((left.state.as_str(), left.reason.as_deref(), left.capped), ("failed", Some("maybe_sent"), true));
    assert!(left.response.unwrap().contains("may have arrived"));
    // Whoever tries all that failed does not mean those that may have arrived; one can be sent once more, knowingly.
    assert_eq!(replay(&world, &owner, None).await["messages"], 0);
    assert_eq!(replay(&world, &owner, Some("msg_1")).await["messages"], 1);
    settle(&world).await;
    assert_eq!((copies(), told(&world, "msg_1").await.0), (4, "sending".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_paused_journey_has_queued_waits_for_it() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let ann = ann(&world, &owner, &key, "ann@example.com").await;
    let definition = one_mail(json!({"event": {"name": "Signed Up"}}), json!({}));
    let journey = launch(&world, &owner, json!({"name": "Hello", "definition": definition})).await;
    let of_journey = |id: &str, state: &str| MessageRow {
        journey: Some(journey.clone()),
        version: 1,
        node: "mail".to_owned(),
        state: state.to_owned(),
        ..queued(id, ann, Class::Marketing, &world)
    };
    let change = async |to: &str| {
        let answer =
            call(&world, &owner, Method::POST, &format!("/api/v1/journeys/{journey}/state"), json!({"state": to}))
                .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    };
    insert(&world, &[of_journey("msg_1", "queued"), of_journey("msg_2", "queued")]).await;
    change("paused").await;
    assert_eq!(told(&world, "msg_1").await.0, "held");
    // Written by somebody who has not heard of the pause; and one that may have arrived already.
    insert(&world, &[of_journey("msg_3", "queued"), of_journey("msg_4", "sending")]).await;
    for _ in 0..3 {
        settle(&world).await;
        world.clock.advance(Timestamp::HOUR);
    }
    assert!(sink.kept().is_empty(), "nothing goes out: {:?}", sink.kept());
    assert_eq!((told(&world, "msg_3").await.0, told(&world, "msg_4").await.0), ("held".into(), "sending".into()));
    let report = get(&world, &owner, &format!("/api/v1/journeys/{journey}/report")).await;
    assert_eq!(report["totals"]["queued"].as_i64().or(report["messages"]["queued"].as_i64()), Some(4), "{report}");
    change("live").await;
    settle(&world).await;
    assert_eq!(sink.kept().len(), 4);
    // A program that ended in the middle of it brings it to its end when it begins again.
    insert(&world, &[MessageRow { due_at: None, ..of_journey("msg_5", "held") }]).await;
    world.app.sender.take_over().await.unwrap();
    settle(&world).await;
    assert_eq!(sink.kept().len(), 5);
    // What was held when it is stopped does not go out.
    insert(&world, &[MessageRow { due_at: None, ..of_journey("msg_6", "held") }]).await;
    change("stopped").await;
    assert_eq!(told(&world, "msg_6").await, ("skipped".into(), Some("stopped".into())));
    insert(&world, &[of_journey("msg_7", "queued")]).await;
    settle(&world).await;
    assert_eq!(told(&world, "msg_7").await, ("skipped".into(), Some("stopped".into())));
    assert_eq!(sink.kept().len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_has_no_place_any_more_when_it_is_tried_again() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let ann = ann(&world, &owner, &key, "ann@example.com").await;
    let caps = json!([{"most": 1, "window": "day"}]);
    let settings =
        json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"}, "quiet": null, "caps": caps}});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/sending/settings", settings).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let all = ["msg_1", "msg_2", "msg_3"].map(|id| queued(id, ann, Class::Marketing, &world));
    insert(&world, &all).await;
    for id in ["msg_1", "msg_3"] {
        note(&world, id, Outcome { reason: Some("sender"), ..Outcome::of("failed") }).await;
    }
    settle(&world).await;
    assert_eq!((sink.kept().len(), told(&world, "msg_2").await.0), (1, "sent".into()));
    replay(&world, &owner, Some("msg_1")).await;
    settle(&world).await;
    assert_eq!(told(&world, "msg_1").await, ("skipped".into(), Some("capped".into())));
    world.clock.advance(Timestamp::DAY);
    replay(&world, &owner, None).await;
    settle(&world).await;
    assert_eq!((told(&world, "msg_3").await.0, row(&world, "msg_3").await.capped), ("sent".into(), true));
    assert_eq!(sink.kept().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_complains_about_marketing_still_hears_what_they_need_to_know() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let ann = ann(&world, &owner, &key, "ann@example.com").await;
    insert(&world, &[queued("msg_1", ann, Class::Marketing, &world)]).await;
    let email = {
        use rapport_profiles::records::identifiers;
        let names = identifiers::by_persons(&mut world.app.installation.store.read(), FIRST, &[ann]).await.unwrap();
        names.iter().find(|name| name.kind == "email").unwrap().handle
    };
    let sent = MessageRow { handle: Some(email), ..queued("msg_2", ann, Class::Marketing, &world) };
    insert(&world, &[sent]).await;
    settle(&world).await;
    let why = ("complained", "spam");
    assert!(outcomes::hear(&world.app.installation, FIRST, "msg_2", Heard::Complained, why).await.unwrap());
    insert(
        &world,
        &[queued("msg_3", ann, Class::Marketing, &world), queued("msg_4", ann, Class::Transactional, &world)],
    )
    .await;
    settle(&world).await;
    assert_eq!(told(&world, "msg_3").await, ("skipped".into(), Some("suppressed".into())));
    assert_eq!(told(&world, "msg_4").await.0, "sent");
}

/// Messages of the company's own systems are asked for caps as all others are: of two for which there is one place, one goes out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_by_the_api_keeps_to_caps() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner, key) = world(&sink).await;
    let ann = ann(&world, &owner, &key, "ann@example.com").await;
    let settings = json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"}, "quiet": null,
        "caps": [{"most": 1, "window": "day"}]}});
    let saved = call(&world, &owner, Method::PUT, "/api/v1/sending/settings", settings).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let send = async |class: &str| {
        let body = json!({"person_id": ann.0.to_string(), "channel": "email", "template": "welcome", "class": class});
        let sent = call(&world, &owner, Method::POST, "/api/v1/messages/send", body).await;
        assert_eq!(sent.status, StatusCode::OK, "{}", sent.text());
        sent.json()["id"].as_str().unwrap().to_owned()
    };
    let both = [send("marketing").await, send("marketing").await];
    let needed = send("transactional").await;
    settle(&world).await;
    let mut came = [told(&world, &both[0]).await, told(&world, &both[1]).await];
    came.sort();
    assert_eq!(came, [("sent".into(), None), ("skipped".into(), Some("capped".into()))]);
    assert_eq!((told(&world, &needed).await.0, sink.kept().len()), ("sent".into(), 2));
    // On the next day there is room for one more.
    world.clock.advance(Timestamp::DAY);
    let next = send("marketing").await;
    settle(&world).await;
    assert_eq!((told(&world, &next).await.0, row(&world, &next).await.capped), ("sent".into(), true));
}
