//! The event: an immutable fact of behaviour, as the intake log holds it and every consumer reads it.
//!
//! Always holds: an [`EventId`] is derived from the source and the message id (or, for imported rows, from their natural key and
//! content), so the same message has the same id on every machine and after every restart.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{SourceId, Timestamp, WorkspaceId};

/// The kind of call an event came by (Segment's words).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Says something about a person: traits.
    Identify,
    /// Something a person did.
    Track,
    /// A web page was seen.
    Page,
    /// A screen of an app was seen.
    Screen,
    /// A person belongs to an account.
    Group,
    /// Two identifiers are the same person.
    Alias,
}

impl EventKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
            Self::Group => "group",
            Self::Alias => "alias",
        }
    }
}

/// What kind of name for a person an identifier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// The shop's own customer number or login.
    UserId,
    /// A browser's or device's random id.
    AnonymousId,
    /// An e-mail address, normalised (trimmed, lower case).
    Email,
}

impl IdentifierKind {
    /// The stable word, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserId => "user_id",
            Self::AnonymousId => "anonymous_id",
            Self::Email => "email",
        }
    }

    /// Reads the stored word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::UserId, Self::AnonymousId, Self::Email].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A name for a person: kind and value. Ordered by trust: user id, anonymous id, e-mail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identifier {
    /// What kind of name.
    pub kind: IdentifierKind,
    /// The name, normalised; never empty.
    pub value: String,
}

/// 128 bits that name an event: BLAKE3 of its source and message id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// The id of the message `message_id` sent by `source`.
    pub fn of_message(workspace: WorkspaceId, source: SourceId, message_id: &str) -> Self {
        Self::hash(b"message", workspace, source, &[message_id.as_bytes()])
    }

    /// The id of one version of an imported row: its natural key and a digest of its content.
    pub fn of_row(workspace: WorkspaceId, source: SourceId, key: &str, content: &[u8]) -> Self {
        Self::hash(b"row", workspace, source, &[key.as_bytes(), content])
    }

    fn hash(domain: &[u8], workspace: WorkspaceId, source: SourceId, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(domain);
        hasher.update(&workspace.0.to_le_bytes());
        hasher.update(&source.0.to_le_bytes());
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(id)
    }

    /// The id of 32 hexadecimal digits, as [`Self::to_hex`] writes it; `None` of anything else.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = Some(text).filter(|it| it.len() == 32 && it.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u128::from_str_radix(digits, 16).ok().map(|number| Self(number.to_be_bytes()))
    }

    /// 32 hexadecimal digits.
    pub fn to_hex(self) -> String {
        use std::fmt::Write;
        self.0.iter().fold(String::with_capacity(32), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

impl std::fmt::Debug for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_hex()
    }
}

impl TryFrom<String> for EventId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || "an event id is 32 hexadecimal digits".to_owned();
        if text.len() != 32 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut id = [0; 16];
        for (i, byte) in id.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(id))
    }
}

/// The permanent key of an imported row within its source: the same key again with other content is a new version that
/// supersedes the old one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NaturalKey(pub String);

/// An accepted event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Derived from source and message id, or from the natural key and content.
    pub id: EventId,
    /// The tenant.
    pub workspace: WorkspaceId,
    /// Where it came from.
    pub source: SourceId,
    /// By which call.
    pub kind: EventKind,
    /// The event's name in its standard form ("Order Completed"). For pages "Page Viewed", for screens "Screen Viewed", for
    /// identify "Identify", for group "Group", for alias "Alias"; a page's own name is the property `name`.
    pub name: String,
    /// When it happened, as the device said; corrected for the device's clock when it is applied.
    pub occurred_at: Timestamp,
    /// When the device sent it, if it said so: with `received_at` this shows how wrong its clock is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// Order within one producer: upper 32 bits name the producer (device), lower 32 bits count its events at equal times.
    pub order_key: i64,
    /// Who: normalised, without blocked values, sorted by kind; the first is the primary one. Never empty.
    pub identifiers: Vec<Identifier>,
    /// For `group`: the account's id at the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_id: Option<String>,
    /// For `alias`: the identifier that the person had before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_id: Option<String>,
    /// For imported rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub natural_key: Option<NaturalKey>,
    /// The version of the same row that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<EventId>,
    /// What is known about the event.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// What the call says about the person (identify) or the account (group).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub traits: Map<String, Value>,
    /// Circumstances: page, device, campaign, library.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = EventId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 254, 255]);
        assert_eq!(EventId::from_hex(&id.to_hex()), Some(id));
        for other in [
            "",
            "00",
            "+0010203040506070809000b0c0dfeff",
            "g0010203040506070809000b0c0dfeff",
            "0000000000000000000000000000000000",
        ] {
            assert_eq!(EventId::from_hex(other), None, "{other}");
        }
    }

    #[test]
    fn ids_depend_on_every_part() {
        let id = |w, s, m: &str| EventId::of_message(WorkspaceId(w), SourceId(s), m);
        assert_eq!(id(1, 2, "a"), id(1, 2, "a"));
        assert_ne!(id(1, 2, "a"), id(1, 3, "a"));
        assert_ne!(id(1, 2, "a"), id(2, 2, "a"));
        let row = |k: &str, c: &[u8]| EventId::of_row(WorkspaceId(1), SourceId(2), k, c);
        assert_ne!(row("ab", b"c"), row("a", b"bc"));
        let text = String::from(id(1, 2, "a"));
        assert_eq!(EventId::try_from(text), Ok(id(1, 2, "a")));
        assert!(EventId::try_from("xyz".to_owned()).is_err());
    }
}
