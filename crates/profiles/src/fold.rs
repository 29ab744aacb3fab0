//! Folding text for search: case and accents do not matter, so "Åsa" is found by "asa".

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Lower case, without accents, white space single.
pub fn fold(text: &str) -> String {
    let plain: String = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn accents_and_case_do_not_matter() {
        assert_eq!(super::fold("  Åsa   MÜLLER "), "asa muller");
        assert_eq!(super::fold("李小龍"), "李小龍");
    }
}
