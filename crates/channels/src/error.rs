//! What can go wrong before anything is sent, and with what comes back.
//!
//! Always holds: the texts say what to do and quote no address and no name of a person. What a server says about a message is no error but an
//! [`Outcome`](crate::Outcome).

/// Why something could not be made, checked, reached or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A message that cannot be sent as it is.
    #[error("{field}: {problem}")]
    Message {
        /// The field, e.g. `subject`.
        field: &'static str,
        /// What is wrong there and what is expected.
        problem: String,
    },
    /// A key that cannot be read or made.
    #[error("the key cannot be used: {0}")]
    Key(&'static str),
    /// Settings that cannot work.
    #[error("{field}: {problem}")]
    Settings {
        /// The setting.
        field: &'static str,
        /// What is wrong there and what is expected.
        problem: String,
    },
    /// An address that may not be sent to.
    #[error("{0}")]
    Url(&'static str),
    /// A host inside a company's own network.
    #[error("the host is not on the public internet; `webhooks.private_addresses` allows such addresses")]
    NotPublic,
    /// Nothing was sent, because nobody could be reached.
    #[error("it could not be reached")]
    Unreachable,
    /// It was sent, but no answer came: it may have arrived.
    #[error("no answer in time")]
    NoAnswer,
    /// Whoever sent this does not know the secret, or sent it long ago.
    #[error("the signature is wrong; check the secret on both sides, and the clock")]
    Signature,
    /// Something that came from outside is no such thing.
    #[error("what came cannot be read: {0}")]
    Unreadable(&'static str),
    /// A mailbox that cannot be read.
    #[error("the mailbox cannot be read: {problem}")]
    Mailbox {
        /// What the server said or what happened.
        problem: String,
        /// Whether it may work later without a change of the settings.
        retryable: bool,
    },
}

impl Error {
    /// A stable name for the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Message { .. } => "message_invalid",
            Self::Key(_) => "key_invalid",
            Self::Settings { .. } => "channel_settings_invalid",
            Self::Url(_) => "url_invalid",
            Self::NotPublic => "address_not_public",
            Self::Unreachable => "unreachable",
            Self::NoAnswer => "no_answer",
            Self::Signature => "signature_invalid",
            Self::Unreadable(_) => "unreadable",
            Self::Mailbox { .. } => "mailbox_unreadable",
        }
    }

    /// Whether the same call can succeed later. After [`Error::NoAnswer`] the first one may have arrived.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable | Self::NoAnswer => true,
            Self::Mailbox { retryable, .. } => *retryable,
            _ => false,
        }
    }

    pub(crate) fn message(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Message { field, problem: problem.into() }
    }

    pub(crate) fn settings(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Settings { field, problem: problem.into() }
    }
}
