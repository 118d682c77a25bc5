//! The training before the training.

use std::fs;
use std::path::{Path, PathBuf};

use gloss_core::{Context, Data, Error, Result};
use gloss_torch::{deterministic, torch_error_with};
use gloss_training::{Gradient, Parameters, Trainee, random_stream};
use rand::Rng;
use tch::{Device, TchError};

use super::S3Rec;
use super::tasks::{Draw, Tasks};
use crate::batch::{Sequence, groups};
use crate::config::SequenceTraining;
use crate::features::FeatureTable;
use crate::predictions::training_sequences;
use crate::train::{MODEL, session};
use gloss_training::{Builder, Leaves};
use gloss_training::{WEIGHTS, write_weights};

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
        let causal = model.causal(&mut builder, data)?;
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
            leaves.backward(&loss, &self.parameters)?;
            total += loss.f_double_value(&[])?;
        }
        Ok(Gradient {
            loss: total,
            predictions: examples.len(),
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
        write_weights(folder, &self.parameters)
    }
}
