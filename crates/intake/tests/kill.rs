//! kill -9 in a loop: a process appends and says what was acknowledged, and is killed at random moments. What was not
//! acknowledged, and some of what was, is sent again by the next one. At the end every message is there exactly once.
//!
//! A program of its own: a process that was just started shares our locks until it has become another program, and other tests
//! open a log again the moment it is closed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rapport_domain::{
    Event, EventId, EventKind, Identifier, IdentifierKind, Rng, SeededRng, SourceId, SystemClock, SystemRng, Timestamp,
    WorkspaceId,
};
use rapport_intake::{IntakeLog, LogOptions};

const FOLDER: &str = "RAPPORT_TEST_LOG";
const FROM: &str = "RAPPORT_TEST_FROM";
const ROUNDS: u64 = 50;
/// Messages of one request.
const BATCH: u64 = 7;
/// Acknowledged messages that are sent again.
const AGAIN: u64 = 40;

fn open(folder: &Path) -> IntakeLog {
    let options = LogOptions { segment_bytes: 20_000, ..LogOptions::default() };
    IntakeLog::open(folder, options, Arc::new(SystemClock), Arc::new(SystemRng)).unwrap()
}

fn message(n: u64) -> Event {
    Event {
        id: EventId::of_message(WorkspaceId(1), SourceId(1), &n.to_string()),
        workspace: WorkspaceId(1),
        source: SourceId(1),
        kind: EventKind::Track,
        name: "X".to_owned(),
        occurred_at: Timestamp(0),
        sent_at: None,
        received_at: Timestamp(0),
        order_key: i64::try_from(n).unwrap(),
        identifiers: vec![Identifier { kind: IdentifierKind::UserId, value: n.to_string() }],
        group_id: None,
        previous_id: None,
        natural_key: None,
        supersedes: None,
        properties: serde_json::Map::new(),
        traits: serde_json::Map::new(),
        context: serde_json::Map::new(),
    }
}

/// The process that is killed; does nothing unless the other test starts it.
#[test]
fn sender() {
    let (Ok(folder), Ok(from)) = (std::env::var(FOLDER), std::env::var(FROM)) else { return };
    let log = open(Path::new(&folder));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut next: u64 = from.parse().unwrap();
    loop {
        // Several requests are under way at once, so that commits hold more than one.
        let answers: Vec<_> = (0..3)
            .map(|_| {
                let batch: Vec<Event> = (next..next + BATCH).map(message).collect();
                next += BATCH;
                (next, log.append(&batch))
            })
            .collect();
        for (end, answer) in answers {
            runtime.block_on(answer).unwrap();
            let mut out = std::io::stdout().lock();
            writeln!(out, "acknowledged {end}").unwrap();
            out.flush().unwrap();
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_there_twice() {
    let folder = tempfile::tempdir().unwrap();
    let chance = SeededRng::new(20_261_121);
    let mut acknowledged = 0u64;
    for _ in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sender", "--nocapture", "--test-threads=1"])
            .env(FOLDER, folder.path())
            .env(FROM, acknowledged.saturating_sub(chance.next_u64() % AGAIN).to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Sometimes while it opens the log, mostly while it writes.
        let wanted = chance.next_u64() % 6;
        let mut seen = 0;
        while seen < wanted {
            let line = lines.next().expect("the sender never ends by itself").unwrap();
            if let Some(end) = line.strip_prefix("acknowledged ") {
                acknowledged = acknowledged.max(end.parse().unwrap());
                seen += 1;
            }
        }
        std::thread::sleep(Duration::from_micros(chance.next_u64() % 10_000));
        child.kill().unwrap();
        // What it still managed to say counts as acknowledged.
        for line in lines.map_while(Result::ok) {
            if let Some(end) = line.strip_prefix("acknowledged ").and_then(|end| end.parse().ok()) {
                acknowledged = acknowledged.max(end);
            }
        }
        child.wait().unwrap();
    }
    assert!(acknowledged > ROUNDS, "the senders got something done: {acknowledged}");
    let log = open(folder.path());
    let mut seen = vec![0u32; usize::try_from(acknowledged).unwrap() + 1_000];
    let mut from = 1;
    while from <= log.head() {
        let batch = log.read(from, 1_000, usize::MAX).unwrap();
        for (position, event) in &batch.events {
            assert_eq!(*position, from);
            from += 1;
            seen[usize::try_from(event.order_key).unwrap()] += 1;
        }
    }
    assert!(seen.iter().all(|&times| times <= 1), "a message is there twice");
    let lost = seen.iter().take(usize::try_from(acknowledged).unwrap()).filter(|&&times| times == 0).count();
    assert_eq!(lost, 0, "of {acknowledged} acknowledged messages");
}
