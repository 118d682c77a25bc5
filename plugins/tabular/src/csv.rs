//! CSV.

use std::io::Read;
use std::path::Path;

use csv::{ErrorKind, StringRecord};
use gloss_core::{Context, Diagnostic, Error, Result};

use crate::cell::Cell;
use crate::config::Csv;
use crate::source::{Column, Rows, Source, empty, no_column, two_columns};
use crate::text::{self, LineLimit};

/// A row that is put after the file's own: a noncharacter, which no text has, in a line of its
/// own. A quote that is never closed takes it into its cell, and is thereby known.
const END: &str = "\n\u{10ffff}\n";

/// The option of files in which quotes are part of the text.
const NO_QUOTE: &str = "none";

impl Source for Csv {
    const POSITION: &'static str = "line";

    fn own_faults(&self) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        if !self.delimiter.is_ascii() {
            let message = format!("expected one ASCII character, found `{}`", self.delimiter);
            diagnostics.push(Diagnostic::new("delimiter", message));
        }
        if self.quote != NO_QUOTE && quote(&self.quote).is_none() {
            let message = format!(
                "expected one ASCII character or \"{NO_QUOTE}\", found `{}`",
                self.quote
            );
            diagnostics.push(Diagnostic::new("quote", message));
        }
        diagnostics
    }

    fn read(
        &self,
        path: &Path,
        columns: &[Column<'_>],
        context: &Context,
        rows: &mut Rows,
        mut take: impl FnMut(u64, &[Cell<'_>]) -> Result<(), String>,
    ) -> Result<()> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(u8::try_from(self.delimiter).unwrap_or(b','))
            .quoting(self.quote != NO_QUOTE)
            .quote(quote(&self.quote).unwrap_or(b'"'))
            .flexible(true)
            .from_reader(LineLimit::new(text::open(path, context)?).chain(END.as_bytes()));
        let header = reader
            .headers()
            .map_err(|error| explain(path, context, error))?
            .clone();
        if is_end(&header) {
            return Err(empty(path));
        }
        let places = places(columns, &header).map_err(|message| Error::line(path, 1, message))?;
        let mut record = StringRecord::new();
        let mut several_lines = None;
        loop {
            let read = match reader.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) if is_end(&record) => continue,
                Ok(true) => Ok(()),
                Err(error) if is_bad_text(&error) => Err(explain(path, context, error)),
                Err(error) => return Err(explain(path, context, error)),
            };
            let line = record.position().map_or(0, csv::Position::line);
            let row = read.and_then(|()| {
                check(&record, header.len())
                    .and_then(|()| {
                        let cells: Vec<_> =
                            places.iter().map(|&place| cell(&record[place])).collect();
                        take(line, &cells)
                    })
                    .map_err(|message| Error::line(path, line, message))
            });
            if several_lines.is_none() && record.iter().any(|cell| cell.contains('\n')) {
                several_lines = Some(line);
            }
            rows.count(row)?;
        }
        if let Some(line) = several_lines.filter(|_| self.delimiter == '\t') {
            tracing::warn!(
                "{}:{line}: a cell goes over several lines, since it begins with a quote; if quotes \
                 are part of the text in this file, set `quote = \"{NO_QUOTE}\"`",
                path.display()
            );
        }
        match rows.is_empty() {
            true => Err(empty(path)),
            false => Ok(()),
        }
    }
}

/// The byte of the option, if it is one character of ASCII.
fn quote(option: &str) -> Option<u8> {
    match option.as_bytes() {
        [byte] if byte.is_ascii() => Some(*byte),
        _ => None,
    }
}

/// Returns `true` if a row was read whose text is not UTF-8.
fn is_bad_text(error: &csv::Error) -> bool {
    matches!(error.kind(), ErrorKind::Utf8 { .. })
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
        (Some(_), Some(_)) => Err(two_columns(name)),
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
        _ => "not a CSV file".to_string(),
    };
    Error::Input {
        path: path.to_path_buf(),
        line,
        message,
    }
}
