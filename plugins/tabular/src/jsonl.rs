//! JSON lines.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufRead, Read};
use std::path::Path;

use gloss_core::{Context, Error, Result};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::cell::Cell;
use crate::config::Jsonl;
use crate::source::{Column, Rows, Source, empty, no_column};
use crate::text::{self, LONGEST_LINE};

/// The message about a file that is one array.
const ARRAY: &str = "the file is one JSON array; expected JSON lines, an object on each line: \
                     `jq -c '.[]' FILE > LINES` makes them";

/// A line's object; values that are not asked for stay unread.
struct Object<'a>(BTreeMap<String, &'a RawValue>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Keys)
    }
}

/// Reads an object whose keys are all different.
struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = Object<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut object = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value()?;
            if object.insert(key.clone(), value).is_some() {
                return Err(A::Error::custom(format!("the key `{key}` is there twice")));
            }
        }
        Ok(Object(object))
    }
}

impl Source for Jsonl {
    const POSITION: &'static str = "line";

    fn read(
        &self,
        path: &Path,
        columns: &[Column<'_>],
        context: &Context,
        rows: &mut Rows,
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
                return Err(Error::input(path, text::TooLong.to_string()));
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            if rows.is_empty() && line.trim_ascii_start().starts_with(b"[") {
                return Err(Error::input(path, ARRAY));
            }
            let row = serde_json::from_slice(&line)
                .map_err(|error| explain(error, &line))
                .and_then(|object: Object<'_>| {
                    let cells = cells(&object.0, columns, &mut found)?;
                    take(number, &cells)?;
                    if names.is_empty() {
                        names = object.0.into_keys().collect();
                    }
                    Ok(())
                });
            rows.count(row.map_err(|message| Error::line(path, number, message)))?;
        }
        if rows.is_empty() {
            return Err(empty(path));
        }
        if names.is_empty() {
            return Ok(());
        }
        match found.iter().position(|found| !found) {
            Some(missing) => Err(Error::input(path, no_column(columns[missing].name, names))),
            None => Ok(()),
        }
    }
}

/// Picks the columns from a line's object, and notes in `found` which are there.
fn cells<'a>(
    object: &BTreeMap<String, &'a RawValue>,
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
    let value = serde_json::from_str(raw.get()).map_err(|error| explain(error, &[]))?;
    let written = || Cow::Borrowed(raw.get());
    Ok(match value {
        Value::Null => Cell::Empty,
        Value::String(text) => Cell::Text(text.into()),
        Value::Bool(_) => Cell::Other("a boolean", written()),
        Value::Array(_) => Cell::Other("a list", written()),
        Value::Object(_) => Cell::Other("an object", written()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Integer(whole),
            // As it is written: it may be a part of a text, or a whole number of more than 64 bits.
            (None, Some(_)) if raw.get().bytes().all(|byte| byte.is_ascii_digit()) => {
                Cell::Text(written())
            }
            (None, Some(_)) => Cell::Decimal(written()),
            (None, None) => Cell::Other("a number out of range", written()),
        },
    })
}

/// Describes the fault by its column and the key before it, since serde knows nothing of the lines
/// before.
fn explain(error: serde_json::Error, line: &[u8]) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&position).unwrap_or(&message);
    let read = line.get(..error.column()).unwrap_or_default();
    let rest = &line[read.len().saturating_sub(1)..];
    let number = ["NaN", "Infinity", "-Infinity"]
        .into_iter()
        .find(|number| rest.starts_with(number.as_bytes()));
    match (key_before(read), number) {
        (Some(key), Some(number)) => format!(
            "key `{key}`: {number} is not JSON; write null (`df.to_json(..., orient=\"records\", \
             lines=True)` of pandas does)"
        ),
        (Some(key), None) => format!("key `{key}`: {message} (column {})", error.column()),
        (None, _) => format!(
            "expected a JSON object: {message} (column {})",
            error.column()
        ),
    }
}

/// The last key in the beginning of an object.
fn key_before(read: &[u8]) -> Option<String> {
    let read = String::from_utf8_lossy(read);
    let (mut key, mut text, mut escaped, mut inside) = (None, String::new(), false, false);
    for c in read.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => {
                inside = !inside;
                if inside {
                    text.clear();
                }
            }
            ':' if !inside => key = Some(text.clone()),
            _ if inside => text.push(c),
            _ => {}
        }
    }
    key
}
