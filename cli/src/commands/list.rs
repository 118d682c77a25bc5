//! `gloss list`: all components that can be named.

use std::path::Path;

use anyhow::Result;
use gloss_core::{Entry, Registry};
use serde::Serialize;

use crate::args::List;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

/// A line of the list.
#[derive(Serialize)]
struct Row<'a> {
    kind: &'static str,
    name: &'a str,
    summary: &'a str,
    origin: &'a str,
    version: &'a str,
    file: Option<&'a Path>,
}

impl<'a> From<&'a Entry> for Row<'a> {
    fn from(entry: &'a Entry) -> Self {
        Row {
            kind: entry.kind.name(),
            name: &entry.name,
            summary: &entry.summary,
            origin: &entry.origin.name,
            version: &entry.origin.version,
            file: entry.origin.file.as_deref(),
        }
    }
}

pub(crate) fn execute(args: &List, session: &Session) -> Result<()> {
    let registry = Registry::known()?;
    let wanted = |entry: &&Entry| args.kind.is_none_or(|kind| kind == entry.kind);
    let rows: Vec<Row<'_>> = registry.entries().filter(wanted).map(Row::from).collect();
    session.output.show(&rows, |rows, look| table(rows, look))
}

fn table(rows: &[Row<'_>], look: Look) -> String {
    let mut table = Table::new(["kind", "name", "summary", "from"]);
    for row in rows {
        let file = row.file.map(|file| format!(" ({})", file.display()));
        table.row([
            row.kind.into(),
            Cell::from(row.name).strong(),
            row.summary.into(),
            format!("{} {}{}", row.origin, row.version, file.unwrap_or_default()).into(),
        ]);
    }
    table.render(look)
}
