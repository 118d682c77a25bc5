//! What an experiment is made from: files that are read, code, packages.

use crate::store::{Input, read_inputs};
use crate::{Component, Context, Experiment, Result};

/// The files that the experiment's components read, each once.
pub(super) fn all_inputs(experiment: &Experiment, context: &Context) -> Result<Vec<Input>> {
    let mut paths = experiment.dataset.inputs()?;
    for method in &experiment.methods {
        paths.extend(method.generator.inputs()?);
        if let Some(retriever) = &method.retriever {
            paths.extend(retriever.inputs()?);
        }
    }
    paths.sort();
    paths.dedup();
    read_inputs(paths, context)
}

fn components(experiment: &Experiment) -> Vec<&dyn Component> {
    let mut components: Vec<&dyn Component> = vec![experiment.dataset.as_ref()];
    for metric in &experiment.metrics {
        components.push(metric.as_ref());
    }
    for method in &experiment.methods {
        components.push(method.generator.as_ref());
        if let Some(retriever) = &method.retriever {
            components.push(retriever.as_ref());
        }
        if let Some(metric) = &method.validation {
            components.push(metric.as_ref());
        }
    }
    components
}

/// The files of code that is not compiled in, each once.
pub(super) fn code(experiment: &Experiment) -> Result<Vec<Input>> {
    let mut code = Vec::new();
    for component in components(experiment) {
        code.extend(component.code()?);
    }
    code.sort_by(|a, b| a.path.cmp(&b.path));
    code.dedup();
    Ok(code)
}

pub(super) fn packages(experiment: &Experiment) -> Vec<String> {
    let mut packages: Vec<String> = components(experiment)
        .into_iter()
        .map(|component| {
            let (name, version) = component.package();
            format!("{name} {version}")
        })
        .collect();
    packages.sort();
    packages.dedup();
    packages
}

/// The most memory that this process had, where Linux tells.
pub(super) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
