//! The log's promises: order, exact dedupe, versions of rows, encryption, release, refusals.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rapport_domain::{
    Event, EventId, EventKind, Identifier, IdentifierKind, ManualClock, NaturalKey, SeededRng, SourceId, Timestamp,
    WorkspaceId,
};
use rapport_intake::log::{FolderKeys, KeyProvider};
use rapport_intake::{Error, IntakeLog, LogOptions};
use serde_json::json;

const WORKSPACE: WorkspaceId = WorkspaceId(1);
const SOURCE: SourceId = SourceId(2);

fn start() -> Timestamp {
    Timestamp::parse("2026-11-21T12:00:00Z").unwrap()
}

fn event(id: EventId, natural_key: Option<&str>, note: &str) -> Event {
    Event {
        id,
        workspace: WORKSPACE,
        source: SOURCE,
        kind: EventKind::Track,
        name: "Order Completed".to_owned(),
        occurred_at: start(),
        sent_at: None,
        received_at: start(),
        order_key: 5,
        identifiers: vec![Identifier { kind: IdentifierKind::UserId, value: "ann".to_owned() }],
        group_id: None,
        previous_id: None,
        natural_key: natural_key.map(|key| NaturalKey(key.to_owned())),
        supersedes: None,
        properties: json!({"note": note, "revenue": 12.95}).as_object().unwrap().clone(),
        traits: serde_json::Map::new(),
        context: serde_json::Map::new(),
    }
}

fn message(n: u64) -> Event {
    event(EventId::of_message(WORKSPACE, SOURCE, &n.to_string()), None, &format!("note-{n}"))
}

fn row(key: &str, content: &str) -> Event {
    event(EventId::of_row(WORKSPACE, SOURCE, key, content.as_bytes()), Some(key), content)
}

struct Bench {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), clock: Arc::new(ManualClock::at(start())) }
    }

    fn try_open(&self, options: LogOptions) -> Result<IntakeLog, Error> {
        IntakeLog::open(self.folder.path(), options, Arc::clone(&self.clock) as _, Arc::new(SeededRng::new(3)))
    }

    fn open(&self) -> IntakeLog {
        self.try_open(small()).unwrap()
    }

    fn segments(&self) -> Vec<PathBuf> {
        let mut paths: Vec<_> =
            fs::read_dir(self.folder.path().join("segments")).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    }
}

fn small() -> LogOptions {
    LogOptions { segment_bytes: 2_000, ..LogOptions::default() }
}

fn all(log: &IntakeLog) -> Vec<(u64, Event)> {
    let mut events = Vec::new();
    let mut from = log.first();
    loop {
        let batch = log.read(from, 7, 3_000).unwrap();
        if batch.events.is_empty() && batch.next == from {
            return events;
        }
        events.extend(batch.events);
        from = batch.next;
    }
}

#[test]
fn events_come_back_in_order_across_segments_and_restarts() {
    let bench = Bench::new();
    let sent: Vec<Event> = (0..100).map(message).collect();
    let log = bench.open();
    for part in sent[..60].chunks(3) {
        let result = log.append_blocking(part).unwrap();
        assert_eq!((result.positions.end - result.positions.start, result.duplicates.len()), (3, 0));
    }
    let epoch = log.epoch();
    drop(log);
    let log = bench.open();
    assert_eq!((log.head(), log.epoch()), (60, epoch));
    assert_eq!(log.append_blocking(&sent[60..]).unwrap().positions, 61..101);
    let expected: Vec<(u64, Event)> = (1..).zip(sent).collect();
    assert_eq!(all(&log), expected);
    assert!(bench.segments().len() > 3);
    assert_eq!(log.read(50, 1, usize::MAX).unwrap().events, expected[49..50]);
    assert_eq!(log.read(101, 10, 10).unwrap().next, 101);
    assert!(matches!(log.read(102, 1, 1), Err(Error::CursorBeyondEnd { position: 102, head: 100 })));
}

#[test]
fn a_message_is_taken_once_within_the_window() {
    let bench = Bench::new();
    let log = bench.open();
    let first = log.append_blocking(&[message(1), message(2), message(1)]).unwrap();
    assert_eq!((first.positions, first.duplicates), (1..3, vec![2]));
    let again = log.append_blocking(&[message(2), message(3)]).unwrap();
    assert_eq!((again.positions, again.duplicates), (3..4, vec![0]));
    let nothing = log.append_blocking(&[message(3)]).unwrap();
    assert_eq!((nothing.positions, nothing.duplicates), (4..4, vec![0]));
    bench.clock.advance(7 * Timestamp::DAY - Timestamp::HOUR);
    assert_eq!(log.append_blocking(&[message(1), message(9)]).unwrap().duplicates, [0]);
    drop(log);
    bench.clock.advance(2 * Timestamp::HOUR);
    let log = bench.open();
    assert_eq!(
        log.append_blocking(&[message(1), message(9)]).unwrap().duplicates,
        [1],
        "a week later the id is free again"
    );
    assert_eq!(log.append_blocking(&[message(1)]).unwrap().duplicates, [0]);
}

#[test]
fn a_changed_row_supersedes_and_an_equal_one_adds_nothing() {
    let bench = Bench::new();
    let log = bench.open();
    log.append_blocking(&[row("o1", "a"), row("o2", "x"), row("o1", "a"), row("o1", "b")]).unwrap();
    assert_eq!(log.append_blocking(&[row("o2", "x"), row("o1", "b")]).unwrap().duplicates, [0, 1]);
    drop(log);
    // Natural keys are for ever, also when their store has to be built again.
    bench.clock.advance(400 * Timestamp::DAY);
    fs::remove_dir_all(bench.folder.path().join("dedupe")).unwrap();
    let log = bench.open();
    assert_eq!(log.append_blocking(&[row("o2", "x"), row("o1", "a")]).unwrap().duplicates, [0]);
    let events: Vec<Event> = all(&log).into_iter().map(|(_, event)| event).collect();
    let notes: Vec<_> = events.iter().map(|event| event.properties["note"].as_str().unwrap()).collect();
    assert_eq!(notes, ["a", "x", "b", "a"]);
    assert_eq!(events[0].id, row("o1", "a").id);
    assert_eq!(events[2].supersedes, Some(events[0].id));
    assert_eq!(events[3].supersedes, Some(events[2].id));
    assert_ne!(events[3].id, events[0].id, "back to the first content is a version of its own");
    assert_eq!((events[0].supersedes, events[1].supersedes), (None, None));
}

#[test]
fn keys_hide_and_erase() {
    let bench = Bench::new();
    let key_folder = tempfile::tempdir().unwrap();
    let keys = Arc::new(FolderKeys::open(key_folder.path(), Arc::new(SeededRng::new(9))).unwrap());
    let options = || LogOptions { keys: Some(Arc::clone(&keys) as Arc<dyn KeyProvider>), ..small() };
    let log = bench.try_open(options()).unwrap();
    log.append_blocking(&[message(1), message(2)]).unwrap();
    bench.clock.advance(Timestamp::DAY);
    log.append_blocking(&[message(3)]).unwrap();
    assert_eq!(all(&log).len(), 3);
    for path in bench.segments() {
        let bytes = fs::read(path).unwrap();
        assert!(!bytes.windows(5).any(|window| window == b"note-"));
    }
    assert_eq!(keys.destroy_before(start().utc_day() + 1).unwrap(), 1);
    let batch = log.read(1, 10, 10_000).unwrap();
    assert_eq!((batch.erased, batch.next, batch.events.len()), (2, 4, 1));
    assert_eq!(batch.events[0], (3, message(3)));
    drop(log);
    let log = bench.try_open(small()).unwrap();
    assert!(matches!(log.read(3, 1, 1), Err(Error::Key { .. })), "without keys the log is closed");
}

#[test]
fn what_is_consumed_and_old_is_released() {
    let bench = Bench::new();
    let log = bench.open();
    for n in 0..40 {
        log.append_blocking(&[message(n)]).unwrap();
    }
    drop(log);
    let log = bench.open();
    let before = bench.segments().len();
    assert_eq!(log.release(40, 3).unwrap(), 0, "not old enough");
    bench.clock.advance(4 * Timestamp::DAY);
    let last_first: u64 = bench.segments().last().unwrap().file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(
        log.release(last_first - 2, 3).unwrap(),
        before - 2,
        "a segment with an event that was not consumed stays"
    );
    assert_eq!(log.release(40, 3).unwrap(), 1, "the last segment stays");
    assert_eq!((bench.segments().len(), log.first()), (1, last_first));
    assert!(matches!(log.read(1, 1, 1), Err(Error::Released { position: 1, .. })));
    assert_eq!(all(&log).len() as u64, 41 - last_first);
    drop(log);
    let log = bench.open();
    assert_eq!(log.head(), 40);
    assert_eq!(log.append_blocking(&[message(0)]).unwrap().duplicates, [0], "released, and still known");
}

#[test]
fn damage_is_reported_and_left_alone() {
    for (segment, at) in [(0, 40), (0, 150), (1, 3), (3, 30)] {
        let bench = Bench::new();
        let log = bench.open();
        for n in 0..30 {
            log.append_blocking(&[message(n)]).unwrap();
        }
        drop(log);
        let path = bench.segments()[segment].clone();
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let found = match bench.try_open(small()) {
            Err(error) => error,
            Ok(log) => log.read(1, 100, usize::MAX).unwrap_err(),
        };
        assert!(matches!(found, Error::Damaged { .. }), "{segment} {at}: {found}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn an_acknowledged_end_that_vanished_is_damage() {
    let bench = Bench::new();
    let log = bench.open();
    log.append_blocking(&[message(1)]).unwrap();
    log.append_blocking(&[message(2)]).unwrap();
    drop(log);
    let path = bench.segments().remove(0);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 3]).unwrap();
    assert!(matches!(bench.try_open(small()), Err(Error::Damaged { .. })));
    assert_eq!(fs::read(&path).unwrap().len(), bytes.len() - 3);
    fs::remove_file(&path).unwrap();
    assert!(matches!(bench.try_open(small()), Err(Error::Damaged { .. })));
}

#[test]
fn a_folder_in_use_or_of_a_newer_version_is_refused() {
    let bench = Bench::new();
    let log = bench.open();
    assert!(matches!(bench.try_open(small()), Err(Error::Locked(_))));
    drop(log);
    let about = bench.folder.path().join("log.json");
    let text = fs::read_to_string(&about).unwrap();
    fs::write(&about, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    assert!(matches!(bench.try_open(small()), Err(Error::Newer { found: 2, known: 1, .. })));
    fs::write(&about, "{").unwrap();
    assert!(matches!(bench.try_open(small()), Err(Error::Damaged { .. })));
}

#[test]
fn keys_of_another_log_are_thrown_away() {
    let (old, new) = (Bench::new(), Bench::new());
    let log = old.open();
    log.append_blocking(&[message(1)]).unwrap();
    drop(log);
    let open = |folder: &Path| {
        IntakeLog::open(folder, small(), Arc::new(ManualClock::at(start())), Arc::new(SeededRng::new(77))).unwrap()
    };
    drop(open(new.folder.path()));
    let keys = new.folder.path().join("dedupe");
    fs::remove_dir_all(&keys).unwrap();
    fs::rename(old.folder.path().join("dedupe"), &keys).unwrap();
    assert_eq!(open(new.folder.path()).append_blocking(&[message(1)]).unwrap().positions, 1..2);
}

#[tokio::test]
async fn readers_are_woken_and_senders_share_commits() {
    let bench = Bench::new();
    let log = Arc::new(bench.try_open(LogOptions::default()).unwrap());
    let waiting = tokio::spawn({
        let log = Arc::clone(&log);
        async move { log.wait_for(50).await.unwrap() }
    });
    let answers: Vec<_> = (0..50).map(|n| log.append(&[message(n)])).collect();
    let mut positions = Vec::new();
    for answer in answers {
        positions.extend(answer.await.unwrap().positions);
    }
    assert_eq!(positions, (1..=50).collect::<Vec<u64>>());
    assert_eq!(waiting.await.unwrap(), 50);
}
