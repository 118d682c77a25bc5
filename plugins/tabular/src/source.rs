//! The interface of a format: the cells of some columns, row by row.

use std::path::Path;

use gloss_core::{Context, Diagnostic, Error, Result};

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

    /// Hands `take` each row of the file at `path`: its position, counted from 1, and the cells
    /// of `columns`, in their order. An error of `take` about a row is returned with
    /// the position.
    ///
    /// # Errors
    /// If the file cannot be read, is not of this format, or lacks a column.
    fn read(
        &self,
        path: &Path,
        columns: &[Column<'_>],
        context: &Context,
        take: impl FnMut(u64, &[Cell<'_>]) -> Result<(), String>,
    ) -> Result<()>;
}

/// Says that the file has `available` columns, and `name` is none of them.
pub(crate) fn no_column<S: AsRef<str>>(
    name: &str,
    available: impl IntoIterator<Item = S>,
) -> String {
    Diagnostic::unknown("", format!("there is no column `{name}`"), name, available).to_string()
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
