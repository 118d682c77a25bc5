//! Text files, gzipped or not.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use gloss_core::{Context, Error, Result, Task, Unit, decompress, open_regular, read_error};

use crate::source::label;

/// Opens the text file at `path`, whose reading is shown and can be stopped.
pub(crate) fn open(path: &Path, context: &Context) -> Result<Box<dyn BufRead>> {
    let file = open_regular(path)?;
    let size = file.metadata().map_err(Error::io("read", path))?.len();
    let task = context.task(&label(path), Some(size), Unit::Bytes);
    let file = BufReader::with_capacity(1 << 16, Counted { file, task });
    decompress(file).map_err(|error| explain(path, context, error))
}

/// Converts an error of reading from [`open`].
pub(crate) fn explain(path: &Path, context: &Context, error: io::Error) -> Error {
    if let Err(interrupted) = context.check() {
        return interrupted;
    }
    match error.get_ref().is_some_and(|inner| inner.is::<TooLong>()) {
        true => Error::input(path, TooLong.to_string()),
        false => read_error(path, error),
    }
}

/// Shows how much is read through it.
struct Counted {
    file: File,
    task: Task,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.task.advance(read as u64).map_err(io::Error::other)?;
        Ok(read)
    }
}

/// The bytes that a line may have; a longer one is no line.
pub(crate) const LONGEST_LINE: usize = 256 << 20;

/// A reader that ends in an error in a line that is too long.
pub(crate) struct LineLimit<R> {
    inner: R,
    /// Bytes since the last end of a line.
    length: usize,
}

impl<R> LineLimit<R> {
    pub(crate) fn new(inner: R) -> Self {
        LineLimit { inner, length: 0 }
    }
}

impl<R: Read> Read for LineLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.length = match buffer[..read].iter().rposition(|byte| *byte == b'\n') {
            Some(end) => read - end - 1,
            None => self.length + read,
        };
        match self.length > LONGEST_LINE {
            true => Err(io::Error::other(TooLong)),
            false => Ok(read),
        }
    }
}

/// A line is too long.
#[derive(Debug)]
pub(crate) struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let most = LONGEST_LINE >> 20;
        write!(
            formatter,
            "a line is longer than {most} MiB; is this a file of lines at all?"
        )
    }
}

impl std::error::Error for TooLong {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_end_is_refused() {
        let line = [&b"a,b\n"[..], &vec![b'x'; 1 << 20]].concat();
        let mut short = LineLimit::new(&line[..]);
        assert_eq!(
            io::copy(&mut short, &mut io::sink()).unwrap(),
            line.len() as u64
        );
        let mut endless = LineLimit::new(io::repeat(b'x'));
        let error = io::copy(&mut endless, &mut io::sink()).unwrap_err();
        assert!(error.to_string().contains("longer than 256 MiB"), "{error}");
    }
}
