//! Signatures by which a receiver knows that a mail is the domain's own and unchanged (DKIM, RFC 6376; Ed25519: RFC 8463).
//!
//! Always holds: relaxed canonicalisation of headers and body (3.4.2, 3.4.4), SHA-256, keys of 2,048 bits and more (RFC 8301, 3.2). Every header that is there
//! and matters is signed, and named once more than it is there ("oversigned", RFC 6376, 5.4.2 and 8.15), so that nobody can add a second one on the way.
//! Nothing is looked up in the DNS; whether the key is published is not known here.

mod canonical;
mod key;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::Timestamp;
use sha2::{Digest, Sha256};

use crate::Error;
pub use key::{Algorithm, PrivateKey};

/// Oversigned even when they are absent, because adding one changes what is read or where an answer goes (as rspamd's default has it).
const ALWAYS: &[&str] = &["from", "reply-to", "subject", "to", "cc"];
/// Oversigned when they are present. `list-unsubscribe` and its `-post` must be signed (RFC 8058, section 4).
const WHEN_PRESENT: &[&str] = &[
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-id",
    "auto-submitted",
    "precedence",
    "feedback-id",
];

/// Signs mails of one domain with one key.
#[derive(Debug)]
pub struct Signer {
    domain: String,
    selector: String,
    key: PrivateKey,
}

impl Signer {
    /// `domain` signs (`d=`; DMARC asks that it be the one in `From`), `selector` names the key in the DNS.
    ///
    /// # Errors
    /// [`Error::Settings`] when one of them is no name of the DNS.
    pub fn new(domain: &str, selector: &str, key: PrivateKey) -> Result<Self, Error> {
        for (field, name) in [("dkim.domain", domain), ("dkim.selector", selector)] {
            let label = |part: &str| {
                !part.is_empty()
                    && part.len() < 64
                    && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            };
            if name.len() > 200 || !name.split('.').all(label) {
                return Err(Error::settings(
                    field,
                    "it is no name of the DNS such as example.org; write xn-- for other scripts",
                ));
            }
        }
        Ok(Self { domain: domain.to_ascii_lowercase(), selector: selector.to_ascii_lowercase(), key })
    }

    /// Where the record must be published: `selector._domainkey.domain` (RFC 6376, 3.6.2.1).
    pub fn dns_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// What must be published there as TXT (RFC 6376, 3.6.1). [`dns_strings`] cuts it for a zone file.
    pub fn dns_record(&self) -> String {
        self.key.dns_record()
    }

    /// The header `DKIM-Signature`, with its CRLF, that stands before the message's bytes.
    pub(crate) fn signature(&self, message: &[u8], at: Timestamp) -> Result<String, Error> {
        let (head, body) = canonical::parts(message);
        let fields = canonical::fields(head);
        let (names, mut signed) = selected(&fields);
        let unsigned = format!(
            "v=1; a={}; c=relaxed/relaxed; d={}; s={};\r\n t={};\r\n h={};\r\n bh={};\r\n b=",
            self.key.algorithm().as_str(),
            self.domain,
            self.selector,
            at.0.div_euclid(Timestamp::SECOND),
            names.join(":\r\n  "),
            BASE64_STANDARD.encode(Sha256::digest(canonical::body(body))),
        );
        // The signature's own header is signed too, with an empty `b=` and without its end of line (3.7).
        signed.push_str("dkim-signature:");
        signed.push_str(&canonical::value(&unsigned));
        let signature = BASE64_STANDARD.encode(self.key.sign(signed.as_bytes())?);
        Ok(format!("DKIM-Signature: {unsigned}{}\r\n", folded(&signature)))
    }
}

/// The names for `h=`, and the signed headers in their canonical form. Of several of a name the last comes first (5.4.2).
fn selected(fields: &[(String, String)]) -> (Vec<&'static str>, String) {
    let mut names = Vec::new();
    let mut signed = String::new();
    let each = ALWAYS.iter().map(|name| (*name, true)).chain(WHEN_PRESENT.iter().map(|name| (*name, false)));
    for (name, always) in each {
        let mut present = false;
        for (_, value) in fields.iter().rev().filter(|(field, _)| field == name) {
            names.push(name);
            signed.push_str(&format!("{name}:{value}\r\n"));
            present = true;
        }
        if present || always {
            names.push(name);
        }
    }
    (names, signed)
}

/// Lines of 72 letters; white space in `b=` means nothing (3.5).
fn folded(signature: &str) -> String {
    let mut out = String::with_capacity(signature.len() + 24);
    for (index, letter) in signature.chars().enumerate() {
        if index > 0 && index % 72 == 0 {
            out.push_str("\r\n  ");
        }
        out.push(letter);
    }
    out
}

/// The record as a zone file holds it: strings of at most 255 bytes (RFC 1035, 3.3.14), which readers join without a space (RFC 6376, 3.6.2.2).
pub fn dns_strings(record: &str) -> String {
    let pieces: Vec<String> =
        record.as_bytes().chunks(255).map(|piece| format!("\"{}\"", String::from_utf8_lossy(piece))).collect();
    pieces.join(" ")
}

#[cfg(test)]
mod tests;
