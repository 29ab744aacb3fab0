//! Requests in the carriers' documented forms, signed with keys made here; and requests that nobody may be believed.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::outbound::signing;

const OURS: &str = "<msg_1@shop.example>";

fn now() -> Timestamp {
    Timestamp::parse("2026-11-27T12:00:00Z").unwrap()
}

fn seconds(ago: i64) -> String {
    (now().0 / Timestamp::SECOND - ago).to_string()
}

async fn read(reporter: &Reporter, headers: &[(&str, &str)], body: &[u8]) -> Result<Reports, Error> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let callback = Callback { url: "https://crm.example/callbacks/mail/x", headers: &headers, body };
    reporter.read(&Client::new(true).unwrap(), callback, now()).await
}

/// Kind, Message-ID and status of each.
fn summary(reports: &Reports) -> Vec<(Kind, &str, &str)> {
    let all = reports.returned.iter();
    all.map(|one| {
        let id = one.original_message_id.as_deref().unwrap_or_default();
        (one.kind, id, one.status.as_deref().unwrap_or_default())
    })
    .collect()
}

fn is_refused(answer: &Result<Reports, Error>) -> bool {
    matches!(answer, Err(Error::Signature))
}

// ---- Mailgun

const MAILGUN_KEY: &str = "0123456789abcdef0123456789abcdef";

fn mailgun(key: &str, token: &str, at: &str, event: &Value) -> String {
    let mac = ring::hmac::sign(
        &ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes()),
        format!("{at}{token}").as_bytes(),
    );
    let signature: String = mac.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"signature": {"timestamp": at, "token": token, "signature": signature}, "event-data": event}).to_string()
}

fn failed(severity: &str, reason: &str, status: Value) -> Value {
    json!({"event": "failed", "severity": severity, "reason": reason, "recipient": "jane@example.org", "delivery-status": status,
        "message": {"headers": {"message-id": "msg_1@shop.example", "to": "jane@example.org"}}})
}

#[tokio::test]
async fn mailgun_is_understood() {
    let reporter = Reporter::Mailgun(Mailgun::new(MAILGUN_KEY).unwrap());
    let unknown = json!({"code": 550, "enhanced-code": "5.1.1", "message": "5.1.1 <jane@example.org> no such user"});
    let policy = json!({"code": 550, "message": "5.7.1 refused by policy", "description": ""});
    let message = json!({"headers": {"message-id": "msg_1@shop.example"}});
    for (number, (event, kind, status)) in [
        (failed("permanent", "bounce", unknown), Kind::Hard, "5.1.1"),
        (failed("permanent", "generic", policy), Kind::Soft, "5.7.1"),
        (failed("temporary", "generic", json!({"code": 450})), Kind::Soft, ""),
        (failed("permanent", "suppress-bounce", json!({"code": 605})), Kind::Hard, ""),
        (json!({"event": "complained", "recipient": "jane@example.org", "message": message}), Kind::Complaint, ""),
        (json!({"event": "delivered", "recipient": "jane@example.org", "message": message}), Kind::Delivered, ""),
    ]
    .into_iter()
    .enumerate()
    {
        let body = mailgun(MAILGUN_KEY, &format!("token{number}"), &seconds(10), &event);
        let found = read(&reporter, &[], body.as_bytes()).await.unwrap();
        assert_eq!(summary(&found), [(kind, OURS, status)], "{event}");
        assert!(!found.returned[0].diagnostic.contains('@'), "{found:?}");
    }
    let opened = mailgun(MAILGUN_KEY, "opened", &seconds(1), &json!({"event": "opened"}));
    assert_eq!(read(&reporter, &[], opened.as_bytes()).await.unwrap().passed_over, 1);
}

#[tokio::test]
async fn mailgun_is_believed_once_and_with_its_key_only() {
    let reporter = Reporter::Mailgun(Mailgun::new(MAILGUN_KEY).unwrap());
    let event = json!({"event": "complained", "message": {"headers": {"message-id": "msg_1@shop.example"}}});
    let good = mailgun(MAILGUN_KEY, "t", &seconds(1), &event);
    for bad in [
        mailgun("another key of the same length!!", "t", &seconds(1), &event),
        mailgun(MAILGUN_KEY, "old", &seconds(90_000), &event),
        mailgun(MAILGUN_KEY, "early", &seconds(-900), &event),
        json!({"event-data": event}).to_string(),
    ] {
        assert!(is_refused(&read(&reporter, &[], bad.as_bytes()).await), "{bad}");
    }
    assert!(matches!(read(&reporter, &[], b"no").await, Err(Error::Unreadable(_))));
    assert!(read(&reporter, &[], good.as_bytes()).await.is_ok());
    assert!(read(&reporter, &[], good.as_bytes()).await.is_ok(), "the very same may come again");
    // Its signature says nothing of what is told: the token must not carry another tale.
    let other = good.replace("msg_1", "msg_2");
    assert!(is_refused(&read(&reporter, &[], other.as_bytes()).await));
}

// ---- SendGrid

struct Signing(EcdsaKeyPair);

impl Signing {
    fn new() -> Self {
        let rng = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, made.as_ref(), &rng).unwrap())
    }

    /// As SendGrid shows it: a SubjectPublicKeyInfo in Base64.
    fn public(&self) -> String {
        let before = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let mut info: Vec<u8> =
            (0..26).map(|at| u8::from_str_radix(&before[2 * at..2 * at + 2], 16).unwrap()).collect();
        info.extend_from_slice(self.0.public_key().as_ref());
        BASE64_STANDARD.encode(info)
    }

    async fn say(&self, reporter: &Reporter, at: &str, body: &str) -> Result<Reports, Error> {
        let signature = self.0.sign(&SystemRandom::new(), format!("{at}{body}").as_bytes()).unwrap();
        let signature = BASE64_STANDARD.encode(signature);
        let headers = [
            ("X-Twilio-Email-Event-Webhook-Signature", signature.as_str()),
            ("X-Twilio-Email-Event-Webhook-Timestamp", at),
        ];
        read(reporter, &headers, body.as_bytes()).await
    }
}

#[tokio::test]
async fn sendgrid_is_understood_and_believed_with_its_key_only() {
    let key = Signing::new();
    let reporter = Reporter::SendGrid(SendGrid::new(&key.public()).unwrap());
    let event = |name: &str, more: Value| {
        let mut event = json!({"email": "jane@example.org", "timestamp": 1_513_299_569, "smtp-id": OURS, "event": name,
            "sg_event_id": "ZGVmZXJyZWQ", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001"});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let body = json!([
        event("bounce", json!({"type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 user unknown"})),
        event("bounce", json!({"type": "bounce", "bounce_classification": "Invalid Address", "reason": "gone"})),
        event("bounce", json!({"type": "bounce", "status": "5.2.2", "reason": "mailbox full"})),
        event("bounce", json!({"type": "blocked", "reason": "unable to get mx info"})),
        event("dropped", json!({"reason": "Bounced Address"})),
        event("dropped", json!({"reason": "Spam Reporting Address"})),
        event("dropped", json!({"reason": "Unsubscribed Address"})),
        event("spamreport", json!({})),
        event("delivered", json!({"response": "250 OK"})),
        event("open", json!({})),
    ])
    .to_string();
    let found = key.say(&reporter, &seconds(5), &body).await.unwrap();
    let kinds: Vec<&str> = found.returned.iter().map(|one| one.kind.as_str()).collect();
    let wanted = ["hard", "hard", "soft", "soft", "hard", "complaint", "soft", "complaint", "delivered"];
    assert_eq!(kinds, wanted);
    assert!(found.returned.iter().all(|one| one.original_message_id.as_deref() == Some(OURS)), "{found:?}");
    assert_eq!(found.passed_over, 1);
    assert!(is_refused(&Signing::new().say(&reporter, &seconds(5), &body).await), "another's key");
    assert!(is_refused(&key.say(&reporter, &seconds(100_000), &body).await), "long ago");
    assert!(is_refused(&read(&reporter, &[], body.as_bytes()).await), "no signature");
    for bad in ["", "no base64!", "AAAA", &BASE64_STANDARD.encode([4; 91])] {
        assert!(SendGrid::new(bad).is_err(), "{bad}");
    }
}

// ---- Postmark

#[tokio::test]
async fn postmark_is_understood_and_believed_with_its_password_only() {
    let reporter = Reporter::Postmark(Postmark::new("a-long-password-of-ours").unwrap());
    let login = |text: &str| format!("Basic {}", BASE64_STANDARD.encode(text));
    let record = |record: &str, kind: &str| {
        json!({"RecordType": record, "Type": kind, "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483", "Email": "jane@example.org",
            "Description": "The server was unable to deliver your message", "Details": "to jane@example.org", "Metadata": {"rapport": OURS}})
        .to_string()
    };
    let good = login("rapport:a-long-password-of-ours");
    for (body, kind) in [
        (record("Bounce", "HardBounce"), Kind::Hard),
        (record("Bounce", "BadEmailAddress"), Kind::Hard),
        (record("Bounce", "SoftBounce"), Kind::Soft),
        (record("Bounce", "SpamNotification"), Kind::Soft),
        (record("SpamComplaint", "SpamComplaint"), Kind::Complaint),
        (record("Delivery", ""), Kind::Delivered),
    ] {
        let found = read(&reporter, &[("Authorization", &good)], body.as_bytes()).await.unwrap();
        assert_eq!(summary(&found), [(kind, OURS, "")], "{body}");
        assert!(!found.returned[0].diagnostic.contains('@'), "{found:?}");
    }
    let open = read(&reporter, &[("Authorization", &good)], record("Open", "").as_bytes()).await.unwrap();
    assert_eq!((open.returned.len(), open.passed_over), (0, 1));
    for bad in [login("rapport:a-long-password-of-our"), login("rapport"), "Bearer x".to_owned()] {
        let answer = read(&reporter, &[("Authorization", &bad)], record("Delivery", "").as_bytes()).await;
        assert!(is_refused(&answer), "{bad}");
    }
    assert!(Postmark::new("short").is_err() && Postmark::new("with a space in it, long").is_err());
    assert!(!format!("{reporter:?}").contains("password-of"));
}

// ---- Our own form

#[tokio::test]
async fn a_bridge_tells_reports_or_passes_letters_on() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let reporter = Reporter::Bridge(Bridge::new(secret).unwrap());
    let say = async |secret: &str, kind: &str, body: &str, at: &str| {
        let signature = signing::standard_webhooks(secret, "w1", at.parse().unwrap(), body).unwrap();
        let headers = [
            ("webhook-id", "w1"),
            ("webhook-timestamp", at),
            ("webhook-signature", signature.as_str()),
            ("content-type", kind),
        ];
        read(&reporter, &headers, body.as_bytes()).await
    };
    let body = json!({"reports": [
        {"message_id": OURS, "kind": "hard", "status": "5.1.1", "text": "unknown", "recipient": "jane@example.org"},
        {"message_id": "msg_2@shop.example", "kind": "complaint", "more": 1}]})
    .to_string();
    let found = say(secret, "application/json", &body, &seconds(1)).await.unwrap();
    let second = "<msg_2@shop.example>";
    assert_eq!(summary(&found), [(Kind::Hard, OURS, "5.1.1"), (Kind::Complaint, second, "")]);
    let letter = include_str!("../../tests/samples/postfix_unknown.eml");
    let found = say(secret, "message/rfc822", letter, &seconds(1)).await.unwrap();
    assert_eq!(summary(&found), [(Kind::Hard, "<m-7f3a@mail.example.org>", "5.1.1")]);
    let magic = body.replace("\"hard\"", "\"magic\"");
    assert!(matches!(say(secret, "application/json", &magic, &seconds(1)).await, Err(Error::Unreadable(_))));
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert!(is_refused(&say(other, "application/json", &body, &seconds(1)).await));
    assert!(is_refused(&say(secret, "application/json", &body, &seconds(400)).await));
}

// ---- Amazon

const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:bounces";

/// Amazon SNS: gives its certificate, and takes confirmations; counts what it was asked.
async fn sns() -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (certificates, confirmed) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let counts = (Arc::clone(&certificates), Arc::clone(&confirmed));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut bytes = vec![0; 8_192];
            let length = stream.read(&mut bytes).await.unwrap();
            let asked = String::from_utf8_lossy(&bytes[..length]).into_owned();
            let body = if asked.starts_with("GET /SimpleNotificationService-") {
                counts.0.fetch_add(1, Ordering::SeqCst);
                include_str!("../../tests/samples/sns/certificate.pem")
            } else {
                let confirms = "GET /?Action=ConfirmSubscription&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A123456789012%3Abounces&Token=secret ";
                assert!(asked.starts_with(confirms), "{asked}");
                counts.1.fetch_add(1, Ordering::SeqCst);
                "<ConfirmSubscriptionResponse/>"
            };
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    (url, certificates, confirmed)
}

/// A message of SNS, signed over these fields in the documented order.
fn posted(url: &str, fields: &[(&str, &str)]) -> Value {
    let pem = include_str!("../../tests/samples/sns/key.pem");
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(der).unwrap()).unwrap();
    let text: String = fields.iter().map(|(name, value)| format!("{name}\n{value}\n")).collect();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    let mut posted: serde_json::Map<String, Value> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    posted.insert("SignatureVersion".to_owned(), json!("2"));
    posted.insert("Signature".to_owned(), json!(BASE64_STANDARD.encode(signature)));
    posted.insert("SigningCertURL".to_owned(), json!(format!("{url}/SimpleNotificationService-0123abcd.pem")));
    Value::Object(posted)
}

fn notification(url: &str, message: &Value) -> Value {
    let message = message.to_string();
    let fields = [
        ("Message", message.as_str()),
        ("MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"),
        ("Subject", "Amazon SES Email Event Notification"),
        ("Timestamp", "2026-11-27T11:59:00.000Z"),
        ("TopicArn", TOPIC),
        ("Type", "Notification"),
    ];
    posted(url, &fields)
}

fn ses_bounce(kind: &str, status: &str, code: &str) -> Value {
    json!({"notificationType": "Bounce",
        "bounce": {"bounceType": kind, "bounceSubType": "General", "feedbackId": "00000138111222aa-33322211", "timestamp": "2026-11-27T11:58:00Z",
            "bouncedRecipients": [{"emailAddress": "jane@example.org", "status": status, "action": "failed", "diagnosticCode": code}]},
        "mail": {"messageId": "00000138111222aa", "destination": ["jane@example.org"], "headersTruncated": false,
            "headers": [{"name": "From", "value": "Shop <news@shop.example>"}, {"name": "Message-ID", "value": OURS}],
            "commonHeaders": {"from": ["Shop <news@shop.example>"], "messageId": OURS}}})
}

#[tokio::test]
async fn amazon_is_understood() {
    let (url, certificates, _) = sns().await;
    let reporter = Reporter::Ses(Ses::new(TOPIC, &url).unwrap());
    let mail = json!({"commonHeaders": {"messageId": OURS}});
    let complaint = |kind: &str| {
        json!({"eventType": "Complaint", "complaint": {"complaintFeedbackType": kind,
            "complainedRecipients": [{"emailAddress": "jane@example.org"}]}, "mail": mail})
    };
    for (message, wanted) in [
        (
            ses_bounce("Permanent", "5.1.1", "smtp; 550 5.1.1 <jane@example.org>... User"),
            vec![(Kind::Hard, OURS, "5.1.1")],
        ),
        (ses_bounce("Permanent", "", ""), vec![(Kind::Hard, OURS, "")]),
        (ses_bounce("Permanent", "5.7.1", "smtp; 550 5.7.1 blocked by policy"), vec![(Kind::Soft, OURS, "5.7.1")]),
        (ses_bounce("Transient", "5.2.2", "smtp; mailbox full"), vec![(Kind::Soft, OURS, "5.2.2")]),
        (complaint("abuse"), vec![(Kind::Complaint, OURS, "")]),
        (complaint("not-spam"), vec![]),
        (
            json!({"notificationType": "Delivery", "delivery": {"recipients": ["jane@example.org"], "smtpResponse": "250 ok"}, "mail": mail}),
            vec![(Kind::Delivered, OURS, "")],
        ),
        (json!({"eventType": "Open", "mail": mail}), vec![]),
    ] {
        let body = notification(&url, &message).to_string();
        let found = read(&reporter, &[], body.as_bytes()).await.unwrap();
        assert_eq!(summary(&found), wanted, "{message}");
        assert_eq!(found.passed_over, usize::from(wanted.is_empty()));
    }
    assert_eq!(certificates.load(Ordering::SeqCst), 1, "it is fetched once");
}

#[tokio::test]
async fn amazon_is_believed_with_its_own_certificate_only() {
    let (url, certificates, confirmed) = sns().await;
    let (other_url, other_certificates, _) = sns().await;
    let reporter = Reporter::Ses(Ses::new(TOPIC, &url).unwrap());
    let good = notification(&url, &ses_bounce("Permanent", "5.1.1", "unknown"));
    let with = |name: &str, value: &str| {
        let mut bad = good.clone();
        bad[name] = json!(value);
        bad.to_string()
    };
    for bad in [
        with("TopicArn", "arn:aws:sns:eu-west-1:123456789012:another"),
        with("SigningCertURL", &format!("{other_url}/SimpleNotificationService-0123abcd.pem")),
        with("SigningCertURL", &format!("{url}/anything.pem")),
        with("SigningCertURL", &format!("{url}/SimpleNotificationService-0123abcd.pem?x=1")),
        with("SigningCertURL", &format!("{url}/SimpleNotificationService-..%2f.pem")),
        with("Timestamp", "2026-11-25T11:59:00.000Z"),
    ] {
        assert!(is_refused(&read(&reporter, &[], bad.as_bytes()).await), "{bad}");
    }
    assert_eq!((certificates.load(Ordering::SeqCst), other_certificates.load(Ordering::SeqCst)), (0, 0));
    for bad in [
        with("Message", "{}"),
        with("MessageId", "another"),
        with("Subject", "another"),
        with("Type", "UnsubscribeConfirmation"),
        with("Signature", "AAAA"),
    ] {
        assert!(is_refused(&read(&reporter, &[], bad.as_bytes()).await), "{bad}");
    }
    let old = with("SignatureVersion", "1");
    assert!(matches!(read(&reporter, &[], old.as_bytes()).await, Err(Error::Unreadable(_))));
    assert!(read(&reporter, &[], good.to_string().as_bytes()).await.is_ok());

    // A subscription is confirmed at the service itself, wherever the message would lead.
    let fields = |topic: &'static str| {
        [
            ("Message", "You have chosen to subscribe to the topic."),
            ("MessageId", "165545c9-2a5c-472c-8df2-7ff2be2b3b1b"),
            ("SubscribeURL", "https://evil.example/?Action=ConfirmSubscription"),
            ("Timestamp", "2026-11-27T11:59:00.000Z"),
            ("Token", "secret"),
            ("TopicArn", topic),
            ("Type", "SubscriptionConfirmation"),
        ]
    };
    let foreign = posted(&url, &fields("arn:aws:sns:eu-west-1:999999999999:bounces")).to_string();
    assert!(is_refused(&read(&reporter, &[], foreign.as_bytes()).await));
    assert_eq!(confirmed.load(Ordering::SeqCst), 0);
    let own = posted(&url, &fields(TOPIC)).to_string();
    assert_eq!(read(&reporter, &[], own.as_bytes()).await.unwrap().passed_over, 1);
    assert_eq!(confirmed.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_certificate_that_cannot_be_had_is_asked_for_seldom() {
    let reporter = Reporter::Ses(Ses::new(TOPIC, "http://127.0.0.1:1").unwrap());
    let body = notification("http://127.0.0.1:1", &ses_bounce("Permanent", "5.1.1", "unknown")).to_string();
    for _ in 0..2 {
        assert!(matches!(read(&reporter, &[], body.as_bytes()).await, Err(Error::Unreachable)));
    }
    for bad in ["", "arn:aws:sqs:eu-west-1:1:x", "arn:aws:sns:evil.example/:1:x", "arn:aws:sns:eu-west-1:1"] {
        assert!(Ses::new(bad, "").is_err(), "{bad}");
    }
    assert!(Ses::new("arn:aws-cn:sns:cn-north-1:1:x", "").is_ok());
}
