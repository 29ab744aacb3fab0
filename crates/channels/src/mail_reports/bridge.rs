//! Our own form, for carriers that have no reader here: a small program between them and us, or a mail server that pipes letters into `curl`.
//!
//! It posts, signed as Standard Webhooks describe:
//!
//! ```json
//! {"reports": [{"message_id": "<msg_1@shop.example>", "kind": "hard", "recipient": "jane@example.org", "status": "5.1.1", "text": "user unknown"}]}
//! ```
//!
//! Kinds are `hard` (the address is no more), `soft`, `complaint`, `delivered`, `delayed`. Or, with the content type `message/rfc822`, a letter that came back:
//! a report of delivery (RFC 3464), a complaint (RFC 5965), or what servers write that follow no standard.
//!
//! Always holds: unknown fields are passed over, an unknown kind refuses the whole request.

use rapport_domain::Timestamp;
use serde::Deserialize;

use super::{MOST, Reports, Said};
use crate::Error;
use crate::callback::Callback;
use crate::outbound::signing;
use crate::returned::{self, Kind};

/// A program that reports.
pub struct Bridge {
    secret: String,
}

impl std::fmt::Debug for Bridge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bridge")
    }
}

#[derive(Deserialize)]
struct Posted {
    reports: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    message_id: String,
    kind: String,
    recipient: Option<String>,
    status: Option<String>,
    #[serde(default)]
    text: String,
}

impl Bridge {
    /// `secret` as [`signing::new_secret`] makes it.
    ///
    /// # Errors
    /// [`Error::Key`].
    pub fn new(secret: &str) -> Result<Self, Error> {
        signing::standard_webhooks(secret, "", 0, "")?;
        Ok(Self { secret: secret.to_owned() })
    }

    pub(super) fn read(&self, callback: Callback<'_>, now: Timestamp) -> Result<Reports, Error> {
        let (id, at) = (callback.header("webhook-id")?, callback.header("webhook-timestamp")?);
        signing::check(&self.secret, id, at, callback.header("webhook-signature")?, callback.body, now)?;
        let kind = callback.header("content-type").unwrap_or_default().trim();
        if kind.get(..14).is_some_and(|kind| kind.eq_ignore_ascii_case("message/rfc822")) {
            let found = returned::read(callback.body);
            let passed_over = usize::from(found.is_empty());
            return Ok(Reports { returned: found, passed_over });
        }
        let posted: Posted =
            serde_json::from_slice(callback.body).map_err(|_| Error::Unreadable("it is not of the bridge's form"))?;
        if posted.reports.len() > MOST {
            return Err(Error::Unreadable("more than 10,000 reports; send them in several requests"));
        }
        let returned = posted.reports.iter().map(|one| {
            let kinds = [Kind::Hard, Kind::Soft, Kind::Complaint, Kind::Delivered, Kind::Delayed];
            let kind = kinds.into_iter().find(|kind| kind.as_str() == one.kind);
            let kind = kind.ok_or(Error::Unreadable("a kind is hard, soft, complaint, delivered or delayed"))?;
            let (recipient, status) = (one.recipient.as_deref(), one.status.as_deref());
            Ok(Said { message_id: Some(&one.message_id), recipient, status, words: &one.text }.returned(kind))
        });
        Ok(Reports { returned: returned.collect::<Result<_, Error>>()?, passed_over: 0 })
    }
}
