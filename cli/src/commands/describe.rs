//! `gloss describe`: components and their options.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use gloss_core::{
    AnyComponent, Diagnostic, Diagnostics, Entry, Error, OptionDescription, Registry,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::Describe;
use crate::session::Session;
use crate::ui::style::{STRONG, paint};
use crate::ui::table::{Cell, Look, Table};

/// A component, explained.
#[derive(Serialize)]
struct Description<'a> {
    kind: &'static str,
    name: &'a str,
    summary: &'a str,
    description: &'a str,
    origin: &'a str,
    version: &'a str,
    file: Option<&'a Path>,
    #[serde(flatten)]
    metric: Option<MetricView>,
    options: Vec<OptionView>,
    schema: &'a Value,
}

/// The properties of a metric without options.
#[derive(Serialize)]
struct MetricView {
    formula: String,
    higher_is_better: bool,
}

impl MetricView {
    /// None for other components, and for a metric that cannot do without options.
    fn of(entry: &Entry) -> Option<Self> {
        match entry.parse(json!({})) {
            Ok(AnyComponent::Metric(metric)) => Some(MetricView {
                formula: metric.formula().to_string(),
                higher_is_better: metric.invariants().higher_is_better,
            }),
            _ => None,
        }
    }
}

/// An option, explained.
#[derive(Serialize)]
struct OptionView {
    name: String,
    r#type: String,
    required: bool,
    default: Option<Value>,
    doc: String,
}

impl From<OptionDescription> for OptionView {
    fn from(option: OptionDescription) -> Self {
        OptionView {
            name: option.name,
            r#type: option.r#type,
            required: option.default.is_none(),
            default: option.default,
            doc: option.doc,
        }
    }
}

impl<'a> From<&'a Entry> for Description<'a> {
    fn from(entry: &'a Entry) -> Self {
        Description {
            kind: entry.kind.name(),
            name: &entry.name,
            summary: &entry.summary,
            description: entry.schema["description"].as_str().unwrap_or_default(),
            origin: &entry.origin.name,
            version: &entry.origin.version,
            file: entry.origin.file.as_deref(),
            metric: MetricView::of(entry),
            options: entry.options().into_iter().map(Into::into).collect(),
            schema: &entry.schema,
        }
    }
}

pub(crate) fn execute(args: &Describe, session: &Session) -> Result<()> {
    let registry = Registry::known()?;
    let mut found: Vec<Description<'_>> = Vec::new();
    for name in &args.names {
        let entries = registry.entries().filter(|entry| entry.name == *name);
        let before = found.len();
        found.extend(entries.map(Description::from));
        if found.len() == before {
            return Err(unknown(name, &registry).into());
        }
    }
    session.output.show(&found, |found, look| {
        let texts: Vec<_> = found.iter().map(|one| text(one, look)).collect();
        texts.join("\n\n")
    })
}

fn unknown(name: &str, registry: &Registry) -> Error {
    let mut names: Vec<&str> = registry.entries().map(|e| e.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let message = format!("there is no component `{name}`");
    Error::Config(Diagnostics(vec![Diagnostic::unknown(
        "", message, name, names,
    )]))
}

fn text(component: &Description<'_>, look: Look) -> String {
    let file = component.file.map(|file| format!(" ({})", file.display()));
    let mut text = format!(
        "{} {}, from {} {}{}\n\n{}\n",
        component.kind,
        paint(look.colored, STRONG, component.name),
        component.origin,
        component.version,
        file.unwrap_or_default(),
        component.description,
    );
    if let Some(metric) = &component.metric {
        let better = if metric.higher_is_better {
            "higher"
        } else {
            "lower"
        };
        let _ = writeln!(text, "\n{}; {better} is better", metric.formula);
    }
    if component.options.is_empty() {
        text.push_str("\nIt has no options.");
        return text;
    }
    let mut table = Table::new(["option", "type", "default", "meaning"]);
    for option in &component.options {
        table.row([
            Cell::from(option.name.as_str()).strong(),
            option.r#type.as_str().into(),
            default(option).into(),
            option.doc.as_str().into(),
        ]);
    }
    let _ = write!(text, "\n{}", table.render(look));
    text
}

fn default(option: &OptionView) -> String {
    match &option.default {
        None => "required".to_string(),
        Some(Value::Null) => "none".to_string(),
        // The lines of the options inside a table tell their defaults.
        Some(Value::Object(_)) => String::new(),
        Some(value) => value.to_string(),
    }
}
