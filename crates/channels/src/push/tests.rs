//! Sending to a push service on this machine; what the browser decrypts is tested with http_ece (`tests/it/push.rs`).

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use rapport_domain::SeededRng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const POINT: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

fn key() -> VapidKey {
    VapidKey::generate("mailto:crm@example.org", &SeededRng::new(5)).unwrap()
}

fn message() -> PushMessage {
    PushMessage {
        payload: b"{}".to_vec(),
        keep: Duration::from_secs(60),
        urgency: Urgency::Low,
        topic: Some("a-1".to_owned()),
    }
}

async fn sent(status: &str, client: &Client) -> (Outcome, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://127.0.0.1:{}/push/abc", listener.local_addr().unwrap().port());
    let answer = format!("HTTP/1.1 {status}\r\nlocation: /m/1\r\nretry-after: 9\r\ncontent-length: 0\r\n\r\n");
    let service = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = vec![0; 16_384];
        let filled = stream.read(&mut request).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&request[..filled]).into_owned()
    });
    let to = Subscription::new(&endpoint, POINT, AUTH).unwrap();
    let outcome = send(client, &key(), &to, &message(), Timestamp::from_seconds(1_000), &SeededRng::new(6)).await;
    let request = if matches!(&outcome, Outcome::Refused(refusal) if refusal.code.is_none()) {
        service.abort();
        String::new()
    } else {
        service.await.unwrap()
    };
    (outcome, request)
}

#[tokio::test]
async fn a_service_gets_what_the_standards_say() {
    let (outcome, request) = sent("201 Created", &Client::new(true).unwrap()).await;
    assert_eq!(outcome, Outcome::Accepted { id: Some("/m/1".to_owned()), response: String::new() });
    let header = |name: &str| {
        let line = request.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: ")));
        line.map(|line| line.split_once(": ").unwrap().1.to_owned())
    };
    assert_eq!(header("ttl").as_deref(), Some("60"));
    assert_eq!(header("urgency").as_deref(), Some("low"));
    assert_eq!(header("topic").as_deref(), Some("a-1"));
    assert_eq!(header("content-encoding").as_deref(), Some("aes128gcm"));
    let authorization = header("authorization").unwrap();
    let (token, public) = authorization.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
    assert_eq!(public, key().public_key());
    let parts: Vec<&str> = token.split('.').collect();
    let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&decoded(parts[1])).unwrap();
    assert!(claims["aud"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    assert_eq!(
        (claims["exp"].as_i64(), claims["sub"].as_str()),
        (Some(1_000 + 43_200), Some("mailto:crm@example.org"))
    );
    let verifying = VerifyingKey::from_sec1_bytes(&decoded(public)).unwrap();
    let signature = Signature::from_slice(&decoded(parts[2])).unwrap();
    verifying.verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn answers_say_what_follows_from_them() {
    use RefusalKind::{Message, Recipient, Sender, Temporary};
    let client = Client::new(true).unwrap();
    for (status, kind) in [
        ("404 Not Found", Recipient),
        ("410 Gone", Recipient),
        ("413 Large", Message),
        ("429 Slow", Temporary),
        ("503 Off", Temporary),
        ("403 Key", Sender),
        ("301 Elsewhere", Sender),
    ] {
        let (Outcome::Refused(refusal), _) = sent(status, &client).await else { panic!("{status}") };
        assert_eq!((refusal.kind, refusal.retry_after), (kind, Some(Duration::from_secs(9))), "{status}");
    }
    let (Outcome::Refused(refusal), _) = sent("201 Created", &Client::new(false).unwrap()).await else { panic!() };
    assert_eq!(refusal.kind, Recipient, "an endpoint at home");
}

#[test]
fn keys_are_read_back_and_damaged_ones_refused() {
    let key = key();
    assert_eq!(VapidKey::parse(&key.private_key(), "https://example.org").unwrap().public_key(), key.public_key());
    assert!(VapidKey::parse(&key.private_key(), "example.org").is_err());
    for text in ["", "AAAA", "////", &BASE64_URL_SAFE_NO_PAD.encode([0; 32]), &BASE64_URL_SAFE_NO_PAD.encode([255; 32])]
    {
        assert!(VapidKey::parse(text, "https://example.org").is_err(), "{text}");
    }
    let endpoint = "https://push.example.net/a";
    for (endpoint, point, auth) in [
        ("http://push.example.net/a", POINT, AUTH),
        ("ftp://push.example.net/a", POINT, AUTH),
        (endpoint, "BCVx", AUTH),
        (endpoint, &*POINT.replace("BCVx", "BCVy"), AUTH),
        (endpoint, POINT, "AAAA"),
        (endpoint, POINT, "\u{e4}"),
    ] {
        assert!(Subscription::new(endpoint, point, auth).is_err(), "{endpoint} {point} {auth}");
    }
}
