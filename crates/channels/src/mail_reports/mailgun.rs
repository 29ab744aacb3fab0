//! Mailgun's webhooks (documentation.mailgun.com, "Securing webhooks" and "Event structure").
//!
//! Always holds: the signature covers a time and a random token, and not what is told; so whoever saw one request could tell anything for a day. Therefore
//! a token is taken once only. Mails that are handed over by SMTP keep our Message-ID.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use rapport_domain::Timestamp;
use ring::hmac;
use sha2::{Digest, Sha256};

use super::{Reports, Said, json, some, text};
use crate::Error;
use crate::callback::{Callback, lately_seconds};
use crate::returned::Kind;

/// So many tokens are remembered; past that, requests wait until the oldest are over.
const REMEMBERED: usize = 200_000;

/// The signing key of an account.
pub struct Mailgun {
    key: hmac::Key,
    /// Tokens that were taken, until when they could come again, and the body that came with each.
    taken: Mutex<HashMap<String, (Timestamp, [u8; 32])>>,
}

impl std::fmt::Debug for Mailgun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailgun")
    }
}

impl Mailgun {
    /// `key` is the account's HTTP webhook signing key.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn new(key: &str) -> Result<Self, Error> {
        if key.trim().len() < 16 {
            return Err(Error::settings("mailgun_key", "it is the account's HTTP webhook signing key"));
        }
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, key.trim().as_bytes()), taken: Mutex::default() })
    }

    pub(super) fn read(&self, callback: Callback<'_>, now: Timestamp) -> Result<Reports, Error> {
        let body = json(callback.body)?;
        let (at, token) = (text(&body, "/signature/timestamp"), text(&body, "/signature/token"));
        let signature = unhex(text(&body, "/signature/signature")).ok_or(Error::Signature)?;
        hmac::verify(&self.key, format!("{at}{token}").as_bytes(), &signature).map_err(|_| Error::Signature)?;
        lately_seconds(at, now)?;
        self.take(token, callback.body, now)?;
        let event = body.pointer("/event-data").ok_or(Error::Unreadable("it has no event-data"))?;
        let words = [text(event, "/delivery-status/message"), text(event, "/delivery-status/description")].join(" ");
        let said = Said {
            message_id: some(text(event, "/message/headers/message-id")),
            recipient: some(text(event, "/recipient")),
            status: some(text(event, "/delivery-status/enhanced-code")),
            words: &words,
        };
        let returned = match (text(event, "/event"), text(event, "/severity"), text(event, "/reason")) {
            ("delivered", ..) => said.returned(Kind::Delivered),
            ("complained", ..) => said.returned(Kind::Complaint),
            // It was not even tried, because of what the address answered before.
            ("failed", "permanent", "suppress-bounce") => said.returned(Kind::Hard),
            ("failed", "permanent", "suppress-complaint") => said.returned(Kind::Complaint),
            ("failed", "permanent", _) => said.permanent(),
            ("failed", ..) => said.returned(Kind::Soft),
            _ => return Ok(Reports { passed_over: 1, ..Reports::default() }),
        };
        Ok(Reports { returned: vec![returned], passed_over: 0 })
    }

    /// The very same request may come again, as carriers try until they are answered.
    fn take(&self, token: &str, body: &[u8], now: Timestamp) -> Result<(), Error> {
        let digest: [u8; 32] = Sha256::digest(body).into();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, before)) = taken.get(token) {
            return if *before == digest { Ok(()) } else { Err(Error::Signature) };
        }
        if taken.len() >= REMEMBERED {
            taken.retain(|_, (until, _)| *until > now);
            if taken.len() >= REMEMBERED {
                return Err(Error::Unreachable);
            }
        }
        taken.insert(token.to_owned(), (now.plus(2 * Timestamp::DAY), digest));
        Ok(())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..32).map(|at| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()).collect()
}
