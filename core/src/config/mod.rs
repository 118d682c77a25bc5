//! The description of an experiment: what is typed, and what it resolves to.

mod assign;
mod check;
mod document;
mod experiment;
mod fusion;
mod methods;
mod resolve;
mod schema;
#[cfg(test)]
mod tests;
mod typed;

pub(crate) use experiment::folder_name;
pub use experiment::{Experiment, FusedMethods, Method, describe_component};
pub use schema::experiment_schema;
pub use typed::Split;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::{AnyComponent, Dataset, Error, Fault, Faults, Kind, Metric, Registry, Result};

/// All faults of a component's options by the JSON Schema of them, with the keys below the options.
///
/// # Errors
/// [`Error::Component`] if the schema itself is not valid.
pub fn option_faults(schema: &Value, options: &Value) -> Result<Vec<Fault>> {
    let document = document::Document::default();
    let prefixes = vec![Vec::new()];
    let source = check::Source {
        document: &document,
        prefixes,
    };
    check::check(schema, options, &source)
}

/// An experiment in the making: a file's settings, and those of the command line over them.
#[derive(Debug, Default)]
pub struct Draft {
    document: document::Document,
    faults: Vec<Fault>,
    name: Option<String>,
}

impl Draft {
    /// No settings.
    pub fn new() -> Self {
        Draft::default()
    }

    /// The settings of a TOML file.
    ///
    /// # Errors
    /// If the file cannot be read, or is not valid TOML.
    pub fn from_file(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io("read the experiment", path))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::input(path, "the experiment is not UTF-8 text"))?;
        Ok(Draft {
            name: path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
            ..Draft::from_text(path, &text)?
        })
    }

    /// The settings of the TOML text `text`, said to be of `path` in messages.
    ///
    /// # Errors
    /// If it is not valid TOML.
    pub fn from_text(path: &Path, text: &str) -> Result<Self> {
        let document = document::Document::parse(path, text).map_err(Error::Config)?;
        Ok(Draft {
            document,
            ..Draft::default()
        })
    }

    /// Overrides a top-level setting as a whole; `flag` is how it was typed.
    pub fn replace(&mut self, flag: &str, key: &str, value: Value) {
        self.document.replace(flag, key, value);
    }

    /// Overrides one setting by `KEY=VALUE`; a fault is kept for [`resolve`](Draft::resolve).
    pub fn set(&mut self, assignment: &str) {
        if let Err(fault) = self.document.assign("--set", assignment) {
            self.faults.push(fault);
        }
    }

    /// The plugin files that the experiment names, which have to be loaded before its names can be
    /// resolved. Something that is no file's name is left for [`resolve`](Draft::resolve) to tell.
    pub fn plugins(&self) -> Vec<PathBuf> {
        let plugins = self.document.root.get("plugins").and_then(Value::as_array);
        let names = plugins.into_iter().flatten().filter_map(Value::as_str);
        names.map(PathBuf::from).collect()
    }

    /// Resolves every name and checks every option. Touches no file.
    ///
    /// # Errors
    /// [`Error::Config`] with all faults at once.
    pub fn resolve(&self, registry: &Registry) -> Result<Experiment> {
        match resolve::resolve(&self.document, registry, self.name.as_deref()) {
            Err(Error::Config(Faults(more))) => {
                Err(Error::Config(Faults([self.faults.clone(), more].concat())))
            }
            other => {
                Faults(self.faults.clone()).into_result()?;
                other
            }
        }
    }

    /// Resolves the metrics alone, whatever else is set or missing. Touches no file.
    ///
    /// # Errors
    /// [`Error::Config`] with all of their faults at once.
    pub fn resolve_metrics(&self, registry: &Registry) -> Result<Vec<Arc<dyn Metric>>> {
        Faults(self.faults.clone()).into_result()?;
        resolve::resolve_metrics(&self.document, registry)
    }

    /// Resolves the one component of `kind` that is set under the name of its kind; tells it
    /// together with its options as typed. Touches no file.
    ///
    /// # Errors
    /// [`Error::Config`] with all of its faults at once.
    pub fn resolve_one(
        &self,
        kind: Kind,
        registry: &Registry,
    ) -> Result<(AnyComponent, Map<String, Value>)> {
        Faults(self.faults.clone()).into_result()?;
        let component = resolve::resolve_one(&self.document, kind, registry)?;
        let options = self
            .document
            .root
            .get(kind.name())
            .and_then(Value::as_object);
        let mut options = options.cloned().unwrap_or_default();
        options.shift_remove("type");
        Ok((component, options))
    }

    /// Resolves the data set alone, whatever else is set or missing. Touches no file.
    ///
    /// # Errors
    /// [`Error::Config`] with all of its faults at once.
    pub fn resolve_dataset(&self, registry: &Registry) -> Result<Arc<dyn Dataset>> {
        Faults(self.faults.clone()).into_result()?;
        resolve::resolve_dataset(&self.document, registry)
    }
}
