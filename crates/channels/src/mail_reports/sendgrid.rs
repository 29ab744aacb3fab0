//! SendGrid's signed event webhook (twilio.com/docs/sendgrid, "Event Webhook Security Features" and "Event Webhook Reference").
//!
//! Always holds: the signature is ECDSA over P-256 of the time and the raw body. `smtp-id` is the Message-ID of a mail that was handed over by SMTP.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::Timestamp;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde_json::Value;

use super::{MOST, Reports, Said, json, some, text};
use crate::Error;
use crate::callback::{Callback, lately_seconds};
use crate::returned::{Kind, Returned};

/// What stands before the point in a key of P-256 (RFC 5480): the algorithm, the curve, a bit string.
const BEFORE_THE_POINT: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The verification key of an event webhook.
pub struct SendGrid {
    key: UnparsedPublicKey<Vec<u8>>,
}

impl std::fmt::Debug for SendGrid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SendGrid")
    }
}

impl SendGrid {
    /// `key` is the verification key as SendGrid shows it (Base64 of a SubjectPublicKeyInfo).
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub fn new(key: &str) -> Result<Self, Error> {
        let unfit = || Error::settings("sendgrid_key", "it is the verification key of the signed event webhook");
        let info = BASE64_STANDARD.decode(key.trim()).map_err(|_| unfit())?;
        let point = info.strip_prefix(&BEFORE_THE_POINT).filter(|point| point.len() == 65).ok_or_else(unfit)?;
        Ok(Self { key: UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point.to_owned()) })
    }

    pub(super) fn read(&self, callback: Callback<'_>, now: Timestamp) -> Result<Reports, Error> {
        let at = callback.header("x-twilio-email-event-webhook-timestamp")?;
        let signature = callback.header("x-twilio-email-event-webhook-signature")?;
        let signature = BASE64_STANDARD.decode(signature).map_err(|_| Error::Signature)?;
        let signed = [at.as_bytes(), callback.body].concat();
        self.key.verify(&signed, &signature).map_err(|_| Error::Signature)?;
        lately_seconds(at, now)?;
        let Value::Array(events) = json(callback.body)? else { return Err(Error::Unreadable("it is no list")) };
        let mut reports = Reports::default();
        for event in events.iter().take(MOST) {
            match report(event) {
                Some(returned) => reports.returned.push(returned),
                None => reports.passed_over += 1,
            }
        }
        Ok(reports)
    }
}

fn report(event: &Value) -> Option<Returned> {
    let words = some(text(event, "/reason")).unwrap_or_else(|| text(event, "/response"));
    let said = Said {
        message_id: some(text(event, "/smtp-id")),
        recipient: some(text(event, "/email")),
        status: some(text(event, "/status")),
        words,
    };
    Some(match (text(event, "/event"), text(event, "/type")) {
        ("delivered", _) => said.returned(Kind::Delivered),
        ("spamreport", _) => said.returned(Kind::Complaint),
        ("deferred", _) => said.returned(Kind::Delayed),
        // For reasons that may pass, as SendGrid says.
        ("bounce", "blocked") => said.returned(Kind::Soft),
        ("bounce", _) if text(event, "/bounce_classification") == "Invalid Address" => said.returned(Kind::Hard),
        ("bounce", _) => said.permanent(),
        // It was not even tried, because of what the address answered before.
        ("dropped", _) => match words {
            "Bounced Address" | "Invalid" => said.returned(Kind::Hard),
            "Spam Reporting Address" => said.returned(Kind::Complaint),
            _ => said.returned(Kind::Soft),
        },
        _ => return None,
    })
}
