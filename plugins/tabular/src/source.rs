//! The interface of a format: the cells of some columns, row by row.

use std::path::{Path, PathBuf};

use gloss_core::{Context, Diagnostic, Error, OnBadLine, Report, Result};

use crate::cell::Cell;

/// A column that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column<'a> {
    pub(crate) name: &'a str,
    pub(crate) holds: Holds,
}

/// The expected content of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// An id, in every row.
    Id,
    /// A time, in every row.
    Time,
    /// A number, possibly.
    Number,
    /// Anything that can be written as text, possibly.
    Text,
}

impl Holds {
    /// Returns `true` if every row must have it.
    pub(crate) fn is_required(self) -> bool {
        matches!(self, Holds::Id | Holds::Time)
    }
}

/// A format of tables.
pub(crate) trait Source {
    /// The unit of positions in a file: `line` or `row`.
    const POSITION: &'static str;

    /// Faults of the options that only this format has.
    fn own_faults(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// The files that an option names: the file itself.
    ///
    /// # Errors
    /// If there is no such file.
    fn files(path: &Path) -> Result<Vec<PathBuf>> {
        match path.is_file() {
            true => Ok(vec![path.to_path_buf()]),
            false => Err(absent(path, "there is no such file")),
        }
    }

    /// Hands `take` each row of the file at `path`: its position, counted from 1, and the cells
    /// of `columns`, in their order. `rows` decides about a row that cannot be read or that `take`
    /// refuses.
    ///
    /// # Errors
    /// If the file cannot be read, is not of this format, or lacks a column.
    fn read(
        &self,
        path: &Path,
        columns: &[Column<'_>],
        context: &Context,
        rows: &mut Rows,
        take: impl FnMut(u64, &[Cell<'_>]) -> Result<(), String>,
    ) -> Result<()>;
}

/// The rows that were read, and those that were not.
pub(crate) struct Rows {
    on_bad_line: OnBadLine,
    good: usize,
    bad: usize,
    first_bad: Option<Error>,
}

impl Rows {
    pub(crate) fn new(on_bad_line: OnBadLine) -> Self {
        Rows {
            on_bad_line,
            good: 0,
            bad: 0,
            first_bad: None,
        }
    }

    /// Counts a row; one that could not be read is an error, or dropped.
    pub(crate) fn count(&mut self, row: Result<()>) -> Result<()> {
        match (row, self.on_bad_line) {
            (Ok(()), _) => self.good += 1,
            (Err(error), OnBadLine::Error) => return Err(error),
            (Err(error), OnBadLine::Skip) => {
                self.bad += 1;
                self.first_bad.get_or_insert(error);
            }
        }
        Ok(())
    }

    /// Returns `true` if there was no row at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.good + self.bad == 0
    }

    /// Adds the counts to a report; `what` are the rows.
    ///
    /// # Errors
    /// If not one row could be read.
    pub(crate) fn report(self, what: &str, report: &mut Report) -> Result<()> {
        match (self.good, self.first_bad) {
            (0, Some(error)) => Err(error),
            (good, first) => {
                let all = good + self.bad;
                let what = format!("rows of {what} skipped as unreadable");
                report.drop(what, self.bad, all, first.map(|error| error.to_string()));
                Ok(())
            }
        }
    }
}

/// The error for a path that an option names and at which there is nothing to read.
pub(crate) fn absent(path: &Path, message: &str) -> Error {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    Error::input(path, message)
}

/// Says that the file has `available` columns, and `name` is none of them.
pub(crate) fn no_column<S: AsRef<str>>(
    name: &str,
    available: impl IntoIterator<Item = S>,
) -> String {
    Diagnostic::unknown("", format!("there is no column `{name}`"), name, available).to_string()
}

/// Says that the file has a column twice.
pub(crate) fn two_columns(name: &str) -> String {
    format!("there are two columns `{name}`; rename one of them")
}

/// The progress task while the file `path` is read.
pub(crate) fn label(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("Reading {name}")
}

/// An error about a file without a single row.
pub(crate) fn empty(path: &Path) -> Error {
    Error::input(path, "the file has no rows")
}
