//! The session of a command: output, progress and interruption.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use gloss_core::Context;

use crate::args::Global;
use crate::load;
use crate::remote::Remote;
use crate::signals;
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
    /// Files in object stores.
    pub(crate) remote: Remote,
    /// The flags that name plugins, for commands of the same kind.
    pub(crate) plugin_flags: Vec<String>,
}

impl Session {
    /// Sets up logging, progress bars and Ctrl-C, once in a process.
    pub(crate) fn start(global: &Global) -> Result<Self> {
        let bars = Bars::new(global.quiet);
        let log = logging::start(global, &bars)?;
        let cancelled = Arc::new(AtomicBool::new(false));
        signals::stop_on_interrupt(Arc::clone(&cancelled), bars.clone())?;
        signals::report_lost_pages();
        load::all(global)?;
        let context = Context::new(Arc::new(bars.clone()), cancelled);
        Ok(Session {
            output: Output::new(global, bars),
            remote: Remote::new(&context)?,
            context,
            log,
            plugin_flags: plugin_flags(global),
        })
    }
}

fn plugin_flags(global: &Global) -> Vec<String> {
    let named = global.plugins.iter().map(|file| ("--plugin", file));
    let folder = global
        .plugin_folder
        .iter()
        .map(|folder| ("--plugin-folder", folder));
    let flags = named.chain(folder);
    flags
        .flat_map(|(flag, path)| [flag.to_string(), path.display().to_string()])
        .collect()
}
