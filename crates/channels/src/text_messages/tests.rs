//! Both adapters against a server on this machine, with the providers' own examples.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::outbound::signing;

/// Answers each request with `answer` and keeps what was asked.
async fn server(status: &'static str, answer: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = Arc::<Mutex<String>>::default();
    let keeps = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16_384];
            let mut filled = 0;
            loop {
                filled += stream.read(&mut request[filled..]).await.unwrap();
                let text = String::from_utf8_lossy(&request[..filled]).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    *keeps.lock().unwrap() = text;
                    break;
                }
            }
            if status.is_empty() {
                continue;
            }
            let text = format!(
                "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\nretry-after: 30\r\n\r\n{answer}",
                answer.len()
            );
            stream.write_all(text.as_bytes()).await.unwrap();
        }
    });
    (format!("http://127.0.0.1:{port}"), asked)
}

fn message(channel: Channel) -> TextMessage {
    TextMessage {
        id: "msg_1".to_owned(),
        channel,
        to: "+4915112345678".to_owned(),
        text: "Hallo & 您好 +1 100%".to_owned(),
        template: None,
        callback: Some("https://crm.example.org/cb?a=1".to_owned()),
    }
}

fn twilio(base: &str, sender: &str) -> Provider {
    Provider::Twilio(Twilio::new(base, "AC0123", "12345", sender).unwrap())
}

const NOW: Timestamp = Timestamp::from_seconds(1_764_219_602);

#[tokio::test]
async fn twilio_gets_a_form_and_says_what_became_of_it() {
    let client = Client::new(true).unwrap();
    let (base, asked) = server("201 Created", r#"{"sid": "SM1", "status": "queued"}"#).await;
    let outcome = twilio(&base, "+15005550006").send(&client, &message(Channel::Whatsapp), NOW).await;
    assert_eq!(outcome, Outcome::Accepted { id: Some("SM1".to_owned()), response: "queued".to_owned() });
    let asked = asked.lock().unwrap().clone();
    assert!(asked.starts_with("POST /2010-04-01/Accounts/AC0123/Messages.json HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_lowercase().contains("authorization: basic qumwmtizojeymzq1\r\n"), "{asked}");
    let form = asked.split_once("\r\n\r\n").unwrap().1;
    assert_eq!(
        form,
        "To=whatsapp%3A%2B4915112345678&From=whatsapp%3A%2B15005550006&Body=Hallo+%26+%E6%82%A8%E5%A5%BD+%2B1+100%25\
         &StatusCallback=https%3A%2F%2Fcrm.example.org%2Fcb%3Fa%3D1"
    );
}

#[tokio::test]
async fn a_template_takes_the_place_of_the_text() {
    let client = Client::new(true).unwrap();
    let (base, asked) = server("201 Created", r#"{"sid": "SM1", "status": "queued"}"#).await;
    let variables = [("1".to_owned(), "J\"ane".to_owned())].into();
    let template = Some(ProviderTemplate { id: "HX1".to_owned(), variables });
    let message = TextMessage { template, callback: None, ..message(Channel::Whatsapp) };
    twilio(&base, "MG000102030405060708090a0b0c0d0e0f").send(&client, &message, NOW).await;
    let form = asked.lock().unwrap().split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(
        form,
        "To=whatsapp%3A%2B4915112345678&MessagingServiceSid=MG000102030405060708090a0b0c0d0e0f&ContentSid=HX1\
         &ContentVariables=%7B%221%22%3A%22J%5C%22ane%22%7D"
    );
}

#[tokio::test]
async fn refusals_say_what_follows_from_them() {
    use RefusalKind::{Message, Recipient, Sender, Temporary, Unsubscribed};
    let client = Client::new(true).unwrap();
    for (status, answer, kind) in [
        ("400 Bad", r#"{"code": 21610, "message": "+4915112345678 is unsubscribed"}"#, Unsubscribed),
        ("400 Bad", r#"{"code": 21211, "message": "The 'To' number +4915112345678 is not valid"}"#, Recipient),
        ("400 Bad", r#"{"code": 21614, "message": "not a mobile number"}"#, Recipient),
        ("400 Bad", r#"{"code": 21617, "message": "too long"}"#, Message),
        ("400 Bad", r#"{"code": 21606, "message": "not your number"}"#, Sender),
        ("400 Bad", r#"{"code": 99999, "message": "new"}"#, Message),
        ("401 No", r#"{"code": 20003, "message": "authenticate"}"#, Sender),
        ("429 Slow", r#"{"code": 20429, "message": "too many"}"#, Temporary),
        ("503 Off", "<html>", Temporary),
        ("404 What", "", Sender),
    ] {
        let (base, _) = server(status, answer).await;
        let Outcome::Refused(refusal) = twilio(&base, "Shop").send(&client, &message(Channel::Sms), NOW).await else {
            panic!("{status} {answer}")
        };
        assert_eq!(refusal.kind, kind, "{status} {answer}");
        assert_eq!(refusal.retry_after.map(|wait| wait.as_secs()), Some(30));
        assert!(!refusal.text.contains("15112345678"), "{}", refusal.text);
    }
    // It was handed over, and nobody knows.
    let (base, _) = server("", "").await;
    let outcome = twilio(&base, "Shop").send(&client, &message(Channel::Sms), NOW).await;
    assert!(matches!(outcome, Outcome::Unsure { .. }), "{outcome:?}");
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let nobody = twilio(&format!("http://127.0.0.1:{closed}"), "Shop").send(&client, &message(Channel::Sms), NOW).await;
    assert_eq!(nobody, Outcome::refused(Temporary, "the provider could not be reached"));
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_asked() {
    let client = Client::new(true).unwrap();
    let provider = twilio("http://127.0.0.1:1", "Shop");
    for (change, kind) in [
        (TextMessage { to: "0151 123".to_owned(), ..message(Channel::Sms) }, RefusalKind::Recipient),
        (TextMessage { to: "+49151123456789012".to_owned(), ..message(Channel::Sms) }, RefusalKind::Recipient),
        (TextMessage { text: " ".to_owned(), ..message(Channel::Sms) }, RefusalKind::Message),
        (TextMessage { text: "x".repeat(1_601), ..message(Channel::Sms) }, RefusalKind::Message),
        (message(Channel::Email), RefusalKind::Message),
    ] {
        let outcome = provider.send(&client, &change, NOW).await;
        assert!(matches!(&outcome, Outcome::Refused(refusal) if refusal.kind == kind), "{outcome:?}");
    }
}

fn signed<'a>(url: &'a str, headers: &'a [(String, String)], body: &'a str) -> Callback<'a> {
    Callback { url, headers, body: body.as_bytes() }
}

/// The example of Twilio's documentation and of its own libraries' tests (token 12345).
#[test]
fn twilios_signature_is_checked() {
    let provider = twilio("https://api.twilio.com", "Shop");
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let body = "Digits=1234&To=%2B18005551212&From=%2B14158675309&Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
    let header = |value: &str| vec![("X-Twilio-Signature".to_owned(), value.to_owned())];
    let good = header("RSOYDt4T1cUTdK1PDd93/VVr8B8=");
    // It is signed, and no message.
    assert!(matches!(provider.reports(signed(url, &good, body), NOW), Err(Error::Unreadable(_))));
    for (url, headers, body) in [
        (url, vec![], body),
        (url, header(""), body),
        (url, header("RSOYDt4T1cUTdK1PDd93/VVr8B9="), body),
        ("http://mycompany.com/myapp.php?foo=1&bar=2", good.clone(), body),
        (url, good.clone(), &*body.replace("1234&", "1235&")),
    ] {
        assert!(matches!(provider.reports(signed(url, &headers, body), NOW), Err(Error::Signature)), "{url} {body}");
    }
    // A field that came twice counts once (the example of Twilio's Python library).
    let twice = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234";
    let read = provider.reports(signed(url, &header("IK+Dwps556ElfBT0I3Rgjkr1wJU="), twice), NOW);
    assert!(matches!(read, Err(Error::Unreadable(_))), "{read:?}");
}

fn by_twilio(body: &str) -> Report {
    let url = "https://crm.example.org/cb";
    let fields: Vec<(String, String)> =
        reqwest::Url::parse(&format!("http://x/?{body}")).unwrap().query_pairs().into_owned().collect();
    let mut sorted = fields;
    sorted.sort();
    let text = sorted.into_iter().fold(url.to_owned(), |text, (name, value)| format!("{text}{name}{value}"));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345");
    let signature = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, ring::hmac::sign(&key, text.as_bytes()));
    let headers = [("x-twilio-signature".to_owned(), signature)];
    twilio("https://api.twilio.com", "Shop").reports(signed(url, &headers, body), NOW).unwrap().remove(0)
}

#[test]
fn statuses_and_answers_are_read() {
    let status = |body: &str| match by_twilio(body) {
        Report::Status { id, state, refusal } => (id, state, refusal.map(|refusal| (refusal.kind, refusal.code))),
        other => panic!("{other:?}"),
    };
    let failed = |kind, code| Some((kind, Some(code)));
    assert_eq!(
        status("MessageSid=SM1&MessageStatus=delivered&To=%2B49151"),
        ("SM1".to_owned(), State::Delivered, None)
    );
    let undelivered = status("MessageSid=SM1&MessageStatus=undelivered&ErrorCode=30005&To=%2B4915112345678");
    assert_eq!(undelivered, ("SM1".to_owned(), State::Failed, failed(RefusalKind::Recipient, 30005)));
    assert_eq!(status("SmsSid=SM2&MessageStatus=failed&ErrorCode=30008").2, failed(RefusalKind::Temporary, 30008));
    let Report::Inbound { channel, from, text, wish, .. } = by_twilio(
        "MessageSid=SM3&From=whatsapp%3A%2B4915112345678&To=whatsapp%3A%2B15005550006&Body=%E9%80%80%E8%AE%A2+",
    ) else {
        panic!()
    };
    assert_eq!((channel, &*from, &*text, wish), (Channel::Whatsapp, "+4915112345678", "退订 ", Some(Wish::Stop)));
    let Report::Inbound { wish, .. } = by_twilio("MessageSid=SM3&From=%2B49151&Body=enough&OptOutType=STOP") else {
        panic!()
    };
    assert_eq!(wish, Some(Wish::Stop));
}

#[test]
fn only_a_whole_word_is_a_wish() {
    for text in ["STOP", " stop. ", "Stopp!", "TD", "退订", "退订。", "UNSUBSCRIBE", "opt out"] {
        assert_eq!(wish(text), Some(Wish::Stop), "{text}");
    }
    assert_eq!((wish("START"), wish("Info?")), (Some(Wish::Start), Some(Wish::Help)));
    for text in ["please don't stop", "stop it now", "", "天", "yes", &"stop ".repeat(40)] {
        assert_eq!(wish(text), None, "{text}");
    }
}

#[tokio::test]
async fn a_bridge_is_signed_both_ways() {
    let secret = signing::new_secret(&rapport_domain::SeededRng::new(1));
    let client = Client::new(true).unwrap();
    let (base, asked) = server("200 OK", r#"{"id": "x-1"}"#).await;
    let provider = Provider::Bridge(Bridge::new(&base, &secret).unwrap());
    let outcome = provider.send(&client, &message(Channel::Sms), NOW).await;
    assert_eq!(outcome, Outcome::Accepted { id: Some("x-1".to_owned()), response: String::new() });
    let asked = asked.lock().unwrap().clone();
    let (head, body) = asked.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}: "))).unwrap();
        line.split_once(": ").unwrap().1.to_owned()
    };
    assert_eq!(header("webhook-id"), "msg_1");
    signing::check(&secret, "msg_1", &header("webhook-timestamp"), &header("webhook-signature"), body.as_bytes(), NOW)
        .unwrap();
    let (base, _) = server("422 No", r#"{"kind": "unsubscribed", "text": "+4915112345678 said stop"}"#).await;
    let outcome =
        Provider::Bridge(Bridge::new(&base, &secret).unwrap()).send(&client, &message(Channel::Sms), NOW).await;
    assert!(matches!(&outcome, Outcome::Refused(refusal) if refusal.kind == RefusalKind::Unsubscribed), "{outcome:?}");

    let read = |body: &str, now: Timestamp| {
        let seconds = NOW.0.div_euclid(Timestamp::SECOND);
        let headers = [
            ("Webhook-Id".to_owned(), "r1".to_owned()),
            ("Webhook-Timestamp".to_owned(), seconds.to_string()),
            ("Webhook-Signature".to_owned(), signing::standard_webhooks(&secret, "r1", seconds, body).unwrap()),
        ];
        provider.reports(signed("", &headers, body), now)
    };
    let body = r#"{"reports": [{"id": "x-1", "state": "delivered", "more": 1}, {"id": "x-2", "state": "failed", "kind": "recipient"},
                   {"id": "y", "from": "+49151", "text": "STOP"}]}"#;
    let reports = read(body, NOW).unwrap();
    assert_eq!(reports.len(), 3);
    assert!(
        matches!(&reports[1], Report::Status { refusal: Some(refusal), .. } if refusal.kind == RefusalKind::Recipient)
    );
    assert!(matches!(&reports[2], Report::Inbound { wish: Some(Wish::Stop), .. }));
    assert!(matches!(read(body, NOW.plus(Timestamp::HOUR)), Err(Error::Signature)));
    for body in ["{", "[]", r#"{"reports": [{"id": "a"}]}"#, r#"{"reports": [{"id": "a", "state": "gone"}]}"#] {
        assert!(matches!(read(body, NOW), Err(Error::Unreadable(_))), "{body}");
    }
}
