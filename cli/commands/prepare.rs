//! `gloss prepare`: a dataset as Parquet files, and a report of what was kept and dropped.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use gloss_core::{Error, Report};
use gloss_engine::{OutputFolder, PREPARED, write_data};
use serde_json::json;

use crate::args::Prepare;
use crate::config;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

pub(crate) fn execute(args: &Prepare, session: &Session) -> Result<()> {
    let dataset = config::dataset("prepare", &args.name, &args.set)?;
    let output = OutputFolder::locked(&args.output, &session.context)?;
    let is_prepared = output
        .entries()
        .iter()
        .all(|name| PREPARED.contains(&name.as_str()));
    let may_write = output.entries().is_empty() || (args.overwrite && is_prepared);
    if !may_write {
        let advice = match is_prepared {
            true => "holds a prepared dataset; replace it by --overwrite, or choose another folder",
            false => "holds other files; choose another folder by --output",
        };
        let message = format!("the output folder {} {advice}", args.output.display());
        return Err(Error::Usage(message).into());
    }
    let data = dataset.load(&session.context)?;
    write_data(&data, output.begin()?)?;
    output.finish()?;
    let value = json!({ "folder": args.output, "report": data.report });
    session
        .output
        .show(&value, |_, look| text(&data.report, &args.output, look))
}

fn text(report: &Report, folder: &Path, look: Look) -> String {
    let mut table = Table::new(["what", "count"]);
    for (what, how_many) in &report.counts {
        let how_many = usize::try_from(*how_many).unwrap_or(usize::MAX);
        table.row([what.as_str().into(), Cell::count(how_many)]);
    }
    let mut text = table.render(look);
    let _ = write!(text, "\n\nthe tables are in {}", folder.display());
    text
}
