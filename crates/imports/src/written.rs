//! A table of results as a file: CSV, JSON Lines or Parquet, by the file's ending.
//!
//! Always holds: a file stands under its name whole or not at all; what is not a number is an empty cell, never "NaN".

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

/// A named column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its cells.
    pub cells: Cells,
}

/// The cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Texts; an empty one is nothing.
    Texts(Vec<String>),
    /// Whole numbers.
    Whole(Vec<i64>),
    /// Numbers; what is not finite is nothing.
    Numbers(Vec<f64>),
}

impl Column {
    /// A column of texts.
    pub fn texts(name: &str, cells: Vec<String>) -> Self {
        Self { name: name.to_owned(), cells: Cells::Texts(cells) }
    }

    /// A column of whole numbers.
    pub fn whole(name: &str, cells: Vec<i64>) -> Self {
        Self { name: name.to_owned(), cells: Cells::Whole(cells) }
    }

    /// A column of numbers.
    pub fn numbers(name: &str, cells: Vec<f64>) -> Self {
        Self { name: name.to_owned(), cells: Cells::Numbers(cells) }
    }

    fn len(&self) -> usize {
        match &self.cells {
            Cells::Texts(it) => it.len(),
            Cells::Whole(it) => it.len(),
            Cells::Numbers(it) => it.len(),
        }
    }
}

/// The forms of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Fields between commas, with a header.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// Parquet, compressed with zstd.
    Parquet,
}

impl Form {
    /// The form that a file's ending asks for; `None` for any other ending.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" | "ndjson" => Some(Self::JsonLines),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// Writes columns of the same length.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, form: Form, columns: &[Column]) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = tempfile::NamedTempFile::new_in(folder)?;
    let file = beside.reopen()?;
    match form {
        Form::Csv => csv(file, columns)?,
        Form::JsonLines => json_lines(file, columns)?,
        Form::Parquet => parquet(file, columns).map_err(io::Error::other)?,
    }
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn rows(columns: &[Column]) -> usize {
    columns.iter().map(Column::len).min().unwrap_or(0)
}

fn csv(file: File, columns: &[Column]) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    let mut line = |fields: &mut dyn Iterator<Item = String>| {
        let quoted = |field: String| {
            let plain = !field.contains(['"', ',', '\n', '\r']);
            if plain { field } else { format!("\"{}\"", field.replace('"', "\"\"")) }
        };
        writeln!(out, "{}", fields.map(quoted).collect::<Vec<_>>().join(","))
    };
    line(&mut columns.iter().map(|it| it.name.clone()))?;
    for row in 0..rows(columns) {
        line(&mut columns.iter().map(|it| match &it.cells {
            Cells::Texts(cells) => cells[row].clone(),
            Cells::Whole(cells) => cells[row].to_string(),
            Cells::Numbers(cells) if cells[row].is_finite() => cells[row].to_string(),
            Cells::Numbers(_) => String::new(),
        }))?;
    }
    out.flush()
}

fn json_lines(file: File, columns: &[Column]) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    for row in 0..rows(columns) {
        let cell = |it: &Column| {
            let value = match &it.cells {
                Cells::Texts(cells) if cells[row].is_empty() => serde_json::Value::Null,
                Cells::Texts(cells) => cells[row].clone().into(),
                Cells::Whole(cells) => cells[row].into(),
                Cells::Numbers(cells) => cells[row].into(),
            };
            (it.name.clone(), value)
        };
        let object: serde_json::Map<_, _> = columns.iter().map(cell).collect();
        serde_json::to_writer(&mut out, &object)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// How many rows a row group has.
const GROUP: usize = 1_000_000;

fn parquet(file: File, columns: &[Column]) -> Result<(), parquet::errors::ParquetError> {
    let field = |it: &Column| {
        let (physical, logical) = match it.cells {
            Cells::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Cells::Whole(_) => (Physical::INT64, None),
            Cells::Numbers(_) => (Physical::DOUBLE, None),
        };
        let builder = Type::primitive_type_builder(&it.name, physical);
        builder.with_logical_type(logical).with_repetition(Repetition::OPTIONAL).build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    let schema = Arc::new(Type::group_type_builder("rows").with_fields(fields).build()?);
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut writer = SerializedFileWriter::new(file, schema, properties)?;
    let all = rows(columns);
    for from in (0..all).step_by(GROUP) {
        let to = (from + GROUP).min(all);
        let mut group = writer.next_row_group()?;
        for column in columns {
            let Some(mut own) = group.next_column()? else { break };
            put(&mut own, &column.cells, from, to)?;
            own.close()?;
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

fn put(
    writer: &mut SerializedColumnWriter<'_>,
    cells: &Cells,
    from: usize,
    to: usize,
) -> Result<(), parquet::errors::ParquetError> {
    match cells {
        Cells::Texts(cells) => {
            let own = &cells[from..to];
            let there: Vec<i16> = own.iter().map(|it| i16::from(!it.is_empty())).collect();
            let values: Vec<ByteArray> =
                own.iter().filter(|it| !it.is_empty()).map(|it| ByteArray::from(it.as_str())).collect();
            writer.typed::<ByteArrayType>().write_batch(&values, Some(&there), None)?;
        }
        Cells::Whole(cells) => {
            let own = &cells[from..to];
            writer.typed::<Int64Type>().write_batch(own, Some(&vec![1; own.len()]), None)?;
        }
        Cells::Numbers(cells) => {
            let own = &cells[from..to];
            let there: Vec<i16> = own.iter().map(|it| i16::from(it.is_finite())).collect();
            let values: Vec<f64> = own.iter().copied().filter(|it| it.is_finite()).collect();
            writer.typed::<DoubleType>().write_batch(&values, Some(&there), None)?;
        }
    }
    Ok(())
}
