//! A file as a stream of rows, whatever its shape.
//!
//! Always holds: rows are numbered from 1 in the file's order, bad ones included; a file that breaks off in the middle gives its
//! rows so far and then one bad row that says so.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;
use crate::json_rows;
use crate::parquet_rows::{self, ParquetRows};
use crate::records::{BadRow, Cut, Records, Step};
use crate::row::Row;
use crate::sniff::{FileFormat, Layout, sniff};
use crate::unpack::{self, name_of};

/// A file that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    pub path: PathBuf,
    pub name: String,
    pub format: FileFormat,
    pub bytes: u64,
}

impl SourceFile {
    /// Looks at a file's beginning.
    pub fn look(path: &Path) -> Result<Self, Error> {
        let head = unpack::look(path)?;
        let format = if head.is_parquet {
            let (columns, _) = parquet_rows::columns(path)?;
            FileFormat {
                packing: head.packing,
                encoding: "UTF-8".to_owned(),
                byte_order_mark: false,
                layout: Layout::Parquet,
                header: true,
                line_ends: String::new(),
                columns,
                renamed: Vec::new(),
            }
        } else {
            sniff(path, &head)?
        };
        Ok(Self { path: path.to_owned(), name: name_of(path), format, bytes: head.bytes })
    }

    /// The place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.format.columns.iter().position(|column| column == name)
    }
}

/// Reads a file's rows.
pub(crate) struct Table {
    kind: Kind,
    name: String,
    read: Arc<AtomicU64>,
    number: u64,
    broken: bool,
}

enum Kind {
    Text(Records<Box<dyn std::io::Read + Send>>),
    Json { records: Records<Box<dyn std::io::Read + Send>>, columns: HashMap<String, usize>, line: Box<Row> },
    Parquet(ParquetRows),
}

impl Table {
    /// Opens a file from its first row of data.
    pub fn open(file: &SourceFile) -> Result<Self, Error> {
        Self::open_as(file, false)
    }

    /// Opens JSON Lines with the whole line as the only field.
    pub fn open_lines(file: &SourceFile) -> Result<Self, Error> {
        Self::open_as(file, true)
    }

    fn open_as(file: &SourceFile, lines: bool) -> Result<Self, Error> {
        let read = Arc::new(AtomicU64::new(0));
        let text = || {
            let encoding =
                encoding_rs::Encoding::for_label(file.format.encoding.as_bytes()).unwrap_or(encoding_rs::UTF_8);
            unpack::text(&file.path, file.format.packing, encoding, Arc::clone(&read))
                .map_err(|source| Error::Unreadable { file: file.name.clone(), source })
        };
        let kind = match file.format.layout {
            Layout::Parquet => Kind::Parquet(ParquetRows::open(&file.path)?),
            Layout::JsonLines if lines => Kind::Text(Records::new(text()?, Cut::Line, 1)),
            Layout::JsonLines => Kind::Json {
                records: Records::new(text()?, Cut::Line, 1),
                columns: file.format.columns.iter().cloned().zip(0..).collect(),
                line: Box::default(),
            },
            layout => Kind::Text(Records::new(text()?, layout.cut(), file.format.columns.len())),
        };
        let mut table = Self { kind, name: file.name.clone(), read, number: 0, broken: false };
        if file.format.header && matches!(table.kind, Kind::Text(_)) && file.format.layout != Layout::JsonLines {
            table.next(&mut Row::default())?;
            table.number = 0;
        }
        Ok(table)
    }

    /// Bytes taken from disk so far; 0 for Parquet.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Rows that were not UTF-8 and were read as windows-1252, or had NUL bytes.
    pub fn repaired(&self) -> u64 {
        match &self.kind {
            Kind::Text(records) | Kind::Json { records, .. } => records.repaired,
            Kind::Parquet(_) => 0,
        }
    }

    /// Fills `row` with the next row. After [`Step::Bad`], `row.number` is the bad row's.
    pub fn next(&mut self, row: &mut Row) -> Result<Step, Error> {
        if self.broken {
            return Ok(Step::End);
        }
        let step = match &mut self.kind {
            Kind::Text(records) => records.next(row),
            Kind::Json { records, columns, line } => match records.next(line) {
                Ok(Step::Row) => {
                    row.line = line.line;
                    Ok(json_rows::fill(row, line.text(), columns).map_or_else(Step::Bad, |()| Step::Row))
                }
                other => {
                    row.line = line.line;
                    other
                }
            },
            Kind::Parquet(rows) => {
                row.line = self.number + 1;
                Ok(if rows.next(row)? { Step::Row } else { Step::End })
            }
        };
        let step = step.unwrap_or_else(|error| {
            self.broken = true;
            Step::Bad(BadRow {
                code: "file_cut_short",
                message: format!("{} breaks off here ({}); what was before is taken", self.name, error.kind()),
                excerpt: String::new(),
            })
        });
        if step != Step::End {
            self.number += 1;
            row.number = self.number;
        }
        Ok(step)
    }
}
