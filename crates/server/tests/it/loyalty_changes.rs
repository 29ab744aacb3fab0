//! Points that staff give and take through the API, and what members bring along from another programme.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_loyalty::verify::verify;
use rapport_server::auth::Role;
use rapport_server::points;
use rapport_server::records::workspaces::FIRST;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::engaging::{call, get, happen, only_person, person, world};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, Browser, World};

const CHANGES: &str = "/api/v1/loyalty/changes";
const GOODWILL: &str = "/api/v1/loyalty/goodwill";
const GIVEN: &str = "/api/v1/loyalty/goodwill/given";
const BULKS: &str = "/api/v1/loyalty/bulks";
const IMPORTS: &str = "/api/v1/loyalty/imports";

async fn post(world: &World, who: &Browser, path: &str, body: Value) -> Answer {
    call(world, who, Method::POST, path, body).await
}

fn refused(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.json()["code"].as_str()), (status, Some(code)), "{}", answer.text());
}

async fn founded(sink: &Sink, staff: Value) -> (World, Browser) {
    let (world, owner, key) = world(sink).await;
    let program = json!({"name": "Trail club", "zone": "Europe/Berlin", "currency": "EUR", "staff": staff,
        "wallets": [{"key": "points", "name": "Points", "expiry": {"kind": "after", "count": 12, "unit": "months"}}]});
    let saved =
        call(&world, &owner, Method::PUT, "/api/v1/loyalty/program", json!({"version": 0, "program": program})).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    happen(&world, &key, person(1, "ann@example.com")).await;
    happen(&world, &key, person(2, "bob@example.com")).await;
    (world, owner)
}

async fn enrol(world: &World, owner: &Browser, name: &str) -> String {
    let who = only_person(world, owner, name).await;
    let member = post(world, owner, "/api/v1/loyalty/members", json!({"person_id": who})).await.json();
    member["member_id"].as_str().unwrap().to_owned()
}

async fn available(world: &World, owner: &Browser, member: &str) -> i64 {
    let found = get(world, owner, &format!("/api/v1/loyalty/members/{member}")).await;
    found["wallets"][0]["available"].as_i64().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_takes_two_and_goodwill_has_a_limit() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let staff = json!({"alone": [{"role": "owner", "most": 100}], "goodwill": [{"role": "agent", "most": 20, "every": "day"}, {"role": "agent", "most": 500, "every": "ever"}]});
    let (world, owner) = founded(&sink, staff).await;
    let ann = enrol(&world, &owner, "ann@example.com").await;
    let (admin, agent, viewer) =
        (world.browser(Role::Admin).await, world.browser(Role::Agent).await, world.browser(Role::Viewer).await);
    let change =
        |id: &str, amount: i64| json!({"id": id, "member_id": ann, "amount": amount, "reason": "the parcel was late"});
    let small = post(&world, &owner, CHANGES, change("c1", 100)).await;
    assert_eq!((small.status, small.json()["state"].as_str()), (StatusCode::OK, Some("approved")), "{}", small.text());
    refused(
        &post(&world, &owner, CHANGES, json!({"id": "c0", "member_id": ann, "amount": 1, "reason": " "})).await,
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_value",
    );
    let asked = post(&world, &agent, CHANGES, change("c2", 50)).await.json();
    assert_eq!((&asked["state"], &asked["is_own"]), (&json!("asked"), &json!(true)), "agents ask");
    let waiting = get(&world, &admin, &format!("{CHANGES}?state=asked")).await;
    assert_eq!((waiting["rows"].as_array().unwrap().len(), &waiting["rows"][0]["is_own"]), (1, &json!(false)));
    let approve = format!("{CHANGES}/{}/approved", asked["change_id"].as_str().unwrap());
    assert_eq!(post(&world, &agent, &approve, json!({})).await.status, StatusCode::FORBIDDEN);
    let done = post(&world, &admin, &approve, json!({"answer": "yes"})).await;
    assert_eq!(done.json()["state"], "approved", "{}", done.text());
    assert_eq!(available(&world, &owner, &ann).await, 150);
    let own = post(&world, &admin, CHANGES, change("c3", 1)).await.json();
    let approve = format!("{CHANGES}/{}/approved", own["change_id"].as_str().unwrap());
    refused(&post(&world, &admin, &approve, json!({})).await, StatusCode::CONFLICT, "change_is_own");
    let decline = format!("{CHANGES}/{}/declined", own["change_id"].as_str().unwrap());
    assert_eq!(post(&world, &owner, &decline, json!({})).await.json()["state"], "declined");
    refused(&post(&world, &owner, &approve, json!({})).await, StatusCode::CONFLICT, "change_decided");
    refused(
        &post(&world, &owner, &format!("{CHANGES}/chg_0/approved"), json!({})).await,
        StatusCode::NOT_FOUND,
        "change_unknown",
    );
    // Nobody goes round by the ledger's own door.
    let earn = json!({"operations": [{"id": "e1", "member_id": ann, "act": {"kind": "earn", "amount": 101}}]});
    refused(
        &post(&world, &owner, "/api/v1/loyalty/operations", earn).await,
        StatusCode::CONFLICT,
        "change_needs_approval",
    );

    let left = async |who: &Browser| get(&world, who, GOODWILL).await["rows"].clone();
    let limit = |most: i64, every: &str, given: i64| json!({"most": most, "every": every, "given": given, "left": most - given});
    assert_eq!(left(&agent).await, json!([limit(20, "day", 0), limit(500, "ever", 0)]));
    assert_eq!(left(&owner).await, json!([]));
    let gift =
        |id: &str, points: i64| json!({"id": id, "member_id": ann, "points": points, "reason": "for her patience"});
    for _ in 0..2 {
        assert_eq!(post(&world, &agent, GOODWILL, gift("g1", 20)).await.json()["operation_id"], "goodwill:g1");
    }
    assert_eq!(left(&agent).await, json!([limit(20, "day", 20), limit(500, "ever", 20)]));
    refused(&post(&world, &agent, GOODWILL, gift("g2", 1)).await, StatusCode::CONFLICT, "own_limit_reached");
    refused(&post(&world, &owner, GOODWILL, gift("g3", 1)).await, StatusCode::CONFLICT, "own_limit_reached");
    assert_eq!(post(&world, &viewer, GOODWILL, gift("g4", 1)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(available(&world, &owner, &ann).await, 170);
    let seen = get(&world, &viewer, &format!("/api/v1/loyalty/members/{ann}/operations")).await;
    assert_eq!(
        (&seen["rows"][0]["source_kind"], &seen["rows"][0]["source_reason"]),
        (&json!("goodwill"), &json!("for her patience"))
    );
    world.clock.advance(Timestamp::DAY);
    assert_eq!(left(&agent).await, json!([limit(20, "day", 0), limit(500, "ever", 20)]));
    assert_eq!(post(&world, &agent, GOODWILL, gift("g5", 20)).await.status, StatusCode::OK);
    goodwill_is_visible_to_all(&world, [&owner, &viewer], &ann).await;
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

/// Whoever may see people sees what anybody gave, page by page; once what was given is taken back, that too.
async fn goodwill_is_visible_to_all(world: &World, [owner, viewer]: [&Browser; 2], ann: &str) {
    let first = get(world, viewer, &format!("{GIVEN}?limit=1")).await;
    let row = &first["rows"][0];
    assert_eq!(
        (&row["operation_id"], &row["member_id"], &row["wallet"], &row["points"], &row["taken_back"], &row["reason"]),
        (&json!("goodwill:g5"), &json!(ann), &json!("points"), &json!(20), &json!(0), &json!("for her patience")),
        "{first}"
    );
    assert_eq!(row["given_by"], "Test", "the name of whoever gave it: {first}");
    assert!(row["member_name"].is_string() && row["given_at"].is_string(), "{first}");
    let second = get(world, viewer, &format!("{GIVEN}?limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!((&second["rows"][0]["operation_id"], &second["next"]), (&json!("goodwill:g1"), &Value::Null));
    let undo =
        json!({"operations": [{"id": "undo-g5", "member_id": ann, "act": {"kind": "reverse", "of": "goodwill:g5"}}]});
    let undone = post(world, owner, "/api/v1/loyalty/operations", undo).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    let all = get(world, owner, GIVEN).await;
    assert_eq!((all["rows"].as_array().unwrap().len(), &all["rows"][0]["taken_back"]), (2, &json!(20)), "{all}");
    let stranger = world.request(Method::GET, GIVEN, &[], String::new()).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let wrong = call(world, owner, Method::GET, &format!("{GIVEN}?cursor=nonsense"), Value::Null).await;
    refused(&wrong, StatusCode::BAD_REQUEST, "bad_cursor");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_bring_along_what_they_had() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner) = founded(&sink, json!({})).await;
    let bob = enrol(&world, &owner, "bob@example.com").await;
    let text = "mail,points,day,ends\nAnn@Example.com,100,2026-01-10,never\nann@example.com,-30,2026-01-20,\nbob@example.com,ten,2026-01-10,never\n\
        bob@example.com,5,2026-01-11,never\nnobody@example.com,5,2026-01-11,never\n";
    let body = |text: &str, enrol: bool, dry_run: bool| {
        json!({"source": "old-club", "text": text, "who_is": "email", "enrol": enrol, "dry_run": dry_run,
            "columns": {"who": "mail", "points": "points", "at": "day", "expires_at": "ends"}})
    };
    let errors = json!([{"line": 4, "code": "points_unreadable"}, {"line": 6, "code": "who_unknown"}]);
    let tried = post(&world, &owner, IMPORTS, body(text, true, true)).await;
    let came = json!({"lines": 5, "members": 1, "known": 0, "enrolled": 1, "lots": 1, "points": 70, "wrong": 2, "errors": errors});
    assert_eq!((tried.status, tried.json()), (StatusCode::OK, came.clone()), "{}", tried.text());
    assert_eq!(
        get(&world, &owner, "/api/v1/loyalty/members").await["rows"].as_array().unwrap().len(),
        1,
        "it was only tried"
    );
    let stranger = post(&world, &owner, IMPORTS, body(text, false, false)).await.json();
    assert_eq!(stranger["errors"][1], json!({"line": 2, "code": "not_a_member"}), "{stranger}");
    assert_eq!(post(&world, &owner, IMPORTS, body(text, true, false)).await.json(), came);
    let again = post(&world, &owner, IMPORTS, body(text, true, false)).await.json();
    assert_eq!((&again["known"], &again["lots"], &again["enrolled"]), (&json!(1), &json!(0), &json!(0)), "{again}");
    let ann = enrol(&world, &owner, "ann@example.com").await;
    assert_eq!(
        (available(&world, &owner, &ann).await, available(&world, &owner, &bob).await),
        (70, 0),
        "of whoever has a wrong line nothing comes in"
    );
    let member = get(&world, &owner, &format!("/api/v1/loyalty/members/{ann}")).await;
    assert!(member["enrolled_at"].as_str().unwrap().starts_with("2026-01-09T23"), "since their first line: {member}");
    let lots = get(&world, &owner, &format!("/api/v1/loyalty/members/{ann}/lots")).await;
    assert!(lots["rows"][0]["earned_at"].as_str().unwrap().starts_with("2026-01-09T23"), "{lots}");
    let longer = format!("{text}ann@example.com,-10,2026-01-25,\n");
    let differs = post(&world, &owner, IMPORTS, body(&longer, true, false)).await.json();
    assert!(differs["errors"].to_string().contains("history_differs"), "{differs}");
    let wrong = json!({"source": "old-club", "text": text, "who_is": "email", "columns": {"who": "name", "points": "points", "at": "day"}});
    refused(&post(&world, &owner, IMPORTS, wrong).await, StatusCode::UNPROCESSABLE_ENTITY, "invalid_value");
    let agent = world.browser(Role::Agent).await;
    assert_eq!(post(&world, &agent, IMPORTS, body(text, true, false)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(verify(&mut world.app.installation.store.read(), FIRST).await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_accounts_are_adjusted_and_it_is_undone() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let (world, owner) = founded(&sink, json!({"alone": [{"role": "owner", "most": 10}]})).await;
    let (ann, bob) = (enrol(&world, &owner, "ann@example.com").await, enrol(&world, &owner, "bob@example.com").await);
    let body = json!({"id": "b1", "amount": 8, "reason": "the site was down", "member_ids": [ann, bob]});
    let draft = post(&world, &owner, BULKS, body.clone()).await;
    assert_eq!(draft.status, StatusCode::OK, "{}", draft.text());
    let draft = draft.json();
    assert_eq!(
        (&draft["state"], &draft["foreseen"]),
        (&json!("draft"), &json!({"members": 2, "points": 16, "refused": {}}))
    );
    let own = format!("{BULKS}/{}", draft["bulk_id"].as_str().unwrap());
    let started = format!("{own}/started");
    refused(&post(&world, &owner, &started, json!(null)).await, StatusCode::CONFLICT, "change_needs_approval");
    let admin = world.browser(Role::Admin).await;
    assert_eq!(post(&world, &admin, &started, json!(null)).await.json()["state"], "running");
    let (stop, stopped) = watch::channel(false);
    let working = tokio::spawn(points::run(world.app.installation.clone(), stopped));
    let comes_to = async |state: &str| {
        for _ in 0..100 {
            let now = get(&world, &owner, &own).await;
            if now["state"] == state {
                return now;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it never is {state}");
    };
    assert_eq!(comes_to("done").await["posted"], 2);
    assert_eq!((available(&world, &owner, &ann).await, available(&world, &owner, &bob).await), (8, 8));
    assert_eq!(post(&world, &admin, &format!("{own}/undone"), json!(null)).await.status, StatusCode::OK);
    assert_eq!(comes_to("undone").await["undone"], 2);
    stop.send(true).unwrap();
    working.await.unwrap();
    assert_eq!((available(&world, &owner, &ann).await, available(&world, &owner, &bob).await), (0, 0));
    let rows = get(&world, &owner, &format!("{own}/members")).await;
    assert_eq!((rows["rows"].as_array().unwrap().len(), &rows["rows"][0]["state"]), (2, &json!("undone")), "{rows}");
    let none = json!({"id": "b2", "amount": 8, "reason": "why", "segment": "nothing"});
    assert_eq!(post(&world, &owner, BULKS, none).await.status, StatusCode::NOT_FOUND);
    let agent = world.browser(Role::Agent).await;
    assert_eq!(post(&world, &agent, BULKS, body).await.status, StatusCode::FORBIDDEN);
}
