//! `gloss check`: components, held against the laws.

use std::path::Path;

use anyhow::Result;
use gloss_core::{Draft, Entry, Error, Fault, Faults, Outcome, Registry, Verdict, check_laws};
use serde::Serialize;
use serde_json::json;

use crate::args::Check;
use crate::load;
use crate::session::Session;
use crate::ui::table::{Cell, Look, Table};

/// A component and what came out.
#[derive(Serialize)]
struct Checked {
    kind: &'static str,
    name: String,
    laws: Vec<Verdict>,
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
    let broken = checked.iter().flat_map(|component| &component.laws);
    let broken = broken
        .filter(|verdict| matches!(verdict.outcome, Outcome::Broken(_)))
        .count();
    session.output.show(&checked, |checked, look| {
        let tables = checked.iter().map(|component| text(component, look));
        tables.collect::<Vec<_>>().join("\n\n")
    })?;
    match broken {
        0 => Ok(()),
        1 => Err(Error::component(&args.plugin, "breaks a law").into()),
        many => Err(Error::component(&args.plugin, format!("breaks {many} laws")).into()),
    }
}

fn check(entry: &Entry, args: &Check, registry: &Registry) -> gloss_core::Result<Checked> {
    let kind = entry.kind.name();
    let mut draft = Draft::new();
    let typed = format!("gloss check {}", args.plugin);
    draft.replace(&typed, kind, json!({ "type": entry.name }));
    for assignment in &args.set {
        draft.set(&format!("{kind}.{assignment}"));
    }
    let (_, options) = draft.resolve_one(entry.kind, registry)?;
    Ok(Checked {
        kind,
        name: entry.name.clone(),
        laws: check_laws(entry, &options)?,
    })
}

fn unknown(name: &str, registry: &Registry) -> Error {
    let names = registry.entries().map(|entry| entry.name.as_str());
    let message = format!("there is no component and no file `{name}`");
    Error::Config(Faults(vec![Fault::unknown("", message, name, names)]))
}

fn text(component: &Checked, look: Look) -> String {
    let mut table = Table::new(["law", "", "how"]);
    for verdict in &component.laws {
        let (outcome, how) = match &verdict.outcome {
            Outcome::Kept => (Cell::from("kept"), ""),
            Outcome::Broken(how) => (Cell::from("broken").strong(), how.as_str()),
            Outcome::Skipped(why) => (Cell::from("skipped"), why.as_str()),
        };
        table.row([verdict.law.into(), outcome, how.into()]);
    }
    format!(
        "{} {}\n\n{}",
        component.kind,
        component.name,
        table.render(look)
    )
}
