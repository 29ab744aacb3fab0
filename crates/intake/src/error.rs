//! The crate's one error: what can go wrong with the log. What can be wrong with a request is a [`Refusal`](crate::Refusal).

use std::path::PathBuf;

/// What went wrong, and whether trying again can help.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue before the log's writer is full.
    #[error("too many events wait to be written: send again in {retry_after_seconds} s")]
    Full {
        /// When to try again.
        retry_after_seconds: u32,
    },
    /// The events could not be written; none of them was acknowledged.
    #[error("the event log could not be written ({reason}): free space on its disk, then send again")]
    Write {
        /// What the operating system says.
        reason: String,
    },
    /// The log is being closed.
    #[error("the event log is closed: send again after the restart")]
    Closed,
    /// An event is larger than a frame can be.
    #[error("an event of {bytes} bytes is too large for the log (at most {limit}): split it")]
    EventTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Another process works in the folder.
    #[error("{} is in use by another process: stop it, or use its address instead", .0.display())]
    Locked(PathBuf),
    /// Written by a newer version.
    #[error("{} has format {found}, this program knows up to {known}: use the newer program", path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// The log is damaged where no crash can have done it.
    #[error("{} is damaged at byte {offset}: {reason}. Nothing was changed; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// How that was seen.
        reason: String,
    },
    /// A cursor from another log: a backup was restored, or the folder was exchanged.
    #[error(
        "the cursor {position} lies beyond the end {head} of this log: the log and the database do not belong together"
    )]
    CursorBeyondEnd {
        /// What was asked for.
        position: u64,
        /// The last position.
        head: u64,
    },
    /// These positions are no longer kept.
    #[error("position {position} is no longer kept, the log begins at {first}")]
    Released {
        /// What was asked for.
        position: u64,
        /// The first position still there.
        first: u64,
    },
    /// Reading or opening failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The store of dedupe keys failed.
    #[error("the store of message ids failed: {0}")]
    Dedupe(#[from] fjall::Error),
    /// The provider of day keys failed.
    #[error("no key for the log's frames of day {day}: {reason}")]
    Key {
        /// Days since 1970, UTC.
        day: i64,
        /// Why.
        reason: String,
    },
}

impl Error {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "intake_full",
            Self::Write { .. } => "intake_write",
            Self::Closed => "intake_closed",
            Self::EventTooLarge { .. } => "event_too_large",
            Self::Locked(_) => "log_locked",
            Self::Newer { .. } => "log_newer",
            Self::Damaged { .. } => "log_damaged",
            Self::CursorBeyondEnd { .. } => "cursor_beyond_end",
            Self::Released { .. } => "position_released",
            Self::Io { .. } => "log_io",
            Self::Dedupe(_) => "dedupe",
            Self::Key { .. } => "log_key",
        }
    }

    /// Whether the same request can succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Full { .. } | Self::Write { .. } | Self::Closed | Self::Io { .. } | Self::Key { .. })
    }
}
