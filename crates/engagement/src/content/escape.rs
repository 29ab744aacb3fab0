//! Values made harmless for the place where they stand.
//!
//! Always holds: what comes out of these functions cannot leave its place: no markup from a text, no second header from a subject,
//! no second part from a piece of a URL. Every value passes [`clean`] first.

/// What changes the direction of the text around it. A value that carries one can make the reader see another text than the one sent.
fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Appends a value without control characters and direction marks; line ends become `\n`.
pub(crate) fn clean(value: &str, out: &mut String) {
    let mut letters = value.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\n' | '\t' => out.push(letter),
            _ if letter.is_control() || is_direction(letter) || letter == '\u{FEFF}' => {}
            _ => out.push(letter),
        }
    }
}

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

/// A whole subject or title: one line, no outer or double spaces, at most so many letters (`…` stands for what was cut).
pub(crate) fn one_line(text: &str, letters: usize) -> String {
    let mut cleaned = String::with_capacity(text.len());
    clean(text, &mut cleaned);
    let line = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(letters) {
        None => line,
        Some(_) => line.chars().take(letters.saturating_sub(1)).chain(['…']).collect(),
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
    fn values_lose_what_controls_the_reader() {
        assert_eq!(with(clean, "a\r\nb\rc\u{2028}d\0\u{1b}[31m\u{7f}"), "a\nb\nc\nd[31m");
        assert_eq!(with(clean, "gpj.\u{202E}exe\u{2066}\u{200F}\u{FEFF}"), "gpj.exe");
        // Joiners are part of how families, flags and Indic words are written.
        assert_eq!(with(clean, "👩\u{200D}👧"), "👩\u{200D}👧");
    }

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line(" Hi\r\nBcc: all@example.com \t x ", 100), "Hi Bcc: all@example.com x");
        assert_eq!(one_line("日本語テキスト", 4), "日本語…");
        assert_eq!(one_line("日本語テ", 4), "日本語テ");
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
            prop_assert!(!one_line(&value, 50).chars().any(|c| c.is_control() || is_direction(c)));
            prop_assert!(one_line(&value, 50).chars().count() <= 50);
            prop_assert!(!with(url_part, &value).contains(['/', '?', '#', '&', '@', ':', '"', '\'', '\\', ' ']));
        }
    }
}
