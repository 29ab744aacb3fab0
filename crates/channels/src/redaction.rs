//! What other servers say, made fit to be kept: short, on one line, without addresses and numbers of people.
//!
//! Always holds: nothing that looks like a mail address or a telephone number stays, whether it was expected or not. Words of a name that is no part of
//! the address cannot be known here and stay.

/// The longest text that is kept, in bytes.
pub const LONGEST: usize = 400;
/// As much of a text as is looked at.
const LOOKED_AT: usize = 4_096;
const MARK: &str = "<recipient>";

/// `text` on one line, at most [`LONGEST`] bytes, without `address` (a mail address or a telephone number), its part before the `@`, or any other
/// address or number.
pub fn redacted(text: &str, address: &str) -> String {
    let line: String = cut(text, LOOKED_AT).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut kept = String::with_capacity(line.len());
    for word in line.split_whitespace() {
        let word = without_addresses(word, address);
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(&word);
    }
    cut(&kept, LONGEST).to_owned()
}

/// The longest beginning of `text` of at most `most` bytes that ends between two letters.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A word in pieces of letters that addresses are made of, and what stands between them.
fn without_addresses(word: &str, address: &str) -> String {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        if end == 0 {
            let next = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..next]);
            rest = &rest[next..];
            continue;
        }
        let (piece, after) = rest.split_at(end);
        out.push_str(if is_personal(piece, address, local) { MARK } else { piece });
        rest = after;
    }
    out
}

fn belongs(c: char) -> bool {
    c.is_alphanumeric() || "@.!#$%&'*+-/=?^_`{|}~".contains(c)
}

fn is_personal(piece: &str, address: &str, local: &str) -> bool {
    let bare = piece.trim_matches(|c: char| "._-'`?!=".contains(c));
    // "550-5.1.1", dates and addresses of machines have digits too; numbers of telephones have more of them, and no dots.
    let digits = bare.bytes().filter(u8::is_ascii_digit).count();
    let is_number = digits >= 9 && bare.bytes().all(|b| b.is_ascii_digit() || b"+-".contains(&b));
    let has = |part: &str| part.chars().count() >= 3 && bare.to_lowercase().contains(&part.to_lowercase());
    bare.contains('@') || is_number || has(address) || (has(local) && local.len() * 2 >= bare.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_and_numbers_do_not_stay() {
        for (text, address, kept) in [
            ("5.1.1 <Jane.Doe@Example.org>: user unknown", "jane.doe@example.org", "5.1.1 <<recipient>>: user unknown"),
            ("unknown user: \"jane.doe\"", "jane.doe@example.org", "unknown user: \"<recipient>\""),
            ("rewritten to jd@other.example;x", "jane.doe@example.org", "rewritten to <recipient>;x"),
            ("RCPT=jane.doe@example.org\r\n said\tno", "jane.doe@example.org", "<recipient> said no"),
            (
                "The 'To' number +4915112345678 is not valid",
                "+4915112345678",
                "The 'To' number <recipient> is not valid",
            ),
            ("550-5.1.1 [192.168.100.200] 2026-11-27", "x@y.org", "550-5.1.1 [192.168.100.200] 2026-11-27"),
        ] {
            assert_eq!(redacted(text, address), kept);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_letters() {
        let text = redacted(&"退信 ".repeat(2_000), "a@b.org");
        assert!(text.len() <= LONGEST && text.starts_with("退信 退信"));
    }

    proptest! {
        #[test]
        fn the_address_never_stays(before in ".{0,40}", local in "[a-z.]{1,12}[a-z]", after in ".{0,40}") {
            let address = format!("{local}@example.org");
            let text = redacted(&format!("{before} <{address}>{after}"), &address);
            prop_assert!(!text.contains(&address));
            prop_assert!(text.len() <= LONGEST && !text.contains(['\r', '\n', '\0']));
        }
    }
}
