//! Segment's HTTP contract as SDKs see it.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_server::auth::Scope;
use serde_json::{Value, json};

use crate::hostile::gzip;
use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_is_taken_with_short_names_and_slashes() {
    let world = World::new().await;
    let (key, _) = world.write_key("shop", None).await;
    let event =
        json!({"userId": "u1", "anonymousId": "a1", "event": "Order Completed", "groupId": "g", "previousId": "p"});
    for (at, word) in
        ["identify", "track", "page", "screen", "group", "alias", "i", "t", "p", "s", "g", "a"].into_iter().enumerate()
    {
        for slash in ["", "/"] {
            let answer = world.collect(&format!("/v1/{word}{slash}"), &key, event.to_string()).await;
            assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({"success": true})), "{word}{slash}");
        }
        assert_eq!(world.events(), 2 * (at as u64 + 1));
    }
    let batch = json!({"batch": [{"type": "track", "userId": "u1", "event": "A"}, {"type": "page", "userId": "u1"}]});
    for word in ["batch", "b", "import"] {
        let before = world.events();
        assert_eq!(world.collect(&format!("/v1/{word}"), &key, batch.to_string()).await.status, StatusCode::OK);
        assert_eq!(world.events(), before + 2, "{word}");
    }
    assert_eq!(world.collect("/v1/nonsense", &key, "{}").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_may_be_in_header_body_or_query() {
    let world = World::new().await;
    let (key, _) = world.write_key("shop", None).await;
    let event = json!({"type": "track", "userId": "u1", "event": "A"});
    let with_key = json!({"batch": [event], "writeKey": key}).to_string();
    let answer = world.request(Method::POST, "/v1/batch", &[("content-type", "text/plain")], with_key.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    // RudderStack's SDK for Node: gzip that calls itself a form.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = world.request(Method::POST, "/v1/batch", &form, gzip(with_key.as_bytes())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let bearer = [("authorization", "Bearer of-something-else")];
    assert_eq!(world.request(Method::POST, "/v1/batch", &bearer, with_key).await.status, StatusCode::OK);
    let beacon = format!("/beacon/v1/batch?writeKey={key}");
    assert_eq!(
        world.request(Method::POST, &beacon, &[], json!({"batch": [event]}).to_string()).await.status,
        StatusCode::OK
    );
    assert_eq!(world.events(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_a_401_with_code_and_message() {
    let world = World::new().await;
    let (key, _) = world.write_key("shop", None).await;
    let event = json!({"userId": "u1", "event": "A", "writeKey": "wrong"}).to_string();
    for answer in [
        world.collect("/v1/track", "wrong", event.clone()).await,
        world.request(Method::POST, "/v1/track", &[], event).await,
        world.request(Method::POST, "/v1/track", &[], r#"{"userId":"u1","event":"A"}"#).await,
        world.collect("/v1/track", &world.api_key(&[Scope::Write], None).await, "{}").await,
    ] {
        let body = answer.json();
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!((body["success"].clone(), body["code"].as_str()), (json!(false), Some("invalid_write_key")));
        assert!(body["message"].as_str().is_some_and(|text| text.contains("write key")), "{body}");
        assert_eq!(answer.header("www-authenticate"), "", "browsers would open a dialog");
    }
    assert_eq!(world.events(), 0);
    let unsafe_key = world.collect("/v1/track", &format!("{key}x"), "{}").await;
    assert_eq!(unsafe_key.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_mixed_batch_the_good_ones_are_kept_and_the_bad_ones_listed() {
    let world = World::new().await;
    let (key, source) = world.write_key("shop", None).await;
    let batch = json!({"batch": [
        {"type": "track", "userId": "u1", "event": "Good"},
        {"type": "track", "event": "Nobody's"},
        {"type": "track", "userId": "u2", "event": "Bad time", "timestamp": "yesterday"},
        {"type": "identify", "userId": "ann@example.org", "traits": {"email": "ann@example.org"}},
    ]});
    let answer = world.collect("/v1/batch", &key, batch.to_string()).await;
    let body = answer.json();
    assert_eq!((answer.status, body["success"].clone()), (StatusCode::OK, json!(true)));
    let bad: Vec<(u64, &str, &str)> = body["rejects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["index"].as_u64().unwrap(), r["code"].as_str().unwrap(), r["where"].as_str().unwrap()))
        .collect();
    assert_eq!(bad, [(1, "no_identifier", "batch[1].userId"), (2, "bad_time", "batch[2].timestamp")]);
    assert_eq!(world.events(), 2);

    let reader = format!("Bearer {}", world.api_key(&[Scope::Read], None).await);
    let list = world.get("/api/v1/rejects", &[("authorization", &reader)]).await.json();
    assert_eq!((list["total"].clone(), list["next"].clone()), (json!(2), Value::Null));
    assert_eq!(list["rows"][0]["source_name"], "shop");
    let sources = world.get("/api/v1/sources", &[("authorization", &reader)]).await.json();
    assert_eq!(sources["rows"][0]["rejects"], 2);
    let live = world.get(&format!("/api/v1/sources/{source}/live"), &[("authorization", &reader)]).await;
    assert_eq!(live.json()["events"][1]["name"], "Good", "{}", live.text());
    assert_eq!(live.json()["rejects"].as_array().unwrap().len(), 2);
    assert!(!live.text().contains("ann@example.org"), "live events show no contact data");
    let health = world.get("/api/v1/data-health", &[("authorization", &reader)]).await.json();
    assert_eq!(health["rejects_24h"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_nothing_is_good_the_answer_is_400() {
    let world = World::new().await;
    let (key, _) = world.write_key("shop", None).await;
    let answer = world.collect("/v1/track", &key, r#"{"userId":"u1"}"#).await;
    let body = answer.json();
    assert_eq!((answer.status, body["code"].as_str()), (StatusCode::BAD_REQUEST, Some("events_rejected")));
    assert_eq!(body["message"], "event: this call needs event");
    assert_eq!(world.collect("/v1/batch", &key, r#"{"batch":[]}"#).await.json(), json!({"success": true}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_message_again_is_taken_once() {
    let world = World::new().await;
    let (key, _) = world.write_key("shop", None).await;
    let event = json!({"userId": "u1", "event": "A", "messageId": "m-1"}).to_string();
    for _ in 0..3 {
        assert_eq!(world.collect("/v1/track", &key, event.clone()).await.json(), json!({"success": true}));
    }
    assert_eq!(world.events(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_of_any_site_may_send() {
    let world = World::new().await;
    let headers = [
        ("origin", "https://shop.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization,content-type,x-retry-count"),
    ];
    for path in ["/v1/t", "/v1/batch/", "/v1/projects/x/settings"] {
        let answer = world.request(Method::OPTIONS, path, &headers, Body::empty()).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (StatusCode::OK, "*"), "{path}");
        assert_eq!(answer.header("access-control-allow-headers"), "authorization,content-type,x-retry-count");
    }
    let answer = world.collect("/v1/t", "wrong", "{}").await;
    assert_eq!(answer.header("access-control-allow-origin"), "*", "also of errors");
    let api = world.request(Method::OPTIONS, "/api/v1/me", &headers, Body::empty()).await;
    assert_eq!(api.header("access-control-allow-origin"), "", "the API is not for other sites");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_browser_sdk_finds_its_settings() {
    let world = World::new().await;
    let (key, _) = world.write_key("shop", None).await;
    let answer = world.get(&format!("/v1/projects/{key}/settings"), &[("host", "127.0.0.1:8480")]).await;
    let segment = answer.json()["integrations"]["Segment.io"].clone();
    assert_eq!(
        (segment["apiKey"].as_str(), segment["apiHost"].as_str()),
        (Some(key.as_str()), Some("127.0.0.1:8480/v1"))
    );
    assert_eq!(segment["protocol"], "http");
    assert_eq!(world.get("/v1/projects/wrong/settings", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pixel_is_always_a_picture() {
    let world = World::new().await;
    let (key, _) = world.write_key("shop", None).await;
    let data = json!({"writeKey": key, "userId": "u1", "event": "Mail seen"}).to_string();
    let data = BASE64_STANDARD.encode(data).replace('+', "%2B").replace('=', "%3D");
    for (path, events) in [
        (format!("/pixel/v1/track?data={data}"), 1),
        (format!("/pixel/v1/page/?writeKey={key}&anonymousId=a1"), 2),
        ("/pixel/v1/track?writeKey=wrong&userId=u1&event=A".to_owned(), 2),
        ("/pixel/v1/track?data=%%%".to_owned(), 2),
    ] {
        let answer = world.get(&path, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "image/gif"), "{path}");
        assert!(answer.body.starts_with(b"GIF89a") && answer.body.ends_with(b";"));
        assert_eq!(answer.header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!(world.events(), events, "{path}");
    }
}
