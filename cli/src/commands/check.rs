//! `gloss check`: conformance tests of components.

use std::path::Path;

use anyhow::Result;
use gloss_core::{Diagnostic, Diagnostics, Entry, Error, Registry};
use gloss_engine::{ExperimentConfig, Outcome, Verdict, check_invariants};
use serde::Serialize;
use serde_json::json;

use crate::args::Check;
use crate::load;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

/// A component and its verdicts.
#[derive(Serialize)]
struct Checked {
    kind: &'static str,
    name: String,
    invariants: Vec<Verdict>,
}

pub(crate) fn execute(args: &Check, session: &Session) -> Result<()> {
    let file = Path::new(&args.plugin);
    let file = match file.is_file() {
        true => {
            load::plugin(file)?;
            Some(file.canonicalize().map_err(Error::io("find", file))?)
        }
        false => None,
    };
    let registry = Registry::known()?;
    let wanted = |entry: &&Entry| {
        let named = match &file {
            Some(file) => entry.origin.file.as_ref() == Some(file),
            None => entry.name == args.plugin,
        };
        named && args.kind.is_none_or(|kind| kind == entry.kind)
    };
    let entries: Vec<&Entry> = registry.entries().filter(wanted).collect();
    if entries.is_empty() {
        return Err(unknown(&args.plugin, &registry).into());
    }
    let checked: gloss_core::Result<Vec<Checked>> = entries
        .iter()
        .map(|entry| check(entry, args, &registry))
        .collect();
    let checked = checked?;
    let failed = checked.iter().flat_map(|component| &component.invariants);
    let failed = failed
        .filter(|verdict| matches!(verdict.outcome, Outcome::Fail(_)))
        .count();
    session.output.show(&checked, |checked, look| {
        let tables = checked.iter().map(|component| text(component, look));
        tables.collect::<Vec<_>>().join("\n\n")
    })?;
    match failed {
        0 => Ok(()),
        1 => Err(Error::component(&args.plugin, "fails an invariant").into()),
        many => Err(Error::component(&args.plugin, format!("fails {many} invariants")).into()),
    }
}

fn check(entry: &Entry, args: &Check, registry: &Registry) -> gloss_core::Result<Checked> {
    let kind = entry.kind.name();
    let mut config = ExperimentConfig::new();
    let typed = format!("gloss check {}", args.plugin);
    config.replace(&typed, kind, json!({ "type": entry.name }));
    for assignment in &args.set {
        config.set(&format!("{kind}.{assignment}"));
    }
    let (_, options) = config.resolve_one(entry.kind, registry)?;
    Ok(Checked {
        kind,
        name: entry.name.clone(),
        invariants: check_invariants(entry, &options)?,
    })
}

fn unknown(name: &str, registry: &Registry) -> Error {
    let names = registry.entries().map(|entry| entry.name.as_str());
    let message = format!("there is no component and no file `{name}`");
    Error::Config(Diagnostics(vec![Diagnostic::unknown(
        "", message, name, names,
    )]))
}

fn text(component: &Checked, look: Look) -> String {
    let mut table = Table::new(["invariant", "", "details"]);
    for verdict in &component.invariants {
        let (outcome, how) = match &verdict.outcome {
            Outcome::Pass => (Cell::from("pass"), ""),
            Outcome::Fail(example) => (Cell::from("fail").strong(), example.as_str()),
            Outcome::Skipped(reason) => (Cell::from("skipped"), reason.as_str()),
        };
        table.row([verdict.invariant.into(), outcome, how.into()]);
    }
    format!(
        "{} {}\n\n{}",
        component.kind,
        component.name,
        table.render(look)
    )
}
