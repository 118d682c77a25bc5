//! Tables to files.

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use gloss_core::{Error, Ragged, Result};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::errors::{ParquetError, Result as Written};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use super::{Column, Texts};

/// The rows of a row group: those that readers decode at a time.
const GROUP: usize = 1 << 20;

/// Writes one table, compressed by Snappy. Text columns are optional, all others required.
pub(crate) fn write(path: &Path, columns: Vec<(String, Column)>) -> Result<()> {
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    if columns.iter().any(|(_, column)| column.len() != rows) {
        let message = format!("{}: columns of different lengths", path.display());
        return Err(Error::Internal(message));
    }
    let failed = |error: ParquetError| Error::io("write", path)(std::io::Error::other(error));
    let file = File::create(path).map_err(Error::io("write", path))?;
    write_to(file, &columns, rows).map_err(failed)
}

fn write_to(file: File, columns: &[(String, Column)], rows: usize) -> Written<()> {
    let fields = columns.iter().map(|(name, column)| column.field(name));
    let schema = Type::group_type_builder("schema")
        .with_fields(fields.collect::<Written<_>>()?)
        .build()?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    let properties = Arc::new(properties.build());
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), properties)?;
    for start in (0..rows).step_by(GROUP) {
        let mut group = writer.next_row_group()?;
        for (_, column) in columns {
            if let Some(mut writer) = group.next_column()? {
                column.write(&mut writer, start..rows.min(start + GROUP))?;
                writer.close()?;
            }
        }
        group.close()?;
    }
    writer.close().map(drop)
}

impl Column {
    fn field(&self, name: &str) -> Written<TypePtr> {
        const OPTIONAL: Repetition = Repetition::OPTIONAL;
        const REQUIRED: Repetition = Repetition::REQUIRED;
        let unsigned = LogicalType::integer(32, false);
        let text = || Some(LogicalType::String);
        match self {
            Column::Text(_) => flat(name, Physical::BYTE_ARRAY, text(), OPTIONAL),
            Column::UInt32(_) => flat(name, Physical::INT32, Some(unsigned), REQUIRED),
            Column::Int64(_) => flat(name, Physical::INT64, None, REQUIRED),
            Column::Float32(_) => flat(name, Physical::FLOAT, None, REQUIRED),
            Column::Float64(_) => flat(name, Physical::DOUBLE, None, REQUIRED),
            Column::TextLists(..) => list(name, Physical::BYTE_ARRAY, text()),
            Column::TimeLists(_) => list(name, Physical::INT64, None),
        }
    }

    /// Writes some of the rows.
    fn write(&self, writer: &mut SerializedColumnWriter<'_>, rows: Range<usize>) -> Written<usize> {
        match self {
            Column::Text(texts) => {
                let present = rows.clone().map(|row| i16::from(texts.get(row).is_some()));
                let levels: Vec<i16> = present.collect();
                let values = texts.byte_arrays(rows);
                let writer = writer.typed::<ByteArrayType>();
                writer.write_batch(&values, Some(&levels), None)
            }
            Column::UInt32(values) => {
                let values: Vec<i32> = values[rows].iter().map(|n| n.cast_signed()).collect();
                let writer = writer.typed::<Int32Type>();
                writer.write_batch(&values, None, None)
            }
            Column::Int64(values) => {
                let writer = writer.typed::<Int64Type>();
                writer.write_batch(&values[rows], None, None)
            }
            Column::Float32(values) => {
                let writer = writer.typed::<FloatType>();
                writer.write_batch(&values[rows], None, None)
            }
            Column::Float64(values) => {
                let writer = writer.typed::<DoubleType>();
                writer.write_batch(&values[rows], None, None)
            }
            Column::TextLists(lengths, texts) => {
                let start = lengths[..rows.start].iter().sum();
                let lengths = &lengths[rows];
                let end = start + lengths.iter().sum::<usize>();
                let (definition, repetition) = levels(lengths.iter().copied());
                let values = texts.byte_arrays(start..end);
                let writer = writer.typed::<ByteArrayType>();
                writer.write_batch(&values, Some(&definition), Some(&repetition))
            }
            Column::TimeLists(lists) => {
                let (definition, repetition, values) = times(lists, rows);
                let writer = writer.typed::<Int64Type>();
                writer.write_batch(&values, Some(&definition), Some(&repetition))
            }
        }
    }
}

impl Texts {
    /// The texts of some rows that are not null, in one allocation.
    fn byte_arrays(&self, rows: Range<usize>) -> Vec<ByteArray> {
        let start = |row: usize| row.checked_sub(1).map_or(0, |before| self.ends[before].0);
        let first = start(rows.start);
        let all = self.text.as_bytes()[first..start(rows.end)].to_vec();
        let all = ByteArray::from(all);
        let present = rows.filter(|row| self.ends[*row].1);
        let ranges = present.map(|row| (start(row) - first, self.ends[row].0 - start(row)));
        ranges.map(|(at, length)| all.slice(at, length)).collect()
    }
}

fn flat(
    name: &str,
    physical: Physical,
    logical: Option<LogicalType>,
    repetition: Repetition,
) -> Written<TypePtr> {
    let field = Type::primitive_type_builder(name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition);
    field.build().map(Arc::new)
}

/// Lists as Parquet's specification has them: three levels, no list and no element null.
fn list(name: &str, physical: Physical, logical: Option<LogicalType>) -> Written<TypePtr> {
    let element = flat("element", physical, logical, Repetition::REQUIRED)?;
    let elements = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![element])
        .build()?;
    let field = Type::group_type_builder(name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(elements)]);
    field.build().map(Arc::new)
}

/// The definition and repetition levels of lists of these lengths.
fn levels(lengths: impl Iterator<Item = usize>) -> (Vec<i16>, Vec<i16>) {
    let (mut definition, mut repetition) = (Vec::new(), Vec::new());
    for length in lengths {
        repetition.push(0);
        definition.push(i16::from(length > 0));
        repetition.extend((1..length).map(|_| 1));
        definition.extend((1..length).map(|_| 1));
    }
    (definition, repetition)
}

fn times(lists: &Ragged<i64>, rows: Range<usize>) -> (Vec<i16>, Vec<i16>, Vec<i64>) {
    let lists = rows.map(|row| lists.get(row));
    let (definition, repetition) = levels(lists.clone().map(<[i64]>::len));
    (definition, repetition, lists.flatten().copied().collect())
}
