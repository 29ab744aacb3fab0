//! kill -9, again and again, while people are being asked: everybody who got a parcel has one row, and everybody who is invited has one message.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::{Rng, SeededRng};
use serde_json::{Value, json};

use crate::crash::{Process, key, request};

const ROUNDS: u64 = 5;
/// Parcels a round.
const PARCELS: u64 = 12;

/// What is told of somebody who gets a parcel, always under the same ids.
fn gets(number: u64) -> String {
    let user = format!("u{number}");
    let batch = json!({"batch": [
        {"type": "identify", "userId": user, "messageId": format!("i{number}"), "traits": {"email": format!("p{number}@example.com")}},
        {"type": "track", "userId": user, "messageId": format!("d{number}"), "event": "Order Delivered", "properties": {"order_id": number}}]});
    batch.to_string()
}

#[test]
fn kill_9_while_people_are_asked_asks_nobody_twice_and_loses_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let write = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:", key(data, &["--source", "Crash"]))));
    let admin = format!("Bearer {}", key(data, &["--api", "--scope", "read", "--scope", "write", "--scope", "admin"]));
    // Nobody listens there: mails wait, and are no part of this.
    let variables = [
        ("RAPPORT_MAIL_HOST", "127.0.0.1"),
        ("RAPPORT_MAIL_PORT", "1"),
        ("RAPPORT_MAIL_SECURITY", "plain"),
        ("RAPPORT_PUBLIC_URL", "https://shop.example"),
    ];
    let start = || Process::with(data, &variables);
    let call = |process: &Process, method: &str, path: &str, body: &Value| -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = request(&process.address, method, path, &admin, &body).unwrap();
        assert_eq!(status, 200, "{method} {path}: {answer}");
        serde_json::from_str(&answer).unwrap()
    };
    let process = start();
    let settings =
        json!({"settings": {"from": {"name": "Shop", "address": "news@shop.example"}, "quiet": null, "caps": []}});
    call(&process, "PUT", "/api/v1/sending/settings", &settings);
    let letterhead =
        json!({"name": "Shop", "address": "1 Street, Town", "url": "https://shop.example", "logo_url": ""});
    call(&process, "PUT", "/api/v1/letterhead", &letterhead);
    let mut definition = call(&process, "GET", "/api/v1/survey-templates/delivery", &Value::Null)["definition"].clone();
    definition["asking"]["when"] = json!({"event": {"name": "Order Delivered", "key": "order_id"}});
    let made = json!({"key": "delivery", "name": "After a delivery", "definition": definition});
    call(&process, "POST", "/api/v1/surveys", &made);
    call(&process, "POST", "/api/v1/surveys/delivery/act", &json!({"act": "open", "revision": 1}));
    process.kill();

    let waiting: Mutex<Vec<u64>> = Mutex::default();
    let tell = |process: &Process, stopped: &AtomicBool| {
        while !stopped.load(Ordering::Relaxed) {
            let Some(number) = waiting.lock().unwrap().pop() else { return };
            match request(&process.address, "POST", "/v1/batch", &write, &gets(number)) {
                Ok((200, _)) => std::thread::sleep(Duration::from_millis(30)),
                Ok((status, body)) => panic!("{status}: {body}"),
                Err(_) => waiting.lock().unwrap().push(number),
            }
        }
    };
    let rng = SeededRng::new(7);
    for round in 0..ROUNDS {
        waiting.lock().unwrap().extend(round * PARCELS..(round + 1) * PARCELS);
        let process = start();
        let stopped = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| tell(&process, &stopped));
            std::thread::sleep(Duration::from_millis(300 + rng.next_u64() % 900));
            stopped.store(true, Ordering::Relaxed);
            process.kill();
        });
    }
    let process = start();
    tell(&process, &AtomicBool::new(false));
    let began = Instant::now();
    let all = usize::try_from(ROUNDS * PARCELS).unwrap();
    let rows = loop {
        let list = call(&process, "GET", "/api/v1/surveys/delivery/invitations?limit=500", &Value::Null);
        let rows = list["rows"].as_array().unwrap().clone();
        let open = rows.iter().filter(|row| row["state"] == "waiting").count();
        if rows.len() == all && open == 0 {
            break rows;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{} rows, {open} wait", rows.len());
        std::thread::sleep(Duration::from_millis(100));
    };
    let invited: BTreeSet<&str> = rows.iter().map(|row| row["person_id"].as_str().unwrap()).collect();
    assert_eq!(invited.len(), all, "each of them once");
    let fates: BTreeSet<String> = rows.iter().map(|row| format!("{} {}", row["state"], row["reason"])).collect();
    assert_eq!(fates, BTreeSet::from(["\"invited\" null".to_owned()]));
    let messages = call(&process, "GET", "/api/v1/messages?limit=100", &Value::Null);
    let to: Vec<&str> =
        messages["rows"].as_array().unwrap().iter().map(|it| it["message"]["person_id"].as_str().unwrap()).collect();
    assert_eq!((to.len(), to.into_iter().collect::<BTreeSet<_>>()), (all, invited), "one message each");
    process.kill();
}
