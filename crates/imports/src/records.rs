//! Cuts a stream of text into rows: delimiters with quotes, or runs of blanks.
//!
//! Always holds: lines end with LF, CRLF or CR, also mixed, and with nothing else (U+0085 is a character); a row takes at most
//! [`MAX_RECORD`] bytes of memory; a quote that is never closed costs one line, not the rest of the file.

use std::io::{self, Read};

use crate::row::Row;

/// The longest row that is taken.
pub const MAX_RECORD: usize = 1024 * 1024;

/// How rows are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Fields between delimiters, double quotes around what holds one.
    Delimiter(u8),
    /// Fields between runs of blanks and tabs.
    Blanks,
    /// One field: the whole line.
    Line,
}

/// What the next row is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The row was filled.
    Row,
    /// A row that cannot be taken.
    Bad(BadRow),
    /// The end of the file.
    End,
}

/// A row that cannot be cut into fields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadRow {
    pub code: &'static str,
    pub message: String,
    /// The beginning of the row.
    pub excerpt: String,
}

/// Reads rows from UTF-8 text.
pub(crate) struct Records<R> {
    reader: R,
    cut: Cut,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    /// The number of fields a row must have; 0 before it is known.
    columns: usize,
    number: u64,
    /// The line that what is not yet used begins in, counted from 1.
    line: u64,
    /// Rows whose bytes were not UTF-8.
    pub repaired: u64,
}

enum Parsed {
    /// A row of so many bytes, line break included; torn when text follows a closing quote.
    Row { bytes: usize, lines: usize, torn: bool },
    /// The row goes on after what is in the buffer; whether inside quotes.
    More { quoted: bool },
}

impl<R: Read> Records<R> {
    pub fn new(reader: R, cut: Cut, columns: usize) -> Self {
        Self {
            reader,
            cut,
            buffer: vec![0; 128 * 1024],
            start: 0,
            end: 0,
            ended: false,
            columns,
            number: 0,
            line: 1,
            repaired: 0,
        }
    }

    /// Fills `row` with the next row. Blank lines are no rows.
    pub fn next(&mut self, row: &mut Row) -> io::Result<Step> {
        loop {
            if self.start == self.end && !self.fill()? {
                return Ok(Step::End);
            }
            let (mut bytes, mut ends) = row.take_buffers();
            let input = &self.buffer[self.start..self.end];
            let parsed = match self.cut {
                Cut::Delimiter(delimiter) => cut_delimited(input, self.ended, delimiter, &mut bytes, &mut ends),
                Cut::Blanks => cut_line(input, self.ended, &mut bytes, &mut ends, true),
                Cut::Line => cut_line(input, self.ended, &mut bytes, &mut ends, false),
            };
            let repaired = row.put_buffers(bytes, ends);
            row.line = self.line;
            match parsed {
                Parsed::Row { bytes, lines, torn } => {
                    if row.iter().all(str::is_empty) && (row.len() <= 1 || row.len() != self.columns) {
                        self.pass(bytes, lines);
                        continue;
                    }
                    self.number += 1;
                    row.number = self.number;
                    self.repaired += u64::from(repaired);
                    return Ok(self.check(row, bytes, lines, torn));
                }
                Parsed::More { quoted } => {
                    if self.end - self.start >= MAX_RECORD || (self.ended && quoted) {
                        self.number += 1;
                        row.number = self.number;
                        return self.give_up(quoted);
                    }
                    self.fill()?;
                }
            }
        }
    }

    /// Accepts a row that was cut, or tells what is wrong with its number of fields.
    fn check(&mut self, row: &mut Row, bytes: usize, lines: usize, torn: bool) -> Step {
        let excess = row.len() > self.columns && (self.columns..row.len()).any(|i| !row.get(i).is_empty());
        let swallowed = lines > 1 && torn;
        if self.columns == 0 || (row.len() >= self.columns && !excess && !swallowed) {
            self.pass(bytes, lines);
            return Step::Row;
        }
        if lines > 1 {
            // A quote that closes in a later line swallowed what is between: only its own line is lost.
            return self.drop_line("unclosed_quote", "a quote in this line is not closed".to_owned());
        }
        let message = format!("{} fields instead of {}", row.len(), self.columns);
        self.pass(bytes, lines);
        let code = if excess { "too_many_fields" } else { "too_few_fields" };
        Step::Bad(BadRow { code, message, excerpt: excerpt(row.text()) })
    }

    /// Goes on behind a row of so many bytes in so many lines.
    fn pass(&mut self, bytes: usize, lines: usize) {
        self.line += if lines == 1 {
            1
        } else {
            // Within quotes CR and LF were counted each by itself.
            let row = &self.buffer[self.start..self.start + bytes];
            let pairs = memchr::memmem::find_iter(row, b"\r\n").count();
            (memchr::memchr2_iter(b'\n', b'\r', row).count() - pairs) as u64
        };
        self.start += bytes;
    }

    fn give_up(&mut self, quoted: bool) -> io::Result<Step> {
        let input = &self.buffer[self.start..self.end];
        if quoted && (memchr::memchr2(b'\n', b'\r', input).is_some() || self.ended) {
            return Ok(self.drop_line("unclosed_quote", "a quote in this line is not closed".to_owned()));
        }
        let start = excerpt(&String::from_utf8_lossy(&input[..input.len().min(400)]));
        loop {
            let input = &self.buffer[self.start..self.end];
            if let Some(at) = memchr::memchr2(b'\n', b'\r', input) {
                self.start += behind_break(input, at);
                self.line += 1;
                break;
            }
            self.start = self.end;
            if !self.fill()? {
                break;
            }
        }
        let message = format!("the line is longer than {MAX_RECORD} bytes");
        Ok(Step::Bad(BadRow { code: "line_too_long", message, excerpt: start }))
    }

    fn drop_line(&mut self, code: &'static str, message: String) -> Step {
        let input = &self.buffer[self.start..self.end];
        let length = memchr::memchr2(b'\n', b'\r', input).map_or(input.len(), |at| behind_break(input, at));
        let excerpt = excerpt(&String::from_utf8_lossy(&input[..length.min(400)]));
        self.start += length;
        self.line += 1;
        Step::Bad(BadRow { code, message, excerpt })
    }

    /// Reads more behind what is not yet used; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        let count = self.reader.read(&mut self.buffer[self.end..])?;
        self.end += count;
        self.ended = count == 0;
        Ok(count > 0)
    }
}

/// The beginning of a row, for people: at most 200 characters, no line breaks.
pub(crate) fn excerpt(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect::<String>().trim_end().to_owned()
}

/// The place behind the line break at `at`, of which CR and LF together are one.
fn behind_break(input: &[u8], at: usize) -> usize {
    if input[at..].starts_with(b"\r\n") { at + 2 } else { at + 1 }
}

/// The length of a line break at `at`, or `None` when more input must be seen.
fn line_break(input: &[u8], at: usize, ended: bool) -> Option<usize> {
    match (input[at], input.get(at + 1)) {
        (b'\r', Some(b'\n')) => Some(2),
        (b'\r', None) if !ended => None,
        _ => Some(1),
    }
}

fn cut_delimited(input: &[u8], ended: bool, delimiter: u8, bytes: &mut Vec<u8>, ends: &mut Vec<usize>) -> Parsed {
    let mut at = 0;
    let mut lines = 1;
    let mut torn = false;
    loop {
        let mut was_quoted = false;
        let mut start = at;
        while input.get(start) == Some(&b' ') {
            start += 1;
        }
        if input.get(start) == Some(&b'"') {
            let Some(after) = cut_quoted(input, start + 1, ended, bytes, &mut lines) else {
                return Parsed::More { quoted: true };
            };
            at = after;
            was_quoted = true;
        }
        // Unquoted, or (leniently) what follows a closing quote.
        let Some(length) = memchr::memchr3(delimiter, b'\n', b'\r', &input[at..]) else {
            if !ended {
                return Parsed::More { quoted: false };
            }
            bytes.extend_from_slice(&input[at..]);
            ends.push(bytes.len());
            torn |= was_quoted && !input[at..].trim_ascii().is_empty();
            return Parsed::Row { bytes: input.len(), lines, torn };
        };
        torn |= was_quoted && !input[at..at + length].trim_ascii().is_empty();
        bytes.extend_from_slice(&input[at..at + length]);
        ends.push(bytes.len());
        at += length;
        if input[at] == delimiter {
            at += 1;
            continue;
        }
        let Some(length) = line_break(input, at, ended) else { return Parsed::More { quoted: false } };
        return Parsed::Row { bytes: at + length, lines, torn };
    }
}

/// Copies what is between quotes; returns the place after the closing one, `None` when it is not in the input.
fn cut_quoted(input: &[u8], mut at: usize, ended: bool, bytes: &mut Vec<u8>, lines: &mut usize) -> Option<usize> {
    loop {
        let length = memchr::memchr(b'"', &input[at..])?;
        let part = &input[at..at + length];
        *lines += memchr::memchr2_iter(b'\n', b'\r', part).count();
        bytes.extend_from_slice(part);
        at += length + 1;
        match input.get(at) {
            Some(b'"') => {
                bytes.push(b'"');
                at += 1;
            }
            None if !ended => return None,
            _ => return Some(at),
        }
    }
}

fn cut_line(input: &[u8], ended: bool, bytes: &mut Vec<u8>, ends: &mut Vec<usize>, blanks: bool) -> Parsed {
    let (line, consumed) = match memchr::memchr2(b'\n', b'\r', input) {
        Some(at) => match line_break(input, at, ended) {
            Some(length) => (&input[..at], at + length),
            None => return Parsed::More { quoted: false },
        },
        None if ended => (input, input.len()),
        None => return Parsed::More { quoted: false },
    };
    if blanks {
        for field in line.split(|b| matches!(b, b' ' | b'\t')).filter(|field| !field.is_empty()) {
            bytes.extend_from_slice(field);
            ends.push(bytes.len());
        }
    } else {
        bytes.extend_from_slice(line);
        ends.push(bytes.len());
    }
    Parsed::Row { bytes: consumed, lines: 1, torn: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All rows as texts; bad ones as "!code".
    fn rows(text: &[u8], cut: Cut, columns: usize) -> Vec<String> {
        // A reader that gives one byte at a time meets every place where a row can be cut off.
        struct Slowly<'a>(&'a [u8]);
        impl Read for Slowly<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let count = usize::from(!self.0.is_empty());
                buffer[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }
        let all = |reader: Box<dyn Read + '_>| {
            let mut records = Records::new(reader, cut, columns);
            let (mut row, mut found) = (Row::default(), Vec::new());
            loop {
                match records.next(&mut row).unwrap() {
                    Step::Row => found.push(row.iter().collect::<Vec<_>>().join("|")),
                    Step::Bad(bad) => found.push(format!("!{}", bad.code)),
                    Step::End => return found,
                }
            }
        };
        let found = all(Box::new(text));
        if text.len() < 10_000 {
            assert_eq!(all(Box::new(Slowly(text))), found);
        }
        found
    }

    #[test]
    fn cuts_what_people_write() {
        let comma = Cut::Delimiter(b',');
        assert_eq!(rows(b"a,b\r\nc,d\ne,f\rg,h", comma, 2), ["a|b", "c|d", "e|f", "g|h"]);
        assert_eq!(rows(b"\"a,1\",\"say \"\"yes\"\"\"\n x , \"y\" \n\n,\n", comma, 2), ["a,1|say \"yes\"", "x|y", "|"]);
        assert_eq!(
            rows("\"two\nlines\",b\nx\u{85}y,5\" pipe\n".as_bytes(), comma, 2),
            ["two\nlines|b", "x\u{85}y|5\" pipe"]
        );
        assert_eq!(rows(b"a,b\nc\nd,e,f\ng,h,,\n", comma, 2), ["a|b", "!too_few_fields", "!too_many_fields", "g|h||"]);
        assert_eq!(rows(b"  1  2 \t3\r\n\r\n4 5 6", Cut::Blanks, 3), ["1|2|3", "4|5|6"]);
    }

    #[test]
    fn an_unclosed_quote_costs_one_line() {
        let comma = Cut::Delimiter(b',');
        assert_eq!(rows(b"a,b\n\"c,d\ne,f\ng,h\n", comma, 2), ["a|b", "!unclosed_quote", "e|f", "g|h"]);
        assert_eq!(rows(b"a,b\n\"c,d\ne,f\n\"g\",h\ni,j\n", comma, 2), ["a|b", "!unclosed_quote", "e|f", "g|h", "i|j"]);
    }

    /// Rows and the lines that they begin in, whatever is between: blank lines, quotes over several lines, rows that cannot be taken.
    #[test]
    fn rows_know_their_lines() {
        let text = b"a,b\r\n\r\n\"two\r\nlines\",c\r\nd\ne,f\n\"g,h\r\ni,j";
        let mut records = Records::new(&text[..], Cut::Delimiter(b','), 2);
        let (mut row, mut found) = (Row::default(), Vec::new());
        while records.next(&mut row).unwrap() != Step::End {
            found.push(row.line);
        }
        assert_eq!(found, [1, 3, 5, 6, 7, 8]);
    }

    #[test]
    fn a_line_too_long_is_passed_over() {
        let mut text = b"a,b\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 10 * MAX_RECORD));
        text.extend(b"\nc,d\n");
        assert_eq!(rows(&text, Cut::Delimiter(b','), 2), ["a|b", "!line_too_long", "c|d"]);
    }
}
