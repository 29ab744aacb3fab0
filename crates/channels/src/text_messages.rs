//! Text messages (SMS, WhatsApp) by a provider's HTTP interface: sending, and what the provider reports later.
//!
//! Always holds: what comes in is believed only with the provider's signature; a STOP is recognised whatever the provider does with it. Providers differ in form
//! only: each maps its own numbers to [`RefusalKind`](crate::RefusalKind). Who may be written to, and when, is not known here.

mod bridge;
mod twilio;
mod words;

use std::collections::BTreeMap;

use rapport_domain::{Channel, Timestamp};

use crate::callback::Callback;
use crate::outbound::Client;
use crate::{Error, Outcome, Refusal, RefusalKind};
pub use bridge::Bridge;
pub use twilio::Twilio;
pub use words::{Wish, wish};

/// The longest text, in letters: what Twilio takes, about ten parts of an SMS.
pub const LONGEST_TEXT: usize = 1_600;

/// A message to one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextMessage {
    /// Ours, unique; providers that know such names use it to send once only.
    pub id: String,
    /// [`Channel::Sms`] or [`Channel::Whatsapp`].
    pub channel: Channel,
    /// E.164, e.g. `+4915112345678`.
    pub to: String,
    /// What is said. With a template it is what our own records show.
    pub text: String,
    /// The provider's own text in the place of ours.
    pub template: Option<ProviderTemplate>,
    /// Where the provider posts what becomes of it.
    pub callback: Option<String>,
}

/// A text that the provider keeps and Meta approved: WhatsApp takes nothing else later than 24 hours after the person's last message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderTemplate {
    /// The provider's name for it; with Twilio a content SID (`HX...`).
    pub id: String,
    /// What fills its gaps, by the gap's name (`1`, `2` ...).
    pub variables: BTreeMap<String, String>,
}

/// Who carries messages.
#[derive(Debug)]
#[non_exhaustive]
pub enum Provider {
    /// Twilio, and those with the same interface.
    Twilio(Twilio),
    /// Any other, by a small program of the company's own that speaks [the bridge's JSON](Bridge).
    Bridge(Bridge),
}

/// What a provider says later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// What became of a message of ours.
    Status {
        /// The provider's name for it, as in [`Outcome::Accepted`].
        id: String,
        /// How far it is.
        state: State,
        /// Why it failed.
        refusal: Option<Refusal>,
    },
    /// Somebody wrote to us.
    Inbound {
        /// The provider's name for it.
        id: String,
        /// How.
        channel: Channel,
        /// E.164.
        from: String,
        /// Our number.
        to: String,
        /// What they said.
        text: String,
        /// What they want of us, if it is one of the words for that.
        wish: Option<Wish>,
    },
}

/// How far a message is. Providers report out of order; a later state is not taken back by an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The provider has it.
    Queued,
    /// The network has it.
    Sent,
    /// It is on the telephone.
    Delivered,
    /// It was opened (WhatsApp).
    Read,
    /// It will not arrive.
    Failed,
}

impl Provider {
    /// Hands a message over.
    pub async fn send(&self, client: &Client, message: &TextMessage, now: Timestamp) -> Outcome {
        if let Err(Error::Message { problem, .. }) = checked(message) {
            let kind = if e164(&message.to) { RefusalKind::Message } else { RefusalKind::Recipient };
            return Outcome::refused(kind, problem);
        }
        match self {
            Self::Twilio(twilio) => twilio.send(client, message).await,
            Self::Bridge(bridge) => bridge.send(client, message, now).await,
        }
    }

    /// Checks the signature of a request from the provider, and reads it.
    ///
    /// # Errors
    /// [`Error::Signature`], [`Error::Unreadable`].
    pub fn reports(&self, callback: Callback<'_>, now: Timestamp) -> Result<Vec<Report>, Error> {
        match self {
            Self::Twilio(twilio) => twilio.reports(callback),
            Self::Bridge(bridge) => bridge.reports(callback, now),
        }
    }
}

fn checked(message: &TextMessage) -> Result<(), Error> {
    if !matches!(message.channel, Channel::Sms | Channel::Whatsapp) {
        return Err(Error::message("channel", "only SMS and WhatsApp are text messages"));
    }
    if !e164(&message.to) {
        return Err(Error::message("to", "it is no number such as +4915112345678"));
    }
    let letters = message.text.chars().count();
    if message.text.trim().is_empty() || letters > LONGEST_TEXT || message.text.contains('\0') {
        return Err(Error::message("text", format!("it is empty, or longer than {LONGEST_TEXT} letters")));
    }
    Ok(())
}

/// ITU-T E.164: a plus sign and at most 15 digits, the first not 0.
fn e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0')
    })
}

/// What a request came to that got no answer.
fn unanswered(error: &Error) -> Outcome {
    match error {
        Error::NoAnswer => {
            Outcome::Unsure { why: "the provider got the message and gave no answer in time".to_owned() }
        }
        Error::Unreachable => Outcome::refused(RefusalKind::Temporary, "the provider could not be reached"),
        other => Outcome::refused(RefusalKind::Sender, other.to_string()),
    }
}

#[cfg(test)]
mod tests;
