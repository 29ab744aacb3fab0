//! Which call of Segment's HTTP contract a request is. Pure; routing itself belongs to the server.

use rapport_domain::EventKind;

/// A call of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// One event; the path says its kind.
    One(EventKind),
    /// Several events; each says its kind.
    Batch,
}

impl Call {
    /// The call of the last part of a path: `track` or `t` of `/v1/track`, `/v1/t/`. `None` for what is no call of ours.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "identify" | "i" => Self::One(EventKind::Identify),
            "track" | "t" => Self::One(EventKind::Track),
            "page" | "p" => Self::One(EventKind::Page),
            "screen" | "s" => Self::One(EventKind::Screen),
            "group" | "g" => Self::One(EventKind::Group),
            "alias" | "a" => Self::One(EventKind::Alias),
            "batch" | "b" | "import" => Self::Batch,
            _ => return None,
        })
    }
}
