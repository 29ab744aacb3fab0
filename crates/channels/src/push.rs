//! Web push: a message to a browser, by the service of its maker (RFC 8030), encrypted for the browser alone (RFC 8291), signed with our key (VAPID, RFC 8292).
//!
//! Always holds: each message has a key and a salt of its own; the service sees only how large it is. An endpoint comes from a browser, so that it is any
//! address that somebody made up: it is reached by [`Client`] only, over TLS.

mod encryption;
mod vapid;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rapport_domain::{Rng, Timestamp};

use crate::outbound::{self, Client, Url};
use crate::redaction::redacted;
use crate::{Error, Outcome, Refusal, RefusalKind, tls};
pub use encryption::LARGEST_MESSAGE;
pub use vapid::VapidKey;

/// What a browser gave us (`PushSubscription.toJSON()`).
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    endpoint: Url,
    /// The browser's public key, an uncompressed point of P-256.
    key: Vec<u8>,
    /// 16 bytes that only the browser and we know.
    auth: Vec<u8>,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Subscription({})", self.endpoint.host_str().unwrap_or_default())
    }
}

/// How urgent a message is (RFC 8030, section 5.3): telephones that save power wait with the less urgent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Urgency {
    /// Advertisements.
    VeryLow,
    /// News.
    Low,
    /// Most.
    #[default]
    Normal,
    /// A code that somebody waits for.
    High,
}

/// What is sent, and for how long it is worth something.
#[derive(Clone, Debug)]
pub struct PushMessage {
    /// What our service worker gets, usually JSON; at most [`LARGEST_MESSAGE`] bytes.
    pub payload: Vec<u8>,
    /// How long the service keeps it for a browser that is away (RFC 8030, 5.2).
    pub keep: Duration,
    /// How urgent it is.
    pub urgency: Urgency,
    /// A later message of the same topic takes the place of one that waits (RFC 8030, 5.4): at most 32 letters, digits, `-` and `_`.
    pub topic: Option<String>,
}

impl Subscription {
    /// Reads what a browser gave.
    ///
    /// # Errors
    /// [`Error::Url`] when the endpoint is no address or has no TLS, [`Error::Key`] when a key is damaged.
    pub fn new(endpoint: &str, p256dh: &str, auth: &str) -> Result<Self, Error> {
        let endpoint = outbound::checked(endpoint)?;
        if endpoint.scheme() != "https" && !endpoint.host_str().is_some_and(tls::is_this_machine) {
            return Err(Error::Url("an endpoint of web push begins with https://"));
        }
        let bytes = |text: &str| {
            BASE64_URL_SAFE_NO_PAD
                .decode(text.trim_end_matches('='))
                .map_err(|_| Error::Key("a subscription's keys are base64url"))
        };
        let (key, auth) = (bytes(p256dh)?, bytes(auth)?);
        if auth.len() != 16 || key.len() != 65 || p256::PublicKey::from_sec1_bytes(&key).is_err() {
            return Err(Error::Key("a subscription has a point of P-256 and 16 bytes"));
        }
        Ok(Self { endpoint, key, auth })
    }

    /// The service that carries its messages, e.g. `https://updates.push.services.mozilla.com`.
    pub fn origin(&self) -> String {
        self.endpoint.origin().ascii_serialization()
    }
}

/// Hands a message to the browser's push service. [`RefusalKind::Recipient`] means that the subscription is dead and can be forgotten.
pub async fn send(
    client: &Client,
    key: &VapidKey,
    to: &Subscription,
    message: &PushMessage,
    now: Timestamp,
    rng: &dyn Rng,
) -> Outcome {
    if let Some(topic) = &message.topic
        && (topic.is_empty()
            || topic.len() > 32
            || !topic.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)))
    {
        return Outcome::refused(RefusalKind::Message, "a topic is at most 32 letters, digits, `-` and `_`");
    }
    let body = match encryption::encrypt(to, &message.payload, rng) {
        Ok(body) => body,
        Err(error) => return Outcome::refused(RefusalKind::Message, error.to_string()),
    };
    let authorization = key.authorization(&to.origin(), now);
    let keep = message.keep.as_secs().to_string();
    let mut headers = vec![
        ("authorization", authorization.as_str()),
        ("content-encoding", "aes128gcm"),
        ("content-type", "application/octet-stream"),
        ("ttl", &keep),
        ("urgency", message.urgency.as_str()),
    ];
    if let Some(topic) = &message.topic {
        headers.push(("topic", topic));
    }
    match client.post(&to.endpoint, &headers, body).await {
        Ok(answer) => outcome(&answer, to),
        Err(Error::NoAnswer) => {
            Outcome::Unsure { why: "the push service got the message and gave no answer in time".to_owned() }
        }
        Err(Error::Unreachable) => Outcome::refused(RefusalKind::Temporary, "the push service could not be reached"),
        // Whoever made the endpoint up wanted us to look around at home.
        Err(Error::NotPublic) => Outcome::refused(RefusalKind::Recipient, "the endpoint is not on the public internet"),
        Err(error) => Outcome::refused(RefusalKind::Message, error.to_string()),
    }
}

impl Urgency {
    const fn as_str(self) -> &'static str {
        match self {
            Self::VeryLow => "very-low",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// RFC 8030, sections 5 and 7.3, and RFC 8292, section 4.2.
fn outcome(answer: &outbound::Answer, to: &Subscription) -> Outcome {
    let text =
        redacted(&String::from_utf8_lossy(&answer.body), to.endpoint.path().rsplit('/').next().unwrap_or_default());
    let kind = match answer.status {
        200..300 => return Outcome::Accepted { id: answer.header("location").map(str::to_owned), response: text },
        404 | 410 => RefusalKind::Recipient,
        413 => RefusalKind::Message,
        408 | 425 | 429 | 500.. => RefusalKind::Temporary,
        // The signature, or a key that the browser did not subscribe with.
        _ => RefusalKind::Sender,
    };
    let retry_after = answer.retry_after();
    Outcome::Refused(Refusal { kind, code: Some(answer.status.into()), enhanced: None, text, retry_after })
}

#[cfg(test)]
mod tests;
