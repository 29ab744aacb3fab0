//! One event in a frame: what dedupe needs as bytes, the event itself as JSON.
//!
//! Layout, little endian: length of the JSON (u32), flags (u8: 1 row, 2 supersedes), the id its sender gave it (16),
//! for a row the hash of its natural key (16), when it supersedes the id it got (16) and the id it replaces (16), the JSON.
//! The ids stand outside the JSON because the writer decides them after the event was encoded.

use rapport_domain::{Event, EventId};

use crate::Error;

/// The largest JSON of one event, in bytes.
pub(super) const MAX_EVENT_BYTES: usize = 16 << 20;

const ROW: u8 = 1;
const SUPERSEDES: u8 = 2;

/// What names an event for dedupe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Of its message, or of its row's natural key and content.
    pub id: EventId,
    /// For an imported row: the hash of its natural key.
    pub row: Option<[u8; 16]>,
}

/// For a changed row: the id it got and the id of the version it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    pub id: EventId,
    pub replaces: EventId,
}

/// An event ready to be written.
pub(super) struct Encoded {
    pub key: Key,
    pub json: Vec<u8>,
}

impl Encoded {
    pub fn new(event: &Event) -> Result<Self, Error> {
        let mut json = Vec::with_capacity(1024);
        serde_json::to_writer(&mut json, event)
            .expect("an event has only text keys, and writing to memory cannot fail");
        if json.len() > MAX_EVENT_BYTES {
            return Err(Error::EventTooLarge { bytes: json.len(), limit: MAX_EVENT_BYTES });
        }
        let row = event.natural_key.as_ref().map(|key| EventId::of_row(event.workspace, event.source, &key.0, b"").0);
        Ok(Self { key: Key { id: event.id, row }, json })
    }

    /// Bytes it takes in a queue or a frame.
    pub fn size(&self) -> usize {
        self.json.len() + 64
    }

    pub fn write(&self, version: Option<Version>, out: &mut Vec<u8>) {
        let length = u32::try_from(self.json.len()).expect("events are at most 16 MB");
        let flags = if self.key.row.is_some() { ROW } else { 0 } | if version.is_some() { SUPERSEDES } else { 0 };
        out.extend(length.to_le_bytes());
        out.push(flags);
        out.extend(self.key.id.0);
        out.extend(self.key.row.iter().flatten());
        if let Some(version) = version {
            out.extend(version.id.0);
            out.extend(version.replaces.0);
        }
        out.extend_from_slice(&self.json);
    }
}

/// One record as it stands in a frame.
pub(super) struct Record<'a> {
    pub key: Key,
    pub version: Option<Version>,
    json: &'a [u8],
}

impl Record<'_> {
    /// Bytes of the event.
    pub fn size(&self) -> usize {
        self.json.len()
    }

    /// The id the event has in the log.
    pub fn id(&self) -> EventId {
        self.version.map_or(self.key.id, |version| version.id)
    }

    pub fn event(&self) -> Result<Event, serde_json::Error> {
        let mut event: Event = serde_json::from_slice(self.json)?;
        if let Some(version) = self.version {
            event.id = version.id;
            event.supersedes = Some(version.replaces);
        }
        Ok(event)
    }
}

/// The records of a frame's content; ends with `None` at its end or where it makes no sense.
pub(super) struct Records<'a>(pub &'a [u8]);

impl<'a> Records<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let length = u32::from_le_bytes(self.take()?) as usize;
        let [flags] = self.take()?;
        let id = EventId(self.take()?);
        let row = if flags & ROW != 0 { Some(self.take()?) } else { None };
        let version = if flags & SUPERSEDES != 0 {
            Some(Version { id: EventId(self.take()?), replaces: EventId(self.take()?) })
        } else {
            None
        };
        let (json, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Record { key: Key { id, row }, version, json })
    }
}
