//! From files to rows of cells.

use std::path::Path;

use gloss_core::{BadLines, OnBadLine, Report, Result, read_file};

use crate::config::Layout;

/// The text of a file: UTF-8, or the ISO 8859-1 of the older data sets.
fn text(path: &Path) -> Result<String> {
    let bytes = read_file(path)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => error.as_bytes().iter().map(|&byte| byte as char).collect(),
    })
}

/// Calls `take` with the cells of each row, without a header line; an error of `take` is one about
/// the row, which is counted in `report` where bad lines are skipped.
pub(crate) fn read(
    path: &Path,
    layout: Layout,
    on_bad_line: OnBadLine,
    report: &mut Report,
    mut take: impl FnMut(&[&str]) -> Result<(), String>,
) -> Result<()> {
    let text = text(path)?;
    let mut bad = BadLines::new(on_bad_line);
    let mut row = |number: u64, cells: Result<Vec<&str>, String>| {
        bad.check(path, number, cells.and_then(|cells| take(&cells)))
    };
    let separator = match layout {
        Layout::Of20m => {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let mut record = csv::StringRecord::new();
            loop {
                let number = reader.position().line();
                match reader.read_record(&mut record) {
                    Ok(false) => break,
                    Ok(true) => row(number, Ok(record.iter().collect()))?,
                    Err(error) => row(number, Err(error.to_string()))?,
                }
            }
            ""
        }
        Layout::Of1m => "::",
        Layout::Of100k if path.ends_with(layout.files()[0]) => "\t",
        Layout::Of100k => "|",
    };
    if !separator.is_empty() {
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.is_empty()) {
            row(number, Ok(line.split(separator).collect()))?;
        }
    }
    bad.report(path, report);
    Ok(())
}
