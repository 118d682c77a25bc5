//! Tables from files.

use std::fmt::Display;
use std::fs::File;
use std::path::{Path, PathBuf};

use gloss_core::{Error, Result};
use parquet::basic::Type as Physical;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::{ParquetError, Result as Read};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::{Column, Texts};
use crate::files::damaged;

/// A table that gloss wrote. Columns of lists are not read.
pub(crate) struct Table {
    columns: Vec<(String, Column)>,
    path: PathBuf,
}

impl Table {
    /// Reads the table whole.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::io("read", path))?;
        let columns = columns(file).map_err(|error| damaged(path, error))?;
        Ok(Table {
            columns,
            path: path.to_path_buf(),
        })
    }

    /// The names of the columns.
    pub(crate) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    fn column(&self, name: &str) -> Option<&Column> {
        let found = self.columns.iter().find(|(own, _)| own == name);
        found.map(|(_, column)| column)
    }

    fn none(&self, name: &str) -> Error {
        damaged(&self.path, format!("no column `{name}` of its type"))
    }

    /// The column `name` of text.
    pub(crate) fn text(&self, name: &str) -> Result<&Texts> {
        match self.column(name) {
            Some(Column::Text(texts)) => Ok(texts),
            _ => Err(self.none(name)),
        }
    }

    /// The column `name` of `u32`.
    pub(crate) fn uint32(&self, name: &str) -> Result<&[u32]> {
        match self.column(name) {
            Some(Column::UInt32(values)) => Ok(values),
            _ => Err(self.none(name)),
        }
    }

    /// The column `name` of `i64`.
    pub(crate) fn int64(&self, name: &str) -> Result<&[i64]> {
        match self.column(name) {
            Some(Column::Int64(values)) => Ok(values),
            _ => Err(self.none(name)),
        }
    }

    /// The column `name` of `f64`.
    pub(crate) fn float64(&self, name: &str) -> Result<&[f64]> {
        match self.column(name) {
            Some(Column::Float64(values)) => Ok(values),
            _ => Err(self.none(name)),
        }
    }

    /// The column `name` of `f32`.
    pub(crate) fn float32(&self, name: &str) -> Result<&[f32]> {
        match self.column(name) {
            Some(Column::Float32(values)) => Ok(values),
            _ => Err(self.none(name)),
        }
    }
}

fn columns(file: File) -> Read<Vec<(String, Column)>> {
    let reader = SerializedFileReader::new(file)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let rows = usize::try_from(reader.metadata().file_metadata().num_rows()).map_err(broken)?;
    let mut columns = Vec::new();
    for (at, descriptor) in schema.columns().iter().enumerate() {
        if descriptor.max_rep_level() > 0 {
            continue;
        }
        let mut column = empty(descriptor)?;
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group)?;
            let rows = usize::try_from(group.metadata().num_rows()).map_err(broken)?;
            column.extend(group.get_column_reader(at)?, rows)?;
        }
        if column.len() != rows {
            return Err(broken("rows are missing"));
        }
        columns.push((descriptor.name().to_string(), column));
    }
    Ok(columns)
}

/// A column of the type without rows.
fn empty(descriptor: &ColumnDescriptor) -> Read<Column> {
    Ok(match descriptor.physical_type() {
        Physical::BYTE_ARRAY => Column::Text(Texts::default()),
        Physical::INT32 => Column::UInt32(Vec::new()),
        Physical::INT64 => Column::Int64(Vec::new()),
        Physical::FLOAT => Column::Float32(Vec::new()),
        Physical::DOUBLE => Column::Float64(Vec::new()),
        other => {
            let name = descriptor.name();
            return Err(broken(format!("column `{name}` has the type {other}")));
        }
    })
}

impl Column {
    /// Appends the rows of a row group.
    fn extend(&mut self, reader: ColumnReader, rows: usize) -> Read<()> {
        match (self, reader) {
            (Column::Text(texts), ColumnReader::ByteArrayColumnReader(reader)) => {
                texts.extend(reader, rows)
            }
            (Column::UInt32(all), ColumnReader::Int32ColumnReader(reader)) => {
                let values = values(reader, rows)?;
                all.extend(values.into_iter().map(i32::cast_unsigned));
                Ok(())
            }
            (Column::Int64(all), ColumnReader::Int64ColumnReader(reader)) => {
                all.extend(values(reader, rows)?);
                Ok(())
            }
            (Column::Float32(all), ColumnReader::FloatColumnReader(reader)) => {
                all.extend(values(reader, rows)?);
                Ok(())
            }
            (Column::Float64(all), ColumnReader::DoubleColumnReader(reader)) => {
                all.extend(values(reader, rows)?);
                Ok(())
            }
            _ => Err(broken("a column has two types")),
        }
    }
}

/// The values of a row group, of which none is null.
fn values<T: DataType>(mut reader: ColumnReaderImpl<T>, rows: usize) -> Read<Vec<T::T>> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    match values.len() == rows {
        true => Ok(values),
        false => Err(broken("values are missing")),
    }
}

impl Texts {
    fn extend(
        &mut self,
        mut reader: ColumnReaderImpl<parquet::data_type::ByteArrayType>,
        rows: usize,
    ) -> Read<()> {
        let (mut levels, mut values) = (Vec::new(), Vec::<ByteArray>::new());
        let (read, ..) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
        levels.resize(read, 1); // There are none where nothing may be null.
        let mut values = values.iter();
        for level in levels {
            let value =
                (level > 0).then(|| values.next().ok_or_else(|| broken("a text is missing")));
            let text = value.transpose()?.map(|value| value.as_utf8());
            self.push(text.transpose()?);
        }
        Ok(())
    }
}

fn broken(error: impl Display) -> ParquetError {
    ParquetError::General(error.to_string())
}
