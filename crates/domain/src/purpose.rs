//! What personal data is used for. Every read of it names one; the audit log and consent stand on it.

use serde::{Deserialize, Serialize};

/// What a read of personal data is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Doing what the customer asked for: orders, deliveries, their account.
    Service,
    /// Understanding customers in numbers.
    Analytics,
    /// Choosing and sending messages and offers.
    Marketing,
    /// Answering a customer.
    Support,
    /// Giving data to others, such as an advertising platform.
    Sharing,
    /// Running and repairing the program itself, e.g. an import or an identity review.
    Administration,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Service, Self::Analytics, Self::Marketing, Self::Support, Self::Sharing, Self::Administration];

    /// The purpose of a stable word, in any case; `None` for others.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim();
        Self::ALL.into_iter().find(|purpose| purpose.as_str().eq_ignore_ascii_case(word))
    }

    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Analytics => "analytics",
            Self::Marketing => "marketing",
            Self::Support => "support",
            Self::Sharing => "sharing",
            Self::Administration => "administration",
        }
    }
}
