//! What an import gives: events, rows it cannot take, and how far it is.
//!
//! Always holds: a natural key is the same for the same order, row or message in every export; the content digest changes when,
//! and only when, something in the event changes.

use rapport_domain::{EventKind, Identifier, NaturalKey, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::progress::Progress;

/// One event out of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportedEvent {
    /// The permanent key within the source: the same key with another digest supersedes.
    pub natural_key: NaturalKey,
    /// 16 bytes of BLAKE3 over the content.
    pub digest: [u8; 16],
    /// By which call it would have come.
    pub kind: EventKind,
    /// Its standard name.
    pub name: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Who, the primary identifier first. Never empty.
    pub identifiers: Vec<Identifier>,
    /// For `group`.
    pub group_id: Option<String>,
    /// For `alias`.
    pub previous_id: Option<String>,
    /// What is known about it. Amounts are exact decimals.
    pub properties: Map<String, Value>,
    /// What it says about the person.
    pub traits: Map<String, Value>,
    /// Circumstances, for messages.
    pub context: Map<String, Value>,
    /// The file of its first row.
    pub file: String,
    /// Its first row.
    pub first_row: u64,
    /// Its last row in that file.
    pub last_row: u64,
}

impl ImportedEvent {
    /// Fills the digest in from everything that is content. Products are taken in any order, so that an export sorted in another
    /// way is no change; the time is left out where it was assumed.
    pub(crate) fn seal(&mut self, time_is_content: bool) {
        let mut hasher = blake3::Hasher::new();
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(self.kind.as_str().as_bytes());
        part(self.name.as_bytes());
        if time_is_content {
            part(&self.occurred_at.0.to_le_bytes());
        }
        for identifier in &self.identifiers {
            part(identifier.kind.as_str().as_bytes());
            part(identifier.value.as_bytes());
        }
        part(self.group_id.as_deref().unwrap_or_default().as_bytes());
        part(self.previous_id.as_deref().unwrap_or_default().as_bytes());
        for map in [&self.properties, &self.traits, &self.context] {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            for (key, value) in entries {
                part(key.as_bytes());
                match value {
                    Value::Array(items) => {
                        let mut digests: Vec<[u8; 32]> =
                            items.iter().map(|item| *blake3::hash(item.to_string().as_bytes()).as_bytes()).collect();
                        digests.sort_unstable();
                        part(digests.as_flattened());
                    }
                    other => part(other.to_string().as_bytes()),
                }
            }
            part(b"|");
        }
        self.digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    }
}

/// A row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reject {
    /// The file.
    pub file: String,
    /// The row, 1 for the first one of data.
    pub row_number: u64,
    /// A stable word for the reason.
    pub code: String,
    /// What is wrong and what to do; no value out of the row.
    pub message: String,
    /// The beginning of the row: personal data, for the person who imports only.
    pub excerpt: String,
}

/// What comes next out of an import.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// An event.
    Event(Box<ImportedEvent>),
    /// A row that cannot be taken.
    Reject(Reject),
    /// How far the files have been read.
    Progress(Progress),
}
