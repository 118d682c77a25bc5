//! A file as blocks of whole lines, decompressed by the thread that sends them.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc::SyncSender;

use gloss_core::{Error, Result, decompress, open_regular, read_error};

/// The smallest size of a block in bytes, except the last.
const BLOCK_BYTES: usize = 512 << 10;
/// The maximum length of a line.
const LONGEST_LINE: usize = 256 << 20;

/// A stretch of whole lines.
pub(super) struct Block {
    pub(super) text: Vec<u8>,
    /// The number of bytes of the file that were read for it.
    pub(super) consumed: u64,
}

/// Sends the file's blocks, and an error if one ends them; stops when nobody receives any more.
pub(super) fn send(path: &Path, sender: &SyncSender<Result<Block>>) {
    let mut blocks = match Blocks::open(path) {
        Ok(blocks) => blocks,
        Err(error) => return drop(sender.send(Err(error))),
    };
    while let Some(block) = blocks.next().transpose() {
        let failed = block.is_err();
        if sender.send(block).is_err() || failed {
            return;
        }
    }
}

struct Blocks<'p> {
    path: &'p Path,
    content: Box<dyn BufRead>,
    position: Rc<Cell<u64>>,
    told: u64,
    /// The beginning of the line that the last block ended in.
    rest: Vec<u8>,
}

impl<'p> Blocks<'p> {
    fn open(path: &'p Path) -> Result<Self> {
        let position = Rc::new(Cell::new(0));
        let file = Counted {
            inner: open_regular(path)?,
            position: Rc::clone(&position),
        };
        let file = BufReader::with_capacity(64 << 10, file);
        let content = decompress(file).map_err(Error::io("read", path))?;
        Ok(Blocks {
            path,
            content,
            position,
            told: 0,
            rest: Vec::new(),
        })
    }

    /// The next block; none at the end of the file.
    fn next(&mut self) -> Result<Option<Block>> {
        let mut text = std::mem::take(&mut self.rest);
        loop {
            let known = text.len();
            let read = self.fill(&mut text)?;
            if read == 0 && text.is_empty() {
                return Ok(None);
            }
            let end = memchr::memrchr(b'\n', &text[known..]).map(|end| known + end + 1);
            if let (Some(end), true) = (end, read > 0) {
                self.rest.extend_from_slice(&text[end..]);
                text.truncate(end);
            } else if read > 0 {
                self.check_length(text.len())?;
                continue;
            }
            let position = self.position.get();
            let consumed = position - std::mem::replace(&mut self.told, position);
            return Ok(Some(Block { text, consumed }));
        }
    }

    /// Appends up to a block's bytes; fewer only at the end of the file.
    fn fill(&mut self, text: &mut Vec<u8>) -> Result<usize> {
        let limit = BLOCK_BYTES as u64;
        text.reserve(BLOCK_BYTES);
        let content = self.content.by_ref();
        let read = content.take(limit).read_to_end(text);
        read.map_err(|error| self.explain(error))
    }

    fn check_length(&self, length: usize) -> Result<()> {
        if length <= LONGEST_LINE {
            return Ok(());
        }
        Err(Error::input(
            self.path,
            format!(
                "a line is longer than {} MiB; is this a file of lines at all?",
                LONGEST_LINE >> 20
            ),
        ))
    }

    fn explain(&self, error: io::Error) -> Error {
        read_error(self.path, error)
    }
}

/// Counts what is read through it.
struct Counted<R> {
    inner: R,
    position: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.position.set(self.position.get() + read as u64);
        Ok(read)
    }
}
