//! From files to records, a line at a time: the reviews are five gigabytes.

use std::path::Path;

use gloss_core::{BadLines, Context, Error, OnBadLine, Report, Result, Unit, for_each_line};
use serde::de::DeserializeOwned;

/// The most bytes of a line.
const LONGEST: u64 = 1 << 24;

/// Calls `take` with the record of each line; an error of `take` is one about the line, which is
/// counted in `report` where bad lines are skipped.
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    on_bad_line: OnBadLine,
    report: &mut Report,
    context: &Context,
    mut take: impl FnMut(T) -> Result<(), String>,
) -> Result<()> {
    let size = path.metadata().map_err(Error::io("read", path))?.len();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let task = context.task(&format!("Reading {name}"), Some(size), Unit::Bytes);
    let mut bad = BadLines::new(on_bad_line);
    for_each_line(path, LONGEST, |number, line| {
        task.advance(line.len() as u64)?;
        let record = serde_json::from_slice(line).map_err(|error| error.to_string());
        bad.check(path, number, record.and_then(&mut take))
    })?;
    bad.report(path, report);
    Ok(())
}
