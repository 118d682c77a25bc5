//! `gloss completions`: a script for a shell.

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Args, Completions};
use crate::session::Session;

pub(crate) fn execute(args: &Completions, session: &Session) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "gloss", &mut script);
    session.output.print(&String::from_utf8_lossy(&script))
}
