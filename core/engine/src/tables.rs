//! Flat tables in Parquet files.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder, StringBuilder};
use arrow_array::{
    Array, ArrayRef, Float32Array, Int64Array, LargeStringArray, RecordBatch, UInt32Array,
};
use gloss_core::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::files::damaged;

/// A column of text; `None` is null.
pub(crate) fn text<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<LargeStringArray>())
}

/// A column of `u32`.
pub(crate) fn uint32(values: impl IntoIterator<Item = u32>) -> ArrayRef {
    Arc::new(UInt32Array::from_iter_values(values))
}

/// A column of `i64`.
pub(crate) fn int64(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(values))
}

/// A column of `f32`.
pub(crate) fn float32(values: impl IntoIterator<Item = f32>) -> ArrayRef {
    Arc::new(Float32Array::from_iter_values(values))
}

/// A column of `f64`.
pub(crate) fn float64(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(arrow_array::Float64Array::from_iter_values(values))
}

/// A column of lists of texts.
pub(crate) fn text_lists<'a>(lists: impl IntoIterator<Item = Vec<&'a str>>) -> ArrayRef {
    let mut column = ListBuilder::new(StringBuilder::new());
    for list in lists {
        column.append_value(list.into_iter().map(Some));
    }
    Arc::new(column.finish())
}

/// A column of lists of times, in milliseconds since 1970.
pub(crate) fn time_lists<'a>(lists: impl IntoIterator<Item = &'a [i64]>) -> ArrayRef {
    let mut column = ListBuilder::new(Int64Builder::new());
    for list in lists {
        column.append_value(list.iter().copied().map(Some));
    }
    Arc::new(column.finish())
}

/// Writes one table.
pub(crate) fn write(path: &Path, columns: Vec<(String, ArrayRef)>) -> Result<()> {
    let columns = columns
        .into_iter()
        .map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns)
        .map_err(|error| Error::Internal(format!("{}: {error}", path.display())))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let file = File::create(path).map_err(Error::io("write", path))?;
    let failed = |error: parquet::errors::ParquetError| {
        let source = std::io::Error::other(error);
        Error::io("write", path)(source)
    };
    let mut writer =
        ArrowWriter::try_new(file, batch.schema(), Some(properties)).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.close().map_err(failed)?;
    Ok(())
}

/// A table that gloss wrote.
pub(crate) struct Table {
    batch: RecordBatch,
    path: std::path::PathBuf,
}

impl Table {
    /// Reads the table whole.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let metadata = ArrowReaderMetadata::load(&file, Default::default())
            .map_err(|error| damaged(path, error))?;
        let rows = usize::try_from(metadata.metadata().file_metadata().num_rows())
            .map_err(|error| damaged(path, error))?;
        let schema = metadata.schema().clone();
        let mut batches = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_batch_size(rows.max(1))
            .build()
            .map_err(|error| damaged(path, error))?;
        let batch = match batches.next() {
            Some(batch) => batch.map_err(|error| damaged(path, error))?,
            None => RecordBatch::new_empty(schema),
        };
        if batch.num_rows() != rows {
            return Err(damaged(path, "rows are missing"));
        }
        Ok(Table {
            batch,
            path: path.to_path_buf(),
        })
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> Vec<String> {
        let schema = self.batch.schema();
        schema
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect()
    }

    /// The column `name`, of type `A`.
    pub(crate) fn column<A: Array + 'static>(&self, name: &str) -> Result<&A> {
        self.batch
            .column_by_name(name)
            .and_then(|column| column.as_any().downcast_ref::<A>())
            .ok_or_else(|| damaged(&self.path, format!("no column `{name}` of its type")))
    }

    /// The column `name` of text.
    pub(crate) fn text(&self, name: &str) -> Result<&LargeStringArray> {
        self.column(name)
    }

    /// The column `name` of `u32`.
    pub(crate) fn uint32(&self, name: &str) -> Result<&[u32]> {
        Ok(self.column::<UInt32Array>(name)?.values())
    }

    /// The column `name` of `i64`.
    pub(crate) fn int64(&self, name: &str) -> Result<&[i64]> {
        Ok(self.column::<Int64Array>(name)?.values())
    }

    /// The column `name` of `f64`.
    pub(crate) fn float64(&self, name: &str) -> Result<&[f64]> {
        Ok(self.column::<arrow_array::Float64Array>(name)?.values())
    }

    /// The column `name` of `f32`.
    pub(crate) fn float32(&self, name: &str) -> Result<&[f32]> {
        Ok(self.column::<Float32Array>(name)?.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_written_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        let columns = vec![
            ("id".to_string(), text([Some("a"), None, Some("ü")])),
            ("n".to_string(), uint32([3, 1, 2])),
        ];
        write(&path, columns).unwrap();
        let table = Table::read(&path).unwrap();
        let ids: Vec<Option<&str>> = table.text("id").unwrap().iter().collect();
        assert_eq!(ids, [Some("a"), None, Some("ü")]);
        assert_eq!(table.uint32("n").unwrap(), [3, 1, 2]);
        assert!(table.float32("n").is_err());

        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(matches!(Table::read(&path), Err(Error::Stale { .. })));
    }
}
