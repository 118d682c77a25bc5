//! The session of a command: output, progress and interruption.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use gloss_core::{Context, Progress};

use crate::args::Global;
use crate::load;
use crate::remote::Remote;
use crate::signals;
use crate::ui::logging::{self, Lines, RunLog};
use crate::ui::output::Output;
use crate::ui::progress::Bars;

/// The program that gloss runs inside.
pub struct Host {
    /// Shows the progress of work.
    pub progress: Arc<dyn Progress>,
    /// Gets warnings, and what else `GLOSS_LOG` asks for, a line at a time.
    pub log: Lines,
    /// To be set to true for the work to stop where it can go on later.
    pub cancelled: Arc<AtomicBool>,
}

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

impl Session {
    /// A session of the program that gloss runs inside, which keeps its signals and its output.
    pub(crate) fn inside(global: &Global, host: &Host, output: Arc<Mutex<String>>) -> Result<Self> {
        gloss_command::share_process();
        let log = logging::start_inside(&host.log);
        load::all(global)?;
        let context = Context::new(Arc::clone(&host.progress), Arc::clone(&host.cancelled));
        Ok(Session {
            output: Output::kept(global, output),
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
