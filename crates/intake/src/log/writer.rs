//! The one thread that writes: takes what waits, drops repeated events, writes one frame, syncs, acknowledges.
//!
//! Always holds: a frame is begun only after the one before it is durable; nothing is acknowledged before its frame is; after a
//! failed write or sync the end of the file is unknown, so it is cut back and a new segment is begun before the next frame.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rapport_domain::{Clock, EventId, Rng};

use super::dedupe::{Dedupe, Row};
use super::files::SegmentFile;
use super::frame;
use super::queue::Request;
use super::record::{Encoded, Key, Version};
use super::segment::Segment;
use super::{AppendResult, Shared};
use crate::Error;

/// Events between two checkpoints of the dedupe keys: so many are applied again after a crash.
const CHECKPOINT_EVERY: u64 = 100_000;
/// A commit that takes longer tells whoever debugs where the time went.
const SLOW: Duration = Duration::from_millis(50);

pub(super) struct Writer {
    pub shared: Arc<Shared>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    /// `None` after its store failed, until it is opened again.
    pub dedupe: Option<Dedupe>,
    /// The segment being written; `None` before the first event and after a failure.
    pub active: Option<(Arc<Segment>, Box<dyn SegmentFile>)>,
    /// Where the file of a failed write must be cut.
    pub uncertain: Option<(Arc<Segment>, u64)>,
}

/// What a group of requests comes to before it is written.
#[derive(Default)]
struct Plan {
    content: Vec<u8>,
    events: Vec<(Key, EventId)>,
    results: Vec<AppendResult>,
}

impl Writer {
    /// Runs until the queue is closed and empty.
    pub fn run(mut self) {
        loop {
            let group = self.shared.queue.take(self.shared.options.group_bytes);
            if group.is_empty() {
                break;
            }
            self.commit(group);
        }
        if self.uncertain.is_none()
            && let Err(error) = self.checkpoint()
        {
            tracing::warn!(
                code = error.code(),
                "the dedupe keys were not made durable; they are applied again at the next start"
            );
        }
    }

    fn commit(&mut self, group: Vec<Request>) {
        let began = Instant::now();
        match self.write(&group) {
            Ok(plan) => {
                let written = began.elapsed();
                for (request, result) in group.into_iter().zip(plan.results) {
                    // Whoever does not wait any more sends again, and finds a duplicate.
                    let _ = request.reply.send(Ok(result));
                }
                if !plan.events.is_empty() {
                    self.remember(&plan.events);
                }
                let took = began.elapsed();
                if took > SLOW {
                    let (written_ms, remembered_ms) = (written.as_millis(), (took - written).as_millis());
                    tracing::debug!(
                        events = plan.events.len(),
                        written_ms,
                        remembered_ms,
                        "a slow commit of the event log"
                    );
                }
            }
            Err(error) => {
                tracing::error!(code = error.code(), requests = group.len(), "events were not written");
                let reason = error.to_string();
                for request in group {
                    let _ = request.reply.send(Err(Error::Write { reason: reason.clone() }));
                }
            }
        }
    }

    fn write(&mut self, group: &[Request]) -> Result<Plan, Error> {
        self.repair()?;
        let now = self.clock.now();
        let next = self.shared.head() + 1;
        let began = Instant::now();
        let plan = self.plan(group, next, now)?;
        let planned = began.elapsed();
        if plan.events.is_empty() {
            return Ok(plan);
        }
        let count = u32::try_from(plan.events.len()).map_err(|error| Error::Write { reason: error.to_string() })?;
        let keys = self.shared.options.keys.as_deref();
        let (header, bytes) = frame::seal(&plan.content, count, next, now, keys, &*self.rng)?;
        self.rotate(next)?;
        let Some((segment, file)) = self.active.as_mut() else {
            return Err(Error::Write { reason: "no segment".to_owned() });
        };
        let sealed = began.elapsed();
        let appended = file.append(&bytes).and_then(|()| file.sync());
        let took = began.elapsed();
        if took > SLOW {
            let (planned_ms, sealed_ms) = (planned.as_millis(), (sealed - planned).as_millis());
            tracing::debug!(
                planned_ms,
                sealed_ms,
                synced_ms = (took - sealed).as_millis(),
                "a slow write of the event log"
            );
        }
        if let Err(error) = appended {
            let length = segment.index().as_ref().map_or(0, |index| index.length);
            self.uncertain = Some((Arc::clone(segment), length));
            self.active = None;
            return Err(Error::Write { reason: error.to_string() });
        }
        if let Some(index) = segment.index().as_mut() {
            index.push(&header);
        }
        self.shared.head.send_replace(header.end() - 1);
        Ok(plan)
    }

    /// Decides about every record of the group, in order.
    fn plan(&mut self, group: &[Request], next: u64, now: rapport_domain::Timestamp) -> Result<Plan, Error> {
        let Some(dedupe) = self.dedupe.as_mut() else { return Err(Error::Closed) };
        dedupe.advance(now, next)?;
        let mut plan = Plan::default();
        let mut in_group = InGroup::default();
        for request in group {
            let first = next + plan.events.len() as u64;
            let mut duplicates = Vec::new();
            for (at, record) in request.records.iter().enumerate() {
                match in_group.decide(record, dedupe)? {
                    Some(version) => {
                        record.write(version, &mut plan.content);
                        plan.events.push((record.key, version.map_or(record.key.id, |version| version.id)));
                    }
                    None => duplicates.push(at),
                }
            }
            plan.results.push(AppendResult { positions: first..next + plan.events.len() as u64, duplicates });
        }
        Ok(plan)
    }

    /// Begins a new segment where there is none or the present one is full.
    fn rotate(&mut self, next: u64) -> Result<(), Error> {
        let full = self.active.as_ref().is_none_or(|(segment, _)| {
            segment.index().as_ref().is_none_or(|index| index.length >= self.shared.options.segment_bytes)
        });
        if !full {
            return Ok(());
        }
        let options = &self.shared.options;
        let (segment, file) = Segment::create(&self.shared.segment_folder, next, self.shared.epoch, &*options.files)
            .map_err(|error| Error::Write { reason: error.to_string() })?;
        let segment = Arc::new(segment);
        let mut segments = self.shared.segments.write().expect("no holder of this lock can panic");
        // A segment without events would begin where the new one begins.
        segments.retain(|kept| kept.first != next);
        segments.push(Arc::clone(&segment));
        drop(segments);
        self.active = Some((segment, file));
        Ok(())
    }

    /// Puts things right after a failure, or fails again.
    fn repair(&mut self) -> Result<(), Error> {
        if let Some((segment, length)) = &self.uncertain {
            let cut = self.shared.options.files.open(&segment.path).and_then(|mut file| file.truncate(*length));
            cut.map_err(|error| Error::Write { reason: error.to_string() })?;
            self.uncertain = None;
        }
        if self.dedupe.is_none() {
            let mut dedupe =
                Dedupe::open(&self.shared.dedupe_folder, self.shared.epoch, self.shared.options.window_hours)?;
            self.shared.apply_log(&mut dedupe)?;
            self.dedupe = Some(dedupe);
        }
        Ok(())
    }

    /// Tells the dedupe keys about a frame that is durable.
    fn remember(&mut self, events: &[(Key, EventId)]) {
        let head = self.shared.head();
        let first = head + 1 - events.len() as u64;
        let written_at = self.active.as_ref().and_then(|(segment, _)| Some(segment.index().as_ref()?.last_written_at));
        let applied = self
            .dedupe
            .as_mut()
            .map_or(Ok(()), |dedupe| dedupe.apply(first, written_at.unwrap_or_else(|| self.clock.now()), events));
        let due = head >= self.shared.checkpoint.load(Ordering::Relaxed) + CHECKPOINT_EVERY;
        if let Err(error) = applied.and_then(|()| if due { self.checkpoint() } else { Ok(()) }) {
            tracing::error!(code = error.code(), "the dedupe keys failed; they are opened again before the next event");
            self.dedupe = None;
        }
    }

    fn checkpoint(&mut self) -> Result<(), Error> {
        let head = self.shared.head();
        if let Some(dedupe) = self.dedupe.as_mut()
            && dedupe.applied() < head
        {
            dedupe.checkpoint(head)?;
            self.shared.checkpoint.store(head, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// What the present group already took, which the dedupe keys do not know yet.
#[derive(Default)]
struct InGroup {
    messages: HashSet<EventId>,
    rows: HashMap<[u8; 16], Row>,
}

impl InGroup {
    /// `None` for a duplicate; else whether the event is a new version of a row.
    fn decide(&mut self, record: &Encoded, dedupe: &Dedupe) -> Result<Option<Option<Version>>, Error> {
        let Key { id, row } = record.key;
        let Some(key) = row else {
            let is_new = !dedupe.has_message(id)? && self.messages.insert(id);
            return Ok(is_new.then_some(None));
        };
        let current = match self.rows.get(&key) {
            Some(row) => Some(*row),
            None => dedupe.row(key)?,
        };
        let version = match current {
            Some(row) if row.content == id => return Ok(None),
            Some(row) => Some(Version { id: id_of_version(row.id, id), replaces: row.id }),
            None => None,
        };
        self.rows.insert(key, Row { content: id, id: version.map_or(id, |version| version.id) });
        Ok(Some(version))
    }
}

/// The id of a row's later version. Derived from the whole chain, so that a row that goes back to an earlier content does not
/// get that version's id again, and versions never supersede each other in a circle.
fn id_of_version(replaces: EventId, content: EventId) -> EventId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"version");
    hasher.update(&replaces.0);
    hasher.update(&content.0);
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    EventId(id)
}
