//! Both interfaces against a server on this machine, in their documented forms.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const TOKEN: &str = "EAAB-secret-token";
const LIST: List<'_> = List { id: "1234567890", token: TOKEN };

/// Answers each request in turn and keeps what was asked.
async fn server(answers: Vec<(u16, String)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let keeps = Arc::clone(&asked);
    tokio::spawn(async move {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            loop {
                let mut part = [0; 4_096];
                let count = stream.read(&mut part).await.unwrap();
                request.extend_from_slice(&part[..count]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, rest)) = text.split_once("\r\n\r\n") else { continue };
                let length = head
                    .lines()
                    .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                if rest.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    keeps.lock().unwrap().push(text);
                    break;
                }
            }
            let head = format!(
                "HTTP/1.1 {status} X\r\nconnection: close\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    (url, asked)
}

fn rows() -> Vec<Vec<String>> {
    vec![
        ["aa", "bb", "", "", "", "cc"].map(str::to_owned).to_vec(),
        ["dd", "", "", "", "", ""].map(str::to_owned).to_vec(),
    ]
}

fn client() -> Client {
    Client::new(true).unwrap()
}

#[tokio::test]
async fn meta_is_told_in_its_form() {
    let done = json!({"audience_id": "1234567890", "num_received": 2, "num_invalid_entries": 1}).to_string();
    let (url, asked) = server(vec![(200, done.clone()), (200, done)]).await;
    let meta = Interface::meta(&format!("{url}/v25.0")).unwrap();
    assert_eq!(meta.tell(&client(), LIST, Act::Add, &rows()).await, Told::Done { invalid: 1 });
    assert_eq!(meta.tell(&client(), LIST, Act::Remove, &rows()).await, Told::Done { invalid: 1 });
    let asked = asked.lock().unwrap();
    assert!(asked[0].starts_with("POST /v25.0/1234567890/users HTTP/1.1"), "{}", asked[0]);
    assert!(asked[1].starts_with("DELETE /v25.0/1234567890/users HTTP/1.1"), "{}", asked[1]);
    for asked in asked.iter() {
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("application/x-www-form-urlencoded") && !head.contains(TOKEN));
        let form = Url::parse(&format!("form:/?{body}")).unwrap();
        let fields: Vec<(String, String)> = form.query_pairs().into_owned().collect();
        let payload: Value = serde_json::from_str(&fields[0].1).unwrap();
        let wanted = json!({"schema": ["EMAIL", "PHONE", "FN", "LN", "ZIP", "COUNTRY"], "data": rows()});
        assert_eq!((fields[0].0.as_str(), &payload), ("payload", &wanted));
        assert_eq!(fields[1], ("access_token".to_owned(), TOKEN.to_owned()));
    }
}

#[tokio::test]
async fn what_meta_answers_is_told_apart() {
    let error = |code: u64, transient: bool| {
        json!({"error": {"message": format!("bad {TOKEN} of jane@example.org"), "code": code, "is_transient": transient}}).to_string()
    };
    let answers = vec![
        (400, error(190, false)),
        (400, error(17, false)),
        (500, error(2, true)),
        (503, String::new()),
        (404, String::new()),
    ];
    let (url, _) = server(answers).await;
    let meta = Interface::meta(&url).unwrap();
    let mut told = Vec::new();
    for _ in 0..5 {
        told.push(meta.tell(&client(), LIST, Act::Add, &rows()).await);
    }
    assert!(matches!(&told[0], Told::Refused { why } if why.starts_with("400 bad <token>")), "{told:?}");
    for later in &told[1..4] {
        assert!(matches!(later, Told::Later { wait: Some(wait), .. } if wait.as_secs() == 7), "{told:?}");
    }
    assert!(matches!(&told[4], Told::Refused { .. }));
    assert!(!format!("{told:?}").contains(TOKEN) && !format!("{told:?}").contains("jane@"), "{told:?}");
    let gone = Interface::meta("http://127.0.0.1:1").unwrap();
    assert!(matches!(gone.tell(&client(), LIST, Act::Add, &rows()).await, Told::Later { wait: None, .. }));
    for id in ["", "../me", "1/2", "a?b"] {
        let told = meta.tell(&client(), List { id, token: TOKEN }, Act::Add, &rows()).await;
        assert!(matches!(told, Told::Refused { .. }), "{id}");
    }
}

#[tokio::test]
async fn linkedin_is_told_in_its_form() {
    let each = |statuses: &[u16]| {
        let elements: Vec<Value> = statuses.iter().map(|status| json!({"status": status})).collect();
        json!({ "elements": elements }).to_string()
    };
    let answers = vec![
        (200, each(&[201, 201])),
        (200, each(&[201, 400])),
        (200, each(&[400, 400])),
        (200, each(&[201, 429])),
        (401, json!({"message": "no"}).to_string()),
    ];
    let (url, asked) = server(answers).await;
    let linkedin = Interface::linkedin(&format!("{url}/rest"), "202601").unwrap();
    let mut told = Vec::new();
    for act in [Act::Add, Act::Remove, Act::Add, Act::Add, Act::Add] {
        told.push(linkedin.tell(&client(), LIST, act, &rows()).await);
    }
    assert_eq!(told[..2], [Told::Done { invalid: 0 }, Told::Done { invalid: 1 }]);
    assert!(
        matches!((&told[2], &told[3], &told[4]), (Told::Refused { .. }, Told::Later { .. }, Told::Refused { .. })),
        "{told:?}"
    );
    let asked = asked.lock().unwrap();
    let (head, body) = asked[1].split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    for wanted in [
        "post /rest/dmpsegments/1234567890/users",
        "linkedin-version: 202601",
        "x-restli-method: batch_create",
        "x-restli-protocol-version: 2.0.0",
    ] {
        assert!(head.contains(wanted), "{head}");
    }
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        body["elements"][0],
        json!({"action": "REMOVE", "userIds": [{"idType": "SHA256_EMAIL", "idValue": "aa"}]})
    );
    assert!(Interface::linkedin(&url, "last month").is_err());
}
