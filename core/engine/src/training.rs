//! Trainings: the generators of an experiment, without a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gloss_core::{Context, Error, QueryGenerator, Result};

use crate::cache::{Cache, Driver};
use crate::config::{Experiment, Method};
use crate::files::{create_folder, for_each_file};
use crate::manifest::{Existing, Folder, Work};
use crate::pipeline::{join, prepare, train};
use crate::results::Training;
use crate::run_files::method_folder;

/// Trains the generators of an experiment, each method in turn, and leaves a folder with
/// `manifest.json` and each result (in a folder of its own if there are several methods). A run of
/// the same experiment finds the results in the cache.
///
/// # Errors
/// The error of a training; if no generator is trained; if the folder is in use for something else.
pub fn train_experiment(
    experiment: &Experiment,
    cache: &Cache,
    existing: Existing,
    context: &Context,
) -> Result<Training> {
    let is_trained = |method: &&Method| method.generator.trainer().is_some();
    let methods: Vec<&Method> = experiment.methods.iter().filter(is_trained).collect();
    if methods.is_empty() {
        return Err(Error::Usage(
            "no generator of this experiment is trained; for `llama`, add `generator.training`"
                .into(),
        ));
    }
    let count = experiment.methods.len() + experiment.fusions.len();
    let folder = Folder::open(Work::Training, experiment, context)?;
    let folders: Vec<(String, PathBuf)> = methods
        .iter()
        .map(|method| {
            let own = method_folder(&folder.path, &method.name, count);
            (method.name.clone(), own)
        })
        .collect();
    if let Some(manifest) = folder.find(existing)? {
        return Ok(Training {
            reused: true,
            methods: folders,
            stages: manifest.stages,
            folder: folder.path,
        });
    }
    let driver = Driver::new(cache, context);
    let data = prepare(experiment, &driver)?;
    let partial = folder.begin()?;
    for method in methods {
        let (_, artefact) = train(method, &data, &driver.for_method(&method.name))?;
        if let Some(artefact) = artefact {
            let own = method_folder(partial, &method.name, count);
            copy(&artefact.folder, &own)?;
            artefact.remove_record(&own)?;
        }
    }
    folder.finish(driver.rows())?;
    Ok(Training {
        reused: false,
        methods: folders,
        stages: driver.rows(),
        folder: folder.path,
    })
}

/// Takes part in the trainings of [`train_experiment`], which another process runs at the same time, and
/// leaves nothing. Returns the number of trainings.
///
/// # Errors
/// The error of a training.
pub fn join_training(experiment: &Experiment, cache: &Cache, context: &Context) -> Result<usize> {
    let driver = Driver::new(cache, context);
    let data = prepare(experiment, &driver)?;
    let mut count = 0;
    for method in &experiment.methods {
        count += usize::from(join(method, &data, &driver)?);
    }
    Ok(count)
}

/// Returns the generator of a method, trained if its options ask for that.
///
/// # Errors
/// The error of the training.
pub fn trained_generator(
    experiment: &Experiment,
    method: &Method,
    cache: &Cache,
    context: &Context,
) -> Result<Arc<dyn QueryGenerator>> {
    if method.generator.trainer().is_none() {
        return Ok(Arc::clone(&method.generator));
    }
    let driver = Driver::new(cache, context);
    let data = prepare(experiment, &driver)?;
    Ok(train(method, &data, &driver.for_method(&method.name))?.0)
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for_each_file(from, &mut |path| {
        let target = to.join(path.strip_prefix(from).unwrap_or(path));
        if let Some(parent) = target.parent() {
            create_folder(parent)?;
        }
        let copied = fs::copy(path, &target);
        copied.map(drop).map_err(Error::io("write", &target))
    })
}
