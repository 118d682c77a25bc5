//! The description of an experiment: what is typed, and what it resolves to.

mod assign;
mod document;
mod experiment;
mod fusion;
mod methods;
mod mirrors;
mod resolve;
mod schema;
mod seeds;
mod source;
#[cfg(test)]
mod tests;
mod typed;

pub use experiment::{Experiment, FusedMethods, Method};
pub use schema::experiment_schema;
pub(crate) use seeds::is_seed;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use self::mirrors::{Mirrors, for_each_text};
use crate::sweep_settings::Sweep;
use gloss_core::{
    AnyComponent, Dataset, Diagnostic, Diagnostics, Error, Kind, Metric, Registry, Result,
    read_limited,
};

/// The longest experiment file, in bytes.
const LONGEST: u64 = 1 << 20;

/// The settings of an experiment: those of a file, overridden by those of the command line.
#[derive(Debug, Clone, Default)]
pub struct ExperimentConfig {
    document: document::Document,
    diagnostics: Vec<Diagnostic>,
    name: Option<String>,
    mirrors: Mirrors,
}

impl ExperimentConfig {
    /// No settings.
    pub fn new() -> Self {
        ExperimentConfig::default()
    }

    /// The settings of a TOML file.
    ///
    /// # Errors
    /// If the file cannot be read, has more than a MiB, or is not valid TOML.
    pub fn from_file(path: &Path) -> Result<Self> {
        std::fs::metadata(path).map_err(Error::io("read the experiment", path))?;
        let bytes = read_limited(path, LONGEST)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::input(path, "the experiment is not UTF-8 text"))?;
        Ok(ExperimentConfig {
            name: path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
            ..ExperimentConfig::from_text(path, &text)?
        })
    }

    /// The settings of the TOML text `text`, said to be of `path` in messages.
    ///
    /// # Errors
    /// If it is not valid TOML.
    pub fn from_text(path: &Path, text: &str) -> Result<Self> {
        let document = document::Document::parse(path, text).map_err(Error::Config)?;
        Ok(ExperimentConfig {
            document,
            ..ExperimentConfig::default()
        })
    }

    /// Overrides a top-level setting as a whole; `flag` is how it was typed.
    pub fn replace(&mut self, flag: &str, key: &str, value: Value) {
        self.document.replace(flag, key, value);
    }

    /// Overrides one setting by `KEY=VALUE`; a fault is kept for [`resolve`](ExperimentConfig::resolve).
    pub fn set(&mut self, assignment: &str) {
        if let Err(diagnostic) = self.document.assign("--set", assignment) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// The plugin files that the experiment names, which have to be loaded before its names can be
    /// resolved. Something that is no file's name is left for [`resolve`](ExperimentConfig::resolve) to tell.
    pub fn plugins(&self) -> Vec<PathBuf> {
        let plugins = self.document.root.get("plugins").and_then(Value::as_array);
        let names = plugins.into_iter().flatten().filter_map(Value::as_str);
        names.map(PathBuf::from).collect()
    }

    /// Replaces every address by the path of its mirror on this machine, which `mirror` returns for a
    /// text that is an address. The experiment is still described by the addresses.
    ///
    /// # Errors
    /// As `mirror`.
    pub fn mirror(
        &mut self,
        mut mirror: impl FnMut(&str) -> Result<Option<PathBuf>>,
    ) -> Result<()> {
        let mirrors = &mut self.mirrors;
        let mut replace = |text: &mut String| {
            if let Some(path) = mirror(text)? {
                let path = path.display().to_string();
                mirrors.insert(path.clone(), std::mem::replace(text, path));
            }
            Ok(())
        };
        let settings = self.document.root.iter_mut();
        // The output is written, not read.
        let mut read = settings.filter(|(key, _)| *key != "output");
        read.try_for_each(|(_, value)| for_each_text(value, &mut replace))
    }

    /// Resolves every name and checks every option of an experiment without `seeds`. Touches no
    /// file.
    ///
    /// # Errors
    /// [`Error::Config`] with all faults at once; [`Error::Usage`] if it has `seeds`.
    pub fn resolve(&self, registry: &Registry) -> Result<Experiment> {
        let mut experiments = self.resolve_seeds(registry)?;
        match (experiments.pop(), experiments.is_empty()) {
            (Some(experiment), true) if experiment.seed.is_none() => Ok(experiment),
            _ => Err(Error::Usage(
                "`seeds` is for gloss run and gloss validate; set the `seed` of a component instead".into(),
            )),
        }
    }

    /// Resolves every name and checks every option: an experiment for each of its `seeds`, or the
    /// one without. Touches no file.
    ///
    /// # Errors
    /// [`Error::Config`] with all faults at once.
    pub fn resolve_seeds(&self, registry: &Registry) -> Result<Vec<Experiment>> {
        let given = self.document.root.get("seeds").and_then(Value::as_array);
        let seeds: Vec<u64> = given
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
            .collect();
        match seeds.is_empty() {
            true => Ok(vec![self.resolve_seed(registry, None)?]),
            false => seeds
                .into_iter()
                .map(|seed| self.resolve_seed(registry, Some(seed)))
                .collect(),
        }
    }

    /// The table `sweep`, if the experiment has it.
    ///
    /// # Errors
    /// [`Error::Config`] with all of its faults at once.
    pub(crate) fn sweep(&self) -> Result<Option<Sweep>> {
        Diagnostics(self.diagnostics.clone()).into_result()?;
        resolve::resolve_sweep(&self.document)
    }

    /// The split that is set, as typed.
    pub(crate) fn split(&self) -> Option<&str> {
        self.document.root.get("split").and_then(Value::as_str)
    }

    /// The experiment with other values of some settings, without the table `sweep`.
    ///
    /// # Errors
    /// [`Error::Config`] if a key does not exist.
    pub(crate) fn with(&self, settings: &[(String, Value)]) -> Result<Self> {
        let mut other = self.clone();
        other.document.root.shift_remove("sweep");
        for (key, value) in settings {
            let typed = format!("sweep.parameters {key}={value}");
            let assigned = other.document.assign_value(&typed, key, value.clone());
            assigned.map_err(|diagnostic| Error::Config(Diagnostics(vec![diagnostic])))?;
        }
        Ok(other)
    }

    /// The settings as the text of a TOML file.
    ///
    /// # Errors
    /// If a value cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(&self.document.root).map_err(|error| Error::Internal(error.to_string()))
    }

    fn resolve_seed(&self, registry: &Registry, seed: Option<u64>) -> Result<Experiment> {
        if self.document.root.contains_key("sweep") {
            let message = "the experiment has a table `sweep`; `gloss sweep` runs it";
            return Err(Error::Usage(message.into()));
        }
        match resolve::resolve(&self.document, registry, self.name.as_deref(), seed) {
            Err(Error::Config(Diagnostics(more))) => Err(Error::Config(Diagnostics(
                [self.diagnostics.clone(), more].concat(),
            ))),
            other => {
                Diagnostics(self.diagnostics.clone()).into_result()?;
                let mut experiment = other?;
                experiment.mirrors = self.mirrors.clone();
                Ok(experiment)
            }
        }
    }

    /// Resolves the metrics alone, whatever else is set or missing. Touches no file.
    ///
    /// # Errors
    /// [`Error::Config`] with all of their faults at once.
    pub fn resolve_metrics(&self, registry: &Registry) -> Result<Vec<Arc<dyn Metric>>> {
        Diagnostics(self.diagnostics.clone()).into_result()?;
        resolve::resolve_metrics(&self.document, registry)
    }

    /// Resolves the one component of `kind` that is set under the name of its kind, and returns it
    /// together with its options as typed. Touches no file.
    ///
    /// # Errors
    /// [`Error::Config`] with all of its faults at once.
    pub fn resolve_one(
        &self,
        kind: Kind,
        registry: &Registry,
    ) -> Result<(AnyComponent, Map<String, Value>)> {
        Diagnostics(self.diagnostics.clone()).into_result()?;
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

    /// Resolves the dataset alone, whatever else is set or missing. Touches no file.
    ///
    /// # Errors
    /// [`Error::Config`] with all of its faults at once.
    pub fn resolve_dataset(&self, registry: &Registry) -> Result<Arc<dyn Dataset>> {
        Diagnostics(self.diagnostics.clone()).into_result()?;
        resolve::resolve_dataset(&self.document, registry)
    }
}
