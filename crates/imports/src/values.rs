//! Texts of a file as values: numbers with any decimal mark, dates in any common order, ids, blanks.
//!
//! Always holds: a text that is not wholly a value is none; nothing is guessed from half of it.

pub mod date;
pub mod number;

/// Whether a text stands for "nothing" in a column of numbers, dates or ids.
pub fn is_blank(text: &str) -> bool {
    text.is_empty() || is_blank_word(text)
}

/// Words that programs write where there is no value.
pub fn is_blank_word(text: &str) -> bool {
    const WORDS: [&str; 14] =
        ["nan", "null", "none", "n/a", "na", "#n/a", "nil", "undefined", "?", "-", "--", "\\n", "nat", "(null)"];
    text.len() <= 9 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Whether a customer number stands for "no customer".
pub fn is_placeholder_customer(text: &str) -> bool {
    const WORDS: [&str; 9] = ["0", "-1", "guest", "anonymous", "unknown", "gast", "unbekannt", "convidado", "0000"];
    is_blank(text) || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// An id as it is compared: spreadsheets write the number 17850 as "17850.0".
pub fn id(text: &str) -> &str {
    if has_point_zero(text) { text.split_once('.').map_or(text, |(whole, _)| whole) } else { text }
}

/// Whether a text is a whole number with ".0" behind it.
pub fn has_point_zero(text: &str) -> bool {
    text.strip_suffix(".0").is_some_and(|whole| !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit()))
}

/// Reads a yes or no.
pub fn boolean(text: &str) -> Option<bool> {
    const YES: [&str; 8] = ["true", "yes", "y", "t", "ja", "sim", "si", "oui"];
    const NO: [&str; 7] = ["false", "no", "n", "f", "nein", "não", "non"];
    if text.len() > 5 {
        return None;
    }
    let is_in = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_in(&YES) { Some(true) } else { is_in(&NO).then_some(false) }
}

/// Whether a text looks like one e-mail address.
pub fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else { return false };
    !name.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && text.len() <= 254
        && !text.bytes().any(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';' | b'<' | b'>'))
        && !host.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nothing_and_ids() {
        for blank in ["", "NaN", "null", "N/A", "?", "#N/A"] {
            assert!(is_blank(blank), "{blank}");
        }
        assert!(!is_blank("Nina") && !is_blank("0"));
        assert_eq!((id("17850.0"), id("00012"), id("A.0"), id("1.50")), ("17850", "00012", "A.0", "1.50"));
        assert!(is_email("a.b@c.de") && !is_email("a@b") && !is_email("a b@c.de") && !is_email("@c.de"));
        assert_eq!((boolean("Ja"), boolean("FALSE"), boolean("1")), (Some(true), Some(false), None));
    }
}
