//! Who is in segments, what sets them apart, what they are worth; lists, flows and files.

use axum::http::{Method, StatusCode};
use rapport_domain::Timestamp;
use rapport_server::auth::Role;
use rapport_server::records::workspaces::FIRST;
use rapport_server::{exporting, keeper, scoring};
use serde_json::{Value, json};

use super::world::{Browser, World};

async fn send(world: &World, key: &str, calls: Vec<Value>) {
    for calls in calls.chunks(200) {
        let answer = world.collect("/v1/batch", key, json!({ "batch": calls }).to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    world.app.pipeline.drain().await.unwrap();
}

async fn post(world: &World, browser: &Browser, path: &str, body: Value) -> Value {
    let [cookie, token] = browser.writes();
    let headers = [cookie, token, ("content-type", "application/json")];
    let answer = world.request(Method::POST, path, &headers, body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn get(world: &World, browser: &Browser, path: &str) -> Value {
    let answer = world.get(path, &browser.reads()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn segment(world: &World, browser: &Browser, key: &str, text: &str) {
    post(world, browser, "/api/v1/segments", json!({"key": key, "name": key, "text": text})).await;
    keeper::fill_workspace(&world.app.installation, FIRST).await.unwrap();
}

/// 60 customers: those with an even number are Swedes who order, look at lists first and are content; the others look only.
async fn shop(world: &World) -> String {
    let (key, _) = world.write_key("Web", None).await;
    let now = world.clock_now();
    let mut calls = Vec::new();
    for number in 0..60 {
        let user = format!("u{number}");
        let is_even = number % 2 == 0;
        let country = if is_even { "SE" } else { "DE" };
        let mut call = |hours: i64, mut call: Value| {
            call["userId"] = json!(user);
            call["messageId"] = json!(format!("{user}-{hours}-{}", call["event"]));
            call["timestamp"] = json!(now.plus(-hours * Timestamp::HOUR).to_rfc3339());
            calls.push(call);
        };
        call(
            900,
            json!({"type": "identify", "traits": {"country": country, "email": format!("{user}@example.org"), "name": format!("Name {number}")}}),
        );
        let steps: &[&str] = if is_even {
            &["Product List Viewed", "Product Viewed", "Product Added"]
        } else {
            &["Product Viewed", "Product List Viewed"]
        };
        for (at, name) in steps.iter().enumerate() {
            call(80 - i64::try_from(at).unwrap(), json!({"type": "track", "event": name}));
        }
        if is_even {
            for order in 0..3 {
                let properties =
                    json!({"order_id": format!("o{number}-{order}"), "revenue": 10 + number, "currency": "EUR"});
                call(800 - order * 240, json!({"type": "track", "event": "Order Completed", "properties": properties}));
            }
            call(70, json!({"type": "track", "event": "Survey Answered", "properties": {"score": 9}}));
        }
    }
    send(world, &key, calls).await;
    key
}

#[tokio::test]
async fn members_are_listed_intersected_compared_and_worth_something() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let key = shop(&world).await;
    segment(&world, &browser, "buyers", r#"performed "Order Completed" at least 2 times"#).await;
    segment(&world, &browser, "viewers", r#"performed "Product Viewed""#).await;
    segment(&world, &browser, "swedes", "trait country = SE").await;
    segment(&world, &browser, "fresh", r#"performed "Product Viewed" in the last 4 days"#).await;

    let now = get(&world, &browser, "/api/v1/segments/buyers/members").await;
    assert_eq!(now["rows"].as_array().unwrap().len(), 30);
    let entered = get(&world, &browser, "/api/v1/segments/buyers/members?list=entered").await;
    assert_eq!(entered["rows"].as_array().unwrap().len(), 30);
    let since = world.clock_now().to_rfc3339();
    let none = get(&world, &browser, &format!("/api/v1/segments/buyers/members?list=entered&since={since}")).await;
    assert_eq!(none["rows"], json!([]));
    world.clock.advance(2 * Timestamp::DAY);
    while world.app.installation.memberships.wake(FIRST, || None).await.unwrap() {}
    let browser = Browser::of(&world.sign_in("owner@example.org", super::world::PASSWORD).await);
    let left = get(&world, &browser, "/api/v1/segments/fresh/members?list=left").await;
    assert_eq!(left["rows"].as_array().unwrap().len(), 50, "a page of the sixty who left: {left}");
    assert!(left["rows"][0]["left_at"].is_string() && left["next"].is_string());

    let crossed = get(&world, &browser, "/api/v1/segments/intersections?keys=buyers,viewers,swedes").await;
    assert_eq!(
        crossed["rows"],
        json!([{"keys": ["viewers"], "people": 30}, {"keys": ["buyers", "viewers", "swedes"], "people": 30}])
    );
    let one = world.get("/api/v1/segments/intersections?keys=buyers", &browser.reads()).await;
    assert_eq!(one.status, StatusCode::UNPROCESSABLE_ENTITY);

    let traits = get(&world, &browser, "/api/v1/segments/buyers/traits").await;
    assert_eq!((&traits["members"], &traits["others"]), (&json!(30), &json!(30)));
    let rows = traits["rows"].as_array().unwrap();
    let row = |key: &str, value: Value| rows.iter().find(|row| row["key"] == key && row["value"] == value);
    let swedes = row("trait.country", json!("SE")).unwrap();
    assert_eq!(
        (&swedes["members_share"], &swedes["others_share"], &swedes["distinct"]),
        (&json!(1.0), &json!(0.0), &json!(true))
    );
    assert_eq!(row("Product Viewed", Value::Null).unwrap()["distinct"], false);
    assert!(
        rows.iter().all(|row| row["key"] != "trait.email" && row["key"] != "trait.name"),
        "nothing personal: {traits}"
    );

    let persona = get(&world, &browser, "/api/v1/segments/buyers/persona").await;
    assert_eq!((&persona["enough"], &persona["size"]), (&json!(true), &json!(30)));
    let orders = persona["figures"].as_array().unwrap().iter().find(|figure| figure["key"] == "orders").unwrap();
    assert_eq!((&orders["median"], &orders["low"]), (&json!(3.0), &json!(3.0)));
    assert_eq!(persona["example"]["figures"]["orders"], 3.0);
    let steps = json!(["Product List Viewed", "Product Viewed", "Product Added"]);
    assert!(persona["paths"].as_array().unwrap().iter().any(|path| path["steps"] == steps), "{persona}");
    segment(&world, &browser, "few", "in segment buyers and in bucket 0 to 20 of few").await;
    let few = get(&world, &browser, "/api/v1/segments/few/persona").await;
    assert_eq!((&few["enough"], &few["example"], &few["traits"]), (&json!(false), &Value::Null, &json!([])));

    // Members from their second order on: two orders each, and the first was not yet a member's.
    let value = get(&world, &browser, "/api/v1/segments/buyers/value?months=3").await;
    let sum =
        |name: &str| value["rows"].as_array().unwrap().iter().map(|row| row[name].as_f64().unwrap_or(0.0)).sum::<f64>();
    let each: f64 = (0..60).step_by(2).map(|number| f64::from(10 + number)).sum();
    assert_eq!((sum("orders"), sum("revenue"), sum("others_revenue")), (60.0, 2.0 * each, each), "{value}");
    assert_eq!((sum("answers"), sum("satisfaction") > 0.0), (30.0, true), "{value}");
    send(&world, &key, Vec::new()).await;
}

#[tokio::test]
async fn a_list_is_a_fact_that_conditions_ask_for() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    shop(&world).await;
    let list = post(&world, &browser, "/api/v1/lists", json!({"name": "VIP guests"})).await;
    assert_eq!((&list["key"], &list["size"]), (&json!("vip-guests"), &json!(0)));
    segment(&world, &browser, "vip", "in list vip-guests").await;
    let wanted = json!({"identifiers": ["u1", " U2@example.org ", "nobody"], "customers": ["12"]});
    let changed = post(&world, &browser, "/api/v1/lists/vip-guests/members", wanted).await;
    assert_eq!(changed, json!({"changed": 2, "unknown": ["12", "nobody"]}));
    let again = post(&world, &browser, "/api/v1/lists/vip-guests/members", json!({"identifiers": ["u1"]})).await;
    assert_eq!(again["changed"], 0);
    assert_eq!(get(&world, &browser, "/api/v1/lists").await["rows"][0]["size"], 2);
    let on_it = get(&world, &browser, "/api/v1/lists/vip-guests/members").await;
    assert_eq!(on_it["rows"].as_array().unwrap().len(), 2);
    let members = get(&world, &browser, "/api/v1/segments/vip/members").await;
    assert_eq!(members["rows"].as_array().unwrap().len(), 2, "at once: {members}");
    world.clock.advance(Timestamp::SECOND);
    let taken_off = json!({"identifiers": ["u1"], "remove": true});
    assert_eq!(post(&world, &browser, "/api/v1/lists/vip-guests/members", taken_off).await["changed"], 1);
    let members = get(&world, &browser, "/api/v1/segments/vip/members").await;
    assert_eq!(members["rows"].as_array().unwrap().len(), 1);
    let delete = async |path: &str| world.request(Method::DELETE, path, &browser.writes(), "").await.status;
    assert_eq!(delete("/api/v1/lists/vip-guests").await, StatusCode::UNPROCESSABLE_ENTITY, "a segment asks for it");
    assert_eq!(delete("/api/v1/segments/vip").await, StatusCode::NO_CONTENT);
    assert_eq!(delete("/api/v1/lists/vip-guests").await, StatusCode::NO_CONTENT);
    assert_eq!(get(&world, &browser, "/api/v1/lists").await["rows"], json!([]));
}

#[tokio::test]
async fn stages_are_told_and_their_flows_can_be_seen() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let key = shop(&world).await;
    let installation = &world.app.installation;
    assert!(scoring::refresh_standing(installation, FIRST).await.unwrap() > 0);
    assert_eq!(scoring::refresh_standing(installation, FIRST).await.unwrap(), 0, "nothing changed");
    segment(&world, &browser, "advocates", "fact lifecycle.stage = advocate").await;
    let members = get(&world, &browser, "/api/v1/segments/advocates/members").await;
    assert_eq!(members["rows"].as_array().unwrap().len(), 30, "they order again and answered nine: {members}");
    let from = world.clock_now().to_rfc3339();
    world.clock.advance(Timestamp::DAY);
    let browser = Browser::of(&world.sign_in("owner@example.org", super::world::PASSWORD).await);
    let order = json!({"type": "track", "event": "Order Completed", "userId": "u1", "messageId": "new",
        "timestamp": world.clock_now().to_rfc3339(), "properties": {"order_id": "n1", "revenue": 5}});
    send(&world, &key, vec![order]).await;
    world.app.pipeline.settle().await.unwrap();
    scoring::refresh_standing(installation, FIRST).await.unwrap();
    let flows = get(&world, &browser, &format!("/api/v1/flows?fact=lifecycle.stage&from={from}")).await;
    assert_eq!(flows["values"], json!(["considering", "first_purchase", "advocate"]));
    let link = |was: &str, is: &str| {
        let links = flows["links"].as_array().unwrap();
        links.iter().find(|link| link["was"] == was && link["is"] == is).map(|link| link["people"].as_u64().unwrap())
    };
    assert_eq!((link("considering", "first_purchase"), link("considering", "considering")), (Some(1), Some(29)));
    let path = format!("/api/v1/flows/people?fact=lifecycle.stage&from={from}&was=considering&is=first_purchase");
    let people = get(&world, &browser, &path).await;
    assert_eq!((people["rows"].as_array().unwrap().len(), &people["more"]), (1, &json!(false)));
    let levels = get(&world, &browser, "/api/v1/flows?fact=engagement.level").await;
    assert!(levels["values"].as_array().unwrap().contains(&json!("medium")), "equal people share a rank: {levels}");
}

#[tokio::test]
async fn members_leave_as_files_on_request_and_on_schedule() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    shop(&world).await;
    segment(&world, &browser, "buyers", r#"performed "Order Completed""#).await;
    let csv = world.get("/api/v1/segments/buyers/members.csv", &browser.reads()).await;
    let text = csv.text();
    assert_eq!(text.lines().count(), 31, "{text}");
    assert!(text.contains(",u4,u4@example.org,Name 4,"), "{text}");
    let viewer = world.browser(Role::Viewer).await;
    let forbidden = world.get("/api/v1/segments/buyers/members.csv", &viewer.reads()).await;
    assert_eq!(forbidden.status, StatusCode::FORBIDDEN);

    let [cookie, token] = browser.writes();
    let headers = [cookie, token, ("content-type", "application/json")];
    let path = "/api/v1/segments/buyers/exports";
    let wrong =
        world.request(Method::PUT, path, &headers, json!({"format": "xls", "every_hours": 1}).to_string()).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let saved =
        world.request(Method::PUT, path, &headers, json!({"format": "parquet", "every_hours": 6}).to_string()).await;
    assert_eq!(saved.json()["schedule"]["format"], "parquet", "{}", saved.text());
    let installation = &world.app.installation;
    let runs = async || get(&world, &browser, path).await["runs"].as_array().unwrap().len();
    exporting::write_due(installation).await.unwrap();
    assert_eq!(runs().await, 0, "not yet due");
    world.clock.advance(Timestamp::MINUTE);
    exporting::write_due(installation).await.unwrap();
    exporting::write_due(installation).await.unwrap();
    assert_eq!(runs().await, 1, "once");
    for _ in 0..4 {
        world.clock.advance(20 * Timestamp::MINUTE);
        post(&world, &browser, &format!("{path}/run"), json!({})).await;
    }
    let shown = get(&world, &browser, path).await;
    assert_eq!((&shown["runs"][0]["rows"], &shown["runs"][0]["error"]), (&json!(30), &Value::Null), "{shown}");
    let newest = installation.folder.join(shown["runs"][0]["file"].as_str().unwrap());
    assert_eq!(std::fs::read(&newest).unwrap()[..4], *b"PAR1");
    assert_eq!(std::fs::read_dir(newest.parent().unwrap()).unwrap().count(), 3, "only the newest are kept");
    assert_eq!(world.request(Method::DELETE, path, &browser.writes(), "").await.status, StatusCode::NO_CONTENT);
    assert_eq!(get(&world, &browser, path).await["schedule"], Value::Null);
}

/// Every template reads back, states its thresholds, and finds people where there are some.
#[tokio::test]
async fn templates_have_the_thresholds_of_the_workspace() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let empty = get(&world, &browser, "/api/v1/segments/templates").await;
    assert!(empty["rows"].as_array().unwrap().len() > 30, "{empty}");
    shop(&world).await;
    scoring::refresh_standing(&world.app.installation, FIRST).await.unwrap();
    let templates = get(&world, &browser, "/api/v1/segments/templates").await;
    let rows = templates["rows"].as_array().unwrap();
    let find = |key: &str| rows.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}: {templates}"));
    // Thirty buyers spent 30 to 204; 90 % spent at most 186.
    assert_eq!(find("value_top")["thresholds"], json!({"spent": 180}));
    assert_eq!(find("frequent")["thresholds"], json!({"orders": 3}));
    assert_eq!(find("dormant")["thresholds"], json!({"days": 30.0}));
    assert_eq!(find("country_SE")["text"], "fact trait.country = SE".replace("fact trait.", "trait "));
    assert!(rows.iter().all(|row| row["key"] != "abandoned" && row["key"] != "basic_use"), "there are no such events");
    for row in rows {
        let body = json!({"text": row["text"], "exact": true});
        let found = post(&world, &browser, "/api/v1/conditions/estimate", body).await;
        let wanted = match row["key"].as_str().unwrap() {
            "frequent" | "stage_advocate" | "country_SE" | "promoters" => Some(30),
            "country_DE" | "stage_considering" => Some(30),
            "one_time" | "detractors" | "stage_lost" => Some(0),
            _ => None,
        };
        assert!(wanted.is_none_or(|wanted| found["people"] == wanted), "{row}: {found}");
    }
}

/// A receiver of webhooks: takes one request after the other, answers with the next status, and hands over what came.
pub async fn receiver(statuses: Vec<u16>) -> (String, tokio::sync::mpsc::UnboundedReceiver<(String, Value)>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, received) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut statuses = statuses.into_iter();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let (head, body) = loop {
                let mut buffer = [0; 4_096];
                let count = stream.read(&mut buffer).await.unwrap();
                bytes.extend_from_slice(&buffer[..count]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((head, body)) = text.split_once("\r\n\r\n")
                    && let Ok(body) = serde_json::from_str::<Value>(body)
                {
                    break (head.to_owned(), body);
                }
                assert!(count > 0, "{text}");
            };
            sender.send((head, body)).unwrap();
            let status = statuses.next().unwrap_or(204);
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, received)
}

#[tokio::test]
async fn a_webhook_gets_each_event_once_in_order_and_what_failed_again() {
    let world = World::new().await;
    let browser = world.browser(Role::Owner).await;
    let key = shop(&world).await;
    segment(&world, &browser, "buyers", r#"performed "Order Completed" at least 4 times"#).await;
    let (url, mut received) = receiver(vec![204, 500, 204]).await;
    let hook = json!({"url": url, "events": ["membership.entered"], "segments": ["buyers"]});
    let hook = post(&world, &browser, "/api/v1/webhooks", hook).await;
    assert!(hook["secret"].as_str().unwrap().starts_with("whsec_") && hook["waiting"] == 0, "{hook}");
    let list = get(&world, &browser, "/api/v1/webhooks").await;
    assert_eq!(list["rows"][0].get("secret"), None, "it is shown once");
    let installation = &world.app.installation;
    let send_due = async |private: bool| rapport_server::webhooks::send_due(installation, private).await.unwrap();
    let order = async |user: &str| {
        let call = json!({"type": "track", "event": "Order Completed", "userId": user, "messageId": format!("w-{user}"),
            "timestamp": world.clock_now().to_rfc3339(), "properties": {"order_id": format!("w-{user}"), "revenue": 5}});
        send(&world, &key, vec![call]).await;
    };
    order("u0").await;
    order("u2").await;

    // An address of the own network is not sent to unless that is allowed.
    send_due(false).await;
    let shown = get(&world, &browser, "/api/v1/webhooks").await["rows"][0].clone();
    assert!(shown["last_error"].as_str().unwrap().contains("public internet"), "{shown}");
    assert!(received.try_recv().is_err());
    world.clock.advance(Timestamp::MINUTE);

    send_due(true).await;
    let (head, first) = received.recv().await.unwrap();
    assert_eq!((&first["type"], &first["data"]["segment"]), (&json!("membership.entered"), &json!("buyers")));
    let header = |head: &str, name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(name)).map(str::to_owned);
        line.unwrap_or_else(|| panic!("{name} in {head}"))
    };
    assert!(header(&head, "webhook-signature").contains("v1,"));
    let (failed, _) = received.recv().await.unwrap();
    let shown = get(&world, &browser, "/api/v1/webhooks").await["rows"][0].clone();
    assert_eq!((&shown["last_status"], &shown["waiting"]), (&json!(500), &json!(1)), "{shown}");
    assert!(!send_due(true).await, "not before its pause");
    world.clock.advance(10 * Timestamp::SECOND);
    send_due(true).await;
    let (again, _) = received.recv().await.unwrap();
    assert_eq!(header(&again, "webhook-id"), header(&failed, "webhook-id"), "the same event keeps its id");
    assert!(!send_due(true).await && received.try_recv().is_err(), "nothing is left");

    let [cookie, token] = browser.writes();
    let headers = [cookie, token, ("content-type", "application/json")];
    for wrong in
        [json!({"url": "ftp://x", "events": ["membership.entered"]}), json!({"url": url, "events": ["order.paid"]})]
    {
        let answer = world.request(Method::POST, "/api/v1/webhooks", &headers, wrong.to_string()).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
    }
    let path = format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap());
    let tested = post(&world, &browser, &format!("{path}/test"), json!({})).await;
    assert!(tested["error"].as_str().unwrap().contains("public internet"), "{tested}");
    assert_eq!(world.request(Method::DELETE, &path, &browser.writes(), "").await.status, StatusCode::NO_CONTENT);
}
