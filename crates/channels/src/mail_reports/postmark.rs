//! Postmark's webhooks (postmarkapp.com/developer/webhooks): bounce, spam complaint, delivery.
//!
//! Always holds: Postmark signs nothing, so that it has to send a password (`https://rapport:PASSWORD@...` as the webhook's address), which is compared in
//! constant time. It knows mails by names of its own; each mail carries its Message-ID as metadata ([`METADATA`]), which its webhooks repeat.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;

use super::{Reports, Said, json, some, text};
use crate::Error;
use crate::callback::Callback;
use crate::returned::Kind;

/// The header by which a mail carries its Message-ID.
pub const METADATA: &str = "X-PM-Metadata-rapport";

/// Who may report.
pub struct Postmark {
    /// Proofs are compared through it, which takes the same time for all.
    key: hmac::Key,
    proof: hmac::Tag,
}

impl std::fmt::Debug for Postmark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postmark")
    }
}

impl Postmark {
    /// `password` is what the webhook's address has behind the name.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn new(password: &str) -> Result<Self, Error> {
        if password.len() < 16 || !password.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte))
        {
            let what = "at least 16 letters, digits, - _ . ~: it is the only proof that a report is Postmark's";
            return Err(Error::settings("postmark_password", what));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"rapport: password of a webhook");
        let proof = hmac::sign(&key, password.as_bytes());
        Ok(Self { key, proof })
    }

    pub(super) fn read(&self, callback: Callback<'_>) -> Result<Reports, Error> {
        let login = callback.header("authorization")?.strip_prefix("Basic ").ok_or(Error::Signature)?;
        let login = BASE64_STANDARD.decode(login.trim()).map_err(|_| Error::Signature)?;
        let colon = login.iter().position(|byte| *byte == b':').ok_or(Error::Signature)?;
        hmac::verify(&self.key, &login[colon + 1..], self.proof.as_ref()).map_err(|_| Error::Signature)?;
        let record = json(callback.body)?;
        let words = [text(&record, "/Description"), text(&record, "/Details")].join(" ");
        let said = Said {
            message_id: some(text(&record, "/Metadata/rapport")),
            recipient: some(text(&record, "/Email")).or_else(|| some(text(&record, "/Recipient"))),
            status: None,
            words: words.trim(),
        };
        let returned = match (text(&record, "/RecordType"), text(&record, "/Type")) {
            ("Delivery", _) => said.returned(Kind::Delivered),
            ("SpamComplaint", _) | ("Bounce", "SpamComplaint") => said.returned(Kind::Complaint),
            // Postmark's own judgement: the address is not there.
            ("Bounce", "HardBounce" | "BadEmailAddress") => said.returned(Kind::Hard),
            ("Bounce", "AutoResponder") => said.returned(Kind::AutoReply),
            ("Bounce", _) => said.returned(Kind::Soft),
            _ => return Ok(Reports { passed_over: 1, ..Reports::default() }),
        };
        Ok(Reports { returned: vec![returned], passed_over: 0 })
    }
}
