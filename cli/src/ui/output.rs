//! Standard output, which may be a terminal, a file, or a pipe that is closed.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use serde::Serialize;

use super::progress::Bars;
use super::style;
use super::table::Look;
use crate::args::Global;

/// The width of tables that are not printed to a terminal.
const PIPED_WIDTH: u16 = 120;

/// The output of a command.
pub(crate) struct Output {
    json: bool,
    look: Look,
    to: Destination,
}

enum Destination {
    /// Standard output, between redrawings of the bars.
    Standard(Bars),
    /// The program that gloss runs inside.
    Kept(Arc<Mutex<String>>),
}

impl Output {
    pub(crate) fn new(global: &Global, bars: Bars) -> Self {
        let stdout = io::stdout();
        Output {
            json: global.json,
            look: Look {
                colored: style::colored(global.color, &stdout),
                terminal: stdout.is_terminal(),
                width: width(global, stdout.is_terminal()),
            },
            to: Destination::Standard(bars),
        }
    }

    /// Keeps what is printed.
    pub(crate) fn kept(global: &Global, text: Arc<Mutex<String>>) -> Self {
        Output {
            json: global.json,
            look: Look {
                colored: false,
                terminal: false,
                width: Some(PIPED_WIDTH),
            },
            to: Destination::Kept(text),
        }
    }

    /// Prints a command's result: with `--json` the value itself, else the text that `human`
    /// makes of it.
    ///
    /// # Errors
    /// [`Closed`] if the pipe is closed, or the system's error.
    pub(crate) fn show<T: Serialize>(
        &self,
        value: &T,
        human: impl FnOnce(&T, Look) -> String,
    ) -> Result<()> {
        let mut text = if self.json {
            serde_json::to_string_pretty(value)?
        } else {
            human(value, self.look)
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.print(&text)
    }

    /// Prints text as it is.
    ///
    /// # Errors
    /// [`Closed`] if the pipe is closed, or the system's error.
    pub(crate) fn print(&self, text: &str) -> Result<()> {
        let bars = match &self.to {
            Destination::Standard(bars) => bars,
            Destination::Kept(kept) => {
                kept.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push_str(text);
                return Ok(());
            }
        };
        let written = bars.suspend(|| {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes())?;
            stdout.flush()
        });
        match written {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
            Err(error) => Err(gloss_core::Error::io("write to", "standard output")(error).into()),
        }
    }
}

/// The width of tables: as the flag or `COLUMNS` says, else that of the terminal, or 120 columns
/// elsewhere.
fn width(global: &Global, terminal: bool) -> Option<u16> {
    global.width.or((!terminal).then_some(PIPED_WIDTH))
}

/// Standard output was closed by its reader, as `head` does: a reason to end, not an error.
#[derive(Debug)]
pub(crate) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("standard output is closed")
    }
}

impl std::error::Error for Closed {}
