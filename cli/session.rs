//! The session of a command: output, progress and interruption.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use gloss_core::{Context, ErrorClass};

use crate::args::Global;
use crate::load;
use crate::ui::logging::{self, RunLog};
use crate::ui::output::Output;
use crate::ui::progress::Bars;

/// One invocation of the command line.
pub(crate) struct Session {
    /// Standard output.
    pub(crate) output: Output,
    /// Progress and the wish to stop, for components.
    pub(crate) context: Context,
    /// The log, which can be attached to a file once the run's folder is known.
    pub(crate) log: RunLog,
}

impl Session {
    /// Sets up logging, progress bars and Ctrl-C, once in a process.
    pub(crate) fn start(global: &Global) -> Result<Self> {
        let bars = Bars::new(global.quiet);
        let log = logging::start(global, &bars)?;
        let cancelled = Arc::new(AtomicBool::new(false));
        stop_on_ctrl_c(Arc::clone(&cancelled), bars.clone())?;
        load::all(global)?;
        Ok(Session {
            output: Output::new(global, bars.clone()),
            context: Context::new(Arc::new(bars), cancelled),
            log,
        })
    }
}

/// The first Ctrl-C asks the work to stop where it can go on later; the second ends the process.
fn stop_on_ctrl_c(cancelled: Arc<AtomicBool>, bars: Bars) -> Result<()> {
    ctrlc::set_handler(move || {
        if cancelled.swap(true, Ordering::Relaxed) {
            std::process::exit(ErrorClass::Interrupted.exit_code().into());
        }
        bars.suspend(|| eprintln!("stopping; Ctrl-C again ends at once"));
    })?;
    Ok(())
}
