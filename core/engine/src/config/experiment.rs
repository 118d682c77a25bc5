//! An experiment that can run.

use std::path::PathBuf;
use std::sync::Arc;

use gloss_core::{
    Dataset, Error, Metric, QueryGenerator, Result, Retriever, Segment, describe_component,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::mirrors::{Mirrors, for_each_text};
use crate::bootstrap::Bootstrap;
use crate::ranking::RankingOptions;
use crate::run_files::folder_name;
use crate::split::Split;

/// An experiment: every name resolved, every option checked, nothing read yet.
#[derive(Debug, Clone)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// The folder that its run writes, if one was given.
    pub output: Option<PathBuf>,
    /// The split that the methods are evaluated on.
    pub split: Split,
    /// The user segments that they are also evaluated on.
    pub segments: Vec<Segment>,
    /// The confidence intervals, if there are any.
    pub bootstrap: Option<Bootstrap>,
    /// The dataset.
    pub dataset: Arc<dyn Dataset>,
    /// The metrics, in the order given.
    pub metrics: Vec<Arc<dyn Metric>>,
    /// The methods, in the order given; at least one.
    pub methods: Vec<Method>,
    /// The fusions of those methods, in the order given.
    pub fusions: Vec<FusedMethods>,
    /// The seed of this run, if it is one of several.
    pub seed: Option<u64>,
    /// Paths on this machine that stand for addresses elsewhere, with those addresses.
    pub(crate) mirrors: Mirrors,
}

/// A method whose rankings are fused from those of others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FusedMethods {
    /// Its name, unique in the experiment.
    pub name: String,
    /// The positions of the others among the experiment's methods, and how much each counts.
    pub methods: Vec<(usize, f64)>,
    /// The ranking options of the fusion.
    pub ranking: RankingOptions,
}

/// A method: how queries are made and answered, and how the answers become a ranking.
#[derive(Debug, Clone)]
pub struct Method {
    /// Its name, unique in the experiment.
    pub name: String,
    /// The query generator.
    pub generator: Arc<dyn QueryGenerator>,
    /// The retriever; none if the generator names items.
    pub retriever: Option<Arc<dyn Retriever>>,
    /// The ranking options.
    pub ranking: RankingOptions,
    /// The metric of the validation examples that decides the generator's training, if its
    /// trainer names one.
    pub validation: Option<Arc<dyn Metric>>,
}

impl Experiment {
    /// The full configuration, defaults included, without the output folder; with addresses where
    /// mirrors of them are used.
    ///
    /// # Errors
    /// [`Error::Component`] if a component's options cannot be written as JSON.
    pub fn describe(&self) -> Result<Value> {
        let metrics: Result<Vec<Value>> = self
            .metrics
            .iter()
            .map(|metric| describe_component(metric.as_ref()))
            .collect();
        let methods: Result<Vec<Value>> = self.methods.iter().map(Method::describe).collect();
        let mut described = json!({
            "name": self.name,
            "split": self.split,
            "segments": self.segments,
            "bootstrap": self.bootstrap,
            "dataset": describe_component(self.dataset.as_ref())?,
            "metrics": metrics?,
            "methods": methods?,
            "fusions": self.fusions,
        });
        for_each_text(&mut described, &mut |text| {
            if let Some(address) = self.mirrors.get(text) {
                text.clone_from(address);
            }
            Ok(())
        })?;
        Ok(described)
    }
}

impl Experiment {
    /// The experiment's name as a folder's: letters, digits, `.`, `_` and `-` kept, others as `-`.
    pub fn folder_name(&self) -> String {
        folder_name(&self.name)
    }
}

impl Method {
    /// The method's full configuration, defaults included.
    ///
    /// # Errors
    /// [`Error::Component`] if a component's options cannot be written as JSON.
    pub fn describe(&self) -> Result<Value> {
        Ok(json!({
            "name": self.name,
            "generator": describe_component(self.generator.as_ref())?,
            "retriever": self.retriever.as_deref().map(|r| describe_component(r)).transpose()?,
            "ranking": serde_json::to_value(&self.ranking)
                .map_err(|error| Error::Internal(error.to_string()))?,
        }))
    }

    /// The method's name as a folder's: letters, digits, `.`, `_` and `-` kept, others as `-`.
    pub fn folder_name(&self) -> String {
        folder_name(&self.name)
    }
}
