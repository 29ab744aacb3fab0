//! What personal data is used for. Every read of it names one; the audit log and (later) consent stand on it.

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
    /// Running and repairing the program itself, e.g. an import or an identity review.
    Administration,
}

impl Purpose {
    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Analytics => "analytics",
            Self::Marketing => "marketing",
            Self::Support => "support",
            Self::Administration => "administration",
        }
    }
}
