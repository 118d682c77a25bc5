//! `gloss prepare`: a dataset as Parquet files, and what was kept and dropped on the way.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;
use gloss_core::{Error, Report, write_data};
use serde_json::json;

use crate::args::Prepare;
use crate::draft;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

pub(crate) fn execute(args: &Prepare, session: &Session) -> Result<()> {
    let dataset = draft::dataset("prepare", &args.name, &args.set)?;
    refuse_what_is_there(&args.output)?;
    let data = dataset.load(&session.context)?;
    let name = args
        .output
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let partial = args.output.with_file_name(format!(".{name}.partial"));
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(Error::io("remove the folder", &partial))?;
    }
    fs::create_dir_all(&partial).map_err(Error::io("make the folder", &partial))?;
    write_data(&data, &partial)?;
    fs::rename(&partial, &args.output).map_err(Error::io("move into place", &partial))?;
    let value = json!({ "folder": args.output, "report": data.report });
    session
        .output
        .show(&value, |_, look| text(&data.report, &args.output, look))
}

/// An output folder must be new or empty, so that nothing is lost or mixed.
fn refuse_what_is_there(folder: &Path) -> gloss_core::Result<()> {
    let is_free = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    match is_free {
        true => Ok(()),
        false => Err(Error::Usage(format!(
            "the output folder {} is not empty, and is left as it is; choose another by --output",
            folder.display()
        ))),
    }
}

fn text(report: &Report, folder: &Path, look: Look) -> String {
    let mut table = Table::new(["what", "how many"]);
    for (what, how_many) in &report.counts {
        let how_many = usize::try_from(*how_many).unwrap_or(usize::MAX);
        table.row([what.as_str().into(), Cell::count(how_many)]);
    }
    let mut text = table.render(look);
    let _ = write!(text, "\n\nthe tables are in {}", folder.display());
    text
}
