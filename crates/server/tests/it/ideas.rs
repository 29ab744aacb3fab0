//! The ideas box from outside: people propose and vote without JavaScript, once each; staff decide, answer and merge.

use axum::http::{Method, StatusCode};
use rapport_server::auth::Role;
use serde_json::{Value, json};

use crate::engaging::{call, get, happen, only_person};
use crate::world::{Answer, Browser, World};

const IDEAS: &str = "/api/v1/ideas";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn open(world: &World, owner: &Browser, is_moderated: bool) -> String {
    let settings =
        json!({"settings": {"is_open": true, "is_moderated": is_moderated, "text": {"en": "Tell us <b>more</b>"}}});
    let saved = call(world, owner, Method::PUT, &format!("{IDEAS}/settings"), settings).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let json = saved.json();
    let url = json["page_url"].as_str().unwrap();
    url[url.find("/ideas/").unwrap()..].to_owned()
}

async fn send(world: &World, path: &str, form: &str, cookie: &str) -> Answer {
    world.request(Method::POST, path, &[FORM, ("cookie", cookie)], form.to_owned()).await
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn list(world: &World, owner: &Browser) -> Vec<Value> {
    get(world, owner, IDEAS).await["rows"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_propose_and_vote_once_each() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let path = open(&world, &owner, false).await;
    let html = world.get(&path, &[]).await.text();
    assert!(html.contains("<form method=\"post\"") && !html.contains("<script") && !html.contains("<b>more"), "{html}");
    assert!(world.get(&path, &[("accept-language", "zh")]).await.text().contains("哪里可以更好"));
    let proposal =
        "act=propose&start=s1&title=Please+offer+gift+wrapping&text=Mail+ann%40example.org+%22%3E%3Cscript%3E";
    let first = send(&world, &path, proposal, "").await;
    assert_eq!(first.status, StatusCode::SEE_OTHER, "{}", first.text());
    let ann = cookie(&first);
    assert_eq!(send(&world, &path, &format!("{proposal}&sure=yes"), &ann).await.status, StatusCode::SEE_OTHER);
    let rows = list(&world, &owner).await;
    assert_eq!((rows.len(), &rows[0]["votes"]), (1, &json!(1)), "the same form is one idea, and its writer wants it");
    assert!(rows[0]["text"].as_str().unwrap().contains("[email]"), "{rows:?}");
    let html = world.get(&path, &[("cookie", &ann)]).await.text();
    assert!(html.contains("No longer") && !html.contains("<script"), "{html}");

    // What looks like it is shown before it is kept; whoever is sure proposes it all the same.
    let alike = send(&world, &path, "act=propose&start=s2&title=Gift+wrapping+please", "").await;
    assert!(alike.status == StatusCode::OK && alike.text().contains("Is it one of these?"), "{}", alike.text());
    assert_eq!(list(&world, &owner).await.len(), 1);
    let sure = send(&world, &path, "act=propose&start=s2&title=Gift+wrapping+please&sure=yes", "").await;
    let bob = cookie(&sure);
    assert_eq!(list(&world, &owner).await.len(), 2);

    let id = rows[0]["id"].as_str().unwrap().to_owned();
    let votes = async || {
        get(&world, &owner, IDEAS).await["rows"].as_array().unwrap().iter().find(|it| it["id"] == id.as_str()).unwrap()
            ["votes"]
            .clone()
    };
    for _ in 0..2 {
        send(&world, &path, &format!("act=vote&idea={id}"), &bob).await;
    }
    assert_eq!(votes().await, 2);
    send(&world, &path, &format!("act=unvote&idea={id}"), &bob).await;
    assert_eq!(votes().await, 1);
    // Looking is no vote, nor is a form of another site, a made-up idea, or a program's.
    world.get(&format!("{path}?act=vote&idea={id}"), &[]).await;
    let foreign = world
        .request(Method::POST, &path, &[FORM, ("sec-fetch-site", "cross-site")], format!("act=vote&idea={id}"))
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    send(&world, &path, "act=vote&idea=ide_none", "rapport_ideas=../../x").await;
    send(&world, &path, "act=propose&title=Buy+now&website=spam", "").await;
    assert_eq!(send(&world, &path, "act=propose&title=+", "").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((votes().await, list(&world, &owner).await.len()), (json!(1), 2));
    for other in ["/ideas/x", &path[..path.len() - 1]] {
        assert_eq!(world.get(other, &[]).await.status, StatusCode::NOT_FOUND);
    }
    call(&world, &owner, Method::PUT, &format!("{IDEAS}/settings"), json!({"settings": {"is_open": false}})).await;
    assert_eq!(world.get(&path, &[]).await.status, StatusCode::GONE);
    send(&world, &path, &format!("act=vote&idea={id}"), &bob).await;
    assert_eq!(votes().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_long_is_shown_again_and_what_was_changed_is_proposed_too() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let path = open(&world, &owner, false).await;
    for (title, text) in [("x".repeat(121), String::new()), ("Gift wrapping".to_owned(), "%E5%A5%BD".repeat(2_001))] {
        let refused = send(&world, &path, &format!("act=propose&start=s1&title={title}&text={text}"), "").await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains("too long") && refused.text().contains(&title), "it is there to be shortened");
        assert!(text.is_empty() || refused.text().matches('好').count() == 2_001);
    }
    assert_eq!(list(&world, &owner).await, Vec::<Value>::new());
    let text = "%E5%A5%BD".repeat(2_000);
    send(&world, &path, &format!("act=propose&start=s1&title={}&text={text}", "x".repeat(120)), "").await;
    assert_eq!(list(&world, &owner).await[0]["text"], "好".repeat(2_000));
    // Gone back to, and another: not the same form any more.
    for title in ["Open+on+Sundays", "Open+on+Sundays", "Repair+what+breaks"] {
        send(&world, &path, &format!("act=propose&start=s1&title={title}&sure=yes"), "").await;
    }
    assert_eq!(list(&world, &owner).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_see_it_first_decide_answer_and_merge() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let agent = world.browser(Role::Agent).await;
    let (key, _) = world.write_key("Web", None).await;
    happen(&world, &key, vec![json!({"type": "identify", "userId": "u1", "messageId": "i1", "traits": {"name": "Ann Weber", "email": "ann@example.org"}})]).await;
    let ann = only_person(&world, &owner, "ann").await;
    let path = open(&world, &owner, true).await;
    send(&world, &path, "act=propose&start=s1&title=A+filter+for+colours", "").await;
    assert!(!world.get(&path, &[]).await.text().contains("A filter for colours"), "nobody of us has seen it");
    let taken = call(
        &world,
        &agent,
        Method::POST,
        IDEAS,
        json!({"title": "Filter by colours", "text": "Says Ann Weber", "person_id": ann, "origin": "call-1"}),
    )
    .await;
    assert_eq!(taken.json()["is_new"], true, "{}", taken.text());
    let again =
        call(&world, &agent, Method::POST, IDEAS, json!({"title": "Filters by colour", "origin": "call-1"})).await;
    assert_eq!(again.json(), json!({"id": null, "is_new": false}));
    let rows = list(&world, &owner).await;
    let find = |state: &str| rows.iter().find(|row| row["state"] == state).unwrap()["id"].as_str().unwrap().to_owned();
    let (asked, called) = (find("new"), find("open"));
    let own = rows.iter().find(|row| row["id"] == called.as_str()).unwrap();
    assert_eq!((&own["person_name"], &own["text"]), (&json!("Ann Weber"), &json!("Says [name]")));
    assert_eq!(own["topics"], json!(["looks"]), "{own}");
    let similar = get(&world, &owner, &format!("{IDEAS}/{asked}/similar")).await;
    assert_eq!(similar["rows"][0]["id"], called.as_str());
    let post = async |id: &str, what: &str, body: Value| {
        call(&world, &agent, Method::POST, &format!("{IDEAS}/{id}/{what}"), body).await
    };
    for body in [
        json!({"state": "declined"}),
        json!({"state": "new"}),
        json!({"state": "gone"}),
        json!({"state": "open", "answer": "x".repeat(2_001)}),
    ] {
        assert_eq!(post(&asked, "decision", body.clone()).await.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    assert_eq!(
        post(&asked, "decision", json!({"state": "planned", "answer": "In spring"})).await.json()["answered_by"],
        "Test"
    );
    assert!(world.get(&path, &[]).await.text().contains("In spring"));
    assert_eq!(post(&asked, "votes", json!({"person_id": ann})).await.json()["votes"], 2);
    assert_eq!(post(&asked, "votes", json!({"person_id": ann})).await.json()["votes"], 2);
    // Ann has one vote for both.
    assert_eq!(post(&called, "merge", json!({"into": asked})).await.json()["votes"], 2);
    assert_eq!(post(&called, "votes", json!({"person_id": ann})).await.status, StatusCode::CONFLICT);
    assert_eq!(post(&asked, "merge", json!({"into": asked})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(post(&asked, "votes", json!({"person_id": ann, "wants": false})).await.json()["votes"], 1);
    let viewer = world.browser(Role::Viewer).await;
    let refused =
        call(&world, &viewer, Method::POST, &format!("{IDEAS}/{asked}/decision"), json!({"state": "done"})).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(post("ide_none", "decision", json!({"state": "done"})).await.status, StatusCode::NOT_FOUND);
}
