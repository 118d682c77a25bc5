//! Writing, row by row.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use gloss_core::{Error, Result};

/// Writes a run from rows of user, item and score: each user's rows together and best first, with
/// scores that do not rise, so that [`Ties::File`](super::Ties::File) reads the same rankings.
/// `tag` names the method.
///
/// Columns are separated by white space, so in identifiers and tag white space, control characters
/// and `%` are written as in a URL, a space as `%20`, and an empty one as `%`.
///
/// # Errors
/// If the file cannot be written.
pub fn write_run<'a, S: Display>(
    path: &Path,
    tag: &str,
    rows: impl IntoIterator<Item = (&'a str, &'a str, S)>,
) -> Result<()> {
    let tag = column(tag);
    let mut last = None;
    let mut rank = 0u64;
    write(path, rows, |file, (user, item, score)| {
        rank = if last == Some(user) { rank + 1 } else { 1 };
        last = Some(user);
        let (user, item) = (column(user), column(item));
        writeln!(file, "{user} Q0 {item} {rank} {score} {tag}")
    })
}

/// Writes relevance judgements from rows of user, item and grade; identifiers as
/// [`write_run`] does.
///
/// # Errors
/// If the file cannot be written.
pub fn write_qrels<'a>(
    path: &Path,
    rows: impl IntoIterator<Item = (&'a str, &'a str, i32)>,
) -> Result<()> {
    write(path, rows, |file, (user, item, grade)| {
        writeln!(file, "{} 0 {} {grade}", column(user), column(item))
    })
}

fn write<Row>(
    path: &Path,
    rows: impl IntoIterator<Item = Row>,
    mut row: impl FnMut(&mut BufWriter<File>, Row) -> std::io::Result<()>,
) -> Result<()> {
    let file = File::create(path).map_err(Error::io("create", path))?;
    let mut file = BufWriter::new(file);
    rows.into_iter()
        .try_for_each(|values| row(&mut file, values))
        .and_then(|()| file.flush())
        .map_err(Error::io("write", path))
}

/// `id` as one column.
fn column(id: &str) -> Cow<'_, str> {
    let special = |c: char| c.is_whitespace() || c.is_control() || c == '%';
    if id.is_empty() {
        return "%".into();
    }
    if !id.contains(special) {
        return id.into();
    }
    let mut escaped = String::with_capacity(id.len() + 8);
    for c in id.chars() {
        if special(c) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped.into()
}
