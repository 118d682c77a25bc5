//! The graph of stages that a run, a training and a validation share.

use std::sync::Arc;

use gloss_core::{Data, Error, Identity, Metric, Query, QueryGenerator, Ragged, Result, Retriever};
use serde_json::{Value, json};

use crate::cache::{Artefact, Driver, Made};
use crate::config::{Experiment, Method};
use crate::data_files::{EXAMPLES, INTERACTIONS, ITEMS};
use crate::evaluate::{Evaluator, Ranked};
use crate::split::Split;
use crate::stage::Provenance;
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
    let validate = |generator: &dyn QueryGenerator| validate(method, generator, data, driver);
    let made = driver.run(&Train {
        trainer,
        data: &data.value,
        data_content: content(data),
        validation: validation(method, driver)?,
        validate: &validate,
        context: &driver.context(),
    })?;
    Ok((made.value, Some(made.artefact)))
}

/// Runs a method with `generator` on a split.
pub(crate) fn run_method(
    method: &Method,
    generator: &dyn QueryGenerator,
    split: Split,
    data: &Made<Data>,
    driver: &Driver,
) -> Result<MethodRun> {
    let context = &driver.context();
    let queries = driver.run(&Generate {
        generator,
        split,
        data: &data.value,
        data_content: content(data),
        context,
    })?;
    let identity = match &method.retriever {
        Some(retriever) => retriever.identity()?,
        None => Identity::default(),
    };
    let index = match method.retriever.as_deref() {
        Some(retriever) => Some(index(retriever, &identity, data, driver)?),
        None => None,
    };
    let retrieved = driver.run(&Retrieve {
        ranking: &method.ranking,
        split,
        data: &data.value,
        data_content: content(data),
        queries: &queries.value,
        queries_content: queries.artefact.content_of(&[QUERIES]),
        index,
        context,
    })?;
    Ok(MethodRun {
        queries: queries.value,
        retrieved: retrieved.value,
    })
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
    let run = run_method(method, generator, Split::Validation, data, driver)?;
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
