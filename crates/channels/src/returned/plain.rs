//! Bounces of servers that write for people only (qmail, Exim, some providers), holiday notices, and everything else.
//!
//! Always holds: a letter is a bounce only when a mail system wrote it; a person who answers with the words "user unknown" is none.

use mail_parser::{Address, Message};

use super::{Kind, MOST_RECIPIENTS, Original, Returned, address, beginning, header, message_id, verdict};
use crate::redaction::cut;

/// As much of a text as is searched, in bytes.
const LONGEST: usize = 64 * 1024;

pub(super) fn read(message: &Message<'_>, original: &Original) -> Vec<Returned> {
    let text = message.body_text(0).unwrap_or_default();
    let text = cut(&text, LONGEST).replace("\r\n", "\n");
    if is_from_a_mail_system(message) {
        return bounce(message, &text, original);
    }
    let answered = message.in_reply_to().as_text().or_else(|| message.references().as_text()).and_then(message_id);
    let original = Original { message_id: answered.or_else(|| original.message_id.clone()), to: None };
    let sender = message.from().and_then(Address::first).and_then(|from| from.address()).and_then(address);
    let kind = if is_automatic(message) { Kind::AutoReply } else { Kind::Unknown };
    vec![original.returned(kind, sender, None, message.subject().unwrap_or_default())]
}

fn bounce(message: &Message<'_>, text: &str, original: &Original) -> Vec<Returned> {
    let said = said(text);
    // Exim lists them in a header.
    let mut failed: Vec<String> =
        header(message, "X-Failed-Recipients").unwrap_or_default().split(',').filter_map(address).collect();
    if failed.is_empty() {
        failed.extend(original.to.clone());
    }
    if failed.is_empty() {
        failed.extend(text_addresses(said).into_iter().next());
    }
    failed.dedup();
    failed.truncate(MOST_RECIPIENTS);
    let subject = message.subject().unwrap_or_default().to_lowercase();
    let one = |to: Option<String>| {
        let about = to.as_deref().and_then(|to| said.find(to)).map_or(said, |at| &said[at..]);
        let status = verdict::status_in(about);
        let late = ["delayed", "delay", "warning", "延迟"].iter().any(|word| subject.contains(word));
        let kind = if late { Kind::Delayed } else { verdict::kind(status.as_deref(), about) };
        original.returned(kind, to, status, beginning(about))
    };
    if failed.is_empty() { vec![one(None)] } else { failed.into_iter().map(|to| one(Some(to))).collect() }
}

/// What stands before the copy of our mail.
fn said(text: &str) -> &str {
    let marks = [
        "--- Below this line is a copy of the message.",
        "------ This is a copy of",
        "----- Original message -----",
        "--- Original message follows",
        "原始邮件",
    ];
    let end = marks.iter().filter_map(|mark| text.find(mark)).min().unwrap_or(text.len());
    &text[..end]
}

pub(crate) fn is_from_a_mail_system(message: &Message<'_>) -> bool {
    let sender = message.from().and_then(Address::first).and_then(|from| from.address()).unwrap_or_default();
    let local = sender.split('@').next().unwrap_or_default().to_ascii_lowercase();
    // A bounce has no sender to answer to (RFC 5321, 4.5.5); mailboxes keep that as an empty Return-Path.
    let empty = message.header_raw("Return-Path").is_some_and(|path| ["<>", ""].contains(&path.trim()));
    let names = ["mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon", "mdaemon", "microsoftexchange"];
    names.iter().any(|name| local.starts_with(name))
        || header(message, "X-Failed-Recipients").is_some()
        || empty && !is_automatic(message)
}

/// A program that answers for a person: RFC 3834 (section 5), and the headers and words of older ones.
pub(crate) fn is_automatic(message: &Message<'_>) -> bool {
    let says = |name: &'static str, words: &[&str]| {
        header(message, name).is_some_and(|value| words.iter().any(|word| value.to_ascii_lowercase().starts_with(word)))
    };
    let subject = message.subject().unwrap_or_default().to_lowercase();
    let notices = [
        "out of office",
        "automatic reply",
        "auto reply",
        "autoreply",
        "auto:",
        "automatische antwort",
        "abwesenheits",
        "réponse automatique",
        "respuesta automática",
        "自动回复",
        "自動回覆",
    ];
    says("Auto-Submitted", &["auto-replied", "auto-generated", "auto-notified"])
        || says("Precedence", &["auto_reply"])
        || header(message, "X-Autoreply").is_some()
        || header(message, "X-Autorespond").is_some()
        || notices.iter().any(|notice| subject.starts_with(notice))
}

/// The value of a header that stands as text in a letter.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    cut(text, LONGEST).lines().find_map(|line| {
        let (found, value) = line.trim_start_matches(['>', ' ', '\t']).split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn text_addresses(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || "<>()[]\",;:'=".contains(c))
        .filter(|word| word.contains('@'))
        .filter_map(|word| address(word.trim_end_matches('.')))
        .take(MOST_RECIPIENTS)
        .collect()
}
