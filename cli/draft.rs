//! From flags to the draft of an experiment.

use std::sync::Arc;

use gloss_core::{Dataset, Draft, Registry, Result};
use serde_json::{Value, json};

use crate::args::Experiment;
use crate::load;

/// The experiment that the file and the flags describe; flags prevail.
pub(crate) fn experiment(args: &Experiment) -> Result<Draft> {
    let mut draft = match &args.file {
        Some(file) => Draft::from_file(file)?,
        None => Draft::new(),
    };
    let flags = [
        ("dataset", &args.dataset),
        ("generator", &args.generator),
        ("retriever", &args.retriever),
        ("split", &args.split),
    ];
    for (key, value) in flags {
        if let Some(value) = value {
            draft.replace(
                &format!("--{key} {value}"),
                key,
                Value::from(value.as_str()),
            );
        }
    }
    if !args.metric.is_empty() {
        let typed = format!("--metric {}", args.metric.join(","));
        draft.replace(&typed, "metrics", json!(args.metric));
    }
    args.set.iter().for_each(|assignment| draft.set(assignment));
    draft
        .plugins()
        .iter()
        .try_for_each(|path| load::plugin(path))?;
    Ok(draft)
}

/// The dataset `name` with options typed as `KEY=VALUE`, where the key may begin with `dataset.`.
pub(crate) fn dataset(command: &str, name: &str, set: &[String]) -> Result<Arc<dyn Dataset>> {
    let mut draft = Draft::new();
    let typed = format!("gloss {command} {name}");
    draft.replace(&typed, "dataset", json!({ "type": name }));
    for assignment in set {
        let of_dataset = assignment.starts_with("dataset.");
        let prefix = if of_dataset { "" } else { "dataset." };
        draft.set(&format!("{prefix}{assignment}"));
    }
    draft.resolve_dataset(&Registry::known()?)
}
