//! The training before the training.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use gloss_core::{Context, Data, Error, Result};
use gloss_torch::{deterministic, torch_error, torch_error_with, write_safetensors};
use gloss_training::{Gradient, Parameters, Trainee, random_stream};
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Device, TchError, Tensor};

use super::S3Rec;
use super::tasks::{Draw, Tasks};
use crate::batch::{Sequence, groups};
use crate::config::SequenceTraining;
use crate::features::FeatureTable;
use crate::generator::WEIGHTS;
use crate::predictions::training_sequences;
use crate::train::{MODEL, session};
use crate::weights::{Builder, Leaves};

/// Options for the pretraining of S3-Rec: four tasks whose losses are added.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pretraining {
    /// The times that every user is seen; 0 for no pretraining.
    pub num_train_epochs: u64,
    /// Users of a step.
    #[schemars(range(min = 1))]
    pub per_device_train_batch_size: usize,
    /// The learning rate, of Adam.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// The probability with which an item is masked.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mlm_probability: f64,
    /// The weight of the prediction of an item's features from its place.
    #[schemars(range(min = 0.0))]
    pub aap_weight: f64,
    /// The weight of the prediction of masked items.
    #[schemars(range(min = 0.0))]
    pub mip_weight: f64,
    /// The weight of the prediction of masked items' features.
    #[schemars(range(min = 0.0))]
    pub map_weight: f64,
    /// The weight of telling a masked segment from another user's.
    #[schemars(range(min = 0.0))]
    pub sp_weight: f64,
}

impl Default for Pretraining {
    fn default() -> Self {
        Pretraining {
            num_train_epochs: 100,
            per_device_train_batch_size: 100,
            learning_rate: 1e-3,
            mlm_probability: 0.2,
            aap_weight: 0.2,
            mip_weight: 1.0,
            map_weight: 1.0,
            sp_weight: 0.5,
        }
    }
}

const ADVICE: &str =
    "A smaller `pretraining.per_device_train_batch_size` or fewer features need less";

/// Pretrains below `folder`, unless an earlier attempt has; returns the folder of the weights.
pub(super) fn pretrain(
    model: &S3Rec,
    data: &Data,
    folder: &Path,
    context: &Context,
) -> Result<PathBuf> {
    let folder = folder.join("pretraining");
    let weights = folder.join(MODEL);
    if weights.join(WEIGHTS).exists() {
        return Ok(weights);
    }
    fs::create_dir_all(&folder).map_err(Error::io("make the folder", &folder))?;
    let own = &model.pretraining;
    let options = SequenceTraining {
        learning_rate: own.learning_rate,
        num_train_epochs: own.num_train_epochs,
        per_device_train_batch_size: own.per_device_train_batch_size,
        metric_for_best_model: "last".to_string(),
        seed: model.training.seed,
        ..SequenceTraining::default()
    };
    session(Pretrainee::new(model, data)?, &options, &folder, context)?.run()?;
    Ok(weights)
}

/// The network in pretraining.
struct Pretrainee<'a> {
    tasks: Tasks,
    parameters: Parameters,
    device: Device,
    max_length: usize,
    seed: u64,
    deterministic: bool,
    examples: Vec<(Sequence<'a>, Vec<u32>)>,
}

impl<'a> Pretrainee<'a> {
    fn new(model: &S3Rec, data: &'a Data) -> Result<Self> {
        let device = model.device.open()?;
        let mut builder = Builder::default();
        let causal = model.causal(&mut builder, data);
        let table = FeatureTable::new(&model.features, &data.catalogue)?;
        let catalogue = data.catalogue.len();
        let options = (model.pretraining.clone(), model.hidden_size);
        let tasks = Tasks::new(&mut builder, causal, table, catalogue, options);
        let seed = model.training.seed;
        let parameters = builder
            .draw(seed ^ (1 << 63), device)
            .map_err(torch_error_with("make room for pretraining", ADVICE))?;
        Ok(Pretrainee {
            tasks,
            parameters,
            device,
            max_length: model.max_length,
            seed,
            deterministic: model.training.deterministic,
            examples: training_sequences(data, model.max_length),
        })
    }

    fn gradient_of(&self, examples: &[usize], step: u64) -> Result<Gradient, TchError> {
        let _ = self.parameters.gradient.shallow_clone().f_zero_()?;
        let leaves = Leaves::trained(&self.parameters)?;
        let mut random = random_stream(self.seed ^ (1 << 61), step);
        tch::manual_seed(random.random());
        let draws: Vec<Draw> = examples
            .iter()
            .map(|&place| {
                let (sequence, seen) = &self.examples[place];
                let other = &self.examples[random.random_range(0..self.examples.len())].0;
                self.tasks.draw(*sequence, seen, other.items, &mut random)
            })
            .collect();
        let lengths: Vec<usize> = draws.iter().map(Draw::len).collect();
        let share = 1.0 / examples.len().max(1) as f64;
        let mut total = 0.0;
        for group in groups(&lengths, usize::MAX) {
            let group: Vec<&Draw> = group.iter().map(|&place| &draws[place]).collect();
            let loss = self
                .tasks
                .loss(&leaves, &group, self.max_length, self.device)?
                .f_mul_scalar(share)?;
            let gradients = Tensor::f_run_backward(&[&loss], &leaves.0, false, false)?;
            for (parameter, gradient) in self.parameters.list.iter().zip(&gradients) {
                if gradient.defined() {
                    parameter.add(gradient, &self.parameters.gradient)?;
                }
            }
            total += loss.f_double_value(&[])?;
        }
        Ok(Gradient {
            loss: total,
            tokens: lengths.iter().sum(),
        })
    }
}

impl Trainee for Pretrainee<'_> {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn examples(&self) -> usize {
        self.examples.len()
    }

    fn gradient(&self, examples: &[usize], step: u64) -> Result<Gradient, TchError> {
        match self.deterministic {
            true => deterministic(self.device, || self.gradient_of(examples, step)),
            false => self.gradient_of(examples, step),
        }
    }

    /// There are none: the last weights are kept.
    fn validation_loss(&self) -> Result<Option<f64>, TchError> {
        Ok(None)
    }

    /// The losses of the tasks are sums over all features, so that none is too high.
    fn loss_of_guessing(&self) -> f64 {
        f64::INFINITY
    }

    fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))?;
        let tensors = self
            .parameters
            .list
            .iter()
            .map(|parameter| {
                let value = parameter.of(&self.parameters.values)?;
                Ok((parameter.name.as_str(), value))
            })
            .collect::<Result<Vec<(&str, Tensor)>, TchError>>()
            .map_err(torch_error("write the weights"))?;
        write_safetensors(&folder.join(WEIGHTS), &tensors, HashMap::new())
    }
}
