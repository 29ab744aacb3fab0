//! The durable ordered log between those who send events and those who use them.
//!
//! Always holds: positions are 1, 2, 3 ... without a gap; an acknowledged event is on the disk and stands there once; readers see
//! only what is durable. Deduplication is exact: messages within a window of hours, imported rows for ever.
//! Cursors live with the consumers, in the product database; a cursor belongs to an [`IntakeLog::epoch`].
//! Figures and the reasons for this form: `docs/decisions/0003-intake-log.md`.

mod dedupe;
mod files;
mod folder;
mod frame;
mod keys;
mod queue;
mod read;
mod record;
mod segment;
mod writer;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::thread::JoinHandle;

use rapport_domain::{Clock, Event, Rng, Timestamp};
use tokio::sync::{oneshot, watch};

pub use files::{Disk, Files, SegmentFile};
pub use keys::{DayKey, FolderKeys, KeyProvider};
pub use read::ReadBatch;

use crate::Error;
use dedupe::Dedupe;
use folder::Folder;
use queue::{Queue, Request};
use record::Encoded;
use segment::Segment;
use writer::Writer;

/// How the log is kept.
#[derive(Clone)]
pub struct LogOptions {
    /// A segment is closed when it has this many bytes.
    pub segment_bytes: u64,
    /// Bytes of events that may wait for the writer; beyond it, [`Error::Full`].
    pub queue_bytes: usize,
    /// Bytes of events that one commit takes at most, when more than one request waits.
    pub group_bytes: usize,
    /// Hours in which a message id is known again.
    pub window_hours: i64,
    /// Encrypts frames with a key a day; without it they are plain.
    pub keys: Option<Arc<dyn KeyProvider>>,
    /// How files are written.
    pub files: Arc<dyn Files>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            queue_bytes: 32 << 20,
            group_bytes: 1 << 20,
            window_hours: 7 * 24,
            keys: None,
            files: Arc::new(Disk),
        }
    }
}

/// What became of appended events. All of them are durable now, here or where they were before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendResult {
    /// The positions of the new ones, in the order they were given.
    pub positions: Range<u64>,
    /// Which of the given ones (by index) the log already had.
    pub duplicates: Vec<usize>,
}

/// The log. Share it by `Arc`; dropping it writes what waits and closes it.
pub struct IntakeLog {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
    clock: Arc<dyn Clock>,
    _folder: Folder,
}

/// What the writer and the readers share.
struct Shared {
    options: LogOptions,
    segment_folder: PathBuf,
    dedupe_folder: PathBuf,
    epoch: u64,
    queue: Queue,
    /// Oldest first; all but the last are closed.
    segments: RwLock<Vec<Arc<Segment>>>,
    /// The last durable position; 0 when there is none.
    head: watch::Sender<u64>,
    /// Dedupe keys are durable up to here.
    checkpoint: AtomicU64,
}

impl Shared {
    fn head(&self) -> u64 {
        *self.head.borrow()
    }
}

impl IntakeLog {
    /// Opens the log in `folder`, or begins one. Blocks while it checks the last segment and catches up the dedupe keys.
    pub fn open(folder: &Path, options: LogOptions, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Result<Self, Error> {
        let folder = Folder::open(folder, &*rng)?;
        let mut dedupe = Dedupe::open(&folder.dedupe(), folder.epoch, options.window_hours)?;
        let segments = segment::open_all(&folder.segments(), folder.epoch, dedupe.applied(), &*options.files)?;
        let last = segments.last().cloned();
        let end = last.as_ref().and_then(|segment| segment.index().as_ref().map(|index| index.end));
        let shared = Arc::new(Shared {
            segment_folder: folder.segments(),
            dedupe_folder: folder.dedupe(),
            epoch: folder.epoch,
            queue: Queue::new(options.queue_bytes),
            segments: RwLock::new(segments),
            head: watch::Sender::new(end.map_or(0, |end| end - 1)),
            checkpoint: AtomicU64::new(dedupe.applied()),
            options,
        });
        shared.apply_log(&mut dedupe)?;
        let active = match last {
            Some(segment) => {
                let opened = shared.options.files.open(&segment.path);
                let file = opened.map_err(|source| Error::Io { path: segment.path.clone(), source })?;
                Some((segment, file))
            }
            None => None,
        };
        let writer = Writer {
            shared: Arc::clone(&shared),
            clock: Arc::clone(&clock),
            rng,
            dedupe: Some(dedupe),
            active,
            uncertain: None,
        };
        let thread = std::thread::Builder::new().name("intake-log".to_owned()).spawn(move || writer.run());
        let writer = thread.map_err(|source| Error::Io { path: folder.path.clone(), source })?;
        Ok(Self { shared, writer: Some(writer), clock, _folder: folder })
    }

    /// Appends events as one: returns when all of them are on the disk, or none is. Encodes on the caller's thread; the
    /// request is in the queue when this returns its future, also if the future is dropped.
    pub fn append(&self, events: &[Event]) -> impl Future<Output = Result<AppendResult, Error>> + Send + use<> {
        let answer = self.enqueue(events);
        async move { answer?.await.unwrap_or(Err(Error::Closed)) }
    }

    /// As [`IntakeLog::append`], for threads that may block. Waits while the queue is full.
    pub fn append_blocking(&self, events: &[Event]) -> Result<AppendResult, Error> {
        loop {
            match self.enqueue(events) {
                Err(Error::Full { .. }) => std::thread::sleep(std::time::Duration::from_millis(5)),
                answer => return answer?.blocking_recv().unwrap_or(Err(Error::Closed)),
            }
        }
    }

    fn enqueue(&self, events: &[Event]) -> Result<oneshot::Receiver<Result<AppendResult, Error>>, Error> {
        let records = events.iter().map(Encoded::new).collect::<Result<Vec<_>, _>>()?;
        let bytes = records.iter().map(Encoded::size).sum();
        if bytes > frame::MAX_CONTENT / 2 {
            return Err(Error::EventTooLarge { bytes, limit: frame::MAX_CONTENT / 2 });
        }
        let (reply, answer) = oneshot::channel();
        self.shared.queue.push(Request { records, bytes, reply })?;
        Ok(answer)
    }

    /// The last durable position; 0 when the log is empty.
    pub fn head(&self) -> u64 {
        self.shared.head()
    }

    /// Returns when `position` is durable; the value is the head by then.
    pub async fn wait_for(&self, position: u64) -> Result<u64, Error> {
        let mut head = self.shared.head.subscribe();
        head.wait_for(|head| *head >= position).await.map(|head| *head).map_err(|_| Error::Closed)
    }

    /// Random, made with the log. Positions of another epoch mean nothing here.
    pub fn epoch(&self) -> u64 {
        self.shared.epoch
    }

    /// Bytes of events that wait to be written.
    pub fn waiting_bytes(&self) -> usize {
        self.shared.queue.bytes()
    }

    /// The first position that is kept; head + 1 when none is.
    pub fn first(&self) -> u64 {
        self.shared.segment_list().first().map_or(self.head() + 1, |segment| segment.first)
    }

    /// Deletes closed segments whose events are all up to `up_to` (the smallest cursor of all consumers) and were all received
    /// more than `keep_days` days ago. Returns how many.
    pub fn release(&self, up_to: u64, keep_days: i64) -> Result<usize, Error> {
        let up_to = up_to.min(self.shared.checkpoint.load(Ordering::Relaxed));
        let before = self.clock.now().plus(-keep_days.saturating_mul(Timestamp::DAY));
        let mut released = 0;
        loop {
            let segments = self.shared.segment_list();
            let [oldest, next, ..] = segments.as_slice() else { return Ok(released) };
            let index = oldest.sealed_index(next.first)?;
            if next.first - 1 > up_to || index.last_written_at >= before {
                return Ok(released);
            }
            std::fs::remove_file(&oldest.path)
                .and_then(|()| files::sync_folder_of(&oldest.path))
                .map_err(|source| Error::Io { path: oldest.path.clone(), source })?;
            let mut kept = self.shared.segments.write().expect("no holder of this lock can panic");
            kept.retain(|segment| segment.first != oldest.first);
            released += 1;
        }
    }
}

impl Drop for IntakeLog {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the event log's writer had panicked");
        }
    }
}
