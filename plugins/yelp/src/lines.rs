//! From files to records, a line at a time: the reviews are five gigabytes.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use gloss_core::{Context, Error, OnBadLine, Report, Result, Unit, open_regular, read_error};
use serde::de::DeserializeOwned;

/// The most bytes of a line.
const LINE: u64 = 1 << 24;

/// Calls `take` with the record of each line; an error of `take` is one about the line, which is
/// counted in `report` where bad lines are skipped.
pub(crate) fn read<T: DeserializeOwned>(
    path: &Path,
    on_bad_line: OnBadLine,
    report: &mut Report,
    context: &Context,
    mut take: impl FnMut(T) -> Result<(), String>,
) -> Result<()> {
    let file = open_regular(path)?;
    let bytes = file.metadata().map_err(Error::io("read", path))?.len();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let task = context.task(&format!("Reading {name}"), Some(bytes), Unit::Bytes);
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (mut line, mut bad, mut example) = (Vec::new(), 0, None);
    for number in 1.. {
        line.clear();
        let read = reader.by_ref().take(LINE).read_until(b'\n', &mut line);
        let read = read.map_err(|error| read_error(path, error))? as u64;
        if read == 0 {
            break;
        }
        if read == LINE && !line.ends_with(b"\n") {
            let message = format!("the line is longer than {} MiB", LINE >> 20);
            return Err(Error::line(path, number, message));
        }
        task.advance(read)?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        let record = serde_json::from_slice(&line).map_err(|error| error.to_string());
        match (record.and_then(&mut take), on_bad_line) {
            (Ok(()), _) => {}
            (Err(message), OnBadLine::Error) => return Err(Error::line(path, number, message)),
            (Err(message), OnBadLine::Skip) => {
                bad += 1;
                example.get_or_insert_with(|| format!("line {number}: {message}"));
            }
        }
    }
    report.drop(
        format!("lines of {name} that cannot be read"),
        bad,
        None,
        example,
    );
    Ok(())
}
