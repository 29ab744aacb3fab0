//! Says what a file is that holds no table: its first bytes tell most kinds apart.
//!
//! Does not open containers: a workbook inside a ZIP file must be saved as CSV by the person who has it.

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// First bytes, what they mean, and what to do.
const MAGIC: &[(&[u8], &str, &str)] = &[
    (b"%PDF", "a PDF document", "Ask for the data behind it as CSV."),
    (
        b"PK\x03\x04",
        "a ZIP archive or an Excel workbook (.xlsx)",
        "Save the sheet as CSV, or unpack the archive, and import that.",
    ),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file (.xls, .doc)", "Save the sheet as CSV and import that."),
    (b"\x89PNG", "a picture (PNG)", "Import the data behind it."),
    (b"\xff\xd8\xff", "a picture (JPEG)", "Import the data behind it."),
    (b"GIF8", "a picture (GIF)", "Import the data behind it."),
    (b"SQLite format 3\0", "an SQLite database", "Export its tables as CSV."),
    (b"BZh", "a bzip2 archive", "Unpack it, or pack it with gzip or zstd."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it, or pack it with gzip or zstd."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it, or pack it with gzip or zstd."),
    (b"Rar!", "a RAR archive", "Unpack it, or pack it with gzip or zstd."),
    (b"\x7fELF", "a program", "Choose the file with the data."),
    (b"MZ", "a Windows program", "Choose the file with the data."),
    (b"ARROW1", "an Arrow file", "Write it as Parquet or CSV."),
    (b"Obj\x01", "an Avro file", "Write it as Parquet or CSV."),
    (b"{\\rtf", "an RTF document", "Save the table as CSV."),
];

/// What the file looks like and what to do, when it is no table.
pub(crate) fn no_table(raw: &[u8], encoding: &'static Encoding) -> Option<(&'static str, &'static str)> {
    if raw.iter().all(u8::is_ascii_whitespace) || raw == b"\xef\xbb\xbf" {
        return Some(("an empty file", "Export it again."));
    }
    for (magic, looks_like, advice) in MAGIC {
        // "MZ" is also how a column name may begin: a program has NUL bytes early.
        if raw.starts_with(magic) && (*magic != b"MZ" || raw[..raw.len().min(64)].contains(&0)) {
            return Some((looks_like, advice));
        }
    }
    let start: Vec<u8> =
        raw.iter().copied().filter(|b| !b.is_ascii_whitespace()).take(64).map(|b| b.to_ascii_lowercase()).collect();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&start);
    if start.starts_with(b"<!doctypehtml") || start.starts_with(b"<html") || start.starts_with(b"<head") {
        return Some((
            "a web page (HTML)",
            "It may be a sign-in page that was saved instead of the export: download the export again.",
        ));
    }
    if start.starts_with(b"<?xml") {
        return Some(("an XML document", "Export as CSV or JSON Lines."));
    }
    if start.starts_with(b"[{") || start.starts_with(b"[]") {
        return Some(("one JSON array", "Write one object per line (JSON Lines), e.g. with `jq -c '.[]'`."));
    }
    let is_utf16 = encoding == UTF_16LE || encoding == UTF_16BE;
    let control = raw.iter().filter(|b| **b < 0x20 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1a)).count();
    if !is_utf16 && control * 20 > raw.len() {
        return Some(("binary data", "Choose a text table (CSV, TSV, JSON Lines) or Parquet."));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    #[test]
    fn names_what_is_no_table() {
        for (raw, word) in [
            (&b"%PDF-1.7 ..."[..], "PDF"),
            (b"PK\x03\x04....", "Excel"),
            (b"  <!DOCTYPE html><html>", "HTML"),
            (b" [ {\"a\": 1} ]", "JSON array"),
            (b" \n\n", "empty"),
            (b"", "empty"),
            (b"\x01\x02\x03\x04\x05\x06abc", "binary"),
        ] {
            let (looks_like, _) = no_table(raw, UTF_8).unwrap();
            assert!(looks_like.contains(word), "{looks_like}");
        }
        for raw in [&b"a,b\n1,2\n"[..], b"{\"a\":1}\n", b"MZ,b\n1,2\n", b"a,b\n1,\x002\n3,4\n5,6\n7,8\n"] {
            assert_eq!(no_table(raw, UTF_8), None);
        }
    }
}
