//! What could not be taken, and why: a [`Refusal`] of a whole body, a [`Reject`] of one item, a [`Warning`] about an item that
//! was taken all the same.
//!
//! Always holds: messages and places carry no value a customer sent, only keys and positions. An excerpt carries values of
//! harmless keys only (type, event, times, message id).

use serde::Serialize;

/// Why a whole body was refused; nothing of it was taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// More bytes than allowed, before or after decompression.
    #[error("the body is larger than {limit} bytes {}: send smaller batches", if *.decompressed { "after decompression" } else { "as sent" })]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
        /// Whether the limit is the one after decompression.
        decompressed: bool,
    },
    /// Compressed data that cannot be decompressed.
    #[error("the body begins like {format} but cannot be decompressed: send it again, whole")]
    Compression {
        /// "gzip", "zlib" or "zstd".
        format: &'static str,
    },
    /// Not UTF-8.
    #[error("the body is not UTF-8 at byte {offset}: encode it as UTF-8")]
    NotUtf8 {
        /// Where the first wrong byte is, after decompression.
        offset: usize,
    },
    /// Not JSON.
    #[error("the body is not JSON at line {line}, column {column}: {reason}")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// What the parser expected.
        reason: String,
    },
    /// JSON of another shape.
    #[error("{location}: {reason}")]
    Shape {
        /// Where.
        location: &'static str,
        /// What is expected there.
        reason: &'static str,
    },
}

impl Refusal {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "body_too_large",
            Self::Compression { .. } => "bad_compression",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::NotJson { .. } => "not_json",
            Self::Shape { .. } => "wrong_shape",
        }
    }

    /// Whether it is about size (HTTP 413) and not about content (HTTP 400).
    pub const fn is_size(&self) -> bool {
        matches!(self, Self::TooLarge { .. })
    }
}

/// Why an item was rejected or warned about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// Not JSON where the parser looked closely (a number too large, half of a surrogate pair).
    BadJson,
    /// A value of a type that cannot stand there.
    WrongType,
    /// One object names a key twice.
    DuplicateKey,
    /// The character U+0000.
    Nul,
    /// Nested too deep.
    TooDeep,
    /// Too many values.
    TooManyValues,
    /// Too many bytes.
    TooLarge,
    /// Beyond the number of events a batch may have.
    TooManyEvents,
    /// `type` is missing or no call of ours.
    UnknownType,
    /// A required field is missing or empty.
    MissingField,
    /// A text is longer than allowed.
    TooLong,
    /// No identifier is left that could name a person.
    NoIdentifier,
    /// A value such as "null" or "anonymous" that many people share.
    BlockedIdentifier,
    /// Something in an e-mail field that is no address.
    BadEmail,
    /// Not a time.
    BadTime,
    /// More than 24 hours in the future, also by the device's own clock.
    Future,
}

impl RejectCode {
    /// A stable word, as stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "bad_json",
            Self::WrongType => "wrong_type",
            Self::DuplicateKey => "duplicate_key",
            Self::Nul => "nul",
            Self::TooDeep => "too_deep",
            Self::TooManyValues => "too_many_values",
            Self::TooLarge => "too_large",
            Self::TooManyEvents => "too_many_events",
            Self::UnknownType => "unknown_type",
            Self::MissingField => "missing_field",
            Self::TooLong => "too_long",
            Self::NoIdentifier => "no_identifier",
            Self::BlockedIdentifier => "blocked_identifier",
            Self::BadEmail => "bad_email",
            Self::BadTime => "bad_time",
            Self::Future => "future",
        }
    }
}

/// An item that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reject {
    /// Its place in the batch, from 0.
    pub index: usize,
    /// Why, for programs.
    pub code: RejectCode,
    /// Why, and what to do, for people.
    pub message: String,
    /// Where in the body: `batch[3].properties.price`.
    #[serde(rename = "where")]
    pub location: String,
    /// The beginning of the item with its values masked; at most 256 characters.
    pub excerpt: String,
}

/// Something wrong with an item that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The item's place in the batch, from 0.
    pub index: usize,
    /// What, for programs.
    pub code: RejectCode,
    /// What was done about it.
    pub message: String,
    /// Where in the body.
    #[serde(rename = "where")]
    pub location: String,
}

/// What is wrong with one item, before it is known which item of the body it is.
#[derive(Debug)]
pub(crate) struct Fault {
    pub code: RejectCode,
    pub message: String,
    /// Path within the item: `properties.price`; empty for the item itself.
    pub path: String,
}

impl Fault {
    pub fn new(code: RejectCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), path: path.into() }
    }
}
