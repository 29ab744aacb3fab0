//! What carriers of mail report, from a mail that went out to what follows: dead addresses, ended topics, the timeline.

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_channels::outbound::signing;
use rapport_domain::Timestamp;
use serde_json::{Value, json};

use crate::engaging::{get, happen, launch, one_mail, only_person, person, settle, track, with_template, world_with};
use crate::sink::{Manner, Sink};
use crate::world::{Answer, World};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const MAILGUN: &str = "0123456789abcdef0123456789abcdef";

async fn bridge(world: &World, secret: &str, kind: &str, body: &str) -> Answer {
    let seconds = world.clock_now().0.div_euclid(Timestamp::SECOND);
    let signature = signing::standard_webhooks(secret, "w", seconds, body).unwrap();
    let at = seconds.to_string();
    let headers = [
        ("webhook-id", "w"),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", signature.as_str()),
        ("content-type", kind),
    ];
    world.request(Method::POST, "/callbacks/mail/bridge", &headers, body.to_owned()).await
}

fn mailgun(world: &World, key: &str, token: &str, event: &Value) -> String {
    let at = world.clock_now().0.div_euclid(Timestamp::SECOND).to_string();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
    let mac = ring::hmac::sign(&key, format!("{at}{token}").as_bytes());
    let signature: String = mac.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"signature": {"timestamp": at, "token": token, "signature": signature}, "event-data": event}).to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_carriers_report_counts_once_and_only_with_their_proof() {
    let sink = Sink::start(Manner::default(), &[]).await;
    let settings = [
        ("mail.callbacks.bridge_secret", SECRET),
        ("mail.callbacks.mailgun_key", MAILGUN),
        ("mail.callbacks.postmark_password", "a-long-password-of-ours"),
    ];
    let (world, owner, key) = world_with(&sink, &settings).await;
    with_template(&world, &owner).await;
    let definition = one_mail(json!({"event": {"name": "Signed Up"}}), json!({"reentry": "after_exit"}));
    launch(&world, &owner, json!({"name": "Hello", "definition": definition})).await;
    let names = ["gone", "cross", "left", "fine"];
    for (number, name) in names.iter().enumerate() {
        happen(&world, &key, person(u32::try_from(number).unwrap(), &format!("{name}@example.com"))).await;
    }
    let sign_up = |day: &str| {
        let calls = (0..4).map(|n| track(&format!("{day}{n}"), &format!("u{n}"), "Signed Up", json!({})));
        calls.collect::<Vec<_>>()
    };
    happen(&world, &key, sign_up("a")).await;
    let kept = sink.kept();
    assert_eq!(kept.len(), 4);
    let id_of = |name: &str| {
        let mail = kept.iter().find(|mail| mail.recipient.starts_with(name)).unwrap();
        let text = String::from_utf8_lossy(&mail.bytes).into_owned();
        let header = |name: &str| {
            let line = text.lines().find(|line| line.to_lowercase().starts_with(name));
            line.map(|line| line[name.len()..].trim().to_owned()).unwrap_or_default()
        };
        let id = header("message-id:");
        assert_eq!(header("x-pm-metadata-rapport:"), id, "Postmark gives mails names of its own");
        id
    };
    let dead = async || get(&world, &owner, "/api/v1/sending/health").await["dead"].clone();

    // Without the proof nothing is believed; carriers that are not set up are not there.
    let gone =
        json!({"reports": [{"message_id": id_of("gone"), "kind": "hard", "status": "5.1.1", "text": "unknown"}]})
            .to_string();
    let complained =
        json!({"event": "complained", "message": {"headers": {"message-id": id_of("cross").trim_matches(['<', '>'])}}});
    let forged = bridge(&world, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "application/json", &gone).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{}", forged.text());
    let post = async |carrier: &str, headers: &[(&str, &str)], body: String| {
        world.request(Method::POST, &format!("/callbacks/mail/{carrier}"), headers, body).await.status
    };
    let wrong = mailgun(&world, "0123456789abcdef0123456789abcdee", "t", &complained);
    assert_eq!(post("mailgun", &[], wrong).await, StatusCode::FORBIDDEN);
    assert_eq!(post("postmark", &[], "{}".to_owned()).await, StatusCode::FORBIDDEN);
    assert_eq!(post("sendgrid", &[], "[]".to_owned()).await, StatusCode::NOT_FOUND);
    assert_eq!(post("mailgun", &[], " ".repeat(3 << 20)).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(post("mailgun", &[], "nonsense".to_owned()).await, StatusCode::BAD_REQUEST);
    assert_eq!(dead().await, json!([]));

    // Told twice, and of mails that are not ours.
    let own = mailgun(&world, MAILGUN, "t", &complained);
    let login = format!("Basic {}", BASE64_STANDARD.encode("rapport:a-long-password-of-ours"));
    let left = json!({"RecordType": "Bounce", "Type": "HardBounce", "Email": "left@example.com", "Metadata": {"rapport": id_of("left")}});
    let foreign = json!({"reports": [{"message_id": "<msg_1@elsewhere.example>", "kind": "hard"}]}).to_string();
    for _ in 0..2 {
        assert_eq!(bridge(&world, SECRET, "application/json", &gone).await.status, StatusCode::NO_CONTENT);
        assert_eq!(bridge(&world, SECRET, "application/json", &foreign).await.status, StatusCode::NO_CONTENT);
        assert_eq!(post("mailgun", &[], own.clone()).await, StatusCode::NO_CONTENT);
        let headers = [("authorization", login.as_str())];
        assert_eq!(post("postmark", &headers, left.to_string()).await, StatusCode::NO_CONTENT);
    }
    // A letter that came back, as it is: a mailbox that is full today says nothing about tomorrow.
    let letter = include_str!("../../../channels/tests/samples/gmail_full.eml")
        .replace("<m-7f3a@mail.example.org>", &id_of("fine"));
    assert_eq!(bridge(&world, SECRET, "message/rfc822", &letter).await.status, StatusCode::NO_CONTENT);
    settle(&world).await;
    let found = dead().await;
    assert_eq!(
        found.as_array().unwrap().iter().map(|row| row["addresses"].as_i64().unwrap()).sum::<i64>(),
        3,
        "{found}"
    );
    for (name, event) in [("gone", "Message Bounced"), ("cross", "Message Complained"), ("left", "Message Bounced")] {
        let number = only_person(&world, &owner, name).await;
        let line = get(&world, &owner, &format!("/api/v1/customers/{number}/timeline")).await.to_string();
        assert_eq!(line.matches(&format!("\"name\":\"{event}\"")).count(), 1, "{name}: {line}");
    }
    // Only whoever is fine hears again.
    world.clock.advance(2 * Timestamp::DAY);
    happen(&world, &key, sign_up("b")).await;
    let again: Vec<String> = sink.kept()[4..].iter().map(|mail| mail.recipient.clone()).collect();
    assert_eq!(again, ["fine@example.com"]);
}

#[test]
fn carriers_that_cannot_work_are_refused_at_the_start() {
    use rapport_server::sending::Ways;
    use rapport_server::settings::{Origins, Settings};
    for (name, value) in [
        ("mail.callbacks.ses_topic", "bounces"),
        ("mail.callbacks.mailgun_key", "short"),
        ("mail.callbacks.sendgrid_key", "AAAA"),
        ("mail.callbacks.postmark_password", "short"),
        ("mail.callbacks.bridge_secret", "%"),
    ] {
        let origins = Origins { flags: vec![(name, value.to_owned())], ..Origins::default() };
        let settings = Settings::read(&origins).unwrap();
        let refusal = format!("{:#}", Ways::new(&settings).err().unwrap());
        assert!(refusal.starts_with("mail.callbacks: "), "{refusal}");
        assert!(!format!("{settings:?}").contains(&format!("\"{value}\"")), "{settings:?}");
    }
}
