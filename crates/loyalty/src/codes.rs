//! Codes of vouchers and cards: how they are made, read as people type them, and shown.
//!
//! Our own are `R` and eleven characters out of 31 that nobody mixes up (no 0, 1, I, L, O), the last of which checks the others: the sum of the characters' values, each times its
//! place, is 0 modulo 31. 31 is a prime and there are fewer places, so that every single wrong character and every two that changed places are found before anybody looks them up
//! (as with ISBN-10).
//!
//! Always holds: what differs only in case, spaces or hyphens is the same code.
//!
//! Does not: know which codes there are.

use rapport_domain::Rng;

const ALPHABET: &[u8; 31] = b"23456789ABCDEFGHJKMNPQRSTUVWXYZ";
/// What our own begin with.
const MARK: char = 'R';
/// Characters of our own codes, with the mark.
const LENGTH: usize = 12;
/// The most characters of a code.
pub const CODE_MAX: usize = 64;

/// A code as it is looked up: capital letters, without spaces and hyphens; `None` of what is no code.
pub fn lookup(text: &str) -> Option<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > 2 * CODE_MAX {
        return None;
    }
    let kept = text.chars().filter(|it| !it.is_whitespace() && !matches!(it, '-' | '\u{2010}'..='\u{2015}'));
    let lookup: String = kept.flat_map(char::to_uppercase).collect();
    let is_plain = lookup.chars().all(|it| it.is_ascii_graphic() || (it.is_alphanumeric() && !it.is_ascii()));
    (is_plain && !lookup.is_empty() && lookup.chars().count() <= CODE_MAX).then_some(lookup)
}

/// A new code, as it is looked up.
pub fn generate(rng: &dyn Rng) -> String {
    let mut values: Vec<u32> = value(MARK).into_iter().collect();
    while values.len() < LENGTH - 1 {
        // Five bits; what lies past the alphabet is thrown again, so that all are as likely.
        let five = (rng.next_u64() >> 59) as u32;
        if five < 31 {
            values.push(five);
        }
    }
    let sum: u32 = values.iter().zip(1..).map(|(value, place)| value * place).sum();
    // The last place is 12: 12 · 13 = 156 = 1 modulo 31, so 13 undoes it.
    values.push((31 - sum % 31) % 31 * 13 % 31);
    values.into_iter().map(|value| char::from(ALPHABET[value as usize])).collect()
}

fn value(letter: char) -> Option<u32> {
    let place = ALPHABET.iter().position(|it| char::from(*it) == letter)?;
    u32::try_from(place).ok()
}

/// Whether it can be one: ours fit their check character; of others nothing is known.
pub fn is_sound(lookup: &str) -> bool {
    let values: Option<Vec<u32>> = lookup.chars().map(value).collect();
    let Some(values) = values.filter(|values| values.len() == LENGTH && lookup.starts_with(MARK)) else { return true };
    let sum: u32 = values.iter().zip(1..).map(|(value, place)| value * place).sum();
    sum.is_multiple_of(31)
}

/// Whether it is one that was made here: the mark, the length, the alphabet and the check character fit.
pub fn is_own(lookup: &str) -> bool {
    let fits = lookup.starts_with(MARK) && lookup.chars().count() == LENGTH;
    fits && lookup.chars().all(|it| value(it).is_some()) && is_sound(lookup)
}

/// Our own code in groups of four, as people read it.
pub fn shown(lookup: &str) -> String {
    let letters: Vec<char> = lookup.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect()).collect::<Vec<String>>().join("-")
}

/// A code that is not given away by whoever sees the list: the last four characters, or fewer of a short one.
pub fn masked(code: &str) -> String {
    let count = code.chars().count();
    let end: String = code.chars().skip(count - (count / 3).min(4)).collect();
    format!("…{end}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rapport_domain::SeededRng;

    use super::*;

    #[test]
    fn every_single_typo_and_every_swap_is_found() {
        let rng = SeededRng::new(7);
        for _ in 0..50 {
            let code = generate(&rng);
            assert!(code.len() == LENGTH && is_sound(&code) && is_own(&code), "{code}");
            let letters: Vec<char> = code.chars().collect();
            // The mark is no secret: what does not begin with it is none of ours.
            for at in 1..LENGTH {
                for other in ALPHABET.iter().map(|it| char::from(*it)).filter(|it| *it != letters[at]) {
                    let mut typo = letters.clone();
                    typo[at] = other;
                    assert!(!is_sound(&typo.iter().collect::<String>()), "{code} {at} {other}");
                }
                for with in at + 1..LENGTH {
                    let mut swapped = letters.clone();
                    swapped.swap(at, with);
                    let is_same = letters[at] == letters[with];
                    assert_eq!(is_sound(&swapped.iter().collect::<String>()), is_same, "{code} {at} {with}");
                }
            }
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = generate(&SeededRng::new(1));
        let typed = format!("  {} ", shown(&code).to_lowercase().replace('-', " - "));
        assert_eq!(lookup(&typed), Some(code.clone()));
        assert_eq!(lookup("sommer–10"), Some("SOMMER10".to_owned()));
        assert_eq!(lookup("夏天10"), Some("夏天10".to_owned()));
        let none = ["", " - ", "a\0b", "a\u{202e}b", &"x".repeat(65)];
        assert_eq!(none.map(lookup), [const { None }; 5]);
        assert!(["SOMMER10", "RABATT", "R23456789ABCD"].iter().all(|code| is_sound(code) && !is_own(code)), "not ours");
        assert_eq!(masked(&shown(&code)), format!("…{}", &code[8..]));
        assert_eq!((masked("AB"), masked("ABCD")), ("…".to_owned(), "…D".to_owned()));
    }

    proptest! {
        #[test]
        fn what_is_looked_up_is_looked_up_the_same(text in "\\PC{0,80}") {
            if let Some(once) = lookup(&text) {
                prop_assert_eq!(lookup(&once), Some(once.clone()));
                prop_assert!(masked(&once).chars().count() <= 5);
            }
        }
    }
}
