//! Mail addresses as they are written into a mail and said to a server.
//!
//! Always holds: what passes here holds no line break, no space, no angle bracket, and fits into the protocol's limits. A domain in any script is written
//! in the letters of the DNS. Whether anybody reads mail there is not known here.

use crate::Error;
use crate::redaction::cut;

/// The longest name that is shown; a longer one is cut, because a customer typed it and the mail is theirs.
const LONGEST_NAME: usize = 120;

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Shown beside the address; may be empty. Whatever it holds, it stays a name.
    pub name: String,
    /// E.g. `jane@example.org`.
    pub address: String,
}

impl Mailbox {
    /// A mailbox.
    pub fn new(name: impl Into<String>, address: impl Into<String>) -> Self {
        Self { name: name.into(), address: address.into() }
    }

    pub(super) fn checked(&self, field: &'static str) -> Result<lettre::message::Mailbox, Error> {
        let address = checked(field, &self.address)?;
        let name = shown(&self.name);
        Ok(lettre::message::Mailbox::new((!name.is_empty()).then_some(name), address))
    }
}

/// A name without line breaks, control letters, letters that turn the line round, and `@`, which would pretend to be another address.
fn shown(name: &str) -> String {
    let hidden =
        |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let name: String = name
        .chars()
        .filter(|c| !hidden(*c))
        .map(|c| if c.is_control() || "<>@\u{2028}\u{2029}".contains(c) { ' ' } else { c })
        .collect();
    let words: Vec<&str> = name.split_whitespace().collect();
    cut(&words.join(" "), LONGEST_NAME).trim_end().to_owned()
}

/// Whether a mail can be sent from or to a text.
pub fn is_address(text: &str) -> bool {
    checked("address", text).is_ok()
}

/// Checks an address (RFC 5321, section 4.1.2, with the limits of 4.5.3.1); its domain comes out in ASCII (RFC 5890).
pub(crate) fn checked(field: &'static str, address: &str) -> Result<lettre::Address, Error> {
    let unfit = || Error::message(field, "it is no mail address such as jane@example.org");
    let (local, domain) = address.rsplit_once('@').ok_or_else(unfit)?;
    // Quoted local parts exist in the standard and in attacks, and in no customer file.
    let odd = |c: char| c.is_control() || c.is_whitespace() || "<>()[]\"\\,;:".contains(c);
    if local.len() > 64 || domain.len() > 255 || address.len() > 254 || local.contains(odd) || domain.contains(odd) {
        return Err(unfit());
    }
    let host = lettre_domain(domain).ok_or_else(unfit)?;
    lettre::Address::new(local, host).map_err(|_| unfit())
}

/// The URL parser knows how names of hosts in other scripts are written (UTS 46), and refuses what is none.
fn lettre_domain(domain: &str) -> Option<String> {
    if domain.is_ascii() {
        return Some(domain.to_ascii_lowercase());
    }
    let url = reqwest::Url::parse(&format!("http://{domain}/")).ok()?;
    url.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        for (address, written) in [
            ("jane@example.org", "jane@example.org"),
            ("o'neill+shop@Mail.Example.ORG", "o'neill+shop@mail.example.org"),
            ("info@bücher.example", "info@xn--bcher-kva.example"),
            ("用户@例子.测试", "用户@xn--fsqu00a.xn--0zwm56d"),
        ] {
            assert_eq!(checked("to", address).unwrap().to_string(), written);
        }
        for address in [
            "jane",
            "@example.org",
            "jane@",
            "jane@example.org\r\nBcc: all@example.org",
            "jane@example.org>\r\nDATA",
            "\"a b\"@example.org",
            "jane doe@example.org",
            "jane@exa mple.org",
            "jane@example.org,bob@example.org",
            "jane\0@example.org",
            "jane@例 子.测试",
            &format!("{}@example.org", "a".repeat(65)),
            &format!("a@{}.org", "b".repeat(260)),
        ] {
            assert!(checked("to", address).is_err(), "{address:?}");
        }
    }

    #[test]
    fn a_hostile_name_stays_a_name() {
        assert_eq!(shown("Jane\r\nBcc: all@example.org"), "Jane Bcc: all example.org");
        assert_eq!(shown("\u{202e}evil\u{200b} \0 <x@y.org>"), "evil x y.org");
        assert!(shown(&"名".repeat(500)).len() <= LONGEST_NAME);
        assert_eq!(shown("Ärzte & \"Söhne\""), "Ärzte & \"Söhne\"");
    }
}
