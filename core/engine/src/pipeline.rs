//! The graph of stages that a run, a training and a validation share.

use std::path::PathBuf;
use std::sync::Arc;

use gloss_core::{
    Context, Data, Error, Identity, Metric, Query, QueryGenerator, Ragged, Result, Retriever,
    Trainer,
};
use serde_json::{Value, json};

use crate::cache::{Artefact, Driver, Made};
use crate::config::{Experiment, Method};
use crate::data_files::{EXAMPLES, INTERACTIONS, ITEMS};
use crate::evaluate::{Evaluator, Ranked};
use crate::merge;
use crate::shard::Shard;
use crate::split::Split;
use crate::stage::{Provenance, Stage};
use crate::stages::generate::{Generate, QUERIES};
use crate::stages::index::BuildIndex;
use crate::stages::prepare::Prepare;
use crate::stages::retrieve::{BuiltIndex, Retrieve, Retrieved};
use crate::stages::train::Train;

/// Loads the experiment's dataset.
pub(crate) fn prepare(experiment: &Experiment, driver: &Driver) -> Result<Made<Data>> {
    let dataset = experiment.dataset.as_ref();
    let context = &driver.context();
    driver.run(&Prepare { dataset, context })
}

/// Loads the experiment's dataset, which must have examples of its split.
pub(crate) fn prepare_examples(experiment: &Experiment, driver: &Driver) -> Result<Made<Data>> {
    let data = prepare(experiment, driver)?;
    let split = experiment.split;
    match split.examples(&data.value).is_empty() {
        false => Ok(data),
        true => Err(Error::Usage(format!(
            "the data has no {split} examples; for validation examples, raise \
             dataset.split.validation_share"
        ))),
    }
}

/// The content of a prepared dataset that later stages depend on: all but the loader's counts.
fn content(data: &Made<Data>) -> Value {
    data.artefact.content_of(&[ITEMS, INTERACTIONS, EXAMPLES])
}

/// Queries and rankings of a method on a split.
pub(crate) struct MethodRun {
    pub(crate) queries: Ragged<Query>,
    pub(crate) retrieved: Retrieved,
}

/// Returns the method's generator, after training it if its options ask for that, and the result of
/// the training.
pub(crate) fn train(
    method: &Method,
    data: &Made<Data>,
    driver: &Driver,
) -> Result<(Arc<dyn QueryGenerator>, Option<Artefact>)> {
    let Some(trainer) = method.generator.trainer() else {
        return Ok((Arc::clone(&method.generator), None));
    };
    let made = with_training(method, trainer, data, driver, |stage| driver.run(stage))?;
    Ok((made.value, Some(made.artefact)))
}

/// Takes part in the training of a method by another process. Returns `false` if there is none, because
/// the cache has its result.
pub(crate) fn join(method: &Method, data: &Made<Data>, driver: &Driver) -> Result<bool> {
    let Some(trainer) = method.generator.trainer() else {
        return Ok(false);
    };
    with_training(method, trainer, data, driver, |stage| {
        let is_there = driver.folder(stage.name(), &stage.provenance()?)?.is_dir();
        if !is_there {
            stage.join()?;
        }
        Ok(!is_there)
    })
}

/// As [`train`], if the cache has the result of the training; else the error says that it has not.
pub(crate) fn find_trained(
    method: &Method,
    data: &Made<Data>,
    driver: &Driver,
) -> Result<Arc<dyn QueryGenerator>> {
    let Some(trainer) = method.generator.trainer() else {
        return Ok(Arc::clone(&method.generator));
    };
    let found = with_training(method, trainer, data, driver, |stage| {
        driver.find(stage, &stage.provenance()?)
    })?;
    let missing = |reason| {
        Error::Usage(format!(
            "the training of `{}` is not in the cache ({reason}); run the experiment again",
            method.name
        ))
    };
    Ok(found.map_err(missing)?.value)
}

/// Calls `work` with the stage that trains the method's generator.
fn with_training<T>(
    method: &Method,
    trainer: &dyn Trainer,
    data: &Made<Data>,
    driver: &Driver,
    work: impl FnOnce(&Train<'_>) -> Result<T>,
) -> Result<T> {
    let validate = |generator: &dyn QueryGenerator| validate(method, generator, data, driver);
    work(&Train {
        trainer,
        data: &data.value,
        data_content: content(data),
        validation: validation(method, driver)?,
        validate: &validate,
        context: &driver.context(),
    })
}

/// The users that a method is run for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Users {
    /// All of the split.
    All,
    /// Those of a shard.
    Shard(Shard),
    /// All, from the results of so many shards in the cache.
    Merged(usize),
}

impl Users {
    fn shard(self) -> Option<Shard> {
        match self {
            Users::Shard(shard) => Some(shard),
            Users::All | Users::Merged(_) => None,
        }
    }
}

/// Runs a method with `generator` on a split.
pub(crate) fn run_method(
    method: &Method,
    generator: &dyn QueryGenerator,
    (split, users): (Split, Users),
    data: &Made<Data>,
    driver: &Driver,
) -> Result<MethodRun> {
    let context = &driver.context();
    let shard = users.shard();
    let generate = generate(generator, (split, shard), data, context);
    let mut shards = Vec::new();
    let queries = match users {
        Users::Merged(count) => {
            let (queries, of_shards) = merge::queries(&generate, count, driver)?;
            shards = of_shards;
            queries
        }
        _ => driver.run(&generate)?,
    };
    let identity = match &method.retriever {
        Some(retriever) => retriever.identity()?,
        None => Identity::default(),
    };
    let index = match method.retriever.as_deref() {
        Some(retriever) => Some(index(retriever, &identity, data, driver)?),
        None => None,
    };
    let retrieve = Retrieve {
        ranking: &method.ranking,
        split,
        shard,
        data: &data.value,
        data_content: content(data),
        queries: &queries.value,
        queries_content: queries.artefact.content_of(&[QUERIES]),
        index,
        context,
    };
    let retrieved = match users {
        Users::Merged(_) => merge::rankings(&retrieve, &shards, driver)?,
        _ => driver.run(&retrieve)?,
    };
    Ok(MethodRun {
        queries: queries.value,
        retrieved: retrieved.value,
    })
}

fn generate<'a>(
    generator: &'a dyn QueryGenerator,
    (split, shard): (Split, Option<Shard>),
    data: &'a Made<Data>,
    context: &'a Context,
) -> Generate<'a> {
    Generate {
        generator,
        split,
        shard,
        data: &data.value,
        data_content: content(data),
        context,
    }
}

/// The folder of the queries of a shard.
pub(crate) fn queries_folder(
    generator: &dyn QueryGenerator,
    (split, shard): (Split, Shard),
    data: &Made<Data>,
    driver: &Driver,
) -> Result<PathBuf> {
    let context = &driver.context();
    let stage = generate(generator, (split, Some(shard)), data, context);
    driver.folder(stage.name(), &stage.provenance()?)
}

/// Does what all shards of a method share: the training and the index.
pub(crate) fn prepare_method(method: &Method, data: &Made<Data>, driver: &Driver) -> Result<()> {
    train(method, data, driver)?;
    if let Some(retriever) = method.retriever.as_deref() {
        index(retriever, &retriever.identity()?, data, driver)?;
    }
    Ok(())
}

/// Builds an index of the catalogue.
pub(crate) fn index<'a>(
    retriever: &'a dyn Retriever,
    identity: &'a Identity,
    data: &Made<Data>,
    driver: &Driver,
) -> Result<BuiltIndex<'a>> {
    let made = driver.run(&BuildIndex {
        retriever,
        identity,
        catalogue: &data.value.catalogue,
        catalogue_content: data.artefact.content_of(&[ITEMS]),
        context: &driver.context(),
    })?;
    Ok(BuiltIndex {
        retriever,
        identity,
        content: made.artefact.content(),
        folder: made.artefact.folder,
    })
}

/// Scores a method with `generator` in the place of its own on the validation examples; higher is
/// better.
fn validate(
    method: &Method,
    generator: &dyn QueryGenerator,
    data: &Made<Data>,
    driver: &Driver,
) -> Result<f64> {
    let Some(metric) = &method.validation else {
        return Err(Error::Internal("there is no metric to validate by".into()));
    };
    let users = (Split::Validation, Users::All);
    let run = run_method(method, generator, users, data, driver)?;
    let evaluator = Evaluator::new(&data.value, Split::Validation);
    let ranked = Ranked::new(method, &run.retrieved);
    let result = evaluator.evaluate(&ranked, &[Arc::clone(metric)])?.result;
    let value = result.metrics.first();
    Ok(value.map_or(0.0, |value| match value.higher_is_better {
        true => value.value,
        false => -value.value,
    }))
}

/// Everything that a validation by a metric depends on; `None` if no metric decides.
fn validation(method: &Method, driver: &Driver) -> Result<Option<Provenance>> {
    let Some(metric) = &method.validation else {
        return Ok(None);
    };
    let context = driver.context();
    let metric: &dyn Metric = metric.as_ref();
    let mut provenance = Provenance::of_stage(option_env!("GLOSS_FINGERPRINT"))
        .with_identity("metric", &Identity::of(metric)?)
        .with_identity("generator", &method.generator.identity()?)
        .with("ranking", json!(method.ranking));
    if let Some(retriever) = method.retriever.as_deref() {
        let files = gloss_core::hash_files(retriever.inputs()?, &context)?;
        provenance = provenance
            .with_identity("retriever", &retriever.identity()?)
            .with_files("retriever files", files);
    }
    Ok(Some(provenance))
}

#[cfg(test)]
mod tests;
