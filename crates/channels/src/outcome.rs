//! What came of sending: one vocabulary for mail, text messages and push.
//!
//! Always holds: the three outcomes leave nothing open. Accepted: the next server has it. Refused: it has it not. Unsure: nobody can know.

use std::time::Duration;

/// What came of handing a message over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The next server is now responsible for it. That is no proof of delivery.
    Accepted {
        /// The name that the provider gave to the message, to know it again in what comes back. Mail is known by its own Message-ID.
        id: Option<String>,
        /// What was answered, shortened, without the recipient's address.
        response: String,
    },
    /// Nobody took it; what to do follows from [`Refusal::kind`].
    Refused(Refusal),
    /// It was handed over whole, and the connection broke before the answer: sending it again may be a duplicate, leaving it may be a loss.
    Unsure {
        /// What happened.
        why: String,
    },
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What follows from it.
    pub kind: RefusalKind,
    /// The protocol's number: SMTP reply code, HTTP status or the provider's own error code.
    pub code: Option<u32>,
    /// The enhanced status code of a mail server (RFC 3463), e.g. `5.1.1`.
    pub enhanced: Option<String>,
    /// What the server said, shortened, without the recipient's address.
    pub text: String,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

/// What follows from a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// The same message may be taken later: 4xx, overload, nobody reached.
    Temporary,
    /// This address takes no messages, now or later: no such person, box closed, number out of use, subscription gone.
    Recipient,
    /// The recipient told the provider to stop. It counts as a withdrawal of consent for this channel.
    Unsubscribed,
    /// This message is not taken (too large, unfit form); another one may be.
    Message,
    /// A rule of the receiving side refuses this message or its sender (RFC 3463, X.7.X). The address may be good; many of these are a matter of reputation.
    Policy,
    /// Our own settings are wrong (sign-in, certificate, sender's address): no message will go out until somebody changes them.
    Sender,
}

impl RefusalKind {
    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temporary => "temporary",
            Self::Recipient => "recipient",
            Self::Unsubscribed => "unsubscribed",
            Self::Message => "message",
            Self::Policy => "policy",
            Self::Sender => "sender",
        }
    }

    /// The kind of a stable word; `None` for others.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Temporary, Self::Recipient, Self::Unsubscribed, Self::Message, Self::Policy, Self::Sender]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

impl Refusal {
    /// A refusal with nothing but a kind and a text of ours.
    pub fn new(kind: RefusalKind, text: impl Into<String>) -> Self {
        Self { kind, code: None, enhanced: None, text: text.into(), retry_after: None }
    }

    /// Whether the same message may be tried again as it is.
    pub fn is_retryable(&self) -> bool {
        self.kind == RefusalKind::Temporary
    }
}

impl Outcome {
    pub(crate) fn refused(kind: RefusalKind, text: impl Into<String>) -> Self {
        Self::Refused(Refusal::new(kind, text))
    }
}
