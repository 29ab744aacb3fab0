//! Parquet as a table of texts, through the row interface of the `parquet` crate (no Arrow).
//!
//! Always holds: one row group is decoded at a time; times are RFC 3339 in UTC.

use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;
use rapport_domain::Timestamp;

use crate::Error;
use crate::row::Row;
use crate::unpack::name_of;

/// Reads rows.
pub(crate) struct ParquetRows {
    rows: RowIter<'static>,
    file: String,
}

/// The names of the columns and the number of rows.
pub(crate) fn columns(path: &Path) -> Result<(Vec<String>, u64), Error> {
    let reader = open(path)?;
    let metadata = reader.metadata().file_metadata();
    let names = metadata.schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
    Ok((names, u64::try_from(metadata.num_rows()).unwrap_or(0)))
}

fn open(path: &Path) -> Result<SerializedFileReader<File>, Error> {
    let file = File::open(path).map_err(|source| Error::Unreadable { file: name_of(path), source })?;
    SerializedFileReader::new(file).map_err(|error| Error::Parquet { file: name_of(path), reason: error.to_string() })
}

impl ParquetRows {
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(Self { rows: RowIter::from_file_into(Box::new(open(path)?)), file: name_of(path) })
    }

    /// Fills `row`; false at the end.
    pub fn next(&mut self, row: &mut Row) -> Result<bool, Error> {
        let Some(next) = self.rows.next() else { return Ok(false) };
        let next = next.map_err(|error| Error::Parquet { file: self.file.clone(), reason: error.to_string() })?;
        row.clear();
        for (_, field) in next.get_column_iter() {
            row.push(&text(field));
        }
        Ok(true)
    }
}

fn text(field: &Field) -> String {
    let time = |micros: i64| Timestamp(micros).to_rfc3339();
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.replace('\0', ""),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).replace('\0', ""),
        Field::Double(value) => value.to_string(),
        Field::Float(value) => value.to_string(),
        Field::Date(days) => time(i64::from(*days).saturating_mul(Timestamp::DAY))[..10].to_owned(),
        Field::TimestampMillis(millis) => time(millis.saturating_mul(1000)),
        Field::TimestampMicros(micros) => time(*micros),
        other => other.to_string(),
    }
}
