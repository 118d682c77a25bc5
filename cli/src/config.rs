//! Experiments from files and flags.

use std::sync::Arc;

use gloss_core::{Dataset, Registry, Result};
use gloss_engine::{ExperimentConfig, FinishedRun};
use serde_json::{Value, json};

use crate::args::Experiment;
use crate::load;
use crate::session::Session;

/// The experiment that the file and the flags describe, with the files of object stores on this machine.
pub(crate) fn local_experiment(args: &Experiment, session: &Session) -> Result<ExperimentConfig> {
    let mut config = experiment(args)?;
    session.remote.mirror(&mut config)?;
    Ok(config)
}

/// The experiment that the file and the flags describe; flags prevail.
pub(crate) fn experiment(args: &Experiment) -> Result<ExperimentConfig> {
    let mut config = match &args.file {
        Some(file) => ExperimentConfig::from_file(file)?,
        None => ExperimentConfig::new(),
    };
    let flags = [
        ("dataset", &args.dataset),
        ("generator", &args.generator),
        ("retriever", &args.retriever),
        ("split", &args.split),
    ];
    for (key, value) in flags {
        if let Some(value) = value {
            config.replace(
                &format!("--{key} {value}"),
                key,
                Value::from(value.as_str()),
            );
        }
    }
    if !args.metric.is_empty() {
        let typed = format!("--metric {}", args.metric.join(","));
        config.replace(&typed, "metrics", json!(args.metric));
    }
    args.set
        .iter()
        .for_each(|assignment| config.set(assignment));
    config
        .plugins()
        .iter()
        .try_for_each(|path| load::plugin(path))?;
    Ok(config)
}

/// The dataset `name` with options typed as `KEY=VALUE`, where the key may begin with `dataset.`.
pub(crate) fn dataset(
    command: &str,
    name: &str,
    set: &[String],
    session: &Session,
) -> Result<Arc<dyn Dataset>> {
    let mut config = ExperimentConfig::new();
    let typed = format!("gloss {command} {name}");
    config.replace(&typed, "dataset", json!({ "type": name }));
    for assignment in set {
        let of_dataset = assignment.starts_with("dataset.");
        let prefix = if of_dataset { "" } else { "dataset." };
        config.set(&format!("{prefix}{assignment}"));
    }
    session.remote.mirror(&mut config)?;
    config.resolve_dataset(&Registry::known()?)
}

/// The dataset of a finished run.
pub(crate) fn dataset_of(run: &FinishedRun, session: &Session) -> Result<Arc<dyn Dataset>> {
    let mut config = ExperimentConfig::new();
    let described = run.manifest.experiment["dataset"].clone();
    config.replace("the run's dataset", "dataset", described);
    session.remote.mirror(&mut config)?;
    config.resolve_dataset(&Registry::known()?)
}
