//! One row of a table, as texts, in buffers that are used again for the next row.
//!
//! Always holds: fields are valid UTF-8. Does not interpret them.

/// A row's fields.
#[derive(Debug, Default, Clone)]
pub struct Row {
    /// 1 for the first row of data; the header is not counted.
    pub number: u64,
    /// The line of the file that it begins in, counted from 1 with the header; in Parquet, the number of the row.
    pub line: u64,
    text: String,
    ends: Vec<usize>,
}

impl Row {
    /// How many fields.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// A field without blanks around it; empty where the row is shorter.
    pub fn get(&self, index: usize) -> &str {
        let Some(end) = self.ends.get(index) else { return "" };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        trim(&self.text[start..*end])
    }

    /// All fields.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The fields as one text, for comparing whole rows and for excerpts.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Empties the row for the next one.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a field.
    pub fn push(&mut self, field: &str) {
        self.text.push_str(field);
        self.ends.push(self.text.len());
    }

    /// Lends the buffers to a reader of bytes, empty.
    pub(crate) fn take_buffers(&mut self) -> (Vec<u8>, Vec<usize>) {
        self.clear();
        (std::mem::take(&mut self.text).into_bytes(), std::mem::take(&mut self.ends))
    }

    /// Takes the buffers back. Bytes that are not UTF-8 are read as windows-1252, field by field, and NUL bytes are taken out;
    /// returns whether that was needed.
    pub(crate) fn put_buffers(&mut self, bytes: Vec<u8>, ends: Vec<usize>) -> bool {
        let has_nul = memchr::memchr(0, &bytes).is_some();
        match String::from_utf8(bytes) {
            Ok(text) if !has_nul => {
                self.text = text;
                self.ends = ends;
                false
            }
            Ok(text) => {
                self.refill(text.as_bytes(), &ends);
                true
            }
            Err(error) => {
                self.refill(error.as_bytes(), &ends);
                true
            }
        }
    }

    fn refill(&mut self, bytes: &[u8], ends: &[usize]) {
        self.clear();
        let mut start = 0;
        for end in ends {
            let field = &bytes[start..*end];
            let text = match std::str::from_utf8(field) {
                Ok(text) => text.into(),
                Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(field).0,
            };
            self.push(&text.replace('\0', ""));
            start = *end;
        }
    }
}

fn trim(text: &str) -> &str {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(a), Some(b)) if *a > b' ' && *a < 0x80 && *b > b' ' && *b < 0x80 => text,
        _ => text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_is_not_utf8() {
        let mut row = Row::default();
        assert!(row.put_buffers(b"caf\xe9na\0me".to_vec(), vec![4, 9]));
        assert_eq!(row.iter().collect::<Vec<_>>(), ["café", "name"]);
        assert_eq!(row.get(7), "");
        row.clear();
        row.push(" a ");
        assert_eq!((row.get(0), row.len()), ("a", 1));
    }
}
