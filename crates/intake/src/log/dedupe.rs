//! Which messages and rows the log holds: message id -> position for the last hours, natural key -> current version for ever.
//!
//! Always holds: after a checkpoint at position P everything up to P is on the disk; what came after P is applied again from the
//! log when it is opened. So nothing here is synced per commit, and nothing here can know more than the log.
//! It decides nothing about what to do with a duplicate.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fjall::compaction::filter::{CompactionFilter, CompactionFilterResult, Context, Factory, ItemAccessor, Verdict};
use fjall::config::PartitioningPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use rapport_domain::{EventId, Timestamp};

use super::files;
use super::record::Key;
use crate::Error;

const EPOCH: &[u8] = b"epoch";
const APPLIED: &[u8] = b"applied";
const HOUR: &[u8] = b"hour/";

/// The current version of an imported row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The id its sender derived from key and content.
    pub content: EventId,
    /// The id it has in the log.
    pub id: EventId,
}

/// The keys of one log.
pub(super) struct Dedupe {
    db: Database,
    messages: Keyspace,
    rows: Keyspace,
    about: Keyspace,
    window_hours: i64,
    /// Messages before this position are out of the window.
    floor: Arc<AtomicU64>,
    /// (hour since 1970, first position received in it), ascending, as far as the window reaches.
    hours: VecDeque<(i64, u64)>,
    applied: u64,
}

impl Dedupe {
    /// Opens the keys in `folder`; those of another epoch are thrown away.
    pub fn open(folder: &Path, epoch: u64, window_hours: i64) -> Result<Self, Error> {
        if folder.exists() {
            let opened = Self::open_any(folder, window_hours)?;
            if opened.about.get(EPOCH)?.is_some_and(|found| *found == epoch.to_le_bytes()) {
                return Ok(opened);
            }
        }
        Self::make(folder, epoch, window_hours)
    }

    /// Makes an empty store. It is made beside its place and moved there, because a crash while fjall makes one leaves a folder
    /// that fjall does not open.
    fn make(folder: &Path, epoch: u64, window_hours: i64) -> Result<Self, Error> {
        let new = folder.with_extension("new");
        let old = folder.with_extension("old");
        let io = |source| Error::Io { path: folder.to_owned(), source };
        for stale in [&new, &old] {
            if stale.exists() {
                std::fs::remove_dir_all(stale).map_err(io)?;
            }
        }
        let made = Self::open_any(&new, window_hours)?;
        made.about.insert(EPOCH, epoch.to_le_bytes())?;
        made.db.persist(PersistMode::SyncAll)?;
        drop(made);
        if folder.exists() {
            std::fs::rename(folder, &old).map_err(io)?;
            std::fs::remove_dir_all(&old).map_err(io)?;
        }
        std::fs::rename(&new, folder).and_then(|()| files::sync_folder_of(folder)).map_err(io)?;
        Self::open_any(folder, window_hours)
    }

    fn open_any(folder: &Path, window_hours: i64) -> Result<Self, Error> {
        let floor = Arc::new(AtomicU64::new(0));
        let expiry: Arc<dyn Factory> = Arc::new(Expiry(Arc::clone(&floor)));
        let db = Database::builder(folder)
            .cache_size(24 << 20)
            .max_journaling_size(64 << 20)
            .worker_threads(1)
            .with_compaction_filter_factories(Arc::new(move |name| (name == "messages").then(|| Arc::clone(&expiry))))
            .open()
            .map_err(|error| match error {
                fjall::Error::Locked => Error::Locked(PathBuf::from(folder)),
                other => other.into(),
            })?;
        let options = || {
            // A file's filter as one block is a megabyte, larger than what the cache takes: it would be read, and its checksum
            // computed, for every look-up. Cut into pages it is read once.
            KeyspaceCreateOptions::default()
                .max_memtable_size(8 << 20)
                .filter_block_partitioning_policy(PartitioningPolicy::all(true))
                .index_block_partitioning_policy(PartitioningPolicy::all(true))
        };
        let keyspace = |name| db.keyspace(name, options);
        let (messages, rows, about) = (keyspace("messages")?, keyspace("rows")?, keyspace("about")?);
        let applied = about.get(APPLIED)?.and_then(|bytes| number(&bytes)).unwrap_or(0);
        let mut hours = VecDeque::new();
        for entry in about.prefix(HOUR) {
            let (key, value) = entry.into_inner()?;
            let hour = key[HOUR.len()..].try_into().map(i64::from_be_bytes);
            if let (Ok(hour), Some(first)) = (hour, number(&value)) {
                hours.push_back((hour, first));
            }
        }
        Ok(Self { messages, rows, about, db, window_hours, floor, hours, applied })
    }

    /// Everything up to this position is here for good.
    pub fn applied(&self) -> u64 {
        self.applied
    }

    /// Moves the window to end at `now`; `next` is the position that will be written next.
    pub fn advance(&mut self, now: Timestamp, next: u64) -> Result<(), Error> {
        let oldest = hour_of(now) - self.window_hours;
        while self.hours.front().is_some_and(|&(hour, _)| hour < oldest) {
            if let Some((hour, _)) = self.hours.pop_front() {
                self.about.remove(hour_key(hour))?;
            }
        }
        let floor = self.hours.front().map_or(next, |&(_, first)| first);
        self.floor.store(floor, Ordering::Relaxed);
        Ok(())
    }

    /// Whether a message with this id was taken within the window.
    pub fn has_message(&self, id: EventId) -> Result<bool, Error> {
        let position = self.messages.get(id.0)?.and_then(|bytes| number(&bytes));
        Ok(position.is_some_and(|position| position >= self.floor.load(Ordering::Relaxed)))
    }

    /// The current version of a row.
    pub fn row(&self, key: [u8; 16]) -> Result<Option<Row>, Error> {
        Ok(self.rows.get(key)?.and_then(|bytes| {
            let (content, id) = bytes.split_first_chunk::<16>()?;
            Some(Row { content: EventId(*content), id: EventId(id.try_into().ok()?) })
        }))
    }

    /// Remembers what a frame holds: each event's key and the id it has in the log.
    pub fn apply(&mut self, first: u64, written_at: Timestamp, events: &[(Key, EventId)]) -> Result<(), Error> {
        let mut batch = self.db.batch();
        let hour = hour_of(written_at);
        if self.hours.back().is_none_or(|&(last, _)| hour > last) {
            self.hours.push_back((hour, first));
            batch.insert(&self.about, hour_key(hour), first.to_le_bytes());
        }
        for (position, (key, id)) in (first..).zip(events) {
            match key.row {
                None => batch.insert(&self.messages, key.id.0, position.to_le_bytes()),
                Some(row) => batch.insert(&self.rows, row, [key.id.0, id.0].concat()),
            }
        }
        Ok(batch.commit()?)
    }

    /// Makes everything up to `position` durable. All of it must have been applied.
    pub fn checkpoint(&mut self, position: u64) -> Result<(), Error> {
        self.db.persist(PersistMode::SyncAll)?;
        self.about.insert(APPLIED, position.to_le_bytes())?;
        self.db.persist(PersistMode::SyncAll)?;
        self.applied = position;
        Ok(())
    }
}

fn number(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

fn hour_of(instant: Timestamp) -> i64 {
    instant.0.div_euclid(Timestamp::HOUR)
}

fn hour_key(hour: i64) -> Vec<u8> {
    // Hours after 1970 are positive, so big endian sorts them.
    [HOUR, &hour.to_be_bytes()].concat()
}

/// Drops messages out of the window when their file is merged anyway.
struct Expiry(Arc<AtomicU64>);

struct ExpireBefore(u64);

impl Factory for Expiry {
    fn name(&self) -> &str {
        "message window"
    }

    fn make_filter(&self, _: &Context) -> Box<dyn CompactionFilter> {
        Box::new(ExpireBefore(self.0.load(Ordering::Relaxed)))
    }
}

impl CompactionFilter for ExpireBefore {
    fn filter_item(&mut self, item: ItemAccessor<'_>, _: &Context) -> CompactionFilterResult {
        let expired = number(&item.value()?).is_some_and(|position| position < self.0);
        // An older version of the same id has a smaller position and is out of the window too: no tombstone is needed.
        Ok(if expired { Verdict::Destroy } else { Verdict::Keep })
    }
}
