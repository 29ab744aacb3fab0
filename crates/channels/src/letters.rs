//! Letters that people write to us: who wrote, what, and what they answer.
//!
//! Always holds: whatever comes is read without a panic, up to a size and a depth; a program's answer is said to be one; what is quoted of earlier letters
//! is left out. Anybody can write any sender into a letter: who wrote is what the letter says, no more.

use mail_parser::{Address, Message, MessageParser};

use crate::redaction::cut;
use crate::returned::plain::{is_automatic, is_from_a_mail_system};
use crate::returned::{LARGEST, MOST_NESTED, address, header, message_id, nested};

/// As much of a text as is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// Letters that one may name as those it answers.
const MOST_ANSWERED: usize = 50;

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its Message-ID, with its angle brackets.
    pub message_id: Option<String>,
    /// Those that it answers, the latest first.
    pub answers: Vec<String>,
    /// The address of whoever wrote it, as it says, in lower case.
    pub from: Option<String>,
    /// What it says that they are called.
    pub name: Option<String>,
    /// Its subject.
    pub subject: String,
    /// What they wrote, without what they quote.
    pub text: String,
    /// When they wrote it, as it says: seconds since 1970.
    pub written_at: Option<i64>,
    /// Whether a program wrote it: a holiday notice, a bounce, a newsletter.
    pub is_automatic: bool,
}

/// Reads a letter; `None` when it is none.
pub fn read(letter: &[u8]) -> Option<Letter> {
    let letter = &letter[..letter.len().min(LARGEST)];
    if nested(letter) > MOST_NESTED {
        return None;
    }
    let message = MessageParser::default().parse(letter)?;
    let sender = message.from().and_then(Address::first);
    let text = message.body_text(0).unwrap_or_default();
    Some(Letter {
        message_id: message.message_id().and_then(message_id),
        answers: answers(&message),
        from: sender.and_then(|it| it.address()).and_then(address).map(|it| it.to_lowercase()),
        name: sender.and_then(|it| it.name()).map(str::to_owned),
        subject: message.subject().unwrap_or_default().to_owned(),
        text: own_words(cut(&text, LONGEST)),
        written_at: message.date().map(mail_parser::DateTime::to_timestamp),
        is_automatic: is_automatic(&message) || is_from_a_mail_system(&message) || is_of_many(&message),
    })
}

/// A letter to a list (RFC 2369), or one that says that it is of many.
fn is_of_many(message: &Message<'_>) -> bool {
    let precedence = header(message, "Precedence").unwrap_or_default().to_ascii_lowercase();
    message.header("List-Unsubscribe").is_some() || ["bulk", "list", "junk"].contains(&precedence.trim())
}

fn answers(message: &Message<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in [message.in_reply_to(), message.references()] {
        let texts = value.as_text_list().unwrap_or_default();
        found.extend(texts.iter().rev().filter_map(|text| message_id(text)));
    }
    found.truncate(MOST_ANSWERED);
    found
}

/// What stands above a quotation, without quoted lines.
fn own_words(text: &str) -> String {
    let is_begun = |line: &str| {
        let line = line.trim();
        line.starts_with("-----Original Message-----")
            || line.starts_with("-----Ursprüngliche Nachricht-----")
            || line.starts_with("________________________________")
            || (line.ends_with(':') && (line.starts_with("On ") && line.ends_with("wrote:") || line.starts_with("Am ") && line.contains("schrieb")))
            || line.starts_with("-- 原始邮件")
            || line.starts_with("------------------ 原始邮件")
            // A signature (RFC 3676, 4.3).
            || line == "--"
    };
    let lines: Vec<&str> =
        text.lines().take_while(|line| !is_begun(line)).filter(|line| !line.starts_with('>')).collect();
    let own = lines.join("\n").trim().to_owned();
    // Whoever writes below what they quote has nothing above it.
    if own.is_empty() { text.trim().to_owned() } else { own }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_letter_says_who_wrote_what() {
        let text = "From: Ann Weber <Ann@Example.org>\r\nTo: help@shop.example\r\nSubject: =?utf-8?q?Caf=C3=A9_lamp?=\r\nMessage-ID: <1@example.org>\r\n\
            In-Reply-To: <b@shop.example>\r\nReferences: <a@shop.example> <b@shop.example>\r\nDate: Fri, 27 Nov 2026 12:00:00 +0100\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\r\nIt broke.\r\n\r\nOn Thu, Shop wrote:\r\n> How is it?\r\n";
        let letter = read(text.as_bytes()).unwrap();
        assert_eq!((letter.from.as_deref(), letter.name.as_deref()), (Some("ann@example.org"), Some("Ann Weber")));
        assert_eq!((letter.subject.as_str(), letter.text.as_str()), ("Café lamp", "It broke."));
        assert_eq!(letter.answers, ["<b@shop.example>", "<b@shop.example>", "<a@shop.example>"]);
        assert_eq!((letter.message_id.as_deref(), letter.written_at), (Some("<1@example.org>"), Some(1_795_777_200)));
        assert!(!letter.is_automatic);
        let of_list = text.replace("To:", "List-Unsubscribe: <https://x.example>\r\nTo:");
        assert!(read(of_list.as_bytes()).unwrap().is_automatic);
        let notice = text.replace("To:", "Auto-Submitted: auto-replied\r\nTo:");
        assert!(read(notice.as_bytes()).unwrap().is_automatic);
    }

    #[test]
    fn quotations_and_signatures_are_left_out() {
        assert_eq!(own_words("Yes\n> no\nindeed\n-- \nAnn"), "Yes\nindeed");
        assert_eq!(own_words("> all quoted\n"), "> all quoted");
        assert_eq!(own_words("坏了\n------------------ 原始邮件 ------------------\n您好"), "坏了");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }
    }
}
