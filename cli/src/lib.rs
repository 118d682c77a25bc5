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
mod call;
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

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use gloss_core::Error;

pub use crate::call::{Outcome, call};
pub use crate::exit::error_as_json;
pub use crate::session::Host;

use crate::args::Args;
use crate::session::Session;

/// Runs the command that the process's arguments name, with all components that are compiled in.
///
/// The exit code is 0 for success, 2 for a mistake of the person (a wrong name, a broken file), 3
/// for a refusal of the machine (a full disk, no network), 70 for a fault of gloss or of a
/// component, and 130 after Ctrl-C.
pub fn main() -> ExitCode {
    ExitCode::from(main_from(std::env::args_os()))
}

/// The same with these arguments, of which the first is the name of the program. It takes over the
/// process: its signals, standard output and standard error.
pub fn main_from(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let args = match Args::try_parse_from(&arguments) {
        Ok(args) => args,
        Err(error) => return exit::usage(&error, &arguments),
    };
    let result = caught(|| {
        Session::start(&args.global).and_then(|session| commands::execute(args.command, &session))
    });
    exit::code(result, &args.global)
}

/// Does the work of a command. A panic, of a component perhaps, has printed what it has to say.
fn caught(work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let result = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Internal("the work ended in a panic".into()).into()));
    // Programs that were started to ask for their options, and not needed.
    gloss_command::end_all();
    result
}
