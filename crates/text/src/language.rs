//! The language of short texts, and of the parts of a text that mixes several.
//!
//! Always holds: what has no letters, or letters that the nearest language does not have, is in no language that we know rather than in a wrong one.
//! Addresses, links, mentions and tags are not looked at.
//!
//! A script of one language decides by itself; languages of the Latin script are told apart by `whichlang` (docs/decisions/0017).

use std::ops::Range;

use whichlang::Lang;

/// Fewer letters say nothing, in scripts that several languages share.
const LEAST_LETTERS: usize = 3;
/// What stands by itself among other languages is at least this long.
const LEAST_PART: usize = 12;
/// One in so many letters may be of another language: names, loans.
const FOREIGN: usize = 20;
/// What is looked at of a text.
const MOST_BYTES: usize = 4_096;

/// A part of a text, in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it is.
    pub range: Range<usize>,
    /// Its language by ISO 639-1; `None` where it cannot be said.
    pub language: Option<&'static str>,
}

/// The language of a text by ISO 639-1 ("en", "zh"): of most of its letters, where it mixes several.
pub fn language(text: &str) -> Option<&'static str> {
    let text = &text[..text.floor_char_boundary(MOST_BYTES)];
    let mut scripts = Scripts::default();
    let mut latin = String::new();
    for word in text.split_whitespace().filter(|word| is_language(word)) {
        word.chars().for_each(|c| scripts.count(c));
        if word.chars().any(is_latin) {
            latin.extend(
                word.chars().flat_map(char::to_lowercase).map(|c| if is_latin(c) || c.is_ascii() { c } else { ' ' }),
            );
            latin.push(' ');
        }
    }
    scripts.language().unwrap_or_else(|| of_latin(&latin))
}

/// The parts of a text by sentence and script, neighbours of one language together. What is too short to say joins its neighbour.
pub fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for range in pieces(text) {
        let piece = &text[range.clone()];
        let letters = piece.chars().filter(|c| c.is_alphabetic()).count();
        let own_script = piece.chars().any(|c| c.is_alphabetic() && !is_latin(c));
        let long = letters >= LEAST_PART || (own_script && letters > 0);
        let language = if long { language(piece) } else { None };
        match parts.last_mut() {
            Some(last) if language.is_none() || last.language.is_none() || last.language == language => {
                last.range.end = range.end;
                last.language = last.language.or(language);
            }
            _ => parts.push(Part { range, language }),
        }
    }
    if let [only] = parts.as_mut_slice() {
        only.language = only.language.or_else(|| language(text));
    }
    parts
}

/// Sentences, lines, and runs of letters of the Latin script or of others.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let (mut pieces, mut start, mut latin) = (Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        let own = c.is_alphabetic().then(|| is_latin(c));
        if own.is_some() && latin.is_some() && own != latin {
            pieces.push(start..at);
            start = at;
        }
        latin = own.or(latin);
        if matches!(c, '.' | '!' | '?' | '\n' | ';' | ':' | '。' | '！' | '？' | '；' | '…') {
            pieces.push(start..at + c.len_utf8());
            (start, latin) = (at + c.len_utf8(), None);
        }
    }
    pieces.push(start..text.len());
    pieces.retain(|range| !range.is_empty());
    pieces
}

fn is_language(word: &str) -> bool {
    !(word.contains("://") || word.contains('@') || word.starts_with('#') || word.starts_with("www."))
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || (c.is_alphabetic() && matches!(c, '\u{aa}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}'))
}

/// Letters by script.
#[derive(Default)]
struct Scripts {
    latin: usize,
    han: usize,
    kana: usize,
    cyrillic: usize,
    ukrainian: usize,
    arabic: usize,
    persian: usize,
    /// Scripts of one language that we know: Hangul, Greek, Hebrew, Thai, Devanagari.
    single: [usize; 5],
    other: usize,
}

impl Scripts {
    fn count(&mut self, c: char) {
        match c {
            _ if !c.is_alphabetic() => {}
            _ if is_latin(c) => self.latin += 1,
            'і' | 'ї' | 'є' | 'ґ' | 'І' | 'Ї' | 'Є' | 'Ґ' => self.ukrainian += 1,
            '\u{400}'..='\u{52f}' => self.cyrillic += 1,
            'پ' | 'چ' | 'ژ' | 'گ' | 'ک' | 'ی' => self.persian += 1,
            '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}' => {
                self.arabic += 1
            }
            '\u{3040}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9d}' => self.kana += 1,
            '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7af}' => self.single[0] += 1,
            '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => self.single[1] += 1,
            '\u{590}'..='\u{5ff}' => self.single[2] += 1,
            '\u{e00}'..='\u{e7f}' => self.single[3] += 1,
            '\u{900}'..='\u{97f}' => self.single[4] += 1,
            _ if crate::features::without_blanks(c) => self.han += 1,
            _ => self.other += 1,
        }
    }

    /// What the scripts say: a language, none that we know, or (outer `None`) one of the Latin script.
    fn language(&self) -> Option<Option<&'static str>> {
        let east = if self.kana * 10 > self.han { "ja" } else { "zh" };
        let slavic = if self.ukrainian > 0 { "uk" } else { "ru" };
        let arabic = if self.persian * 20 > self.arabic { "fa" } else { "ar" };
        // A character of Han says about as much as four letters.
        let counts = [
            (self.latin, None),
            ((self.han + self.kana) * 4, Some(Some(east))),
            (self.cyrillic + self.ukrainian, Some(Some(slavic))),
            (self.arabic + self.persian, Some(Some(arabic))),
            (self.single[0] * 3, Some(Some("ko"))),
            (self.single[1], Some(Some("el"))),
            (self.single[2], Some(Some("he"))),
            (self.single[3], Some(Some("th"))),
            (self.single[4], Some(Some("hi"))),
            (self.other, Some(None)),
        ];
        let most = counts.iter().max_by_key(|it| it.0).filter(|it| it.0 > 0);
        most.map_or(Some(None), |it| it.1)
    }
}

const VIETNAMESE: &str = "àáâãèéêìíòóôõùúýăđĩũơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ";

fn of_latin(text: &str) -> Option<&'static str> {
    let letters = text.chars().filter(|c| is_latin(*c)).count();
    if letters < LEAST_LETTERS {
        return None;
    }
    let (language, own) = match whichlang::detect_language(text) {
        Lang::Deu => ("de", "äöüß"),
        Lang::Eng => ("en", "éèêëïöüñçà"),
        Lang::Spa => ("es", "áéíóúüñªº"),
        Lang::Fra => ("fr", "àâæçéèêëîïôœùûüÿ"),
        Lang::Ita => ("it", "àèéìíîòóùú"),
        Lang::Nld => ("nl", "éèëïíóöüáàêĳ"),
        Lang::Por => ("pt", "ãáàâçéêíõóôúüªº"),
        Lang::Swe => ("sv", "åäöéà"),
        Lang::Tur => ("tr", "çğıiöşüâîû\u{307}"),
        Lang::Vie => ("vi", VIETNAMESE),
        _ => return None,
    };
    let foreign =
        text.chars().flat_map(char::to_lowercase).filter(|c| !c.is_ascii() && c.is_alphabetic() && !own.contains(*c));
    (foreign.count() * FOREIGN <= letters).then_some(language)
}
