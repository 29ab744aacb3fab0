//! The audit log: every read names who, when, what and what for; signing in is noted; owners and admins see it, filtered and as a file.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::records::audit::{self, Filter};
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};

use crate::engaging::{call, get};
use crate::world::{Browser, PASSWORD, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_read_is_noted_with_its_purpose() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    let id = world.get("/api/v1/me", &owner.reads()).await.json()["user"]["id"].as_str().unwrap().to_owned();
    world.clock.advance(Timestamp::SECOND);
    world.get("/api/v1/sources?search=ann@example.org", &owner.reads()).await;
    world.clock.advance(Timestamp::SECOND);
    let mut headers = owner.reads().to_vec();
    headers.push(("x-purpose", "support"));
    world.get("/api/v1/sources/99/live", &headers).await;
    world.get("/api/v1/users", &[]).await;
    let (_folder, store) = world.close().await;
    let notes = audit::page(&mut store.read(), FIRST, &Filter::default(), None, 10).await.unwrap();
    let told: Vec<(&str, &str, u16)> =
        notes.iter().map(|n| (n.action.as_str(), n.purpose.as_str(), n.status)).collect();
    assert_eq!(
        told,
        [
            ("GET /api/v1/sources/99/live", "support", 404),
            ("GET /api/v1/sources", "administration", 200),
            ("POST /sign-in", "administration", 303)
        ],
        "no query, no note about strangers, none about who am I"
    );
    assert!(notes.iter().all(|note| note.actor == id));
}

/// What the log says once it is written: it is written once a second.
async fn told(world: &World, browser: &Browser, query: &str, least: usize) -> Vec<Value> {
    for _ in 0..40 {
        let page = get(world, browser, &format!("/api/v1/audit?{query}")).await;
        let rows = page["rows"].as_array().unwrap().clone();
        if rows.len() >= least {
            return rows;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the audit log never said {least} entries for {query}");
}

fn paths(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| format!("{} {}", row["method"].as_str().unwrap(), row["path"].as_str().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_did_what_is_found_by_actor_kind_object_and_day() {
    let world = World::with(&[("session.idle_hours", "1000")]).await;
    let owner = world.browser(Role::Owner).await;
    let admin = world.browser(Role::Admin).await;
    world.clock.advance(Timestamp::DAY);
    world.sign_in("owner@example.org", "wrong password").await;
    world.sign_in("nobody@example.org", PASSWORD).await;
    world.clock.advance(Timestamp::SECOND);
    let segment = json!({"key": "buyers", "name": "Buyers", "condition": {"performed": {"event": "Order Completed"}}});
    let made = call(&world, &owner, Method::POST, "/api/v1/segments", segment).await;
    assert!(made.status.is_success(), "{}", made.text());
    world.clock.advance(Timestamp::SECOND);
    get(&world, &admin, "/api/v1/segments").await;
    world.clock.advance(Timestamp::SECOND);
    let notice = json!({"key": "news", "texts": {"en": "I agree"}});
    assert!(call(&world, &admin, Method::POST, "/api/v1/privacy/notices", notice).await.status.is_success());

    world.clock.advance(Timestamp::SECOND);
    // A question that is too long for an address changes nothing.
    let asked = json!({"text": "performed \"Order Completed\""});
    call(&world, &owner, Method::POST, "/api/v1/conditions/read", asked).await;
    let looked = told(&world, &owner, "kind=reads&object=conditions", 1).await;
    assert_eq!(paths(&looked), ["POST /api/v1/conditions/read"]);

    let signed = told(&world, &owner, "kind=sign_ins", 3).await;
    assert_eq!(paths(&signed), ["POST /sign-in"; 3], "nobody who is unknown is noted");
    let statuses: Vec<&Value> = signed.iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, [&json!(401), &json!(303), &json!(303)]);
    let changes = told(&world, &owner, "kind=changes&from=2026-11-22", 3).await;
    assert_eq!(paths(&changes), ["POST /api/v1/privacy/notices", "POST /api/v1/segments", "POST /sign-in"]);
    assert_eq!((&changes[0]["actor"], &changes[0]["actor_kind"]), (&json!("Test"), &json!("user")));
    assert_eq!(paths(&told(&world, &owner, "kind=rights", 1).await), ["POST /api/v1/privacy/notices"]);
    let actor = changes[0]["actor_id"].as_str().unwrap();
    let own = told(&world, &owner, &format!("actor={actor}"), 3).await;
    assert_eq!(paths(&own), ["POST /api/v1/privacy/notices", "GET /api/v1/segments", "POST /sign-in"]);
    assert_eq!(paths(&told(&world, &owner, "kind=reads&object=segments", 1).await), ["GET /api/v1/segments"]);
    // What is sought is sought as it is: a line below stands for itself.
    let none = get(&world, &owner, "/api/v1/audit?object=seg_ents").await;
    assert_eq!(none["rows"], json!([]));
    let first_day = get(&world, &owner, "/api/v1/audit?to=2026-11-21").await;
    assert_eq!(paths(first_day["rows"].as_array().unwrap()), ["POST /sign-in"; 2]);
    let page = get(&world, &owner, "/api/v1/audit?kind=changes&limit=2").await;
    let next = page["next"].as_str().unwrap();
    let rest = get(&world, &owner, &format!("/api/v1/audit?kind=changes&limit=50&cursor={next}")).await;
    assert_eq!((page["rows"].as_array().unwrap().len(), rest["rows"].as_array().unwrap().len()), (2, 3));

    let file = world.get("/api/v1/audit.csv?kind=rights", &owner.reads()).await;
    let lines: Vec<String> = file.text().lines().map(str::to_owned).collect();
    assert_eq!((lines.len(), lines[0].as_str()), (2, "at,actor_id,actor,purpose,method,path,status"));
    assert!(lines[1].contains("Test,analytics,POST,/api/v1/privacy/notices,200"), "{}", lines[1]);
    assert_eq!(told(&world, &owner, "kind=exports", 1).await[0]["path"], "/api/v1/audit.csv");
    for query in ["kind=gossip", "from=yesterday", "to=2026-13-01"] {
        let refused = world.get(&format!("/api/v1/audit?{query}"), &owner.reads()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_owners_and_admins_see_it() {
    let world = World::new().await;
    for role in Role::ALL {
        let browser = world.browser(role).await;
        let expected = match role {
            Role::Owner | Role::Admin => StatusCode::OK,
            Role::Analyst | Role::Agent | Role::Viewer => StatusCode::FORBIDDEN,
        };
        for path in ["/api/v1/audit", "/api/v1/audit.csv", "/api/v1/audit/actors"] {
            assert_eq!(world.get(path, &browser.reads()).await.status, expected, "{role:?} {path}");
        }
    }
}
