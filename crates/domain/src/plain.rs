//! Texts from outside, made plain: without what controls a terminal or turns the reading direction around.
//!
//! Always holds: what comes out has no control character but line ends and tabs, and no direction mark.
//!
//! Does not do: escape for HTML, a URL or SQL; that is done where a text is put.

/// What changes the direction of the text around it. A value that carries one can make the reader see another text than the one sent.
pub fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Appends a value without control characters and direction marks; line ends become `\n`.
pub fn clean(value: &str, out: &mut String) {
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

/// A whole subject or title: one line, no outer or double spaces, at most so many letters (`…` stands for what was cut).
pub fn one_line(text: &str, letters: usize) -> String {
    let mut cleaned = String::with_capacity(text.len());
    clean(text, &mut cleaned);
    let line = cleaned.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(letters) {
        None => line,
        Some(_) => line.chars().take(letters.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// The longest key.
pub const KEY_MAX: usize = 60;

/// Whether a text can be a key, the name of something in addresses: 1 to [`KEY_MAX`] small letters, digits, `-` and `_`.
pub fn is_key(text: &str) -> bool {
    (1..=KEY_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
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

    proptest! {
        #[test]
        fn lines_stay_lines(value in "\\PC*|[\\x00-\\x7f]*") {
            let line = one_line(&value, 50);
            prop_assert!(!line.chars().any(|c| c.is_control() || is_direction(c)));
            prop_assert!(line.chars().count() <= 50);
        }
    }
}
