//! Values made harmless for the place where they stand.
//!
//! Always holds: what comes out of these functions cannot leave its place: no markup from a text, no second header from a subject,
//! no second part from a piece of a URL. Every value passes [`clean`] first.

pub(crate) use rapport_domain::plain::{clean, one_line};

/// Appends a text as HTML text, or as the text of an attribute in quotes.
pub(crate) fn html(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
}

/// Appends a value as a part of a URL: all but letters, digits and `-._~` is percent-encoded (RFC 3986, section 2.3).
pub(crate) fn url_part(value: &str, out: &mut String) {
    percent_encoded(value, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte), out);
}

/// Appends a whole URL, with what no URL may hold percent-encoded.
pub(crate) fn url(value: &str, out: &mut String) {
    percent_encoded(value, |b| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b), out);
}

fn percent_encoded(value: &str, keeps: impl Fn(u8) -> bool, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if keeps(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(function: impl Fn(&str, &mut String), value: &str) -> String {
        let mut out = String::new();
        function(value, &mut out);
        out
    }

    #[test]
    fn parts_of_urls_stay_parts() {
        assert_eq!(with(url_part, "a/b?c=d&e#f@é %"), "a%2Fb%3Fc%3Dd%26e%23f%40%C3%A9%20%25");
        assert_eq!(
            with(url, "https://a.example/ü \"<>\\?q=1&r=%20"),
            "https://a.example/%C3%BC%20%22%3C%3E%5C?q=1&r=%20"
        );
    }

    proptest! {
        #[test]
        fn nothing_leaves_its_place(value in "\\PC*|[\\x00-\\x7f]*") {
            let text = with(html, &value);
            prop_assert!(!text.contains(['<', '>', '"', '\'']));
            prop_assert!(!with(url_part, &value).contains(['/', '?', '#', '&', '@', ':', '"', '\'', '\\', ' ']));
        }
    }
}
