//! A whole file as columns, in memory: for tools that look at a table at once, where [`crate::Import`] reads rows for events.
//!
//! Always holds: every column has a text for every row that could be cut; each row knows the line of the file that it begins in (in Parquet, its number); rows
//! that could not be cut are listed with their lines; the fingerprint depends on names and cells alone, not on how the file is written.

use std::path::Path;

use crate::Error;
use crate::records::Step;
use crate::row::Row;
use crate::sniff::FileFormat;
use crate::table::{SourceFile, Table};
use crate::words;

pub use crate::readings::{Numbers, Times, Written, moment};

/// A table.
#[derive(Clone, Debug)]
pub struct TextTable {
    /// The file's name, without its folder.
    pub name: String,
    /// How the file is written.
    pub format: FileFormat,
    /// The line of each row.
    pub lines: Vec<u64>,
    /// What could not be cut into fields.
    pub bad: Vec<BadLine>,
    /// How many rows were not UTF-8 and were read as windows-1252, or had NUL bytes.
    pub repaired: u64,
    /// What tells these cells from others: a BLAKE3 hash of names and cells.
    pub fingerprint: String,
    columns: Vec<Texts>,
}

/// A row that could not be cut into fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its line.
    pub line: u64,
    /// What is wrong with it.
    pub message: String,
}

/// The cells of one column, as they are written but for blanks around them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl TextTable {
    /// Reads a file: CSV in any dialect, JSON Lines, or Parquet; plain, gzip or zstd.
    ///
    /// # Errors
    /// When the file cannot be read, or is no table.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let file = SourceFile::look(path)?;
        let mut table = Table::open(&file)?;
        let mut columns = vec![Texts::default(); file.format.columns.len()];
        let (mut lines, mut bad, mut row) = (Vec::new(), Vec::new(), Row::default());
        let mut hash = blake3::Hasher::new();
        let mut hashed = |text: &str| {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        file.format.columns.iter().for_each(|name| hashed(name));
        loop {
            match table.next(&mut row)? {
                Step::Row => {
                    lines.push(row.line);
                    for (at, column) in columns.iter_mut().enumerate() {
                        hashed(row.get(at));
                        column.push(row.get(at));
                    }
                }
                Step::Bad(found) => bad.push(BadLine { line: row.line, message: found.message }),
                Step::End => break,
            }
        }
        let repaired = table.repaired();
        let fingerprint = hash.finalize().to_hex()[..32].to_owned();
        Ok(Self { name: file.name, format: file.format, lines, bad, repaired, fingerprint, columns })
    }

    /// The columns' names.
    pub fn names(&self) -> &[String] {
        &self.format.columns
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.lines.len()
    }

    /// The cells of a column.
    pub fn column(&self, at: usize) -> &Texts {
        &self.columns[at]
    }

    /// The place of a column by its name: as it is written, or else but for case, accents and marks.
    pub fn place(&self, name: &str) -> Option<usize> {
        let names = self.names();
        let folded = words::fold(name);
        names
            .iter()
            .position(|it| it == name)
            .or_else(|| names.iter().position(|it| !folded.is_empty() && words::fold(it) == folded))
    }

    /// The first column whose name shops use for a field such as the customer's number.
    pub fn named(&self, field: crate::Field) -> Option<usize> {
        self.names().iter().position(|it| words::field_named(it) == Some(field))
    }

    /// The table with these rows only, by their places in ascending order.
    #[must_use]
    pub fn kept(&self, rows: &[usize]) -> Self {
        let columns = self.columns.iter().map(|column| {
            let mut own = Texts::default();
            rows.iter().for_each(|row| own.push(column.get(*row)));
            own
        });
        Self { lines: rows.iter().map(|row| self.lines[*row]).collect(), columns: columns.collect(), ..self.clone() }
    }
}

impl Texts {
    /// Adds a cell.
    pub fn push(&mut self, cell: &str) {
        self.text.push_str(cell);
        self.ends.push(self.text.len());
    }

    /// A cell.
    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }

    /// How many cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All cells.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|row| self.get(row))
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<I: IntoIterator<Item = &'a str>>(cells: I) -> Self {
        let mut found = Self::default();
        cells.into_iter().for_each(|cell| found.push(cell));
        found
    }
}
