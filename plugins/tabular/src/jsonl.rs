//! JSON lines.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::path::Path;

use gloss_core::{Context, Error, Result};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::cell::Cell;
use crate::config::Jsonl;
use crate::source::{Column, Source, empty, no_column};
use crate::text;

/// The number of bytes a line may have; a longer one is no line.
const LONGEST_LINE: usize = 256 << 20;

/// A line's object; values that are not asked for stay unread.
type Object<'a> = BTreeMap<String, &'a RawValue>;

impl Source for Jsonl {
    const POSITION: &'static str = "line";

    fn read(
        &self,
        path: &Path,
        columns: &[Column<'_>],
        context: &Context,
        mut take: impl FnMut(u64, &[Cell<'_>]) -> Result<(), String>,
    ) -> Result<()> {
        let mut reader = text::open(path, context)?;
        let mut line = Vec::new();
        let mut found = vec![false; columns.len()];
        let mut names = Vec::new();
        for number in 1.. {
            line.clear();
            let mut limited = reader.by_ref().take(LONGEST_LINE as u64 + 1);
            let read = limited.read_until(b'\n', &mut line);
            if read.map_err(|error| text::explain(path, context, error))? == 0 {
                break;
            }
            if line.len() > LONGEST_LINE {
                return Err(too_long(path));
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let diagnostic = |message| Error::line(path, number, message);
            let object: Object<'_> =
                serde_json::from_slice(&line).map_err(|error| diagnostic(explain(error)))?;
            let cells = cells(&object, columns, &mut found).map_err(diagnostic)?;
            take(number, &cells).map_err(diagnostic)?;
            if names.is_empty() {
                names = object.into_keys().collect();
            }
        }
        if names.is_empty() {
            return Err(empty(path));
        }
        match found.iter().position(|found| !found) {
            Some(missing) => Err(Error::input(path, no_column(columns[missing].name, names))),
            None => Ok(()),
        }
    }
}

fn too_long(path: &Path) -> Error {
    Error::input(
        path,
        format!(
            "a line is longer than {} MiB; is this a file of lines at all?",
            LONGEST_LINE >> 20
        ),
    )
}

/// Picks the columns from a line's object, and notes in `found` which are there.
fn cells<'a>(
    object: &Object<'a>,
    columns: &[Column<'_>],
    found: &mut [bool],
) -> Result<Vec<Cell<'a>>, String> {
    let cell = |(column, found): (&Column<'_>, &mut bool)| match object.get(column.name) {
        Some(raw) => {
            *found = true;
            cell(raw).map_err(|error| format!("column `{}`: {error}", column.name))
        }
        None if column.holds.is_required() => Err(no_column(column.name, object.keys())),
        None => Ok(Cell::Empty),
    };
    columns.iter().zip(found).map(cell).collect()
}

fn cell(raw: &RawValue) -> Result<Cell<'_>, String> {
    let value = serde_json::from_str(raw.get()).map_err(explain)?;
    let written = || Cow::Borrowed(raw.get());
    Ok(match value {
        Value::Null => Cell::Empty,
        Value::String(text) => Cell::Text(text.into()),
        Value::Bool(_) => Cell::Other("a boolean", written()),
        Value::Array(_) => Cell::Other("a list", written()),
        Value::Object(_) => Cell::Other("an object", written()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Integer(whole),
            // As it is written: it may be a part of a text.
            (None, Some(_)) => Cell::Text(written()),
            (None, None) => Cell::Other("a number out of range", written()),
        },
    })
}

/// Tells the fault by its column alone, since serde knows nothing of the lines before.
fn explain(error: serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&position).unwrap_or(&message);
    format!(
        "expected a JSON object: {message} (column {})",
        error.column()
    )
}
