//! How many parts a text message is sent in, and so is paid for.
//!
//! Source: 3GPP TS 23.038 (the 7-bit alphabet and its extension table, UCS-2) and TS 23.040, section 9.2.3.24 (parts carry a header of six
//! bytes). A letter of two units is never cut in two.

/// Units of one message, and of one part of several, in the 7-bit alphabet.
const SEVEN_BIT: (usize, usize) = (160, 153);
/// The same in UCS-2.
const UCS_2: (usize, usize) = (70, 67);

/// The 7-bit alphabet without its extension.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Letters of the extension: two units each.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// How a text is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Whether the 7-bit alphabet has all its letters; if not, every letter takes more than twice the room.
    pub is_seven_bit: bool,
    /// Units it takes.
    pub units: usize,
    /// In so many messages.
    pub parts: usize,
    /// So many units more fit into the last of them.
    pub left: usize,
    /// The letters that are not in the 7-bit alphabet, each once, in their order; ten at most.
    pub others: Vec<char>,
}

/// Counts a text.
pub fn parts(text: &str) -> Parts {
    let mut others: Vec<char> = Vec::new();
    for letter in text.chars().filter(|c| !BASIC.contains(*c) && !EXTENDED.contains(*c)) {
        if others.len() < 10 && !others.contains(&letter) {
            others.push(letter);
        }
    }
    let is_seven_bit = others.is_empty();
    let width =
        |letter: char| if is_seven_bit { 1 + usize::from(EXTENDED.contains(letter)) } else { letter.len_utf16() };
    let (single, several) = if is_seven_bit { SEVEN_BIT } else { UCS_2 };
    let units: usize = text.chars().map(width).sum();
    if units <= single {
        return Parts { is_seven_bit, units, parts: usize::from(units > 0), left: single - units, others };
    }
    let (mut parts, mut taken) = (1, 0);
    for width in text.chars().map(width) {
        if taken + width > several {
            (parts, taken) = (parts + 1, 0);
        }
        taken += width;
    }
    Parts { is_seven_bit, units, parts, left: several - taken, others }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (bool, usize, usize, usize) {
        let found = parts(text);
        (found.is_seven_bit, found.units, found.parts, found.left)
    }

    #[test]
    fn parts_are_counted_as_networks_count_them() {
        assert_eq!(BASIC.chars().count(), 127, "128 letters, of which one is the escape");
        assert_eq!(of(""), (true, 0, 0, 160));
        assert_eq!(of(&"a".repeat(160)), (true, 160, 1, 0));
        assert_eq!(of(&"a".repeat(161)), (true, 161, 2, 145));
        assert_eq!(of(&"a".repeat(307)), (true, 307, 3, 152));
        assert_eq!(of(&"€".repeat(80)), (true, 160, 1, 0));
        assert_eq!(of(&"好".repeat(70)), (false, 70, 1, 0));
        assert_eq!(of(&"好".repeat(71)), (false, 71, 2, 63));
    }

    #[test]
    fn a_letter_is_not_cut_in_two() {
        // 153 is odd: the 77th sign of two units begins the second part, though one unit of the first is free.
        assert_eq!(of(&"€".repeat(81)), (true, 162, 2, 153 - 10));
        assert_eq!(of(&"🎉".repeat(36)), (false, 72, 2, 67 - 6));
    }

    #[test]
    fn what_makes_a_text_expensive_is_told() {
        assert_eq!(parts("Thanks – ok ’ ok –").others, ['–', '’']);
    }
}
