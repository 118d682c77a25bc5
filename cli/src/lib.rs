//! The command line of gloss, as a library. It knows the components of the plugins that the program
//! names, and those that are loaded at run time:
//!
//! ```no_run
//! // use gloss_bm25 as _;
//! // use my_plugin as _;
//!
//! fn main() -> std::process::ExitCode {
//!     gloss_cli::main()
//! }
//! ```

mod args;
mod commands;
mod config;
#[cfg(feature = "http")]
mod download;
mod exit;
mod load;
#[cfg(feature = "objects")]
mod remote;
#[cfg(not(feature = "objects"))]
#[path = "no_remote.rs"]
mod remote;
mod session;
mod signals;
mod ui;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use gloss_core::Error;

use crate::args::Args;
use crate::session::Session;

/// Runs the command that the process's arguments name, with all components that are compiled in.
///
/// The exit code is 0 for success, 2 for a mistake of the person (a wrong name, a broken file), 3
/// for a refusal of the machine (a full disk, no network), 70 for a fault of gloss or of a
/// component, and 130 after Ctrl-C.
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return exit::usage(&error),
    };
    let work = || {
        Session::start(&args.global).and_then(|session| commands::execute(args.command, &session))
    };
    // A panic, of a component perhaps, has printed what it has to say.
    let result = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Internal("the work ended in a panic".into()).into()));
    // Programs that were started to ask for their options, and not needed.
    gloss_command::end_all();
    exit::code(result, &args.global)
}
