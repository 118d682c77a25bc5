//! Text files, gzipped or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use gloss_core::{Context, Error, Result, Task, Unit, decompress, read_error};

use crate::source::label;

/// Opens the text file at `path`, whose reading is shown and can be stopped.
pub(crate) fn open(path: &Path, context: &Context) -> Result<Box<dyn BufRead>> {
    let file = File::open(path).map_err(Error::io("open", path))?;
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
    read_error(path, error)
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
