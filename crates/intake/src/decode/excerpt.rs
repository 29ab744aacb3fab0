//! The beginning of an item with its values masked, so that an administrator recognises the call without seeing the customer.
//!
//! Always holds: works on any text, also on what is no JSON; shows values of the keys in [`SHOWN`] only; at most
//! [`LENGTH`] characters. It is a picture for people, not JSON to parse again.

/// Keys whose values say nothing about a person.
const SHOWN: &[&str] =
    &["type", "event", "messageId", "timestamp", "originalTimestamp", "sentAt", "channel", "version"];

/// Characters of an excerpt.
const LENGTH: usize = 256;

/// The excerpt of one item's text.
pub(super) fn excerpt(item: &str) -> String {
    let mut out = Picture { text: String::new(), chars: 0 };
    let mut rest = item.trim_start();
    let mut shown = false;
    while let Some(first) = rest.chars().next() {
        if out.chars >= LENGTH {
            out.text.push('…');
            break;
        }
        let length = match first {
            '"' => string_length(rest),
            c if c.is_ascii_punctuation() && c != '-' || c.is_whitespace() => c.len_utf8(),
            _ => rest.find(|c: char| ",]}\": \n\t".contains(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        if first == '"' && after.trim_start().starts_with(':') {
            shown = SHOWN.contains(&token.trim_matches('"'));
            out.push(token);
        } else if first == '"' {
            out.push(if shown { token } else { "\"…\"" });
            shown = false;
        } else if length > first.len_utf8() || first.is_alphanumeric() {
            let word = matches!(token, "true" | "false" | "null");
            out.push(if shown || word { token } else { "#" });
            shown = false;
        } else if !first.is_whitespace() {
            shown &= first == ':';
            out.push(token);
        }
        rest = after;
    }
    out.text
}

struct Picture {
    text: String,
    chars: usize,
}

impl Picture {
    fn push(&mut self, token: &str) {
        for c in token.chars().take(LENGTH - self.chars) {
            self.text.push(if c.is_control() { ' ' } else { c });
            self.chars += 1;
        }
    }
}

/// Bytes of the string literal `text` begins with, quotes included; all of `text` when it does not end.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked() {
        let item = r#"{"type":"track", "event":"Order \"X\"","userId":"ann@x.org","n":-12.5,"ok":true,"l":["secret",4915112345678]}"#;
        assert_eq!(
            excerpt(item),
            r##"{"type":"track","event":"Order \"X\"","userId":"…","n":#,"ok":true,"l":["…",#]}"##
        );
    }

    #[test]
    fn any_text_is_bounded() {
        assert_eq!(excerpt("müller 017012345"), "##");
        assert_eq!(excerpt("\"never ends"), "\"…\"");
        assert!(excerpt(&"[".repeat(1_000_000)).chars().count() <= LENGTH + 1);
        assert!(excerpt(&format!("{{\"{}\":1}}", "k".repeat(1_000_000))).chars().count() <= LENGTH + 1);
    }
}
