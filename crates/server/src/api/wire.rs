//! How values look in JSON: times as RFC 3339, ids as texts, and the checks that several bodies share.

use rapport_domain::{SourceId, Timestamp};

use crate::problem::{Problem, Result};

/// A time on the wire.
pub fn time(at: Timestamp) -> String {
    at.to_rfc3339()
}

/// A time on the wire, if there is one.
pub fn optional_time(at: Option<Timestamp>) -> Option<String> {
    at.map(time)
}

/// A name that people gave: trimmed, 1 to 100 characters, no control characters.
pub fn name(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 100 || text.chars().any(char::is_control) {
        return Err(Problem::invalid(field, "has 1 to 100 characters on one line"));
    }
    Ok(text.to_owned())
}

/// The end of a key's life: a time in the future.
pub fn expiry(text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    match Timestamp::parse(text) {
        Some(at) if at > now => Ok(Some(at)),
        Some(_) => Err(Problem::invalid("expires_at", "lies in the past")),
        None => Err(Problem::invalid("expires_at", "is a time such as 2027-01-31T00:00:00Z")),
    }
}

/// A source's id from a path or query.
pub fn source_id(text: &str) -> Result<SourceId> {
    text.parse().map(SourceId).map_err(|_| Problem::not_found("source"))
}
