//! Members of a segment as a Parquet file.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::parquet::arrow::ArrowWriter;
use rapport_domain::{PersonId, Timestamp};

use crate::error::Error;

/// A member, as files show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Who.
    pub person: PersonId,
    /// The company's own number for them.
    pub user_id: Option<String>,
    /// Where to reach them.
    pub email: Option<String>,
    /// What to call them.
    pub name: Option<String>,
    /// Since when they are in the segment.
    pub since: Timestamp,
}

/// The file's bytes: `person` (64-bit integer), `user_id`, `email`, `name` (texts or null), `since` (microseconds, UTC).
///
/// # Errors
/// Only if the columns did not fit together.
pub fn parquet(members: &[Exported]) -> Result<Vec<u8>, Error> {
    let text =
        |of: fn(&Exported) -> Option<&str>| Arc::new(members.iter().map(of).collect::<StringArray>()) as ArrayRef;
    let since: TimestampMicrosecondArray = members.iter().map(|it| Some(it.since.0)).collect();
    let columns: [(&str, ArrayRef); 5] = [
        ("person", Arc::new(members.iter().map(|it| it.person.0).collect::<Int64Array>())),
        ("user_id", text(|it| it.user_id.as_deref())),
        ("email", text(|it| it.email.as_deref())),
        ("name", text(|it| it.name.as_deref())),
        ("since", Arc::new(since.with_timezone("UTC"))),
    ];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .map_err(datafusion::error::DataFusionError::from)?;
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new(&mut bytes, batch.schema(), None).map_err(datafusion::error::DataFusionError::from)?;
    writer.write(&batch).map_err(datafusion::error::DataFusionError::from)?;
    writer.close().map_err(datafusion::error::DataFusionError::from)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReader;

    #[test]
    fn a_file_reads_back() {
        let member = |person, user_id: Option<&str>| Exported {
            person: PersonId(person),
            user_id: user_id.map(str::to_owned),
            email: None,
            name: Some("Ann".to_owned()),
            since: Timestamp(5),
        };
        let bytes = parquet(&[member(7, Some("u7")), member(8, None)]).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        let mut reader = ParquetRecordBatchReader::try_new(file, 10).unwrap();
        let batch = reader.next().unwrap().unwrap();
        assert_eq!(batch.num_rows(), 2);
        assert_eq!(batch.column(1).as_string::<i32>().value(0), "u7");
    }
}
