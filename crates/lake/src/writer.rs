//! Writes sorted batches into Parquet files, one at a time for each cell.
//!
//! Pages are small and indexed by person and time, so that one person's rows are found without reading the rest.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{max, min};
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use rapport_domain::WorkspaceId;

use crate::batch::{self, Keys};
use crate::catalog::DataFile;
use crate::columns;
use crate::error::{Error, Result};
use crate::files::{Files, Sink};
use crate::layout::Cell;

/// Rows of a row group.
const GROUP_ROWS: usize = 131_072;
/// Bytes of a column's dictionary in a row group: a point read has to decode all of it.
const DICTIONARY_BYTES: usize = 64 << 10;
/// Rows of a page.
const PAGE_ROWS: usize = 2_048;

/// What all files of one write have in common.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) workspace: WorkspaceId,
    pub(crate) schema: SchemaRef,
    pub(crate) columns: usize,
    pub(crate) present: Vec<usize>,
    pub(crate) revision: i64,
}

/// A file that is being written.
pub(crate) struct CellWriter {
    writer: ArrowWriter<Sink>,
    schema: SchemaRef,
    file: DataFile,
}

impl CellWriter {
    /// Begins a file named `id` in `cell`.
    pub(crate) fn create(files: &Files, written: &Written, cell: Cell, id: String) -> Result<Self> {
        let file = DataFile {
            id,
            workspace: written.workspace,
            cell,
            times: (i64::MAX, i64::MIN),
            persons: (i64::MAX, i64::MIN),
            rows: 0,
            bytes: 0,
            columns: written.columns,
            present: written.present.clone(),
            revision: written.revision,
            names: BTreeMap::new(),
        };
        let sink = files.create(&file.path())?;
        let schema = Arc::clone(&written.schema);
        let writer = ArrowWriter::try_new(sink, Arc::clone(&schema), Some(properties()))?;
        Ok(Self { writer, schema, file })
    }

    /// Appends rows, which continue the lake's order.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = batch::fitted(batch, &self.schema)?;
        self.note(&batch)?;
        self.writer.write(&batch)?;
        Ok(())
    }

    /// Completes the file.
    /// Bytes of rows that are not in the file yet.
    pub(crate) fn held(&self) -> usize {
        self.writer.memory_size()
    }

    /// Writes them, as a row group of its own.
    pub(crate) fn let_go(&mut self) -> Result<()> {
        Ok(self.writer.flush()?)
    }

    pub(crate) async fn finish(self, files: &Files) -> Result<DataFile> {
        let mut file = self.file;
        let path = file.path();
        let bytes = files.finish(&path, self.writer.into_inner()?).await?;
        file.bytes = i64::try_from(bytes).map_err(Error::files)?;
        Ok(file)
    }

    fn note(&mut self, batch: &RecordBatch) -> Result<()> {
        let keys = Keys::of(batch)?;
        self.file.rows += i64::try_from(batch.num_rows()).map_err(Error::files)?;
        self.file.times.0 = self.file.times.0.min(min(keys.occurred_at).unwrap_or(i64::MAX));
        self.file.times.1 = self.file.times.1.max(max(keys.occurred_at).unwrap_or(i64::MIN));
        self.file.persons.0 = self.file.persons.0.min(min(keys.person).unwrap_or(i64::MAX));
        self.file.persons.1 = self.file.persons.1.max(max(keys.person).unwrap_or(i64::MIN));
        let mut names: HashMap<&str, i64> = HashMap::new();
        for name in batch::words(batch, columns::NAME)?.iter().flatten() {
            *names.entry(name).or_default() += 1;
        }
        for (name, count) in names {
            *self.file.names.entry(name.to_owned()).or_default() += count;
        }
        Ok(())
    }
}

fn properties() -> WriterProperties {
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_column_dictionary_enabled(ColumnPath::from(columns::EVENT_ID), false)
        .set_column_dictionary_enabled(ColumnPath::from(columns::OCCURRED_AT), false)
        .set_column_dictionary_enabled(ColumnPath::from(columns::RECEIVED_AT), false)
        .set_column_statistics_enabled(ColumnPath::from(columns::EVENT_ID), EnabledStatistics::None)
        .set_column_statistics_enabled(ColumnPath::from(columns::RESIDUAL), EnabledStatistics::None);
    for name in [columns::PERSON, columns::HANDLE, columns::OCCURRED_AT] {
        properties = properties.set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Page);
    }
    properties.build()
}
