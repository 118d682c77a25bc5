//! `gloss prepare`: a dataset as Parquet files, and a report of what was kept and dropped.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;
use gloss_core::{Error, Report, describe_component};
use gloss_engine::{Audit, OutputFolder, PREPARED, Split, audit, write_tables};
use serde_json::{Value, json};

use crate::args::Prepare;
use crate::config;
use crate::session::Session;
use crate::ui;
use crate::ui::table::{Cell, Look, Table};

pub(crate) fn execute(args: &Prepare, session: &Session) -> Result<()> {
    let dataset = config::dataset("prepare", &args.name, &args.set, session)?;
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
    let audit = audit(&data, Split::Test)?;
    let partial = output.begin()?;
    write_tables(&data, partial)?;
    let report = json!({ "dataset": describe_component(dataset.as_ref())?, "report": data.report, "audit": audit });
    write_report(&partial.join("report.json"), &report)?;
    output.finish()?;
    let value = json!({ "folder": args.output, "report": data.report, "audit": audit });
    session.output.show(&value, |_, look| {
        text(&data.report, &audit, &args.output, look)
    })
}

fn write_report(path: &Path, report: &Value) -> Result<()> {
    let text = format!("{report:#}\n");
    Ok(fs::write(path, text).map_err(Error::io("write", path))?)
}

fn text(report: &Report, audit: &Audit, folder: &Path, look: Look) -> String {
    let mut table = Table::new(["what", "count"]);
    for (what, how_many) in &report.counts {
        let how_many = usize::try_from(*how_many).unwrap_or(usize::MAX);
        table.row([what.as_str().into(), Cell::count(how_many)]);
    }
    let mut text = table.render(look);
    let _ = write!(text, "\n\n{}", ui::audit::table(audit).render(look));
    let _ = write!(text, "\n\nfingerprint of the data: {}", audit.fingerprint);
    let _ = write!(text, "\nthe tables are in {}", folder.display());
    text
}
