//! A plain JSON interface for providers that have no adapter of their own: a small program between us and them speaks it.
//!
//! We post, signed as Standard Webhooks describe (`webhook-id` is the message's id, the same when it is tried again, so that the bridge can send once only):
//!
//! ```json
//! {"type": "message.send", "id": "msg_1", "channel": "sms", "to": "+4915112345678", "text": "Hello", "callback": "https://crm.example.org/...",
//!  "template": {"id": "order_shipped", "variables": {"1": "Jane"}}}
//! ```
//!
//! `callback` and `template` may be null; with a template, `text` is only what our records show.
//!
//! It answers 2xx with `{"id": "its own name"}`, or another status with `{"kind": "temporary", "text": "why"}`, the kinds being those of
//! [`RefusalKind`]. Without a kind 429 and 5xx are temporary, 401 and 403 our settings, others the message. Later it posts to us, signed with the same secret:
//!
//! ```json
//! {"reports": [{"id": "its own name", "state": "delivered"},
//!              {"id": "its own name", "state": "failed", "kind": "recipient", "text": "why"},
//!              {"id": "another", "channel": "sms", "from": "+4915112345678", "to": "+49301234567", "text": "STOP"}]}
//! ```
//!
//! Always holds: unknown fields are passed over, unknown states and kinds refuse the whole request.

use rapport_domain::{Channel, Timestamp};
use serde::Deserialize;

use super::{Report, State, TextMessage, unanswered, wish};
use crate::callback::Callback;
use crate::outbound::{self, Client, Url, signing};
use crate::redaction::redacted;
use crate::{Error, Outcome, Refusal, RefusalKind};

const MOST_REPORTS: usize = 1_000;

/// A bridge to a provider.
pub struct Bridge {
    url: Url,
    secret: String,
}

impl std::fmt::Debug for Bridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Bridge({})", self.url.host_str().unwrap_or_default())
    }
}

#[derive(Deserialize, Default)]
struct Answered {
    id: Option<String>,
    kind: Option<String>,
    text: Option<String>,
}

#[derive(Deserialize)]
struct Posted {
    reports: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    id: String,
    state: Option<String>,
    kind: Option<String>,
    text: Option<String>,
    channel: Option<Channel>,
    from: Option<String>,
    to: Option<String>,
}

impl Bridge {
    /// `secret` as [`signing::new_secret`] makes it.
    ///
    /// # Errors
    /// [`Error::Url`], [`Error::Key`].
    pub fn new(url: &str, secret: &str) -> Result<Self, Error> {
        signing::standard_webhooks(secret, "", 0, "")?;
        Ok(Self { url: outbound::checked(url)?, secret: secret.to_owned() })
    }

    pub(super) async fn send(&self, client: &Client, message: &TextMessage, now: Timestamp) -> Outcome {
        let body = serde_json::json!({
            "type": "message.send",
            "id": message.id,
            "channel": message.channel,
            "to": message.to,
            "text": message.text,
            "callback": message.callback,
            "template": message.template.as_ref().map(|template| {
                serde_json::json!({"id": template.id, "variables": template.variables})
            }),
        })
        .to_string();
        let seconds = now.0.div_euclid(Timestamp::SECOND);
        let signature = match signing::standard_webhooks(&self.secret, &message.id, seconds, &body) {
            Ok(signature) => signature,
            Err(error) => return unanswered(&error),
        };
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", &*message.id),
            ("webhook-timestamp", &*seconds.to_string()),
            ("webhook-signature", &*signature),
        ];
        let answer = match client.post(&self.url, &headers, body.into_bytes()).await {
            Ok(answer) => answer,
            Err(error) => return unanswered(&error),
        };
        let said: Answered = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = redacted(said.text.as_deref().unwrap_or_default(), &message.to);
        if (200..300).contains(&answer.status) {
            return Outcome::Accepted { id: said.id, response: text };
        }
        let kind = said.kind.as_deref().and_then(RefusalKind::parse).unwrap_or(match answer.status {
            429 | 500.. => RefusalKind::Temporary,
            401 | 403 | 404 => RefusalKind::Sender,
            _ => RefusalKind::Message,
        });
        let retry_after = answer.retry_after();
        Outcome::Refused(Refusal { kind, code: Some(answer.status.into()), enhanced: None, text, retry_after })
    }

    pub(super) fn reports(&self, callback: Callback<'_>, now: Timestamp) -> Result<Vec<Report>, Error> {
        let (id, at) = (callback.header("webhook-id")?, callback.header("webhook-timestamp")?);
        signing::check(&self.secret, id, at, callback.header("webhook-signature")?, callback.body, now)?;
        let posted: Posted =
            serde_json::from_slice(callback.body).map_err(|_| Error::Unreadable("it is not of the bridge's form"))?;
        if posted.reports.len() > MOST_REPORTS {
            return Err(Error::Unreadable("more than 1,000 reports; send them in several requests"));
        }
        posted.reports.into_iter().map(report).collect()
    }
}

fn report(one: One) -> Result<Report, Error> {
    if let Some(word) = &one.state {
        let state = match word.as_str() {
            "queued" => State::Queued,
            "sent" => State::Sent,
            "delivered" => State::Delivered,
            "read" => State::Read,
            "failed" => State::Failed,
            _ => return Err(Error::Unreadable("a state is queued, sent, delivered, read or failed")),
        };
        let kind = match one.kind.as_deref() {
            None => RefusalKind::Temporary,
            Some(word) => RefusalKind::parse(word).ok_or(Error::Unreadable("a kind of refusal is not known"))?,
        };
        let text = redacted(one.text.as_deref().unwrap_or_default(), one.to.as_deref().unwrap_or_default());
        let refusal = (state == State::Failed).then(|| Refusal::new(kind, text));
        return Ok(Report::Status { id: one.id, state, refusal });
    }
    let (Some(from), Some(text)) = (one.from, one.text) else {
        return Err(Error::Unreadable("a report has a state, or `from` and `text`"));
    };
    let wish = wish(&text);
    let channel = one.channel.unwrap_or(Channel::Sms);
    Ok(Report::Inbound { id: one.id, channel, from, to: one.to.unwrap_or_default(), text, wish })
}
