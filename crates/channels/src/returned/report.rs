//! Reports in the form of the standards: `multipart/report` (RFC 6522) with a part for programs.
//!
//! Always holds: the part is believed, whatever the letter around it is called. Fields that are missing or broken leave the rest readable.

use mail_parser::Message;

use super::{Kind, MOST_RECIPIENTS, Original, Returned, address, is, verdict};
use crate::redaction::cut;

/// As much of a report as is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// A part for programs, as text.
pub(super) enum Report {
    /// `message/delivery-status` (RFC 3464), or its form for addresses in other scripts (RFC 6533).
    Delivery(String),
    /// `message/feedback-report` (RFC 5965).
    Feedback(String),
}

pub(super) fn kind(message: &Message<'_>) -> Option<Report> {
    message.parts.iter().find_map(|part| {
        let text = || cut(&String::from_utf8_lossy(part.contents()), LONGEST).replace("\r\n", "\n");
        if is(part, "message", "delivery-status") || is(part, "message", "global-delivery-status") {
            return Some(Report::Delivery(text()));
        }
        is(part, "message", "feedback-report").then(|| Report::Feedback(text()))
    })
}

/// The fields of one group: names in small letters, folded lines joined.
type Group = Vec<(String, String)>;

fn get<'a>(group: &'a Group, name: &str) -> Option<&'a str> {
    group.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

/// One entry a recipient (RFC 3464, 2.1): the first group is about the mail, each other about one recipient.
pub(super) fn delivery(text: &str, original: &Original) -> Vec<Returned> {
    let groups = groups(text);
    let recipients = groups.iter().filter(|group| get(group, "action").is_some() || get(group, "status").is_some());
    recipients.take(MOST_RECIPIENTS).map(|group| recipient(group, original)).collect()
}

fn recipient(group: &Group, original: &Original) -> Returned {
    // What we wrote, before others sent it on (2.3.1), and where it ended (2.3.2).
    let to = get(group, "original-recipient").or_else(|| get(group, "final-recipient")).and_then(typed);
    let status =
        get(group, "status").and_then(|text| text.split_whitespace().next()).filter(|text| verdict::is_status(text));
    let said = get(group, "diagnostic-code").map_or("", |text| text.split_once(';').map_or(text, |(_, said)| said));
    let status = status.map(str::to_owned).or_else(|| verdict::status_in(said));
    let kind = match get(group, "action").unwrap_or("failed").to_ascii_lowercase().as_str() {
        "delayed" => Kind::Delayed,
        "delivered" => Kind::Delivered,
        // It went on, to a server or list that reports nothing (2.3.3).
        "relayed" | "expanded" => Kind::Unknown,
        _ => verdict::kind(status.as_deref(), said),
    };
    let said = if said.is_empty() { get(group, "status").unwrap_or_default() } else { said };
    original.returned(kind, to, status, said)
}

/// What a recipient's program reports about our mail (RFC 5965, section 3).
pub(super) fn feedback(text: &str, original: &Original) -> Vec<Returned> {
    let fields: Group = groups(text).concat();
    let word = get(&fields, "feedback-type").unwrap_or("other").trim().to_ascii_lowercase();
    let kind = match word.as_str() {
        // Not spam after all; a virus or a broken signature on the way is nobody's wish to stop (7.3, RFC 6591).
        "not-spam" | "virus" | "auth-failure" | "dmarc" => Kind::Unknown,
        _ => Kind::Complaint,
    };
    let to: Vec<String> = fields
        .iter()
        .filter(|(name, _)| name == "original-rcpt-to")
        .filter_map(|(_, value)| typed(value))
        .take(MOST_RECIPIENTS)
        .collect();
    if to.is_empty() {
        return vec![original.returned(kind, None, None, &word)];
    }
    to.into_iter().map(|to| original.returned(kind, Some(to), None, &word)).collect()
}

/// `rfc822; jane@example.org` without its type, xtext (RFC 3461, section 4) undone.
fn typed(value: &str) -> Option<String> {
    let value = value.split_once(';').map_or(value, |(_, value)| value);
    let mut out = String::new();
    let mut rest = value.trim();
    while let Some(at) = rest.find('+') {
        let code = rest
            .get(at + 1..at + 3)
            .filter(|code| code.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)));
        let letter = code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(u8::is_ascii_graphic);
        out.push_str(&rest[..at]);
        match letter {
            // Only what must be written so; a `+42` in an address that nobody encoded stays.
            Some(letter) if letter == b'+' || letter == b'=' => {
                out.push(char::from(letter));
                rest = &rest[at + 3..];
            }
            _ => {
                out.push('+');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    address(&out)
}

fn groups(text: &str) -> Vec<Group> {
    let mut found: Vec<Group> = vec![Group::new()];
    for line in text.split('\n') {
        let last = found.len() - 1;
        if line.trim().is_empty() {
            if !found[last].is_empty() && last <= MOST_RECIPIENTS {
                found.push(Group::new());
            }
        } else if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = found[last].last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            found[last].push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    found
}
