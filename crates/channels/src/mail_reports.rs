//! What carriers of mail report by HTTP: bounces, complaints, deliveries, in each carrier's own form, told as [`Returned`] like what comes back by mail.
//!
//! Always holds: nothing is believed without the carrier's proof, which is compared in constant time, and nothing that is older than a day; a message is named
//! by the Message-ID that we gave it; what is no news of a message (openings, clicks, a test) is counted and passed over, because carriers try again what is
//! refused. A carrier's "permanent" takes an address out of use only where its words, if it gives any, do not speak of something else.
//!
//! Does not do: remember what was told before; the same told twice must change nothing above.

mod bridge;
mod mailgun;
mod postmark;
mod sendgrid;
mod ses;

use rapport_domain::Timestamp;
use serde_json::Value;

use crate::Error;
use crate::callback::Callback;
use crate::outbound::Client;
use crate::redaction::redacted;
use crate::returned::{self, Kind, Returned};
pub use bridge::Bridge;
pub use mailgun::Mailgun;
pub use postmark::{METADATA as POSTMARK_METADATA, Postmark};
pub use sendgrid::SendGrid;
pub use ses::Ses;

/// As many reports as are taken from one request.
const MOST: usize = 10_000;

/// Who reports on mails.
#[derive(Debug)]
#[non_exhaustive]
pub enum Reporter {
    /// Amazon SES, through a topic of Amazon SNS.
    Ses(Ses),
    /// Mailgun's webhooks.
    Mailgun(Mailgun),
    /// SendGrid's signed event webhook.
    SendGrid(SendGrid),
    /// Postmark's webhooks.
    Postmark(Postmark),
    /// A small program of the company's own, or its mail server: our own form, or the letters that came back as they are.
    Bridge(Bridge),
}

/// What a request says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// News of mails.
    pub returned: Vec<Returned>,
    /// What else was in it.
    pub passed_over: usize,
}

impl Reporter {
    /// Its word in addresses.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Ses(_) => "ses",
            Self::Mailgun(_) => "mailgun",
            Self::SendGrid(_) => "sendgrid",
            Self::Postmark(_) => "postmark",
            Self::Bridge(_) => "bridge",
        }
    }

    /// Checks a request's proof, and reads it.
    ///
    /// # Errors
    /// [`Error::Signature`], [`Error::Unreadable`]; [`Error::Unreachable`] when Amazon's key could not be had now.
    pub async fn read(&self, client: &Client, callback: Callback<'_>, now: Timestamp) -> Result<Reports, Error> {
        match self {
            Self::Ses(ses) => ses.read(client, callback, now).await,
            Self::Mailgun(mailgun) => mailgun.read(callback, now),
            Self::SendGrid(sendgrid) => sendgrid.read(callback, now),
            Self::Postmark(postmark) => postmark.read(callback),
            Self::Bridge(bridge) => bridge.read(callback, now),
        }
    }
}

/// What a carrier says of one mail.
#[derive(Clone, Copy, Default)]
struct Said<'a> {
    message_id: Option<&'a str>,
    recipient: Option<&'a str>,
    /// An enhanced status code, if it is one.
    status: Option<&'a str>,
    words: &'a str,
}

impl Said<'_> {
    fn returned(self, kind: Kind) -> Returned {
        let recipient = self.recipient.and_then(returned::address);
        Returned {
            kind,
            original_message_id: self.message_id.and_then(returned::message_id),
            diagnostic: redacted(self.words, recipient.as_deref().unwrap_or_default()),
            recipient,
            returned_to: None,
            status: self.enhanced(),
        }
    }

    fn enhanced(self) -> Option<String> {
        let given = self.status.map(str::trim).filter(|status| returned::is_status(status)).map(str::to_owned);
        given.or_else(|| returned::status_in(self.words))
    }

    /// What a failure is that the carrier calls permanent.
    fn permanent(self) -> Returned {
        let status = self.enhanced();
        let is_said = status.is_some() || !self.words.trim().is_empty();
        let kind = if is_said { returned::failure(status.as_deref(), self.words) } else { Kind::Hard };
        self.returned(kind)
    }
}

fn json(body: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(body).map_err(|_| Error::Unreadable("it is no JSON"))
}

/// The text at a path; nothing stands for what is no text.
fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests;
