//! CSV.

use std::io::Read;
use std::path::Path;

use csv::{ErrorKind, StringRecord};
use gloss_core::{Context, Diagnostic, Error, Result};

use crate::cell::Cell;
use crate::config::Csv;
use crate::source::{Column, Source, empty, no_column};
use crate::text;

/// A row that is put after the file's own: a noncharacter, which no text has, in a line of its
/// own. A quote that is never closed takes it into its cell, and is thereby known.
const END: &str = "\n\u{10ffff}\n";

impl Source for Csv {
    const POSITION: &'static str = "line";

    fn own_faults(&self) -> Vec<Diagnostic> {
        if self.delimiter.is_ascii() {
            return Vec::new();
        }
        let message = format!("expected one ASCII character, found `{}`", self.delimiter);
        vec![Diagnostic::new("delimiter", message)]
    }

    fn read(
        &self,
        path: &Path,
        columns: &[Column<'_>],
        context: &Context,
        mut take: impl FnMut(u64, &[Cell<'_>]) -> Result<(), String>,
    ) -> Result<()> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(u8::try_from(self.delimiter).unwrap_or(b','))
            .flexible(true)
            .from_reader(text::open(path, context)?.chain(END.as_bytes()));
        let header = reader
            .headers()
            .map_err(|error| explain(path, context, error))?
            .clone();
        if is_end(&header) {
            return Err(empty(path));
        }
        let places = places(columns, &header).map_err(|message| Error::line(path, 1, message))?;
        let mut record = StringRecord::new();
        let mut rows = 0;
        while reader
            .read_record(&mut record)
            .map_err(|error| explain(path, context, error))?
        {
            if is_end(&record) {
                continue;
            }
            rows += 1;
            let line = record.position().map_or(rows + 1, csv::Position::line);
            check(&record, header.len())
                .and_then(|()| {
                    let cells: Vec<_> = places.iter().map(|&place| cell(&record[place])).collect();
                    take(line, &cells)
                })
                .map_err(|message| Error::line(path, line, message))?;
        }
        if rows == 0 {
            return Err(empty(path));
        }
        Ok(())
    }
}

/// Returns `true` if a row is the one after the file's own.
fn is_end(record: &StringRecord) -> bool {
    record.len() == 1 && &record[0] == END.trim_ascii()
}

/// Checks that the row's quotes are closed and that it has as many cells as the header.
fn check(record: &StringRecord, expected: usize) -> Result<(), String> {
    let found = record.len();
    if record
        .iter()
        .next_back()
        .is_some_and(|cell| cell.ends_with(END))
    {
        return Err(format!(
            "cell {found} of the row begins with a quote that is never closed; close it, or \
             double it if it belongs to the text"
        ));
    }
    if found != expected {
        return Err(format!(
            "the row has {found} cells and the header {expected}; is a quote missing, or the \
             delimiter another one?"
        ));
    }
    Ok(())
}

/// Returns the requested columns of the header.
fn places(columns: &[Column<'_>], header: &StringRecord) -> Result<Vec<usize>, String> {
    check(header, header.len())?;
    columns
        .iter()
        .map(|column| place(column.name, header))
        .collect()
}

/// Returns the position of the header's column `name`.
fn place(name: &str, header: &StringRecord) -> Result<usize, String> {
    let mut places = (0..header.len()).filter(|&place| &header[place] == name);
    match (places.next(), places.next()) {
        (Some(place), None) => Ok(place),
        (Some(_), Some(_)) => Err(format!(
            "there are two columns `{name}`; rename one of them"
        )),
        (None, _) => Err(no_column(name, header)),
    }
}

fn cell(text: &str) -> Cell<'_> {
    if text.is_empty() {
        Cell::Empty
    } else {
        Cell::Text(text.into())
    }
}

fn explain(path: &Path, context: &Context, error: csv::Error) -> Error {
    let line = error.position().map(csv::Position::line);
    let message = match error.into_kind() {
        ErrorKind::Io(error) => return text::explain(path, context, error),
        ErrorKind::Utf8 { err, .. } => {
            format!("cell {} of the row is not valid UTF-8", err.field() + 1)
        }
        other => format!("not a CSV file: {other:?}"),
    };
    Error::Input {
        path: path.to_path_buf(),
        line,
        message,
    }
}
