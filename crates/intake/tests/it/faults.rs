//! A disk that is full, tears writes, fails to sync, or loses what was not synced: an acknowledged event survives, no event is
//! there twice, and the log goes on by itself once the disk works again.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rapport_domain::{
    Event, EventId, EventKind, Identifier, IdentifierKind, ManualClock, SeededRng, SourceId, Timestamp, WorkspaceId,
};
use rapport_intake::log::{Disk, Files, SegmentFile};
use rapport_intake::{Error, IntakeLog, LogOptions};

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The next write ends after so many bytes: the disk is full.
    Full(usize),
    /// The next sync fails; nobody knows what of it is on the disk.
    Sync,
    /// The next cut fails as well, and with it the first repair.
    Truncate,
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    /// Bytes of each file: written, and of these synced.
    lengths: HashMap<PathBuf, (u64, u64)>,
}

#[derive(Clone, Default)]
struct BadDisk(Arc<Mutex<State>>);

struct BadFile {
    inner: Box<dyn SegmentFile>,
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

impl BadFile {
    fn take(&self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut state = self.state.lock().unwrap();
        let at = state.faults.iter().position(wanted)?;
        Some(state.faults.remove(at))
    }

    fn grow(&self, bytes: usize) {
        self.state.lock().unwrap().lengths.entry(self.path.clone()).or_default().0 += bytes as u64;
    }
}

impl SegmentFile for BadFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A segment's own header is short and written once; faults are meant for frames.
        if bytes.len() > 28
            && let Some(Fault::Full(kept)) = self.take(|fault| matches!(fault, Fault::Full(_)))
        {
            let kept = kept.min(bytes.len());
            self.inner.append(&bytes[..kept])?;
            self.grow(kept);
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.grow(bytes.len());
        self.inner.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        if self.take(|fault| matches!(fault, Fault::Sync)).is_some() {
            return Err(io::Error::other("the disk went away"));
        }
        let mut state = self.state.lock().unwrap();
        let length = state.lengths.entry(self.path.clone()).or_default();
        length.1 = length.0;
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        if self.take(|fault| matches!(fault, Fault::Truncate)).is_some() {
            return Err(io::Error::other("the disk is read-only"));
        }
        self.state.lock().unwrap().lengths.insert(self.path.clone(), (length, length));
        self.inner.truncate(length)
    }
}

impl BadDisk {
    fn wrap(&self, path: &Path, inner: Box<dyn SegmentFile>) -> Box<dyn SegmentFile> {
        Box::new(BadFile { inner, path: path.to_owned(), state: Arc::clone(&self.0) })
    }

    /// The power fails: of what was not synced, a part of the given size is kept, with its last byte wrong or right.
    fn crash(&self, keep: u64, garble: bool) {
        let mut state = self.0.lock().unwrap();
        state.faults.clear();
        for (path, (written, synced)) in &mut state.lengths {
            let kept = (*synced + keep).min(*written);
            let Ok(file) = OpenOptions::new().write(true).open(path) else { continue };
            file.set_len(kept).unwrap();
            if garble && kept > *synced {
                use std::os::unix::fs::FileExt;
                file.write_all_at(&[0xA5], kept - 1).unwrap();
            }
            (*written, *synced) = (kept, kept);
        }
    }
}

impl Files for BadDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        self.0.lock().unwrap().lengths.insert(path.to_owned(), (0, 0));
        Ok(self.wrap(path, Disk.create(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        let length = std::fs::metadata(path)?.len();
        self.0.lock().unwrap().lengths.entry(path.to_owned()).or_insert((length, length)).0 = length;
        Ok(self.wrap(path, Disk.open(path)?))
    }
}

fn message(n: u32) -> Event {
    Event {
        id: EventId::of_message(WorkspaceId(1), SourceId(1), &n.to_string()),
        workspace: WorkspaceId(1),
        source: SourceId(1),
        kind: EventKind::Track,
        name: "X".to_owned(),
        occurred_at: Timestamp(0),
        sent_at: None,
        received_at: Timestamp(0),
        order_key: i64::from(n),
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

fn open(folder: &Path, disk: &BadDisk) -> IntakeLog {
    let options = LogOptions { segment_bytes: 900, files: Arc::new(disk.clone()), ..LogOptions::default() };
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_700_000_000)));
    IntakeLog::open(folder, options, clock, Arc::new(SeededRng::new(3))).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Send(Vec<u32>),
    Fault(Fault),
    /// The process ends with its last write unsynced, the dedupe keys lost or not.
    Crash {
        keep: u64,
        garble: bool,
        lose_keys: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(0u32..60, 1..6).prop_map(Step::Send),
        1 => (0usize..200).prop_map(|kept| Step::Fault(Fault::Full(kept))),
        1 => Just(Step::Fault(Fault::Sync)),
        1 => Just(Step::Fault(Fault::Truncate)),
        1 => (0u64..300, any::<bool>(), any::<bool>()).prop_map(|(keep, garble, lose_keys)| Step::Crash { keep, garble, lose_keys }),
    ]
}

fn stored(log: &IntakeLog) -> Vec<u32> {
    let batch = log.read(1, usize::MAX, usize::MAX).unwrap();
    assert!(batch.events.iter().map(|(position, _)| *position).eq(1..=log.head()), "positions have a gap");
    batch.events.iter().map(|(_, event)| u32::try_from(event.order_key).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    #[test]
    fn acknowledged_means_there_once(steps in prop::collection::vec(step(), 1..25)) {
        let folder = tempfile::tempdir().unwrap();
        let disk = BadDisk::default();
        let mut log = open(folder.path(), &disk);
        let mut acknowledged: Vec<u32> = Vec::new();
        for step in steps {
            match step {
                Step::Send(batch) => {
                    let events: Vec<Event> = batch.iter().map(|&n| message(n)).collect();
                    match log.append_blocking(&events) {
                        Ok(result) => {
                            let new = (result.positions.end - result.positions.start) as usize;
                            prop_assert_eq!(new + result.duplicates.len(), batch.len());
                            acknowledged.extend(batch);
                        }
                        Err(error) => prop_assert!(error.is_retryable() && matches!(error, Error::Write { .. }), "{error}"),
                    }
                }
                Step::Fault(fault) => disk.0.lock().unwrap().faults.push(fault),
                Step::Crash { keep, garble, lose_keys } => {
                    drop(log);
                    disk.crash(keep, garble);
                    if lose_keys {
                        std::fs::remove_dir_all(folder.path().join("dedupe")).unwrap();
                    }
                    log = open(folder.path(), &disk);
                }
            }
            let mut present = stored(&log);
            present.sort_unstable();
            prop_assert!(present.windows(2).all(|pair| pair[0] != pair[1]), "twice: {present:?}");
            prop_assert!(acknowledged.iter().all(|n| present.binary_search(n).is_ok()), "lost: {acknowledged:?} of {present:?}");
        }
        // Whatever happened, sending everything again completes the log.
        disk.0.lock().unwrap().faults.clear();
        let everything: Vec<Event> = (0..60).map(message).collect();
        log.append_blocking(&everything).unwrap();
        let mut present = stored(&log);
        present.sort_unstable();
        prop_assert_eq!(present, (0..60).collect::<Vec<_>>());
    }
}

#[test]
fn a_full_queue_says_when_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let options = LogOptions { queue_bytes: 1, files: Arc::new(SlowDisk), ..LogOptions::default() };
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_700_000_000)));
    let log = IntakeLog::open(folder.path(), options, clock, Arc::new(SeededRng::new(3))).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let answers: Vec<_> = (0..20).map(|n| log.append(&[message(n)])).collect();
    let (mut taken, mut full) = (Vec::new(), 0);
    for (n, answer) in answers.into_iter().enumerate() {
        match runtime.block_on(answer) {
            Ok(_) => taken.push(u32::try_from(n).unwrap()),
            Err(Error::Full { retry_after_seconds: 1 }) => full += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(full > 0 && !taken.is_empty());
    assert_eq!(stored(&log), taken);
}

/// Syncs take a while, so that requests pile up.
struct SlowDisk;

struct SlowFile(Box<dyn SegmentFile>);

impl SegmentFile for SlowFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        std::thread::sleep(std::time::Duration::from_millis(100));
        self.0.sync()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }
}

impl Files for SlowDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(SlowFile(Disk.create(path)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn SegmentFile>> {
        Ok(Box::new(SlowFile(Disk.open(path)?)))
    }
}
