//! Numbers that are personal: found as runs of digits in groups, then judged by their check digits or their form.

use std::ops::Range;

use super::{Found, Kind, unseen};

/// A digit or capital with its place.
#[derive(Debug, Clone, Copy)]
struct Sign {
    at: usize,
    end: usize,
    value: char,
}

/// Digits or letters with nothing visible between them.
struct Group {
    signs: Range<usize>,
    /// What stands before it, from the group before.
    gap: Gap,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Gap {
    /// Something that ends a number.
    Wide,
    /// One blank, dash, dot or slash, with or without brackets.
    Narrow,
}

pub(super) fn find(text: &str, found: &mut Vec<Found>) {
    let signs = signs(text);
    let groups = groups(text, &signs);
    let mut from = 0;
    while from < groups.len() {
        let to = (from + 1..groups.len()).find(|at| groups[*at].gap == Gap::Wide).unwrap_or(groups.len());
        run(text, &signs, &groups[from..to], found);
        from = to;
    }
}

/// All that is a digit or a letter, digits of any script as ASCII and Latin letters as capitals.
fn signs(text: &str) -> Vec<Sign> {
    let sign = |(at, c): (usize, char)| {
        let value = match c {
            '0'..='9' => c,
            '０'..='９' => digit(c, '０'),
            '\u{660}'..='\u{669}' => digit(c, '\u{660}'),
            '\u{6f0}'..='\u{6f9}' => digit(c, '\u{6f0}'),
            '\u{966}'..='\u{96f}' => digit(c, '\u{966}'),
            'a'..='z' => c.to_ascii_uppercase(),
            'A'..='Z' => c,
            _ => return None,
        };
        Some(Sign { at, end: at + c.len_utf8(), value })
    };
    text.char_indices().filter_map(sign).collect()
}

fn digit(c: char, zero: char) -> char {
    char::from_digit(c as u32 - zero as u32, 10).unwrap_or('0')
}

fn groups(text: &str, signs: &[Sign]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (at, sign) in signs.iter().enumerate() {
        let between = at.checked_sub(1).map(|before| &text[signs[before].end..sign.at]);
        let seen = |between: &str| between.chars().filter(|c| !unseen(*c)).take(5).collect::<String>();
        let gap = match between.map(seen).as_deref() {
            Some("") => None,
            Some(
                " " | "-" | "." | "/" | "\u{a0}" | "\u{2011}" | "–" | ")" | ") " | " (" | ")-" | "(0)" | " - " | "  ",
            ) => Some(Gap::Narrow),
            _ => Some(Gap::Wide),
        };
        match (gap, groups.last_mut()) {
            (None, Some(last)) => last.signs.end = at + 1,
            (gap, _) => groups.push(Group { signs: at..at + 1, gap: gap.unwrap_or(Gap::Wide) }),
        }
    }
    groups
}

/// Tries, from every group of a run, the longest row of groups that is something.
fn run(text: &str, signs: &[Sign], groups: &[Group], found: &mut Vec<Found>) {
    /// The most groups of one number, and the most signs.
    const GROUPS: usize = 10;
    const SIGNS: usize = 34;
    let mut from = 0;
    while from < groups.len() {
        let first = groups[from].signs.start;
        let mut taken = None;
        for to in (from + 1..=groups.len().min(from + GROUPS)).rev() {
            let row = &groups[from..to];
            let end = row[row.len() - 1].signs.end;
            if end - first > SIGNS {
                continue;
            }
            let start = signs[first].at;
            if let Some(kind) = kind(&signs[first..end], row, &text[..start]) {
                let lead = |c: char| unseen(c) || matches!(c, '+' | '＋' | '(');
                let start = if kind == Kind::Phone { text[..start].trim_end_matches(lead).len() } else { start };
                taken = Some((to, Found { range: start..signs[end - 1].end, kind }));
                break;
            }
        }
        if let Some((to, it)) = taken {
            found.push(it);
            from = to;
        } else {
            from += 1;
        }
    }
}

fn kind(signs: &[Sign], groups: &[Group], before: &str) -> Option<Kind> {
    let value: String = signs.iter().map(|sign| sign.value).collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.signs.len()).collect();
    if is_iban(&value) {
        return Some(Kind::Iban);
    }
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() < value.len() {
        return is_lettered_document(&value, &digits).then_some(Kind::Document);
    }
    let varied = digits.iter().any(|digit| *digit != digits[0]);
    if is_document(&digits, &lengths, varied) {
        return Some(Kind::Document);
    }
    if varied && (13..=19).contains(&digits.len()) && luhn(&digits) {
        return Some(Kind::Card);
    }
    is_phone(&digits, &lengths, before).then_some(Kind::Phone)
}

/// The check of payment cards (ISO/IEC 7812-1).
fn luhn(digits: &[u32]) -> bool {
    let weighed = digits.iter().rev().enumerate().map(|(at, digit)| match (at % 2, digit * 2) {
        (0, _) => *digit,
        (_, double) if double > 9 => double - 9,
        (_, double) => double,
    });
    weighed.sum::<u32>().is_multiple_of(10)
}

/// Country, check digits, account: the remainder of the whole by 97 is 1 (ISO 13616, ISO/IEC 7064).
fn is_iban(value: &str) -> bool {
    let bytes = value.as_bytes();
    let head = bytes.len() >= 15
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit);
    let of = |rest: u32, byte: &u8| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte - b'A') + 10) % 97,
    };
    head && bytes[4..].iter().chain(&bytes[..4]).fold(0, of) == 1
}

/// Spain's DNI and NIE, and China's identity card with an X at its end.
fn is_lettered_document(value: &str, digits: &[u32]) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let bytes = value.as_bytes();
    if bytes.len() == 18 && bytes.ends_with(b"X") && digits.len() == 17 {
        return chinese(digits, 10);
    }
    let first = match bytes {
        [b'X', ..] => Some(0),
        [b'Y', ..] => Some(1),
        [b'Z', ..] => Some(2),
        _ => None,
    };
    let wanted = if first.is_some() { 7 } else { 8 };
    let last = bytes.last().filter(|last| bytes.len() == 9 && digits.len() == wanted && last.is_ascii_uppercase());
    let number = || digits.iter().fold(first.unwrap_or(0), |sum, digit| sum * 10 + digit);
    last.is_some_and(|last| LETTERS[number() as usize % 23] == *last)
}

fn is_document(digits: &[u32], lengths: &[usize], varied: bool) -> bool {
    match digits.len() {
        9 => lengths == [3, 2, 4] && digits[..3] != [0, 0, 0] && digits[..3] != [6, 6, 6] && digits[0] < 9,
        11 => varied && brazilian(digits, 9, 11) && brazilian(digits, 10, 11),
        14 => varied && brazilian(digits, 12, 9) && brazilian(digits, 13, 9),
        18 => chinese(&digits[..17], digits[17]),
        _ => false,
    }
}

/// The check digit at `place` of CPF (weights 2 to 11) and CNPJ (2 to 9, over again).
fn brazilian(digits: &[u32], place: usize, most: usize) -> bool {
    let weight = |from_end: usize| (from_end % (most - 1) + 2) as u32;
    let sum: u32 = digits[..place].iter().rev().enumerate().map(|(at, digit)| digit * weight(at)).sum();
    let check = if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    digits[place] == check
}

/// The check of GB 11643 (10 stands for X), with a date of birth.
fn chinese(digits: &[u32], check: u32) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let two = |at: usize| digits[at] * 10 + digits[at + 1];
    let born = matches!(two(6), 18..=20) && (1..=12).contains(&two(10)) && (1..=31).contains(&two(12));
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum();
    born && (12 - sum % 11) % 11 == check
}

/// International with "+" or "00", national with a leading 0 or an area code in brackets, and the usual forms of North America and of China's mobiles.
fn is_phone(digits: &[u32], lengths: &[usize], before: &str) -> bool {
    let count = digits.len();
    if !(8..=15).contains(&count) || is_date(lengths) {
        return false;
    }
    let before = before.trim_end_matches(unseen);
    let international =
        before.ends_with(['+', '＋']) || before.ends_with("+(") || (digits[..2] == [0, 0] && count >= 10);
    let bracket = before.ends_with('(') && lengths.len() > 1 && lengths[0] <= 5;
    let national = digits[0] == 0 && count >= 9 && digits[1] != 0;
    let american = count == 10 && lengths == [3, 3, 4] && digits[0] > 1;
    let with_code = count == 11 && lengths == [1, 3, 3, 4] && digits[0] == 1;
    let mobile = count == 11 && digits[0] == 1 && digits[1] > 2 && matches!(lengths, [11] | [3, 4, 4]);
    international || bracket || national || american || with_code || mobile
}

/// Day, month and year in any order, at the beginning.
fn is_date(lengths: &[usize]) -> bool {
    matches!(lengths, [1 | 2, 1 | 2, 4, ..] | [4, 1 | 2, 1 | 2, ..])
}
