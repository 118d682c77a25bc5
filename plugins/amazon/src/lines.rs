//! Lines of a large file, gzipped or not, parsed in parallel and taken in order.

mod blocks;

use std::path::Path;

use gloss_core::{Context, Error, OnBadLine, Result, Unit};
use rayon::prelude::*;

use blocks::Block;

/// The content of a file's lines.
pub(crate) trait Format: Sync {
    /// A parsed line, which may borrow from it.
    type Row<'a>: Send;

    /// Parses a line; `None` for one that is of no interest.
    ///
    /// # Errors
    /// The problem, the expectation, and the remedy.
    fn parse<'a>(&self, line: &'a str) -> Result<Option<Self::Row<'a>>, String>;
}

/// The number of lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Lines that could be read.
    pub(crate) good: usize,
    /// Lines of nothing but white space.
    pub(crate) blank: usize,
    /// Lines that could not be read and were skipped.
    pub(crate) bad: usize,
}

/// Reads the file at `path`, whose lines are each `a_what` ("a review"), and hands the rows to
/// `take` in the order of the file.
///
/// # Errors
/// If the file cannot be read, is cut short, or holds no row; if a line cannot be read and bad
/// lines are errors; or what `take` says.
pub(crate) fn read<F: Format>(
    path: &Path,
    a_what: &str,
    format: &F,
    on_bad_line: OnBadLine,
    context: &Context,
    mut take: impl FnMut(F::Row<'_>) -> Result<()>,
) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut first_bad = None;
    read_blocks(path, context, |blocks| {
        let parsed: Vec<_> = blocks
            .par_iter()
            .map(|block| parse_block(format, &block.text))
            .collect();
        for block in parsed {
            let before = (counts.good + counts.blank + counts.bad) as u64;
            if let Some((line, message)) = block.first_bad {
                let error = Error::line(path, before + line, message);
                if on_bad_line == OnBadLine::Error {
                    return Err(error);
                }
                first_bad.get_or_insert(error);
            }
            counts.good += block.counts.good;
            counts.blank += block.counts.blank;
            counts.bad += block.counts.bad;
            block.rows.into_iter().try_for_each(&mut take)?;
        }
        Ok(())
    })?;
    match first_bad {
        Some(error) if counts.good == 0 => Err(error),
        _ if counts.good == 0 => {
            let what = if counts.blank == 0 {
                "is empty"
            } else {
                "has only blank lines"
            };
            let message = format!("the file {what}; expected {a_what} on each line");
            Err(Error::input(path, message))
        }
        _ => Ok(counts),
    }
}

/// Hands the file's blocks to `take` in order, as many at once as are ready.
fn read_blocks(
    path: &Path,
    context: &Context,
    mut take: impl FnMut(&[Block]) -> Result<()>,
) -> Result<()> {
    let size = path.metadata().map_err(Error::io("read", path))?.len();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let task = context.task(&format!("Reading {name}"), Some(size), Unit::Bytes);
    let at_once = rayon::current_num_threads().max(1) * 2;
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::sync_channel(at_once);
        scope.spawn(move || blocks::send(path, &sender));
        while let Ok(first) = receiver.recv() {
            let mut ready = Vec::with_capacity(at_once);
            let mut failure = None;
            for block in std::iter::once(first).chain(receiver.try_iter().take(at_once - 1)) {
                match block {
                    Ok(block) => ready.push(block),
                    Err(error) => failure = Some(error),
                }
            }
            take(&ready)?;
            task.advance(ready.iter().map(|block| block.consumed).sum())?;
            if let Some(error) = failure {
                return Err(error);
            }
        }
        Ok(())
    })
}

struct Parsed<R> {
    rows: Vec<R>,
    counts: Counts,
    /// The first bad line of the block, counted from 1, and what is wrong with it.
    first_bad: Option<(u64, String)>,
}

fn parse_block<'a, F: Format>(format: &F, text: &'a [u8]) -> Parsed<F::Row<'a>> {
    let mut parsed = Parsed {
        rows: Vec::new(),
        counts: Counts::default(),
        first_bad: None,
    };
    for (number, line) in (1..).zip(lines(text)) {
        if line.trim_ascii().is_empty() {
            parsed.counts.blank += 1;
            continue;
        }
        match parse_line(format, line) {
            Ok(row) => {
                parsed.counts.good += 1;
                parsed.rows.extend(row);
            }
            Err(message) => {
                parsed.counts.bad += 1;
                parsed.first_bad.get_or_insert((number, message));
            }
        }
    }
    parsed
}

fn parse_line<'a, F: Format>(format: &F, line: &'a [u8]) -> Result<Option<F::Row<'a>>, String> {
    let text = std::str::from_utf8(line).map_err(|error| {
        format!(
            "the line is not valid UTF-8 (byte {}); is the file damaged?",
            error.valid_up_to() + 1
        )
    })?;
    format.parse(text).map_err(|message| match text.find('\0') {
        Some(at) => format!(
            "the line has a NUL byte (byte {}); is the file damaged?",
            at + 1
        ),
        None => message,
    })
}

/// The lines of a text, without their ends.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memchr(b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        rest = end.map_or(&[], |end| &rest[end + 1..]);
        Some(line)
    })
}

#[cfg(test)]
mod tests;
