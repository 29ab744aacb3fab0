//! A mail: what is said to one person, and its bytes (RFC 5322, MIME RFC 2045 to 2047), fixed before anything is sent.
//!
//! Always holds: one recipient a mail; the same mail gives the same bytes, its Message-ID included, so that whatever happens on the way it is known again;
//! no value can begin a header of its own; lines are short and of plain letters, so that no server on the way must change them and break the signature.
//! Nothing is sent here.

pub mod address;
mod headers;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{MultiPart, MultiPartKind, SinglePart};
use rapport_domain::Timestamp;
use sha2::{Digest, Sha256};

use crate::Error;
use crate::dkim::Signer;
pub use address::Mailbox;

/// The largest part of a mail, text or HTML, in bytes. Gmail shows 102 KB of HTML and hides the rest.
pub const LARGEST_PART: usize = 4 * 1024 * 1024;
/// The longest subject, in bytes.
pub const LONGEST_SUBJECT: usize = 900;

/// One mail to one person.
#[derive(Clone, Debug)]
pub struct Mail {
    /// With its angle brackets, e.g. `<01J...@mail.example.org>` ([`message_id`]). Bounces are told apart by it.
    pub message_id: String,
    /// When it was written: the `Date` header, and the time of the signature.
    pub date: Timestamp,
    /// Who writes.
    pub from: Mailbox,
    /// Where answers go, if not to `from`.
    pub reply_to: Option<Mailbox>,
    /// Where bounces go (the envelope's sender), if not to `from`.
    pub return_path: Option<String>,
    /// Who reads.
    pub to: Mailbox,
    /// One line in any language.
    pub subject: String,
    /// What programs without HTML show. Never empty.
    pub text: String,
    /// What the others show.
    pub html: Option<String>,
    /// How the recipient stops mails of this kind; `None` only for mails that were asked for by an act, such as a password's.
    pub list_unsubscribe: Option<ListUnsubscribe>,
    /// Others, e.g. `Feedback-ID`. Those that are written here, those that route, and signatures are refused.
    pub headers: Vec<(String, String)>,
}

/// The two ways to stop mails of a kind without reading them (RFC 2369, section 3.2, and RFC 8058).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListUnsubscribe {
    /// An address that stops them when `List-Unsubscribe=One-Click` is posted to it, without cookies or redirects (RFC 8058, section 3.1).
    pub https_url: String,
    /// A mailbox that does the same for programs without one-click, e.g. `stop+token@example.org`.
    pub mailto: Option<String>,
}

/// A mail that is ready to be sent, as often as is needed, with the same bytes.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// With its angle brackets.
    pub message_id: String,
    /// The envelope's sender, where bounces go.
    pub sender: String,
    /// The envelope's recipient.
    pub recipient: String,
    /// Headers and body, lines ended by CRLF, signed.
    pub bytes: Vec<u8>,
}

/// A Message-ID (RFC 5322, section 3.6.4) of a name that is unique in the house and the domain that sends.
pub fn message_id(name: &str, domain: &str) -> String {
    format!("<{name}@{domain}>")
}

impl Mail {
    /// The bytes of the mail, signed by all `signers` (RFC 8463, section 5: an RSA and an Ed25519 signature stand side by side).
    ///
    /// # Errors
    /// [`Error::Message`] names the field that cannot be sent.
    pub fn prepare(&self, signers: &[&Signer]) -> Result<Prepared, Error> {
        let (from, to) = (self.from.checked("from")?, self.to.checked("to")?);
        let sender = match &self.return_path {
            Some(path) => address::checked("return_path", path)?.to_string(),
            None => from.email.to_string(),
        };
        let recipient = to.email.to_string();
        let mut builder = lettre::Message::builder()
            .date(headers::date(self.date)?)
            .from(from)
            .to(to)
            .subject(headers::line("subject", &self.subject, LONGEST_SUBJECT)?);
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.checked("reply_to")?);
        }
        for (name, value) in headers::of(self)? {
            builder = builder.raw_header(HeaderValue::dangerous_new_pre_encoded(name, value.clone(), value));
        }
        for (name, value) in &self.headers {
            builder = builder.raw_header(headers::other(name, value)?);
        }
        let message = match &self.html {
            Some(html) => builder.multipart(self.alternative(html)?),
            None => builder.singlepart(text_part("text", &self.text, ContentType::TEXT_PLAIN)?),
        }
        .map_err(|_| Error::message("to", "the mail cannot be built"))?;
        let mut bytes = message.formatted();
        for signer in signers {
            let signature = signer.signature(&bytes, self.date)?;
            bytes.splice(0..0, signature.into_bytes());
        }
        Ok(Prepared { message_id: self.message_id.clone(), sender, recipient, bytes })
    }

    /// Plain text first, because programs show the last part that they know (RFC 2046, section 5.1.4).
    fn alternative(&self, html: &str) -> Result<MultiPart, Error> {
        // A boundary of chance would give other bytes each time.
        let boundary: String =
            Sha256::digest(self.message_id.as_bytes()).iter().take(15).map(|byte| format!("{byte:02x}")).collect();
        Ok(MultiPart::builder()
            .kind(MultiPartKind::Alternative)
            .boundary(format!("=_{boundary}"))
            .singlepart(text_part("text", &self.text, ContentType::TEXT_PLAIN)?)
            .singlepart(text_part("html", html, ContentType::TEXT_HTML)?))
    }
}

fn text_part(field: &'static str, text: &str, kind: ContentType) -> Result<SinglePart, Error> {
    if text.trim().is_empty() {
        return Err(Error::message(field, "it is empty; write what programs without HTML show"));
    }
    if text.len() > LARGEST_PART {
        return Err(Error::message(field, format!("it is larger than {LARGEST_PART} bytes; shorten it")));
    }
    Ok(SinglePart::builder().header(kind).body(lines(text)))
}

/// Lines ended by CRLF, as a mail has them (RFC 5322, section 2.3). NUL is no letter of a mail, and no template means it.
/// The library would do it too, but moves all that follows for every line.
fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    let mut letters = text.chars().filter(|letter| *letter != '\0').peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' | '\n' => {
                if letter == '\r' {
                    letters.next_if_eq(&'\n');
                }
                out.push_str("\r\n");
            }
            other => out.push(other),
        }
    }
    out
}

/// A header name that was checked.
type Header = (HeaderName, String);

#[cfg(test)]
mod tests;
