//! Logging: to standard error as `-v` asks, and in full to the folder of a run.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use anyhow::Result;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::progress::{Bars, TARGET};
use super::style;
use crate::args::Global;

/// The size of the log that is kept in memory until its file is known.
const PENDING_LIMIT: usize = 1 << 20;

/// Starts logging for the whole process. The environment variable `GLOSS_LOG` (such as
/// `gloss_bm25=trace`) overrides the flags.
pub(crate) fn start(global: &Global, bars: &Bars) -> Result<RunLog> {
    let filter = EnvFilter::try_from_env("GLOSS_LOG")
        .unwrap_or_else(|_| EnvFilter::new(directives(global, bars)));
    let log = RunLog::default();
    let terminal = fmt::layer()
        .with_ansi(style::colored(global.color, &io::stderr()))
        .with_target(global.verbose > 1)
        .without_time()
        .with_writer(Terminal(bars.clone()))
        .with_filter(filter);
    tracing_subscriber::registry()
        .with(terminal)
        .with(file_layer(&log))
        .try_init()?;
    Ok(log)
}

/// Starts logging for a command of the program that gloss runs inside: warnings go to `lines`, as far
/// as the environment variable `GLOSS_LOG` has nothing else. Another program's own subscriber stays.
pub(crate) fn start_inside(lines: &Lines) -> RunLog {
    static LOG: OnceLock<(RunLog, Inside)> = OnceLock::new();
    let (log, inside) = LOG.get_or_init(|| {
        let (log, inside) = (RunLog::default(), Inside::default());
        let filter =
            EnvFilter::try_from_env("GLOSS_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
        let warnings = fmt::layer()
            .with_ansi(false)
            .with_target(false)
            .without_time()
            .with_writer(inside.clone())
            .with_filter(filter);
        let _ = tracing_subscriber::registry()
            .with(warnings)
            .with(file_layer(&log))
            .try_init();
        (log, inside)
    });
    log.restart();
    *inside.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(lines));
    log.clone()
}

/// The layer that writes the log of a run.
fn file_layer<S>(log: &RunLog) -> impl Layer<S> + use<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    fmt::layer()
        .with_ansi(false)
        .with_writer(log.clone())
        .with_filter(EnvFilter::new("info,gloss=debug"))
}

/// Gets each line of the log.
pub(crate) type Lines = Arc<dyn Fn(&str) + Send + Sync>;

/// The place of the lines of the present command.
#[derive(Clone, Default)]
struct Inside(Arc<Mutex<Option<Lines>>>);

impl Write for Inside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let lines = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(lines) = lines {
            lines(&String::from_utf8_lossy(bytes));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Inside {
    type Writer = Inside;

    fn make_writer(&'a self) -> Inside {
        self.clone()
    }
}

/// The levels for the flags. Other crates log less than gloss's own. Progress is logged where there
/// are no bars.
fn directives(global: &Global, bars: &Bars) -> String {
    let levels = match (global.quiet, global.verbose) {
        (true, _) => return "error".to_string(),
        (false, 0) => "warn",
        (false, 1) => "warn,gloss=info",
        (false, 2) => "info,gloss=debug",
        (false, _) => "trace",
    };
    let progress = if bars.visible() { "off" } else { "info" };
    format!("{levels},{TARGET}={progress}")
}

/// Standard error, between redrawings of the progress bars.
#[derive(Clone)]
struct Terminal(Bars);

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Terminal {
    type Writer = Terminal;

    fn make_writer(&'a self) -> Terminal {
        self.clone()
    }
}

/// The log of a run, kept in memory until the run's folder is known; clones are the same log.
#[derive(Clone, Default)]
pub(crate) struct RunLog(Arc<Mutex<State>>);

enum State {
    Pending(Vec<u8>),
    Attached(File),
}

impl Default for State {
    fn default() -> Self {
        State::Pending(Vec::new())
    }
}

impl RunLog {
    /// Writes what was logged so far to the file `path` (at its end, if there is such a file), and
    /// all later lines directly.
    ///
    /// # Errors
    /// If the file cannot be opened or written.
    pub(crate) fn attach(&self, path: &Path) -> gloss_core::Result<()> {
        let open = File::options().create(true).append(true).open(path);
        let mut file = open.map_err(gloss_core::Error::io("open", path))?;
        let mut state = self.state();
        if let State::Pending(bytes) = &*state {
            file.write_all(bytes)
                .map_err(gloss_core::Error::io("write", path))?;
        }
        *state = State::Attached(file);
        Ok(())
    }

    /// Begins the log of another command.
    fn restart(&self) {
        *self.state() = State::default();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for RunLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.state() {
            State::Pending(pending) if pending.len() >= PENDING_LIMIT => Ok(bytes.len()),
            State::Pending(pending) => pending.write(bytes),
            State::Attached(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut *self.state() {
            State::Pending(_) => Ok(()),
            State::Attached(file) => file.flush(),
        }
    }
}

impl<'a> MakeWriter<'a> for RunLog {
    type Writer = RunLog;

    fn make_writer(&'a self) -> RunLog {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_logged_before_the_file_was_known_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.log");
        let mut log = RunLog::default();
        log.write_all(b"early\n").unwrap();
        log.attach(&path).unwrap();
        log.clone().write_all(b"late\n").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "early\nlate\n");
    }

    #[test]
    fn a_log_without_a_file_does_not_grow_for_ever() {
        let mut log = RunLog::default();
        for _ in 0..3 {
            log.write_all(&vec![b'x'; PENDING_LIMIT]).unwrap();
        }
        assert!(matches!(&*log.state(), State::Pending(kept) if kept.len() == PENDING_LIMIT));
    }
}
