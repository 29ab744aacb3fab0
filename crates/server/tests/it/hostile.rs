//! Bodies that mean harm or are simply broken: each is answered with what is wrong, and costs little.

use std::io::Write;

use axum::body::{Body, Bytes};
use axum::http::{Method, StatusCode};
use futures::stream;
use rapport_server::auth::Role;

use crate::world::World;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_bodies_are_refused_with_a_reason() {
    let world = World::new().await;
    let (key, _) = world.write_key("shop", None).await;
    let deep = format!("{{\"batch\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_event = format!(
        r#"{{"batch":[{{"type":"track","userId":"u","event":"e","properties":{}1{}}}]}}"#,
        "{\"a\":".repeat(1000),
        "}".repeat(1000)
    );
    let bomb = gzip(&vec![b' '; 64 << 20]);
    let twice = gzip(&gzip(&vec![b' '; 1 << 20]));
    let cases: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("a bomb", bomb, 413, "body_too_large"),
        ("gzip in gzip", twice, 400, ""),
        ("half a gzip", gzip(b"{}")[..12].to_vec(), 400, "bad_compression"),
        ("too many bytes", vec![b' '; (4 << 20) + 1], 413, "body_too_large"),
        ("too deep", deep.into_bytes(), 400, ""),
        ("an event too deep", deep_event.into_bytes(), 400, "events_rejected"),
        ("no UTF-8", b"{\"batch\":[\"\xff\xfe\"]}".to_vec(), 400, "not_utf8"),
        ("no JSON", b"batch=1".to_vec(), 400, "not_json"),
        ("half a JSON", b"{\"batch\":[{\"type\":".to_vec(), 400, "not_json"),
        ("nothing", Vec::new(), 400, "not_json"),
        ("a number", b"17".to_vec(), 400, "wrong_shape"),
        ("no batch", b"{\"events\":[]}".to_vec(), 400, "wrong_shape"),
        ("a batch of text", b"{\"batch\":\"x\"}".to_vec(), 400, "wrong_shape"),
        ("items of a wrong type", b"{\"batch\":[1,null,\"x\"]}".to_vec(), 400, "events_rejected"),
    ];
    for (what, body, status, code) in cases {
        let answer = world.collect("/v1/batch", &key, body).await;
        let json = answer.json();
        assert_eq!(answer.status.as_u16(), status, "{what}: {json}");
        assert!(code.is_empty() || json["code"] == code, "{what}: {json}");
        assert_eq!(json["success"], false, "{what}");
        assert!(json["message"].as_str().is_some_and(|text| text.len() > 5), "{what}: {json}");
        assert!(json["what_to_do"].as_str().is_some_and(|text| text.len() > 5), "{what}: {json}");
    }
    assert_eq!(world.events(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_key_is_answered_before_the_body_is_read() {
    let world = World::new().await;
    let never = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    assert_eq!(world.collect("/v1/batch", "wrong", never).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_given_up() {
    let world = World::with(&[("limits.body_seconds", "1")]).await;
    let (key, _) = world.write_key("shop", None).await;
    let never = || Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = world.collect("/v1/batch", &key, never()).await;
    assert_eq!((answer.status, answer.json()["code"].as_str()), (StatusCode::REQUEST_TIMEOUT, Some("body_too_slow")));
    let owner = world.browser(Role::Owner).await;
    let answer = world.request(Method::POST, "/api/v1/sources", &owner.writes(), never()).await;
    assert_eq!(answer.status, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_is_as_strict() {
    let world = World::new().await;
    let owner = world.browser(Role::Owner).await;
    for (body, status) in [
        (vec![b' '; (1 << 20) + 1], 413),
        ("[".repeat(100_000).into_bytes(), 422),
        (b"{\"name\":\"\xff\"}".to_vec(), 400),
        (b"{\"name\":5}".to_vec(), 422),
        (b"{\"name\":\"x\",\"nam\":1}".to_vec(), 422),
        (b"{\"name\":\"a\\u0000b\"}".to_vec(), 422),
        (b"".to_vec(), 400),
    ] {
        let answer = world.request(Method::POST, "/api/v1/sources", &owner.writes(), body).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        assert!(answer.json()["detail"].as_str().unwrap().len() > 5);
    }
    for path in
        ["/api/v1/rejects?limit=x", "/api/v1/rejects?cursor=x", "/api/v1/sources/x/live", "/api/v1/rejects?source=x"]
    {
        let answer = world.get(path, &owner.reads()).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    let mut headers = owner.reads().to_vec();
    headers.push(("x-purpose", "curiosity"));
    assert_eq!(world.get("/api/v1/sources", &headers).await.json()["code"], "unknown_purpose");
}
