//! The words of a text: names, quoted texts, numbers and marks, each with its place.

use crate::Error;

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub(super) kind: Kind,
    /// Where it begins, in bytes.
    pub(super) at: usize,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Letters, digits and `_ . - : /`: a keyword, a name, a number, a date.
    Bare(String),
    /// Between quotes.
    Quoted(String),
    /// `( ) , = != >= <= > <`
    Mark(&'static str),
    /// Behind the last word.
    End,
}

const MARKS: [&str; 9] = ["!=", ">=", "<=", ">", "<", "=", "(", ")", ","];

/// Whether a text can stand without quotes: what is read as one bare word.
pub(super) fn is_bare(text: &str) -> bool {
    text.chars().all(is_bare_letter) && !text.is_empty()
}

fn is_bare_letter(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '/' | '*' | '+' | '%' | '@' | '$' | '#')
}

/// Cuts a text into words; the last one is [`Kind::End`].
pub(super) fn words(text: &str) -> Result<Vec<Word>, Error> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let begin = at;
        let kind = if c == '"' {
            let (quoted, length) = quoted(text, at)?;
            at += length;
            Kind::Quoted(quoted)
        } else if let Some(mark) = MARKS.into_iter().find(|mark| text[at..].starts_with(mark)) {
            at += mark.len();
            Kind::Mark(mark)
        } else if is_bare_letter(c) {
            let length: usize = text[at..].chars().take_while(|c| is_bare_letter(*c)).map(char::len_utf8).sum();
            at += length;
            Kind::Bare(text[begin..at].to_owned())
        } else {
            return Err(refuse(text, at, &format!("`{c}`"), "a word, a text in quotes or a comparison"));
        };
        words.push(Word { kind, at: begin });
    }
    words.push(Word { kind: Kind::End, at });
    Ok(words)
}

/// A text between quotes from `at` on, and its length in bytes; `\"` and `\\` stand for themselves.
fn quoted(text: &str, at: usize) -> Result<(String, usize), Error> {
    let mut found = String::new();
    let mut letters = text[at..].char_indices().skip(1);
    while let Some((place, c)) = letters.next() {
        match c {
            '"' => return Ok((found, place + 1)),
            '\\' => match letters.next() {
                Some((_, escaped @ ('"' | '\\'))) => found.push(escaped),
                Some((_, 'n')) => found.push('\n'),
                Some((_, 't')) => found.push('\t'),
                _ => return Err(refuse(text, at + place, "`\\`", "`\\\"`, `\\\\`, `\\n` or `\\t`")),
            },
            c => found.push(c),
        }
    }
    Err(refuse(text, at, "a quote that is not closed", "another `\"`"))
}

/// Writes a text between quotes.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// An error at a byte of the text.
pub(super) fn refuse(text: &str, at: usize, found: &str, expected: &str) -> Error {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Error::Text { line, column, found: found.to_owned(), expected: expected.to_owned() }
}
