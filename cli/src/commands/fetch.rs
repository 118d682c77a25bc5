//! `gloss fetch`: the files of a dataset or of a model, downloaded.

mod dataset;
mod model;

use anyhow::Result;
use indicatif::BinaryBytes;

use crate::args::Fetch;
use crate::download::{Fetched, Outcome};
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

/// A name with a `/` is that of a model of the hub, any other that of a dataset.
pub(crate) fn execute(args: &Fetch, session: &Session) -> Result<()> {
    let files = match args.name.contains('/') {
        true => model::fetch(args, session)?,
        false => dataset::fetch(args, session)?,
    };
    session
        .output
        .show(&files, |files, look| table(files, look))
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
