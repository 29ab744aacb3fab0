//! What comes back: reports of delivery (DSN, RFC 3464), complaints (ARF, RFC 5965), bounces of servers that follow no standard, holiday notices.
//!
//! Always holds: whatever comes is read without a panic, up to a size and a depth; what is not understood is never called hard, because a hard bounce takes a
//! customer's address out of use. Texts are shortened and carry no address. Anybody can write to the mailbox that bounces come to: a caller believes only what
//! names a Message-ID that it sent, or came to a return path that it made.

pub(crate) mod plain;
mod report;
mod verdict;

use mail_parser::{Address, HeaderValue, Message, MessageParser, MimeHeaders, PartType};

use crate::redaction::{cut, redacted};
pub(crate) use verdict::{is_status, kind as failure, status_in};

/// As much of a letter as is read, in bytes; reports stand at its beginning.
pub const LARGEST: usize = 1024 * 1024;
/// As many recipients as are read from one letter.
const MOST_RECIPIENTS: usize = 100;
/// As many letters within letters as are read.
pub(crate) const MOST_NESTED: usize = 400;

/// What one letter says about one mail of ours and one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// What it says.
    pub kind: Kind,
    /// The Message-ID of our mail, with its angle brackets.
    pub original_message_id: Option<String>,
    /// Whom our mail was for, as the letter says.
    pub recipient: Option<String>,
    /// Where the letter came to: the return path of our mail, by which it is known when the letter names no Message-ID.
    pub returned_to: Option<String>,
    /// The enhanced status code (RFC 3463), e.g. `5.1.1`.
    pub status: Option<String>,
    /// What the server said, shortened, without addresses.
    pub diagnostic: String,
}

/// What a letter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The address does not exist any more.
    Hard,
    /// It was not delivered for another reason: box full, size, policy, or one that nobody can read.
    Soft,
    /// The recipient called it unwanted.
    Complaint,
    /// A program answered: holiday, out of office.
    AutoReply,
    /// It is late; the server goes on trying.
    Delayed,
    /// It was delivered.
    Delivered,
    /// No report: most likely a person's answer.
    Unknown,
}

impl Kind {
    /// The stable word for it, as stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
            Self::Complaint => "complaint",
            Self::AutoReply => "auto_reply",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Unknown => "unknown",
        }
    }
}

/// Reads a letter from the mailbox that bounces come to. Nothing when it is no letter at all.
pub fn read(letter: &[u8]) -> Vec<Returned> {
    let letter = &letter[..letter.len().min(LARGEST)];
    // Letters within letters are freed one inside the other; a hostile one would have thousands.
    if nested(letter) > MOST_NESTED {
        return Vec::new();
    }
    let Some(message) = MessageParser::default().parse(letter) else { return Vec::new() };
    let original = original(&message);
    let mut found = match report::kind(&message) {
        Some(report::Report::Delivery(text)) => report::delivery(&text, &original),
        Some(report::Report::Feedback(text)) => report::feedback(&text, &original),
        None => plain::read(&message, &original),
    };
    let returned_to = message.to().and_then(Address::first).and_then(|to| to.address()).and_then(address);
    for each in &mut found {
        each.returned_to.clone_from(&returned_to);
    }
    found
}

/// What is known of our mail from the copy that came back.
#[derive(Clone, Debug, Default)]
struct Original {
    message_id: Option<String>,
    to: Option<String>,
}

impl Original {
    fn returned(&self, kind: Kind, recipient: Option<String>, status: Option<String>, said: &str) -> Returned {
        let recipient = recipient.or_else(|| self.to.clone());
        let diagnostic = redacted(said, recipient.as_deref().unwrap_or_default());
        Returned {
            kind,
            original_message_id: self.message_id.clone(),
            recipient,
            returned_to: None,
            status,
            diagnostic,
        }
    }
}

/// The copy, or its headers (RFC 6522, section 3), or what stands as text.
fn original(message: &Message<'_>) -> Original {
    let from = |copy: &Message<'_>| Original {
        message_id: copy.message_id().and_then(message_id),
        to: copy.to().and_then(Address::first).and_then(|to| to.address()).and_then(address),
    };
    for part in message.parts.iter().skip(1) {
        let found = match &part.body {
            PartType::Message(copy) => from(copy),
            _ if is(part, "text", "rfc822-headers")
                || is(part, "message", "rfc822")
                || is(part, "message", "global") =>
            {
                MessageParser::default().parse(part.contents()).map(|copy| from(&copy)).unwrap_or_default()
            }
            _ => continue,
        };
        if found.message_id.is_some() || found.to.is_some() {
            return found;
        }
    }
    let text = message.body_text(0).unwrap_or_default();
    Original { message_id: plain::field(&text, "message-id").and_then(message_id), to: None }
}

fn is(part: &mail_parser::MessagePart<'_>, kind: &str, subtype: &str) -> bool {
    part.content_type().is_some_and(|found| {
        found.ctype().eq_ignore_ascii_case(kind)
            && found.subtype().is_some_and(|found| found.eq_ignore_ascii_case(subtype))
    })
}

/// A header's text on one line.
pub(crate) fn header<'a>(message: &'a Message<'_>, name: &'static str) -> Option<&'a str> {
    match message.header(name)? {
        HeaderValue::Text(text) => Some(text),
        HeaderValue::TextList(list) => list.first().map(|text| &**text),
        _ => None,
    }
}

/// A Message-ID with its brackets, when it is of plain letters.
pub(crate) fn message_id(text: &str) -> Option<String> {
    let inner = text.trim().trim_start_matches('<').trim_end_matches('>');
    let plain = inner.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>');
    (plain && inner.contains('@') && inner.len() <= 250).then(|| format!("<{inner}>"))
}

/// A mail address, when it is one.
pub(crate) fn address(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('<').trim_end_matches('>');
    let (local, domain) = text.rsplit_once('@')?;
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;:\"()".contains(c))
    };
    (plain(local) && plain(domain) && text.len() <= 254).then(|| text.to_owned())
}

/// How often a letter could hold another one.
pub(crate) fn nested(letter: &[u8]) -> usize {
    let says = |word: &[u8]| letter.windows(word.len()).filter(|window| window.eq_ignore_ascii_case(word)).count();
    says(b"rfc822") + says(b"global") + says(b"digest")
}

/// The first lines of a text, for a diagnosis.
fn beginning(text: &str) -> &str {
    cut(text, 2_000)
}

#[cfg(test)]
mod tests;
