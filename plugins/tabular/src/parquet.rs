//! Parquet.

mod values;

use std::fmt::Display;
use std::fs::File;
use std::path::Path;

use arrow_schema::Schema;
use gloss_core::{Context, Error, Result, Unit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::cell::Cell;
use crate::config::Parquet;
use crate::source::{Column, Source, empty, label, no_column};
use values::Values;

impl Source for Parquet {
    const POSITION: &'static str = "row";

    fn read(
        &self,
        path: &Path,
        columns: &[Column<'_>],
        context: &Context,
        mut take: impl FnMut(u64, &[Cell<'_>]) -> Result<(), String>,
    ) -> Result<()> {
        let diagnostic = |message| Error::input(path, message);
        let file = File::open(path).map_err(Error::io("open", path))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(|error| diagnostic(unreadable(error)))?;
        let roots = roots(columns, builder.schema()).map_err(diagnostic)?;
        let total = builder.metadata().file_metadata().num_rows();
        let task = context.task(&label(path), u64::try_from(total).ok(), Unit::Count);
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        let batches = builder
            .with_projection(mask)
            .build()
            .map_err(|error| diagnostic(unreadable(error)))?;
        let mut row = 0;
        for batch in batches {
            let batch = batch.map_err(|error| diagnostic(unreadable(error)))?;
            let values = columns
                .iter()
                .map(|column| Values::of(column, &batch))
                .collect::<Result<Vec<_>, String>>()
                .map_err(diagnostic)?;
            for place in 0..batch.num_rows() {
                row += 1;
                let cells: Vec<_> = values.iter().map(|values| values.cell(place)).collect();
                take(row, &cells).map_err(|message| diagnostic(format!("row {row}: {message}")))?;
            }
            task.advance(batch.num_rows() as u64)?;
        }
        if row == 0 {
            return Err(empty(path));
        }
        Ok(())
    }
}

fn unreadable(error: impl Display) -> String {
    format!("not a Parquet file, or a damaged one: {error}")
}

/// The places of the columns among the file's outermost ones.
fn roots(columns: &[Column<'_>], schema: &Schema) -> Result<Vec<usize>, String> {
    let names = || schema.fields().iter().map(|field| field.name());
    let place = |column: &Column<'_>| {
        names()
            .position(|name| name == column.name)
            .ok_or_else(|| no_column(column.name, names()))
    };
    columns.iter().map(place).collect()
}
