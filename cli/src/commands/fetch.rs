//! `gloss fetch`: the files of a dataset or of a model, downloaded.

mod dataset;

use anyhow::Result;
use gloss_core::Error;
use indicatif::BinaryBytes;

use crate::args::Fetch;
use crate::download::{Fetched, Outcome, fetch_model};
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

/// A name with a `/` is that of a model of the hub, any other that of a dataset.
pub(crate) fn execute(args: &Fetch, session: &Session) -> Result<()> {
    let files = match args.name.contains('/') {
        true => model(args, session)?,
        false => dataset::fetch(args, session)?,
    };
    session
        .output
        .show(&files, |files, look| table(files, look))
}

fn model(args: &Fetch, session: &Session) -> gloss_core::Result<Vec<Fetched>> {
    if let Some(assignment) = args.set.first() {
        let name = &args.name;
        return Err(Error::Usage(format!(
            "--set {assignment}: {name} is a model, which has no options; only a dataset has"
        )));
    }
    fetch_model(&args.name, args.from.as_deref(), &session.context)
}

fn table(files: &[Fetched], look: Look) -> String {
    let mut table = Table::new(["file", "outcome", "size", "blake3"]);
    for file in files {
        table.row([
            Cell::from(file.path.display().to_string()).strong(),
            explain(file.outcome).into(),
            BinaryBytes(file.bytes).to_string().into(),
            format!("{:.16}…", file.blake3).into(),
        ]);
    }
    table.render(look)
}

fn explain(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Downloaded => "downloaded",
        Outcome::Copied => "copied from the cache of Hugging Face",
        Outcome::Unchanged => "was here, unchanged",
        Outcome::Recorded => "was here, checksum recorded now",
    }
}
