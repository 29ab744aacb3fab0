//! kill -9, again and again, in the middle of intake: what was acknowledged is there, once.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

const ROUNDS: u64 = 20;
const SENDERS: usize = 3;
const BATCH: u64 = 20;
const CUSTOMERS: u64 = 12;

/// A server process on a data folder.
pub struct Process {
    child: Mutex<Child>,
    pub address: String,
}

impl Process {
    fn start(data: &Path) -> Self {
        Self::with(data, &[])
    }

    /// With settings of its own, as variables.
    pub fn with(data: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rapport"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("RAPPORT_LIMITS_CONNECTIONS_PER_ADDRESS", "0")
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped"))
            .read_line(&mut line)
            .expect("it says where it is");
        let address = line.trim().rsplit("http://").next().unwrap_or_default().to_owned();
        assert!(address.contains(':'), "it did not start: {line}");
        Self { child: Mutex::new(child), address }
    }

    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().expect("a running process can be killed");
        child.wait().expect("a killed process ends");
    }
}

/// One request; status and body, or what the connection died of.
pub fn request(
    address: &str,
    method: &str,
    path: &str,
    authorization: &str,
    body: &str,
) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let broken = || std::io::Error::other("the answer was cut short");
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    Ok((status, body.to_owned()))
}

pub fn key(data: &Path, flags: &[&str]) -> String {
    let data = data.to_str().expect("a temporary folder's name is text");
    let output =
        Command::new(env!("CARGO_BIN_EXE_rapport")).args(["key", "create", "--data", data]).args(flags).output();
    String::from_utf8(output.expect("the binary starts").stdout).expect("a key is text").trim().to_owned()
}

/// Events `first..first + BATCH`, each a message of its own with its number, spread over a few customers and their devices.
fn batch(first: u64) -> String {
    let events: Vec<Value> = (first..first + BATCH)
        .map(|n| {
            json!({"type": "track", "event": "Crash Tested", "userId": format!("c{}", n % CUSTOMERS), "anonymousId": format!("d{}", n % 30),
                "messageId": format!("m{n}"), "properties": {"number": n}})
        })
        .collect();
    json!({"batch": events}).to_string()
}

#[test]
fn what_was_acknowledged_survives_kill_9_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let write = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:", key(data, &["--source", "Crash"]))));
    let read = format!("Bearer {}", key(data, &["--api", "--scope", "read"]));
    let next = AtomicU64::new(0);
    // What was sent and not acknowledged is sent again, as an SDK does.
    let pending: Mutex<Vec<u64>> = Mutex::default();
    let acknowledged: Mutex<BTreeSet<u64>> = Mutex::default();
    for round in 0..ROUNDS {
        let process = Process::start(data);
        let stopped = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..SENDERS {
                scope.spawn(|| {
                    while !stopped.load(Ordering::Relaxed) {
                        let again = pending.lock().unwrap().pop();
                        let first = again.unwrap_or_else(|| next.fetch_add(BATCH, Ordering::Relaxed));
                        match request(&process.address, "POST", "/v1/batch", &write, &batch(first)) {
                            Ok((200, _)) => drop(acknowledged.lock().unwrap().insert(first)),
                            Ok((status, body)) => panic!("{status}: {body}"),
                            Err(_) => pending.lock().unwrap().push(first),
                        }
                    }
                });
            }
            // Between one and three tenths of a second, so that the kill comes at any point of a commit, a flush, a start.
            std::thread::sleep(Duration::from_millis(100 + round * 37 % 200));
            stopped.store(true, Ordering::Relaxed);
            process.kill();
        });
    }
    let process = Process::start(data);
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() as u64 > ROUNDS, "the rounds were too short to test anything");
    let wanted: BTreeSet<u64> = acknowledged.iter().flat_map(|first| *first..first + BATCH).collect();
    let sent = next.into_inner();
    wait_until_applied(&process.address, &read);
    let found = numbers(&process.address, &read);
    let once: BTreeSet<u64> = found.iter().copied().collect();
    assert_eq!(once.len(), found.len(), "an event is there twice");
    assert!(wanted.is_subset(&once), "lost: {:?}", wanted.difference(&once).take(5).collect::<Vec<_>>());
    assert!(once.last().is_none_or(|last| *last < sent), "an event is there that nobody sent");
    process.kill();
}

fn wait_until_applied(address: &str, read: &str) {
    let began = Instant::now();
    loop {
        let (_, health) = request(address, "GET", "/api/v1/data-health", read, "").unwrap();
        let health: Value = serde_json::from_str(&health).unwrap();
        if health["lag_events"] == 0 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "events are not applied: {health}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The numbers in everybody's timeline.
fn numbers(address: &str, read: &str) -> Vec<u64> {
    let get = |path: &str| -> Value {
        let (status, body) = request(address, "GET", path, read, "").unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    };
    // Lists are written a moment after the events are in answers.
    let began = Instant::now();
    let people = loop {
        let people = get("/api/v1/customers?limit=200");
        if people["rows"].as_array().unwrap().len() as u64 == CUSTOMERS {
            break people;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{people}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let mut found = Vec::new();
    for person in people["rows"].as_array().unwrap() {
        let id = person["person_id"].as_str().unwrap();
        let mut before = String::new();
        loop {
            let page = get(&format!("/api/v1/customers/{id}/timeline?limit=200{before}"));
            found
                .extend(page["rows"].as_array().unwrap().iter().filter_map(|row| row["properties"]["number"].as_u64()));
            let Some(next) = page["next"].as_str() else { break };
            before = format!("&before={next}");
        }
    }
    found
}
