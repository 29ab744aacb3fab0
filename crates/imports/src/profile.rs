//! The profile of a file: what an importer should know before anything is taken in.
//!
//! Always holds: one pass over the file, memory bounded whatever its size. Public copies of well-known data were found with days and
//! months swapped, lines missing and columns overwritten; the notes of a profile are there to show that.

pub mod column;
pub mod dates;
pub(crate) mod distinct;
pub mod top;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::progress::{Progress, ROWS_BETWEEN};
use crate::records::Step;
use crate::row::Row;
use crate::sniff::FileFormat;
use crate::table::{SourceFile, Table};
use column::{ColumnBuilder, ColumnProfile};
use distinct::{Hashes, hash};

/// Rows whose repetition is checked.
const REPEATS_CHECKED: usize = 2_000_000;
/// Rows kept for working out how columns hang together.
pub(crate) const SAMPLE_ROWS: usize = 2_000;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileProfile {
    /// The file's name, without its folder.
    pub file: String,
    /// Its size on disk.
    pub bytes: u64,
    /// Its shape.
    pub format: FileFormat,
    /// Rows of data, bad ones included.
    pub rows: u64,
    /// Rows that cannot be cut into fields.
    pub bad_rows: u64,
    /// Rows that are the same as an earlier one in every field.
    pub repeated_rows: u64,
    /// The columns in the file's order.
    pub columns: Vec<ColumnProfile>,
    /// What the person who imports should know about the file.
    pub notes: Vec<String>,
}

/// A profile, and what the mapping needs beside it.
#[derive(Clone, Debug)]
pub(crate) struct Profiled {
    pub profile: FileProfile,
    /// Sketches of the columns' values, for finding keys between files.
    pub sketches: Vec<Vec<u64>>,
    /// The first rows.
    pub sample: Vec<Row>,
}

/// Reads the whole file once.
pub(crate) fn profile(file: &SourceFile, on_progress: &mut dyn FnMut(Progress)) -> Result<Profiled, Error> {
    let mut table = Table::open(file)?;
    let mut columns: Vec<ColumnBuilder> = file.format.columns.iter().map(|_| ColumnBuilder::default()).collect();
    let (mut row, mut sample) = (Row::default(), Vec::new());
    let (mut rows, mut bad_rows, mut repeated_rows) = (0u64, 0u64, 0u64);
    let mut cut_short = false;
    let mut seen = Hashes::default();
    loop {
        match table.next(&mut row)? {
            Step::End => break,
            Step::Bad(bad) => {
                bad_rows += 1;
                cut_short |= bad.code == "file_cut_short";
            }
            Step::Row => {
                for (index, column) in columns.iter_mut().enumerate() {
                    column.add(row.get(index));
                }
                if seen.len() < REPEATS_CHECKED {
                    repeated_rows += u64::from(!seen.insert(hash(row.text())));
                }
                if sample.len() < SAMPLE_ROWS {
                    sample.push(row.clone());
                }
            }
        }
        rows += 1;
        if rows.is_multiple_of(ROWS_BETWEEN) {
            on_progress(Progress {
                file: file.name.clone(),
                rows_read: rows,
                bytes_read: table.bytes_read(),
                bytes_total: file.bytes,
            });
        }
    }
    let finished = columns.iter().zip(&file.format.columns).map(|(column, name)| column.finish(name)).collect();
    let mut profile = FileProfile {
        file: file.name.clone(),
        bytes: file.bytes,
        format: file.format.clone(),
        rows,
        bad_rows,
        repeated_rows,
        columns: finished,
        notes: Vec::new(),
    };
    profile.notes = notes(&profile, seen.len() >= REPEATS_CHECKED, cut_short, table.repaired());
    let sketches = columns.iter().map(|column| column.distinct.sketch()).collect();
    Ok(Profiled { profile, sketches, sample })
}

/// What a person should know about a file.
fn notes(profile: &FileProfile, repeats_cut: bool, cut_short: bool, repaired: u64) -> Vec<String> {
    let mut notes = Vec::new();
    if profile.repeated_rows > 0 {
        let limit = if repeats_cut { format!(" (the first {REPEATS_CHECKED} were compared)") } else { String::new() };
        notes.push(format!(
            "{} rows are the same as an earlier row{limit}; they are kept, because they may be real",
            profile.repeated_rows
        ));
    }
    if profile.bad_rows > 0 {
        notes.push(format!("{} rows cannot be cut into the columns and will be rejected", profile.bad_rows));
    }
    if cut_short {
        notes.push("the file breaks off in the middle: download it again".to_owned());
    }
    if repaired > 0 {
        let encoding = &profile.format.encoding;
        notes.push(format!("{repaired} rows are not {encoding} or hold NUL bytes; they are read as windows-1252"));
    }
    if !profile.format.renamed.is_empty() {
        let names = profile.format.renamed.join(", ");
        notes.push(format!("columns without a name of their own were named: {names}"));
    }
    notes
}
