//! What real SDKs put on the wire, and what hostile senders might: each becomes the right events, or a precise refusal.

use std::io::Write;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rapport_domain::{EventId, EventKind, Identifier, IdentifierKind, SeededRng, SourceId, Timestamp, WorkspaceId};
use rapport_intake::{Body, Call, Decoded, Limits, Origin, Refusal, RejectCode, inflate};
use serde_json::json;

const ORIGIN: Origin = Origin { workspace: WorkspaceId(1), source: SourceId(7) };

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00Z").unwrap()
}

fn decode_with(bytes: &[u8], call: &str, limits: &Limits) -> Result<(Decoded, Option<String>), Refusal> {
    let text = inflate(bytes, limits)?;
    let body = Body::parse(&text, Call::parse(call).unwrap(), limits)?;
    let decoded = body.decode(ORIGIN, now(), &SeededRng::new(1));
    assert_eq!(
        body.is_empty(),
        decoded.events.is_empty() && decoded.rejects.is_empty(),
        "each item is accepted or rejected"
    );
    Ok((decoded, body.write_key().map(str::to_owned)))
}

fn decode(bytes: &[u8], call: &str) -> Result<Decoded, Refusal> {
    decode_with(bytes, call, &Limits::default()).map(|(decoded, _)| decoded)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn who(kind: IdentifierKind, value: &str) -> Identifier {
    Identifier { kind, value: value.to_owned() }
}

#[test]
fn segment_python() {
    let body = json!({"batch": [
        {"integrations": {}, "anonymousId": null, "properties": {"revenue": "12.50", "order_id": "o1"}, "timestamp": "2026-11-21T11:59:58.123456+00:00",
         "context": {"library": {"name": "analytics-python", "version": "2.4.0"}}, "type": "track", "userId": "u1", "event": "order_completed", "messageId": " m-1 "},
        {"integrations": {}, "anonymousId": null, "properties": {}, "timestamp": "2026-11-21T11:59:58.123456+00:00",
         "context": {"library": {"name": "analytics-python", "version": "2.4.0"}}, "type": "track", "userId": "u1", "event": "Quiz finished", "messageId": "m-2"}],
        "sentAt": "2026-11-21T11:59:59.000Z", "writeKey": "wk_1"});
    let (decoded, write_key) = decode_with(&gzip(body.to_string().as_bytes()), "batch", &Limits::default()).unwrap();
    assert_eq!(write_key.as_deref(), Some("wk_1"));
    assert!(decoded.rejects.is_empty() && decoded.warnings.is_empty());
    let [first, second] = decoded.events.as_slice() else { panic!("{decoded:?}") };
    assert_eq!(first.id, EventId::of_message(ORIGIN.workspace, ORIGIN.source, "m-1"));
    assert_eq!(
        (first.kind, first.name.as_str(), second.name.as_str()),
        (EventKind::Track, "Order Completed", "Quiz finished")
    );
    assert_eq!(first.identifiers, [who(IdentifierKind::UserId, "u1")]);
    assert_eq!(first.occurred_at, Timestamp::parse("2026-11-21T11:59:58.123456Z").unwrap());
    assert_eq!(first.sent_at, Timestamp::parse("2026-11-21T11:59:59Z"));
    assert_eq!(first.properties["revenue"], "12.50", "values stay as they came");
    assert_eq!(first.context["library"]["name"], "analytics-python");
    assert_eq!(first.order_key >> 32, second.order_key >> 32, "one producer");
    assert!(first.order_key < second.order_key, "a burst of calls carries one timestamp; their order is kept");
}

#[test]
fn rudder_python_identify_has_traits_in_context_only() {
    let body = json!({"batch": [{"type": "identify", "userId": 4711, "anonymousId": null, "messageId": "i1", "timestamp": "2026-11-21T11:00:00.000Z",
        "context": {"library": {"name": "rudder-analytics-python"}, "traits": {"email": " Ann@Example.org ", "plan": "gold"}}, "integrations": {"All": true}}],
        "sentAt": "2026-11-21T11:00:01.000Z"});
    let decoded = decode(&gzip(body.to_string().as_bytes()), "batch").unwrap();
    let event = &decoded.events[0];
    assert_eq!(event.identifiers, [who(IdentifierKind::UserId, "4711"), who(IdentifierKind::Email, "ann@example.org")]);
    assert_eq!(event.traits["plan"], "gold");
    assert!(!event.context.contains_key("traits"));
    assert_eq!(event.name, "Identify");
}

#[test]
fn rudder_node_has_original_timestamp() {
    let body = json!({"batch": [{"type": "track", "event": "Product Viewed", "anonymousId": "a1", "messageId": "r1",
        "originalTimestamp": "2026-11-21T10:00:00.250Z", "context": {"library": {"name": "@rudderstack/rudder-sdk-node"}}}], "sentAt": "2026-11-21T10:00:05.000Z"});
    let event = decode(&gzip(body.to_string().as_bytes()), "batch").unwrap().events.remove(0);
    assert_eq!(event.occurred_at, Timestamp::parse("2026-11-21T10:00:00.250Z").unwrap());
    assert_eq!(event.identifiers, [who(IdentifierKind::AnonymousId, "a1")]);
}

#[test]
fn segment_node_and_browser() {
    let node = json!({"batch": [
        {"type": "group", "groupId": "acme", "userId": "u1", "traits": {"email": "office@acme.com", "seats": 5}, "context": {}, "timestamp": "2026-11-21T11:00:00.000Z", "messageId": "g1", "_metadata": {"nodeVersion": "v20"}},
        {"type": "alias", "userId": "u1", "previousId": "a1", "timestamp": "2026-11-21T11:00:00.000Z", "messageId": "a1"},
        {"type": "screen", "name": "Cart", "category": "shop", "anonymousId": "a1", "timestamp": "2026-11-21T11:00:00.000Z", "messageId": "s1"}],
        "writeKey": "wk", "sentAt": "2026-11-21T11:00:01.000Z"});
    let events = decode(node.to_string().as_bytes(), "b").unwrap().events;
    assert_eq!((events[0].group_id.as_deref(), events[0].traits["seats"].as_i64()), (Some("acme"), Some(5)));
    assert_eq!(events[0].identifiers, [who(IdentifierKind::UserId, "u1")], "the traits of a group are the account's");
    assert_eq!(events[1].previous_id.as_deref(), Some("a1"));
    assert_eq!((events[2].name.as_str(), &events[2].properties["name"]), ("Screen Viewed", &json!("Cart")));

    // analytics-next: text/plain, one call a request, the path says what it is.
    let browser = json!({"timestamp": "2026-11-21T11:59:59.900Z", "integrations": {}, "userId": null, "anonymousId": "3f1b", "type": "page",
        "properties": {"path": "/", "title": "Home"}, "context": {"page": {"path": "/"}, "userAgent": "x", "traits": {"email": "bo@x.org"}}, "messageId": "ajs-next-1", "writeKey": "wk", "sentAt": "2026-11-21T12:00:00.000Z"});
    let event = decode(browser.to_string().as_bytes(), "p").unwrap().events.remove(0);
    assert_eq!((event.kind, event.name.as_str()), (EventKind::Page, "Page Viewed"));
    assert_eq!(event.identifiers, [who(IdentifierKind::AnonymousId, "3f1b"), who(IdentifierKind::Email, "bo@x.org")]);
    assert_eq!(event.properties["title"], "Home");
}

#[test]
fn the_envelope_reaches_every_item_and_the_item_wins() {
    let body = json!({"context": {"ip": "1.2.3.4", "locale": "de"}, "sentAt": "2026-11-21T11:00:00Z", "batch": [
        {"type": "track", "event": "A", "userId": "u", "context": {"locale": "en"}}, {"type": "track", "event": "B", "userId": "u"}]});
    let events = decode(body.to_string().as_bytes(), "batch").unwrap().events;
    assert_eq!((&events[0].context["locale"], &events[0].context["ip"]), (&json!("en"), &json!("1.2.3.4")));
    assert_eq!(events[1].context["locale"], "de");
    assert_eq!(events[1].occurred_at, Timestamp::parse("2026-11-21T11:00:00Z").unwrap());
    assert_ne!(events[0].id, events[1].id, "messages without an id get a random one");
}

#[test]
fn good_items_survive_bad_neighbours() {
    let body = r#"{"batch":[
        {"type":"track","event":"Good","userId":"u1","messageId":"1"},
        {"type":"track","userId":"u1"},
        {"type":"dance","userId":"u1"},
        {"type":"track","event":"X"},
        {"type":"track","event":"X","userId":"anonymous"},
        {"type":"track","event":"X","userId":{"id":1}},
        {"type":"track","event":"X","userId":"u","properties":{"price":1e999}},
        {"type":"track","event":"X","userId":"u","properties":{"list":[{"note":"a\u0000b"}]}},
        {"type":"track","event":"X","userId":"u","properties":{"t":"\ud83d"}},
        {"type":"track","event":"X","userId":"u","properties":{"k":1,"k":2}},
        {"type":"track","event":"X","userId":"u","properties":[1]},
        {"type":"track","event":"X","userId":"u","timestamp":"yesterday"},
        {"type":"track","event":"X","userId":"u","timestamp":"2027-11-21T12:00:00Z"},
        {"type":"group","userId":"u"},
        {"type":"alias","userId":"u","previousId":"null"},
        {"type":"track","event":"X","userId":12345678901234567890123},
        42,
        {"type":"track","event":"Also good","anonymousId":"a1","messageId":"2"}
    ]}"#;
    let decoded = decode(body.as_bytes(), "batch").unwrap();
    assert_eq!(decoded.events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>(), ["Good", "Also good"]);
    let found: Vec<(usize, &str, &str)> =
        decoded.rejects.iter().map(|reject| (reject.index, reject.code.as_str(), reject.location.as_str())).collect();
    assert_eq!(
        found,
        [
            (1, "missing_field", "batch[1].event"),
            (2, "unknown_type", "batch[2].type"),
            (3, "no_identifier", "batch[3].userId"),
            (4, "no_identifier", "batch[4].userId"),
            (5, "wrong_type", "batch[5].userId"),
            (6, "bad_json", "batch[6].properties.price"),
            (7, "nul", "batch[7].properties.list[0].note"),
            (8, "bad_json", "batch[8].properties.t"),
            (9, "duplicate_key", "batch[9].properties.k"),
            (10, "wrong_type", "batch[10].properties"),
            (11, "bad_time", "batch[11].timestamp"),
            (12, "future", "batch[12].timestamp"),
            (13, "missing_field", "batch[13].groupId"),
            (14, "blocked_identifier", "batch[14].previousId"),
            (15, "wrong_type", "batch[15].userId"),
            (16, "wrong_type", "batch[16]"),
        ]
    );
    assert_eq!(decoded.rejects[1].excerpt, r#"{"type":"dance","userId":"…"}"#);
}

#[test]
fn a_wrong_clock_is_no_future() {
    let event = |sent_at: &str| {
        let body = json!({"event": "X", "userId": "u", "timestamp": "2029-01-01T00:00:00Z", "sentAt": sent_at});
        decode(body.to_string().as_bytes(), "track").unwrap()
    };
    assert_eq!(event("2029-01-01T00:00:02Z").events.len(), 1, "the device's clock is two years ahead");
    assert_eq!(event("2026-11-21T12:00:00Z").rejects[0].code, RejectCode::Future);
}

#[test]
fn blocked_and_odd_values_are_warned_about() {
    let body = json!({"userId": "guest", "anonymousId": "a1", "traits": {"email": "none"}, "timestamp": 1_700_000_000});
    let decoded = decode(body.to_string().as_bytes(), "identify").unwrap();
    assert_eq!(decoded.events[0].identifiers, [who(IdentifierKind::AnonymousId, "a1")]);
    assert_eq!(decoded.events[0].occurred_at, Timestamp::from_seconds(1_700_000_000));
    assert_eq!(decoded.events[0].traits["email"], "none");
    let codes: Vec<_> = decoded.warnings.iter().map(|w| (w.code, w.location.as_str())).collect();
    assert_eq!(codes, [(RejectCode::BlockedIdentifier, "userId"), (RejectCode::BadEmail, "traits.email")]);
}

#[test]
fn compression_is_seen_by_content() {
    let text = br#"{"event":"X","userId":"u"}"#;
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    zlib.write_all(text).unwrap();
    let marked = ["\u{feff}".as_bytes(), text].concat();
    for body in [text.to_vec(), gzip(text), zlib.finish().unwrap(), zstd::encode_all(&text[..], 3).unwrap(), marked] {
        assert_eq!(decode(&body, "track").unwrap().events.len(), 1);
    }
    let cut = &gzip(text)[..20];
    assert_eq!(decode(cut, "track").unwrap_err(), Refusal::Compression { format: "gzip" });
}

/// Each hostile body is refused quickly, for the right reason.
#[test]
fn hostile_bodies() {
    let zeros = vec![b' '; 64 << 20];
    let deep = "[".repeat(2_000_000);
    let deep_item =
        format!(r#"{{"event":"X","userId":"u","properties":{{"a":{}1{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let many_keys = format!(
        r#"{{"event":"X","userId":"u","properties":{{{}}}}}"#,
        (0..30_000).map(|i| format!("\"{i}\":0")).collect::<Vec<_>>().join(",")
    );
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("gzip bomb", gzip(&zeros), "track", "body_too_large"),
        ("zstd bomb", zstd::encode_all(&zeros[..], 3).unwrap(), "track", "body_too_large"),
        ("large", vec![b'x'; (4 << 20) + 1], "track", "body_too_large"),
        ("deep array", deep.clone().into_bytes(), "batch", "not_json"),
        ("deep object", "{\"a\":".repeat(500_000).into_bytes(), "track", "not_json"),
        ("deep, compressed", gzip(deep.as_bytes()), "batch", "not_json"),
        ("deep item", deep_item.into_bytes(), "track", "too_deep"),
        ("many values", many_keys.into_bytes(), "track", "too_many_values"),
        ("not UTF-8", b"{\"event\":\"\xff\"}".to_vec(), "track", "not_utf8"),
        ("raw NUL", b"{\"event\":\"a\0b\"}".to_vec(), "track", "not_json"),
        ("empty", Vec::new(), "track", "not_json"),
        ("a form", b"event=X&userId=u".to_vec(), "track", "not_json"),
        ("a text", b"\"hello\"".to_vec(), "track", "wrong_shape"),
        ("no batch", b"{}".to_vec(), "batch", "wrong_shape"),
        ("batch is an object", b"{\"batch\":{}}".to_vec(), "batch", "wrong_shape"),
        ("key of a wrong type", b"{\"writeKey\":1,\"batch\":[]}".to_vec(), "batch", "wrong_shape"),
        ("two batches", b"{\"batch\":[],\"batch\":[]}".to_vec(), "batch", "not_json"),
    ];
    for (what, body, call, expected) in cases {
        let start = Instant::now();
        let code = match decode(&body, call) {
            Err(refusal) => refusal.code(),
            Ok(decoded) => decoded.rejects[0].code.as_str(),
        };
        assert_eq!(code, expected, "{what}");
        // Generous: the machine may be busy. It would take minutes if it were not cut off.
        assert!(start.elapsed() < Duration::from_secs(5), "{what} took {:?}", start.elapsed());
    }
    assert_eq!(decode(b"{\"event\":\"\xff\"}", "track").unwrap_err(), Refusal::NotUtf8 { offset: 10 });
}

#[test]
fn batches_have_limits() {
    let items = [r#"{"type":"track","event":"X","userId":"u"}"#; 5].join(",");
    let limits = Limits { events: 3, ..Limits::default() };
    let (decoded, _) = decode_with(format!("[{items}]").as_bytes(), "batch", &limits).unwrap();
    assert_eq!(
        (decoded.events.len(), decoded.rejects[0].code, decoded.rejects[0].index),
        (3, RejectCode::TooManyEvents, 3)
    );
    // The envelope's context may not be multiplied without bound.
    let context = format!(r#"{{"context":{{"x":"{}"}},"batch":[{items}]}}"#, "y".repeat(1000));
    let limits = Limits { text_bytes: context.len(), ..Limits::default() };
    let (decoded, _) = decode_with(context.as_bytes(), "batch", &limits).unwrap();
    assert_eq!((decoded.events.len(), decoded.rejects.len()), (1, 4));
    assert!(decoded.rejects.iter().all(|reject| reject.code == RejectCode::TooLarge));
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..400), call in prop::sample::select(vec!["track", "batch", "identify"])) {
        let _ = decode(&bytes, call);
    }

    /// Damaged and cut versions of a good body neither panic nor yield an event without an identifier.
    #[test]
    fn damaged_bodies_are_answered(at in 0usize..200, byte in any::<u8>(), cut in 0usize..200, compressed: bool) {
        let body = br#"{"batch":[{"type":"identify","userId":"u1","traits":{"email":"a@b.de","n":[1,{"x":-1.5e3}]},"messageId":"1"},{"type":"track","event":"E\u00e9","userId":"2"}],"sentAt":"2026-11-21T11:00:00Z"}"#;
        let mut bytes = if compressed { gzip(body) } else { body.to_vec() };
        let at = at % bytes.len();
        bytes[at] = byte;
        bytes.truncate(bytes.len() - cut % bytes.len());
        if let Ok(decoded) = decode(&bytes, "batch") {
            for event in decoded.events {
                prop_assert!(!event.identifiers.is_empty());
                prop_assert!(event.identifiers.is_sorted());
            }
        }
    }
}
