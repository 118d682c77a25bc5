//! One pass over a file: its lines to numbered users and items.

use std::path::Path;

use super::{Ids, json};
use gloss_core::{Error, Ragged, Result, read_file};

/// The differences between runs and qrels.
pub(super) struct Format<T> {
    /// The columns in words.
    columns: &'static str,
    /// The number of identifiers.
    count: usize,
    /// The index of the column of the value.
    value: usize,
    /// Reads it.
    parse: fn(&str) -> Option<T>,
    /// Checks a value of a JSON file.
    convert: fn(f64) -> Option<T>,
    /// The expected kind of value.
    expected: &'static str,
}

pub(super) const RUN: Format<f64> = Format {
    columns: "user Q0 item rank score tag",
    count: 6,
    value: 4,
    parse: |text| text.parse().ok().filter(|score: &f64| score.is_finite()),
    convert: |score| score.is_finite().then_some(score),
    expected: "a score is a finite number",
};

pub(super) const QRELS: Format<f32> = Format {
    columns: "user 0 item grade",
    count: 4,
    value: 3,
    parse: |text| {
        let grade = text.parse::<i32>().ok();
        grade
            .filter(|grade| grade.unsigned_abs() <= HIGHEST_GRADE)
            .map(|grade| grade as f32)
    },
    convert: |grade| {
        let whole = grade.fract() == 0.0 && grade.abs() <= f64::from(HIGHEST_GRADE);
        whole.then_some(grade as f32)
    },
    expected: "a grade is a whole number of at most 2^24, relevant if above 0",
};

/// Up to here, single precision holds whole numbers exactly.
const HIGHEST_GRADE: u32 = 1 << 24;

/// The users and items of a file, and each user's rows in the order of the file.
pub(super) struct Table<T> {
    pub(super) users: Ids,
    pub(super) items: Ids,
    pub(super) rows: Ragged<(u32, T)>,
}

#[derive(Clone, Copy)]
struct Row<T> {
    user: u32,
    item: u32,
    line: u64,
    value: T,
}

/// Reads the file `path`: JSON as ranx writes it if its name ends in `.json`, else TREC's format.
pub(super) fn read<T: Copy>(path: &Path, format: &Format<T>) -> Result<Table<T>> {
    match json::is_json(path) {
        true => read_json(path, format),
        false => read_lines(path, format),
    }
}

fn read_json<T: Copy>(path: &Path, format: &Format<T>) -> Result<Table<T>> {
    let mut users = Ids::default();
    let mut items = Ids::default();
    let mut rows: Vec<Row<T>> = Vec::new();
    for (name, scored) in json::read(path)? {
        let failed = |message: String| Err(Error::input(path, message));
        if users.find(&name).is_some() {
            return failed(format!("has the user {} twice", shorten(&name)));
        }
        for (item, value) in scored {
            let Some(value) = (format.convert)(value) else {
                return failed(format!(
                    "{}, found {value} of user {}",
                    format.expected,
                    shorten(&name)
                ));
            };
            let (Some(user), Some(item)) = (users.number(&name), items.number(&item)) else {
                return failed("has more than 2^32 users or items; split the file".to_string());
            };
            rows.push(Row {
                user,
                item,
                line: 1,
                value,
            });
        }
    }
    let rows = group(path, rows, &users, &items)?;
    Ok(Table { users, items, rows })
}

fn read_lines<T: Copy>(path: &Path, format: &Format<T>) -> Result<Table<T>> {
    let bytes = read_file(path)?;
    let text = text(path, &bytes)?;
    let mut users = Ids::default();
    let mut items = Ids::default();
    let mut rows: Vec<Row<T>> = Vec::new();
    for (line, columns) in (1..).zip(text.lines()) {
        let Some((user, item, value)) =
            split(columns, format).map_err(|message| Error::line(path, line, message))?
        else {
            continue;
        };
        let last = rows.last().map(|row| row.user);
        let user = last
            .filter(|last| users.get(*last) == user)
            .or_else(|| users.number(user));
        let (Some(user), Some(item)) = (user, items.number(item)) else {
            let message = "more than 2^32 users or items; split the file";
            return Err(Error::line(path, line, message));
        };
        rows.push(Row {
            user,
            item,
            line,
            value,
        });
    }
    if rows.is_empty() {
        let message = format!("the file is empty; expected lines `{}`", format.columns);
        return Err(Error::input(path, message));
    }
    let rows = group(path, rows, &users, &items)?;
    Ok(Table { users, items, rows })
}

/// The user, the item and the value of a line; none on an empty line.
fn split<'a, T>(
    line: &'a str,
    format: &Format<T>,
) -> Result<Option<(&'a str, &'a str, T)>, String> {
    let mut columns = [""; 6];
    let mut count = 0;
    for column in line.split_ascii_whitespace() {
        if let Some(place) = columns.get_mut(count) {
            *place = column;
        }
        count += 1;
    }
    if count == 0 {
        return Ok(None);
    }
    if count != format.count {
        return Err(format!(
            "expected {} columns, `{}`, found {count}: `{}`",
            format.count,
            format.columns,
            shorten(line.trim())
        ));
    }
    let value = columns[format.value];
    match (format.parse)(value) {
        Some(value) => Ok(Some((columns[0], columns[2], value))),
        None => Err(format!("{}, found `{}`", format.expected, shorten(value))),
    }
}

/// Brings each user's rows together, and makes sure that none has an item twice.
fn group<T: Copy>(
    path: &Path,
    mut rows: Vec<Row<T>>,
    users: &Ids,
    items: &Ids,
) -> Result<Ragged<(u32, T)>> {
    rows.sort_by_key(|row| row.user);
    let mut lists = Ragged::with_capacity(users.len(), rows.len());
    // For each item the last user that had it, and on which line.
    let mut holders = vec![(u32::MAX, 0); items.len()];
    for rows in rows.chunk_by(|a, b| a.user == b.user) {
        for row in rows {
            let holder = &mut holders[row.item as usize];
            if holder.0 == row.user {
                let message = format!(
                    "user {} has item {} a second time, first on line {}; keep one of them",
                    shorten(users.get(row.user)),
                    shorten(items.get(row.item)),
                    holder.1
                );
                return Err(Error::line(path, row.line, message));
            }
            *holder = (row.user, row.line);
        }
        lists.push(rows.iter().map(|row| (row.item, row.value)));
    }
    Ok(lists)
}

/// The file's text, which is to be UTF-8 without NUL.
fn text<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str> {
    let diagnostic = |at: usize, message: &str| {
        let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        Error::line(path, line as u64, message)
    };
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(diagnostic(
            at,
            "a NUL byte; expected text, not a binary file",
        ));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| diagnostic(error.valid_up_to(), "not UTF-8; convert the file to UTF-8"))
}

/// The beginning of a text that may be long.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}
