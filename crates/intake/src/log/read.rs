//! Reading the log from a position on.
//!
//! Always holds: what is returned was acknowledged or is durable all the same, in order, and its checksum was right. A frame
//! whose day key was destroyed is stepped over and counted.

use std::sync::Arc;

use rapport_domain::{Event, EventId};

use super::dedupe::Dedupe;
use super::frame::{self, Content, Header};
use super::record::{Key, Records};
use super::segment::{Index, Segment};
use super::{IntakeLog, Shared};
use crate::Error;

/// Some events of the log.
#[derive(Debug, Default)]
pub struct ReadBatch {
    /// Position and event, ascending.
    pub events: Vec<(u64, Event)>,
    /// Where to read on.
    pub next: u64,
    /// How many positions before `next` were stepped over because the key of their day was destroyed.
    pub erased: u64,
}

impl IntakeLog {
    /// Reads from position `from` on (its cursor + 1, for a consumer): at most `max_events` events and about `max_bytes` bytes of
    /// JSON, but at least one event where there is one. Empty at the end of the log. Blocks on the disk.
    pub fn read(&self, from: u64, max_events: usize, max_bytes: usize) -> Result<ReadBatch, Error> {
        let head = self.head();
        let mut batch = ReadBatch { next: from.max(1), ..ReadBatch::default() };
        if batch.next > head + 1 {
            return Err(Error::CursorBeyondEnd { position: from, head });
        }
        let mut bytes = 0;
        self.shared.frames(batch.next, head, |segment, offset, header, content| {
            let Content::Plain(content) = content else {
                batch.erased += header.end() - batch.next;
                batch.next = header.end();
                return Ok(true);
            };
            let mut position = header.first_position;
            for record in Records(&content) {
                if position >= batch.next {
                    if batch.events.len() >= max_events || (bytes >= max_bytes && !batch.events.is_empty()) {
                        return Ok(false);
                    }
                    bytes += record.size();
                    let event = record.event().map_err(|error| segment.damaged(offset, &error.to_string()))?;
                    batch.events.push((position, event));
                    batch.next = position + 1;
                }
                position += 1;
            }
            if position != header.end() {
                return Err(segment.damaged(offset, "a frame holds fewer events than its header says"));
            }
            Ok(batch.events.len() < max_events && bytes < max_bytes)
        })?;
        Ok(batch)
    }
}

impl Shared {
    pub(super) fn segment_list(&self) -> Vec<Arc<Segment>> {
        self.segments.read().expect("no holder of this lock can panic").clone()
    }

    /// Gives `take` every frame from the one with position `from` to the one with position `to`, until it says `false`.
    fn frames(
        &self,
        from: u64,
        to: u64,
        mut take: impl FnMut(&Segment, u64, &Header, Content) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let segments = self.segment_list();
        let mut position = from;
        while position <= to {
            let after = segments.partition_point(|segment| segment.first <= position);
            let Some(segment) = after.checked_sub(1).map(|at| &segments[at]) else {
                let first = segments.first().map_or(to + 1, |segment| segment.first);
                return Err(Error::Released { position, first });
            };
            let index = match segments.get(after) {
                Some(next) => segment.sealed_index(next.first)?,
                None => open_index(segment)?,
            };
            let (mut header, mut offset) = segment.find(position, &index)?;
            loop {
                let body = segment.body(offset, &header)?;
                let body = body.ok_or_else(|| segment.damaged(offset, "a frame's checksum is wrong"))?;
                let content = frame::open(&header, &body, self.options.keys.as_deref())?;
                if let Content::Damaged(reason) = content {
                    return Err(segment.damaged(offset, reason));
                }
                if !take(segment, offset, &header, content)? {
                    return Ok(());
                }
                position = header.end();
                if position > to || position >= index.end {
                    break;
                }
                offset += header.frame_length();
                (header, offset) = segment.find_at(position, offset)?;
            }
        }
        Ok(())
    }

    /// Applies what the log has and the dedupe keys have not.
    pub(super) fn apply_log(&self, dedupe: &mut Dedupe) -> Result<(), Error> {
        let first = self.segment_list().first().map_or(1, |segment| segment.first);
        let from = (dedupe.applied() + 1).max(first);
        self.frames(from, self.head(), |_, _, header, content| {
            if let Content::Plain(content) = content {
                let keys: Vec<(Key, EventId)> = Records(&content).map(|record| (record.key, record.id())).collect();
                dedupe.apply(header.first_position, header.written_at, &keys)?;
            }
            Ok(true)
        })
    }
}

fn open_index(segment: &Segment) -> Result<Index, Error> {
    segment.index().clone().ok_or_else(|| segment.damaged(0, "the segment was not opened"))
}
