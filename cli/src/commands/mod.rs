//! The commands, one file each.

mod cache;
mod check;
mod compare;
mod completions;
mod describe;
mod doctor;
mod evaluate;
mod export;
#[cfg(feature = "http")]
mod fetch;
mod inspect;
mod list;
mod log;
mod merge;
mod new;
mod prepare;
mod report;
mod run;
mod schema;
mod shard;
mod slurm;
mod status;
mod sweep;
mod train;
mod validate;

use anyhow::Result;

use crate::args::Command;
use crate::session::Session;

/// Executes a command.
pub(crate) fn execute(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Run(args) => run::execute(&args, session),
        Command::Merge(args) => merge::execute(&args, session),
        Command::Slurm(args) => slurm::execute(&args, session),
        Command::Status(args) => status::execute(&args, session),
        Command::Train(args) => train::execute(&args, session),
        Command::Export(args) => export::execute(&args, session),
        Command::Validate(args) => validate::execute(&args, session),
        Command::List(args) => list::execute(&args, session),
        Command::Describe(args) => describe::execute(&args, session),
        Command::Schema => schema::execute(session),
        Command::New(args) => new::execute(&args, session),
        Command::Check(args) => check::execute(&args, session),
        Command::Prepare(args) => prepare::execute(&args, session),
        Command::Sweep(args) => sweep::execute(&args, session),
        Command::Report(args) => report::execute(&args, session),
        Command::Inspect(args) => inspect::execute(&args, session),
        Command::Log(args) => log::execute(&args, session),
        Command::Compare(args) => compare::execute(&args, session),
        Command::Evaluate(args) => evaluate::execute(&args, session),
        #[cfg(feature = "http")]
        Command::Fetch(args) => fetch::execute(&args, session),
        #[cfg(not(feature = "http"))]
        Command::Fetch(_) => Err(without_http("gloss fetch").into()),
        Command::Cache(command) => cache::execute(&command, session),
        Command::Doctor => doctor::execute(session),
        Command::Completions(args) => completions::execute(&args, session),
    }
}

/// The refusal of what needs a network in a program that was built without one.
#[cfg(not(feature = "http"))]
fn without_http(what: &str) -> gloss_core::Error {
    gloss_core::Error::Usage(format!(
        "`{what}` needs the feature `http` of gloss-cli, which this program was built without; add it \
         to `features` in Cargo.toml"
    ))
}
