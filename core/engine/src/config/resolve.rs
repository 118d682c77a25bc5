//! From what was typed to an experiment that can run, with all faults at once.

use std::collections::HashSet;
use std::sync::Arc;

use gloss_core::{
    AnyComponent, Dataset, Diagnostic, Diagnostics, Error, Kind, Location, Metric, Registry, Result,
};
use serde_json::Value;

use super::document::{Document, Key, named};
use super::experiment::Experiment;
use super::mirrors::Mirrors;
use super::source::Source;
use super::{seeds, typed};
use crate::sweep_settings::Sweep;

/// Resolves the names of `document` by `registry`. Touches no file.
///
/// # Errors
/// [`Error::Config`] with every fault that there is.
pub(crate) fn resolve(
    document: &Document,
    registry: &Registry,
    default_name: Option<&str>,
    seed: Option<u64>,
) -> Result<Experiment> {
    let mut resolver = Resolver {
        document,
        registry,
        diagnostics: Vec::new(),
        seed,
        seeded: false,
    };
    let experiment = resolver.experiment(default_name)?;
    let mut diagnostics = resolver.diagnostics;
    diagnostics.sort_by_key(|diagnostic| match &diagnostic.location {
        Some(Location::File { line, column, .. }) => (0, *line, *column),
        Some(Location::Flag(_)) => (1, 0, 0),
        None => (2, 0, 0),
    });
    let mut told = HashSet::new();
    diagnostics.retain(|diagnostic| told.insert(diagnostic.to_string()));
    Diagnostics(diagnostics).into_result()?;
    experiment.ok_or_else(|| Error::Internal("an experiment without errors did not resolve".into()))
}

/// Resolves the setting `metrics` alone. Touches no file.
///
/// # Errors
/// [`Error::Config`] with every fault of it.
pub(crate) fn resolve_metrics(
    document: &Document,
    registry: &Registry,
) -> Result<Vec<Arc<dyn Metric>>> {
    let mut resolver = Resolver {
        document,
        registry,
        diagnostics: Vec::new(),
        seed: None,
        seeded: false,
    };
    let list = document.root.get("metrics").unwrap_or(&Value::Null);
    let metrics = resolver.metrics(list)?;
    Diagnostics(resolver.diagnostics).into_result()?;
    Ok(metrics)
}

/// Resolves the setting `sweep` alone. Touches no file.
///
/// # Errors
/// [`Error::Config`] with every fault of it.
pub(crate) fn resolve_sweep(document: &Document) -> Result<Option<Sweep>> {
    let Some(value) = document.root.get("sweep") else {
        return Ok(None);
    };
    let source = Source {
        document,
        prefixes: vec![key(&["sweep"])],
    };
    Diagnostics(source.check(&gloss_core::schema_of::<Sweep>(), value)?).into_result()?;
    let sweep: Sweep = serde_json::from_value(value.clone())
        .map_err(|error| Error::Usage(format!("sweep: {error}")))?;
    let faults = sweep.check().into_iter();
    let faults = faults
        .map(|(below, message)| source.locate(&key(&[below]), false, Diagnostic::new("", message)));
    Diagnostics(faults.collect()).into_result()?;
    Ok(Some(sweep))
}

/// Resolves the setting that has the name of `kind` alone. Touches no file.
///
/// # Errors
/// [`Error::Config`] with every fault of it.
pub(crate) fn resolve_one(
    document: &Document,
    kind: Kind,
    registry: &Registry,
) -> Result<AnyComponent> {
    let mut resolver = Resolver {
        document,
        registry,
        diagnostics: Vec::new(),
        seed: None,
        seeded: false,
    };
    let value = document.root.get(kind.name()).unwrap_or(&Value::Null);
    let source = resolver.source(vec![key(&[kind.name()])]);
    let component = resolver.component(kind, value, &source)?;
    Diagnostics(resolver.diagnostics).into_result()?;
    component.ok_or_else(|| Error::Usage(format!("no {kind} is named")))
}

/// Resolves the setting `dataset` alone. Touches no file.
///
/// # Errors
/// [`Error::Config`] with every fault of it.
pub(crate) fn resolve_dataset(
    document: &Document,
    registry: &Registry,
) -> Result<Arc<dyn Dataset>> {
    let mut resolver = Resolver {
        document,
        registry,
        diagnostics: Vec::new(),
        seed: None,
        seeded: false,
    };
    let value = document.root.get("dataset").unwrap_or(&Value::Null);
    let dataset = resolver.dataset(value)?;
    Diagnostics(resolver.diagnostics).into_result()?;
    dataset.ok_or_else(|| Error::Usage("no dataset is named".into()))
}

/// The resolution of an experiment, with the diagnostics so far.
pub(super) struct Resolver<'a> {
    pub(super) document: &'a Document,
    pub(super) registry: &'a Registry,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// One of the experiment's `seeds`, which datasets and generators get.
    seed: Option<u64>,
    /// True once a component got the seed.
    seeded: bool,
}

impl<'a> Resolver<'a> {
    fn experiment(&mut self, default_name: Option<&str>) -> Result<Option<Experiment>> {
        let root = Value::Object(self.document.root.clone());
        let top = self.source(vec![vec![]]);
        let schema = gloss_core::schema_of::<typed::Experiment>();
        self.diagnostics.extend(top.check(&schema, &root)?);
        let dataset = match root.get("dataset") {
            Some(value) => self.dataset(value)?,
            None => None,
        };
        let metrics = self.metrics(&root["metrics"])?;
        let given = root["method"].as_array().map_or(1, Vec::len);
        let methods = self.methods(&root, &metrics)?;
        if self.seed.is_some() && !self.seeded {
            let message = "no dataset and no generator has an option `seed`, or \
                           `split.same_day = \"shuffle\"`, so that all runs would be equal";
            self.found(
                &self.source(vec![key(&["seeds"])]),
                Diagnostic::new("", message),
            );
        }
        let (Some(dataset), Ok(typed)) =
            (dataset, serde_json::from_value::<typed::Experiment>(root))
        else {
            return Ok(None);
        };
        let segments = typed.segments.resolve(dataset.as_ref());
        let segments = segments.unwrap_or_else(|diagnostic| {
            self.found(&self.source(vec![key(&["segments"])]), diagnostic);
            Vec::new()
        });
        // A method that is faulty itself is missing here, which is no fault of a fusion.
        let fusions = match methods.len() == given {
            true => self.fusions(typed.fusion, &methods, &metrics),
            false => Vec::new(),
        };
        let name = typed
            .name
            .or(default_name.map(str::to_string))
            .or_else(|| methods.first().map(|method| method.name.clone()))
            .unwrap_or_default();
        Ok(Some(Experiment {
            mirrors: Mirrors::new(),
            name,
            output: typed.output,
            split: typed.split,
            segments,
            bootstrap: typed.bootstrap,
            dataset,
            metrics,
            methods,
            fusions,
            seed: self.seed,
        }))
    }

    pub(super) fn source(&self, prefixes: Vec<Key>) -> Source<'a> {
        Source {
            document: self.document,
            prefixes,
        }
    }

    /// Takes down a fault whose key is below `source`.
    pub(super) fn found(&mut self, source: &Source<'_>, diagnostic: Diagnostic) {
        let parts = diagnostic.key.split('.').filter(|part| !part.is_empty());
        let below: Key = parts.map(str::to_string).collect();
        self.diagnostics
            .push(source.locate(&below, false, diagnostic));
    }

    fn dataset(&mut self, value: &Value) -> Result<Option<Arc<dyn Dataset>>> {
        let source = self.source(vec![key(&["dataset"])]);
        Ok(match self.component(Kind::Dataset, value, &source)? {
            Some(AnyComponent::Dataset(dataset)) => Some(dataset),
            _ => None,
        })
    }

    fn metrics(&mut self, list: &Value) -> Result<Vec<Arc<dyn Metric>>> {
        let mut metrics: Vec<Arc<dyn Metric>> = Vec::new();
        for (index, value) in list.as_array().into_iter().flatten().enumerate() {
            let source = self.source(vec![key(&["metrics", &index.to_string()])]);
            let Some(AnyComponent::Metric(metric)) =
                self.component(Kind::Metric, &metric_table(value), &source)?
            else {
                continue;
            };
            let label = metric.label();
            if metrics.iter().any(|other| other.label() == label) {
                let diagnostic = Diagnostic::new("", format!("`{label}` is given twice"));
                self.diagnostics.push(source.locate(&[], false, diagnostic));
            }
            metrics.push(metric);
        }
        if list.as_array().is_some_and(Vec::is_empty) {
            let diagnostic = Diagnostic::new("", "must name at least one metric");
            let top = self.source(vec![key(&["metrics"])]);
            self.diagnostics.push(top.locate(&[], false, diagnostic));
        }
        Ok(metrics)
    }

    /// The component that `value` (a name, or a table with `type`) describes; `None` after a
    /// fault.
    pub(super) fn component(
        &mut self,
        kind: Kind,
        value: &Value,
        source: &Source<'_>,
    ) -> Result<Option<AnyComponent>> {
        let table = match value {
            Value::String(name) => named(name),
            value => value.clone(),
        };
        let Value::Object(mut options) = table else {
            return Ok(None); // The experiment's own schema has found this fault.
        };
        let Some(Value::String(name)) = options.remove("type") else {
            let diagnostic = Diagnostic::unknown(
                "",
                format!("is required: the name of a {kind}."),
                "",
                self.registry.names(kind),
            );
            self.diagnostics
                .push(source.locate(&key(&["type"]), true, diagnostic));
            return Ok(None);
        };
        let entry = match self.registry.get(kind, &name, "") {
            Ok(entry) => entry,
            Err(diagnostic) => {
                self.diagnostics
                    .push(source.locate(&key(&["type"]), false, diagnostic));
                return Ok(None);
            }
        };
        if let (Some(seed), Kind::Dataset | Kind::Generator) = (self.seed, kind) {
            for path in seeds::options(&entry.schema, &options) {
                self.seeded = true;
                if let Some(given) = seeds::set(&mut options, &path, seed) {
                    let message =
                        format!("is {given} here, and set by `seeds`; remove one of them");
                    self.diagnostics.push(source.locate(
                        &path,
                        false,
                        Diagnostic::new("", message),
                    ));
                }
            }
        }
        let options = Value::Object(options);
        let diagnostics = source.check(&entry.schema, &options)?;
        if !diagnostics.is_empty() {
            self.diagnostics.extend(diagnostics);
            return Ok(None);
        }
        match entry.parse(options) {
            Ok(component) => {
                for diagnostic in component.check() {
                    self.found(source, diagnostic);
                }
                Ok(Some(component))
            }
            Err(message) => {
                self.diagnostics
                    .push(source.locate(&[], true, Diagnostic::new("", message)));
                Ok(None)
            }
        }
    }
}

/// A metric as a table: `recall@5` is short for `{type = "recall", k = 5}`.
pub(super) fn metric_table(value: &Value) -> Value {
    let parts = value.as_str().and_then(|text| text.split_once('@'));
    match parts {
        Some((name, k)) => {
            let k = k
                .parse::<u64>()
                .map_or_else(|_| Value::from(k), Value::from);
            serde_json::json!({"type": name, "k": k})
        }
        None => value.clone(),
    }
}

pub(super) fn key(parts: &[&str]) -> Key {
    parts.iter().map(|part| part.to_string()).collect()
}
