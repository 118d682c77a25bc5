//! Parquet.

mod values;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use arrow_schema::Schema;
use gloss_core::{Context, Error, Result, Unit, open_regular};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::cell::Cell;
use crate::config::Parquet;
use crate::source::{Column, Rows, Source, absent, empty, label, no_column, two_columns};
use values::Values;

gloss_core::plugin! {
    dataset "parquet" => Parquet,
}

impl Source for Parquet {
    const POSITION: &'static str = "row";

    fn files(path: &Path) -> Result<Vec<PathBuf>> {
        if path.is_file() {
            return Ok(vec![path.to_path_buf()]);
        }
        let entries = std::fs::read_dir(path)
            .map_err(|_| absent(path, "there is no such file, nor a folder of parts"))?;
        let mut parts = Vec::new();
        for entry in entries {
            let part = entry.map_err(Error::io("read the folder", path))?.path();
            let name = part.file_name().unwrap_or_default().to_string_lossy();
            let is_hidden = name.starts_with(['.', '_']);
            if part.extension().is_some_and(|end| end == "parquet") && !is_hidden {
                parts.push(part);
            }
        }
        parts.sort();
        match parts.is_empty() {
            true => Err(absent(path, "the folder has no file that ends in .parquet")),
            false => Ok(parts),
        }
    }

    fn read(
        &self,
        path: &Path,
        columns: &[Column<'_>],
        context: &Context,
        rows: &mut Rows,
        mut take: impl FnMut(u64, &[Cell<'_>]) -> Result<(), String>,
    ) -> Result<()> {
        let mut before = 0;
        for part in Self::files(path)? {
            before += read_part(&part, columns, context, rows, |row, cells| {
                take(before + row, cells)
            })?;
        }
        match rows.is_empty() {
            true => Err(empty(path)),
            false => Ok(()),
        }
    }
}

/// Reads one file; returns the number of its rows.
fn read_part(
    path: &Path,
    columns: &[Column<'_>],
    context: &Context,
    rows: &mut Rows,
    mut take: impl FnMut(u64, &[Cell<'_>]) -> Result<(), String>,
) -> Result<u64> {
    let diagnostic = |message| Error::input(path, message);
    let file = open_regular(path)?;
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
            let taken = take(row, &cells);
            rows.count(taken.map_err(|message| diagnostic(format!("row {row}: {message}"))))?;
        }
        task.advance(batch.num_rows() as u64)?;
    }
    Ok(row)
}

fn unreadable(error: impl Display) -> String {
    format!("not a Parquet file, or a damaged one: {error}")
}

/// The places of the columns among the file's outermost ones.
fn roots(columns: &[Column<'_>], schema: &Schema) -> Result<Vec<usize>, String> {
    let names = || schema.fields().iter().map(|field| field.name());
    let place = |column: &Column<'_>| {
        let mut places = names().enumerate().filter(|(_, name)| *name == column.name);
        match (places.next(), places.next()) {
            (Some((place, _)), None) => Ok(place),
            (Some(_), Some(_)) => Err(two_columns(column.name)),
            (None, _) => Err(no_column(column.name, names())),
        }
    };
    columns.iter().map(place).collect()
}
