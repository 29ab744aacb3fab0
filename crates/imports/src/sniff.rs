//! Finds the shape of a text table from its beginning: how rows are cut, whether the first row names the columns, and what the
//! columns are called.
//!
//! Always holds: column names are unique and not empty. Everything is judged by content; a file's ending is not looked at.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::records::{Cut, Records, Step};
use crate::row::Row;
use crate::unpack::{Head, Packing, name_of};
use crate::values::{date, number};
use crate::words;

/// How rows and fields are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Fields between commas.
    Comma,
    /// Fields between semicolons.
    Semicolon,
    /// Fields between tabs.
    Tab,
    /// Fields between upright bars.
    Pipe,
    /// Fields between runs of blanks.
    Blanks,
    /// One JSON object a line.
    JsonLines,
    /// Parquet.
    Parquet,
}

impl Layout {
    pub(crate) const fn cut(self) -> Cut {
        match self {
            Self::Comma => Cut::Delimiter(b','),
            Self::Semicolon => Cut::Delimiter(b';'),
            Self::Tab => Cut::Delimiter(b'\t'),
            Self::Pipe => Cut::Delimiter(b'|'),
            Self::Blanks => Cut::Blanks,
            Self::JsonLines | Self::Parquet => Cut::Line,
        }
    }
}

/// The shape of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFormat {
    /// How it is compressed.
    pub packing: Packing,
    /// The encoding's name ("UTF-8", "windows-1252").
    pub encoding: String,
    /// Whether it begins with a byte-order mark.
    pub byte_order_mark: bool,
    /// How rows are cut.
    pub layout: Layout,
    /// Whether the first row names the columns.
    pub header: bool,
    /// "LF", "CRLF", "CR" or "mixed"; empty for Parquet.
    pub line_ends: String,
    /// The columns' names: as in the file, trimmed, made unique with a number.
    pub columns: Vec<String>,
    /// Columns whose name was missing or came twice.
    pub renamed: Vec<String>,
}

const LAYOUTS: [Layout; 4] = [Layout::Comma, Layout::Semicolon, Layout::Tab, Layout::Pipe];

/// Finds the shape of a text file.
pub(crate) fn sniff(path: &Path, head: &Head) -> Result<FileFormat, Error> {
    let sample = whole_lines(head);
    if sample.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') {
        let columns = json_columns(sample);
        if !columns.is_empty() {
            return Ok(format(head, Layout::JsonLines, true, columns, Vec::new()));
        }
    }
    let layout = layout_of(sample).ok_or_else(|| Error::NoTable {
        file: name_of(path),
        looks_like: "running text".to_owned(),
        advice: "Its lines do not have the same number of fields. Export it again as CSV.".to_owned(),
    })?;
    let rows = rows(sample, layout.cut(), 300);
    let width = usual_width(&rows).0;
    let rows: Vec<Row> = rows.into_iter().filter(|row| row.len() == width).collect();
    let header = has_header(&rows);
    let given: Vec<&str> = if header { rows[0].iter().collect() } else { vec![""; width] };
    let (columns, renamed) = unique_names(&given, header);
    Ok(format(head, layout, header, columns, renamed))
}

fn format(head: &Head, layout: Layout, header: bool, columns: Vec<String>, renamed: Vec<String>) -> FileFormat {
    FileFormat {
        packing: head.packing,
        encoding: head.encoding.name().to_owned(),
        byte_order_mark: head.byte_order_mark,
        layout,
        header,
        line_ends: line_ends(&head.sample),
        columns,
        renamed,
    }
}

/// The sample without its last line, which may be cut off.
fn whole_lines(head: &Head) -> &[u8] {
    let end = if head.whole { None } else { memchr::memrchr2(b'\n', b'\r', &head.sample) };
    end.map_or(&head.sample[..], |end| &head.sample[..=end])
}

fn line_ends(sample: &[u8]) -> String {
    let crlf = memchr::memmem::find_iter(sample, b"\r\n").count();
    let lf = memchr::memchr_iter(b'\n', sample).count() - crlf;
    let cr = memchr::memchr_iter(b'\r', sample).count() - crlf;
    let kinds: Vec<&str> =
        [("CRLF", crlf), ("LF", lf), ("CR", cr)].iter().filter(|(_, n)| *n > 0).map(|(k, _)| *k).collect();
    match kinds[..] {
        [] => "LF".to_owned(),
        [one] => one.to_owned(),
        _ => "mixed".to_owned(),
    }
}

fn rows(sample: &[u8], cut: Cut, limit: usize) -> Vec<Row> {
    let mut records = Records::new(sample, cut, 0);
    let mut found = Vec::new();
    let mut row = Row::default();
    while found.len() < limit {
        match records.next(&mut row) {
            Ok(Step::Row) => found.push(row.clone()),
            Ok(Step::Bad(_)) => {}
            Ok(Step::End) | Err(_) => break,
        }
    }
    found
}

/// The most frequent number of fields, and the share of rows that have it.
fn usual_width(rows: &[Row]) -> (usize, f64) {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    for row in rows {
        *counts.entry(row.len()).or_default() += 1;
    }
    let (width, count) = counts.into_iter().max_by_key(|(width, count)| (*count, *width)).unwrap_or((0, 0));
    (width, count as f64 / rows.len().max(1) as f64)
}

/// The layout that gives most rows the same number of fields, the header among them; `None` for running text.
fn layout_of(sample: &[u8]) -> Option<Layout> {
    let mut best: Option<(Layout, f64)> = None;
    for layout in LAYOUTS {
        let rows = rows(sample, layout.cut(), 300);
        let (width, share) = usual_width(&rows);
        if width < 2 || share < 0.6 {
            continue;
        }
        let first_fits = rows.first().is_some_and(|row| row.len() == width);
        let score = share + if first_fits { 0.5 } else { 0.0 } + (width.min(20) as f64) / 1000.0;
        if best.is_none_or(|(_, other)| score > other) {
            best = Some((layout, score));
        }
    }
    let is_table = |layout: Layout| {
        let rows = rows(sample, layout.cut(), 300);
        let known = rows.first().is_some_and(|row| row.iter().any(words::is_known));
        usual_width(&rows).1 > 0.9 || known || rows.iter().flat_map(Row::iter).any(is_typed)
    };
    let best = best.filter(|(layout, _)| is_table(*layout));
    if let Some((layout, score)) = best
        && score > 1.0
    {
        return Some(layout);
    }
    let by_blanks = rows(sample, Cut::Blanks, 300);
    let (width, share) = usual_width(&by_blanks);
    let typed = by_blanks.iter().skip(1).take(20).flat_map(Row::iter).filter(|field| is_typed(field)).count();
    let fields = by_blanks.iter().skip(1).take(20).map(Row::len).sum::<usize>();
    if width >= 2 && share > 0.9 && typed * 2 >= fields.max(1) {
        return Some(Layout::Blanks);
    }
    if let Some((layout, _)) = best {
        return Some(layout);
    }
    // One column, e.g. a list of addresses: short lines without sentences.
    let lines = rows(sample, Cut::Line, 300);
    let short = lines.iter().filter(|row| row.text().len() <= 80 && row.text().split(' ').count() <= 4).count();
    (short == lines.len() && !lines.is_empty()).then_some(Layout::Comma)
}

/// A number, date or e-mail address: something that is no column name.
fn is_typed(field: &str) -> bool {
    number::looks_like_number(field) || date::looks_like_date(field) || (field.contains('@') && field.contains('.'))
}

fn has_header(rows: &[Row]) -> bool {
    let Some((first, rest)) = rows.split_first() else { return false };
    let known = first.iter().filter(|name| words::is_known(name)).count();
    let typed = first.iter().filter(|field| is_typed(field)).count();
    if typed * 2 > first.len() || (typed > 0 && known == 0 && first.len() < 8) {
        return false;
    }
    if known > 0 || rest.is_empty() {
        return true;
    }
    let below = |column: usize| rest.iter().map(move |row| row.get(column)).filter(|field| !field.is_empty());
    let typed_below = (0..first.len()).any(|column| {
        let (total, typed) = below(column).fold((0, 0), |(n, t), field| (n + 1, t + usize::from(is_typed(field))));
        total > 0 && typed * 10 >= total * 9 && !is_typed(first.get(column))
    });
    if typed_below {
        return true;
    }
    // Texts everywhere: a header's words are short, and do not come again below.
    let short = first.iter().all(|name| name.len() <= 40);
    short && (0..first.len()).all(|column| below(column).all(|field| field != first.get(column)))
}

/// Names that are there and unique; second result: those that had to be made.
fn unique_names(given: &[&str], header: bool) -> (Vec<String>, Vec<String>) {
    let mut seen = HashSet::new();
    let (mut names, mut renamed) = (Vec::new(), Vec::new());
    for (index, name) in given.iter().enumerate() {
        let cleaned = name.trim().trim_matches('*').trim();
        let base = if cleaned.is_empty() { format!("column_{}", index + 1) } else { cleaned.to_owned() };
        let mut unique = base.clone();
        let mut count = 2;
        while !seen.insert(unique.clone()) {
            unique = format!("{base}_{count}");
            count += 1;
        }
        if header && unique != cleaned {
            renamed.push(unique.clone());
        }
        names.push(unique);
    }
    (names, renamed)
}

/// The paths that occur in the first objects, in order of appearance.
fn json_columns(sample: &[u8]) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for row in rows(sample, Cut::Line, 500) {
        let Ok(serde_json::Value::Object(object)) = serde_json::from_str(row.text()) else { continue };
        crate::json_rows::flatten("", &object, &mut |path, _| {
            if columns.len() < 500 && seen.insert(path.to_owned()) {
                columns.push(path.to_owned());
            }
        });
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniffed(text: &str) -> FileFormat {
        let head = Head {
            packing: Packing::Plain,
            encoding: encoding_rs::UTF_8,
            byte_order_mark: false,
            is_parquet: false,
            sample: text.as_bytes().to_vec(),
            whole: true,
            bytes: text.len() as u64,
        };
        sniff(Path::new("x"), &head).unwrap()
    }

    #[test]
    fn shapes() {
        for (text, layout, header, columns) in [
            (
                "Kunde;Datum;Betrag\n1;01.02.2020;1,50\n2;03.02.2020;2,75\n",
                Layout::Semicolon,
                true,
                vec!["Kunde", "Datum", "Betrag"],
            ),
            ("id,name \n1,a\n2,b\n", Layout::Comma, true, vec!["id", "name"]),
            (",a,a\n0,1,2\n1,3,4\n", Layout::Comma, true, vec!["column_1", "a", "a_2"]),
            (
                " 00004 0001 19970101  2   29.33\r\n 00004 0001 19970118  2   29.73\r\n",
                Layout::Blanks,
                false,
                vec!["column_1", "column_2", "column_3", "column_4", "column_5"],
            ),
            ("text\tlabel\nSo, there is no way, for me\t0\nGood case\t1\n", Layout::Tab, true, vec!["text", "label"]),
            ("So, there is no way, for me\t0\nGood case\t1\n", Layout::Tab, false, vec!["column_1", "column_2"]),
            ("{\"a\":1,\"b\":{\"c\":2}}\n{\"a\":1,\"d\":3}\n", Layout::JsonLines, true, vec!["a", "b.c", "d"]),
            ("email\na@b.de\nc@d.de\n", Layout::Comma, true, vec!["email"]),
            ("a|b\n1|x, y\n2|z\n", Layout::Pipe, true, vec!["a", "b"]),
        ] {
            let format = sniffed(text);
            assert_eq!(
                (format.layout, format.header, format.columns),
                (layout, header, columns.iter().map(|c| (*c).to_owned()).collect()),
                "{text}"
            );
        }
        assert_eq!(sniffed("a,b\r\n1,2\n").line_ends, "mixed");
    }
}
