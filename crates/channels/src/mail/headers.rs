//! The headers that programs read: which are written, which may be added, and that no value becomes two.
//!
//! Always holds: a value is one line; names are those of RFC 5322, section 2.2; what is written by [`Mail`](super::Mail) is written once.

use std::time::{Duration, SystemTime};

use lettre::message::header::{HeaderName, HeaderValue};
use rapport_domain::Timestamp;

use super::{Header, Mail, address};
use crate::Error;

/// The longest line is 998 letters (RFC 5322, section 2.1.1), the name of the header included.
const LONGEST_VALUE: usize = 900;
/// Those that are written here, decide where a mail goes, or say what others found about it.
const TAKEN: &[&str] = &[
    "from",
    "to",
    "cc",
    "bcc",
    "sender",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "return-path",
    "received",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "dkim-signature",
    "authentication-results",
    "mime-version",
    "auto-submitted",
    "precedence",
];

/// The headers of a mail beside names, date and subject.
pub(super) fn of(mail: &Mail) -> Result<Vec<Header>, Error> {
    let name = HeaderName::new_from_ascii_str;
    let mut found = vec![(name("Message-ID"), message_id(&mail.message_id)?)];
    if let Some(list) = &mail.list_unsubscribe {
        let mut ways = vec![format!("<{}>", https(&list.https_url)?)];
        if let Some(mailto) = &list.mailto {
            ways.push(format!("<mailto:{}>", address::checked("list_unsubscribe.mailto", mailto)?));
        }
        // One a line, so that no line is long (RFC 2369, section 2).
        found.push((name("List-Unsubscribe"), ways.join(",\r\n ")));
        found.push((name("List-Unsubscribe-Post"), "List-Unsubscribe=One-Click".to_owned()));
        // Says to holiday notices that nobody reads them. No standard defines it; every holiday notice looks at it.
        found.push((name("Precedence"), "bulk".to_owned()));
    }
    // RFC 3834, section 5.1: other programs must not answer by themselves.
    found.push((name("Auto-Submitted"), "auto-generated".to_owned()));
    Ok(found)
}

/// A header that the caller adds.
pub(super) fn other(name: &str, value: &str) -> Result<HeaderValue, Error> {
    let taken = TAKEN.iter().any(|taken| name.eq_ignore_ascii_case(taken))
        || name.len() >= 8 && name.as_bytes()[..8].eq_ignore_ascii_case(b"content-")
        || name.len() >= 7 && name.as_bytes()[..7].eq_ignore_ascii_case(b"resent-");
    if taken {
        return Err(Error::message("headers", "one of them is written from the mail's own fields; leave it out"));
    }
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let name = HeaderName::new_from_ascii(name.to_owned()).ok().filter(|_| letters);
    let name = name.ok_or_else(|| Error::message("headers", "a name is made of letters, digits and `-`"))?;
    Ok(HeaderValue::new(name, line("headers", value, LONGEST_VALUE)?))
}

/// A value on one line.
pub(super) fn line(field: &'static str, value: &str, most: usize) -> Result<String, Error> {
    if value.contains(|c: char| c.is_control() && c != '\t') {
        return Err(Error::message(field, "it holds a line break or a control letter; write it on one line"));
    }
    if value.len() > most {
        return Err(Error::message(field, format!("it is longer than {most} bytes; shorten it")));
    }
    // Unicode's own line breaks are none of a mail, but some programs show them as such. Several spaces become one: between two encoded words the
    // library would write them plain, where readers leave them out (RFC 2047, section 6.2).
    let words: Vec<&str> = value.split([' ', '\t', '\u{2028}', '\u{2029}']).filter(|word| !word.is_empty()).collect();
    Ok(words.join(" "))
}

pub(super) fn date(date: Timestamp) -> Result<SystemTime, Error> {
    let micros = u64::try_from(date.0).ok().filter(|_| date.0 < 253_402_300_800 * Timestamp::SECOND);
    micros
        .map(|micros| SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
        .ok_or_else(|| Error::message("date", "it lies outside the years 1970 to 9999"))
}

fn message_id(id: &str) -> Result<String, Error> {
    let inner = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).and_then(|inner| inner.split_once('@'));
    let fits = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_+=$%!~".contains(&byte))
    };
    match inner {
        Some((left, right)) if fits(left) && fits(right) && id.len() <= 250 => Ok(id.to_owned()),
        _ => Err(Error::message("message_id", "it is not of the form <name@domain>, of letters, digits and `.-_`")),
    }
}

/// RFC 8058, section 3.1: an HTTPS address; a comma or bracket in it would end it.
fn https(url: &str) -> Result<String, Error> {
    let unfit = || Error::message("list_unsubscribe.https_url", "it is no address that begins with https://");
    let parsed = reqwest::Url::parse(url).map_err(|_| unfit())?;
    let written = parsed.as_str().replace(',', "%2C");
    let plain = written.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>');
    if parsed.scheme() != "https" || !plain || written.len() > LONGEST_VALUE {
        return Err(unfit());
    }
    Ok(written)
}
