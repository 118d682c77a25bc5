//! The training of a network on users' sequences.

use std::fs;
use std::path::Path;

use gloss_core::{Context, Data, Error, Result, Validate};
use gloss_torch::{deterministic, torch_error_with};
use gloss_training::{
    Adam, Gradient, LearningRate, Optimizer, OptimizerName, Parameters, Session, Settings, Trainee,
    World, random_stream,
};
use rand::Rng;
use serde_json::{Value, json};
use tch::{Device, Kind, TchError, Tensor};

use crate::batch::{Batch, Sequence, groups};
use crate::config::SequenceTraining;
use crate::loss::{Parts, sum_over_all};
use crate::negatives::Sampler;
use crate::network::{Model, Network, last};
use crate::predictions::{Prediction, input, input_times, training_sequences, validation_sequence};
use gloss_training::Pass;
use gloss_training::{Builder, Leaves};
use gloss_training::{CONFIG, ITEMS, load_weights, write_json, write_vectors, write_weights};

/// The folder of the weights in that of a training.
pub(crate) const MODEL: &str = "model";
const ADVICE: &str = "A smaller `per_device_train_batch_size`, a shorter `max_length` or fewer \
                      `negatives` need less";
/// The most sequences that are computed at once.
const SEQUENCES_AT_ONCE: usize = 1024;
/// The most scores of validation that are in memory at once.
const SCORES_AT_ONCE: usize = 1 << 25;

/// Trains `model` into `folder`.
pub(crate) fn train<M: Model>(
    model: &M,
    data: &Data,
    folder: &Path,
    validate: &Validate<'_>,
    context: &Context,
) -> Result<()> {
    let options = model.shared().training.clone();
    let start = model.pretrain(data, folder, context)?;
    let judge = |weights: &Path| validate(&model.with_weights(weights.to_path_buf()));
    let metric = options
        .metric()
        .map(|label| (label, &judge as &dyn Fn(&Path) -> Result<f64>));
    let trainee = SequenceTrainee::new(model, data, start.as_deref())?;
    let mut session = session(trainee, &options, folder, context)?;
    session.metric = metric;
    session.run()
}

/// A training before its first step.
pub(crate) fn session<'a, T: Trainee>(
    trainee: T,
    options: &SequenceTraining,
    folder: &'a Path,
    context: &'a Context,
) -> Result<Session<'a, T>> {
    let adam = Adam {
        weight_decay: options.weight_decay,
        betas: (options.adam_beta1, options.adam_beta2),
    };
    let optimizer = Optimizer::new(trainee.parameters(), OptimizerName::Adamw, adam)
        .map_err(torch_error_with("make room for training", ADVICE))?;
    Ok(Session {
        trainee,
        optimizer,
        settings: settings(options),
        folder,
        metric: None,
        // Small models train on one machine.
        world: World::join(1, context)?,
        context,
    })
}

fn settings(options: &SequenceTraining) -> Settings {
    Settings {
        epochs: options.num_train_epochs,
        max_steps: options.max_steps,
        examples_per_step: options.per_device_train_batch_size,
        learning_rate: LearningRate {
            highest: options.learning_rate,
            warmup_steps: options.warmup_steps,
            schedule: options.lr_scheduler_type,
        },
        max_grad_norm: options.max_grad_norm,
        seed: options.seed,
        eval_steps: options.eval_steps,
        save_steps: options.save_steps,
        early_stopping_patience: options.early_stopping_patience,
        keeps_last: options.metric_for_best_model == "last",
        weights: MODEL,
        advice: ADVICE,
    }
}

/// A network in training.
pub(crate) struct SequenceTrainee<'a> {
    pub(crate) options: SequenceTraining,
    pub(crate) network: Box<dyn Network>,
    pub(crate) parameters: Parameters,
    pub(crate) device: Device,
    max_length: usize,
    /// A user's items, and these without repetition, sorted.
    examples: Vec<(Sequence<'a>, Vec<u32>)>,
    /// The history of each validation user, and the item that follows.
    validation: Vec<(Sequence<'a>, u32)>,
    sampler: Sampler,
    /// The options and the items' ids, as they are written beside the weights.
    description: (Value, Vec<&'a str>),
}

/// The predictions of a step.
#[derive(Default)]
struct Predicted<'a> {
    /// The vectors of places, [predictions, width] of each group of sequences.
    hidden: Vec<Tensor>,
    /// The items that are right.
    targets: Vec<i64>,
    /// The items of each place's user.
    users: Vec<&'a [u32]>,
}

impl<'a> SequenceTrainee<'a> {
    /// The training of `model` before its first step; `start` is a folder of weights to begin with.
    pub(crate) fn new<M: Model>(model: &M, data: &'a Data, start: Option<&Path>) -> Result<Self> {
        let shared = model.shared();
        let options = shared.training.clone();
        let device = shared.device.open()?;
        let mut builder = Builder::default();
        let network = model.network(&mut builder, data)?;
        // One bit is turned, so that no weights are drawn like the order of users.
        let parameters = builder
            .draw(options.seed ^ (1 << 63), device)
            .map_err(torch_error_with("make room for training", ADVICE))?;
        if let Some(start) = start {
            load_weights(start, &parameters, device)?;
        }
        let longest = shared.max_length + usize::from(network.mask().is_none());
        let examples = training_sequences(data, longest);
        let validation: Vec<_> = data
            .splits
            .validation
            .iter()
            .filter_map(|&example| validation_sequence(data, example))
            .collect();
        check(&options, examples.len(), validation.len())?;
        let config: Value = serde_json::to_value(model)
            .map_err(|error| Error::Internal(format!("options of a model: {error}")))?;
        let ids = data.catalogue.items().iter().map(|item| item.id.as_str());
        Ok(SequenceTrainee {
            sampler: Sampler::new(&options, &data.training_counts(), device)?,
            max_length: shared.max_length,
            options,
            network,
            parameters,
            device,
            examples,
            validation,
            description: (
                json!({ "name": model.name(), "options": config }),
                ids.collect(),
            ),
        })
    }

    /// Computes the vectors at the predicted places of `examples` at once, and appends them.
    fn predict<'e>(
        &self,
        leaves: &Leaves,
        examples: &[&'e Prediction<'_>],
        all: &mut Predicted<'e>,
    ) -> Result<(), TchError> {
        let sequences: Vec<Sequence<'_>> = examples.iter().map(|e| e.input()).collect();
        let batch = Batch::new(&sequences, self.max_length, self.device)?;
        let (_, length) = batch.items.size2()?;
        let mut places = Vec::new();
        for (row, example) in (0..).zip(examples) {
            for &(place, target) in &example.predicted {
                places.push(row * length + place as i64);
                all.targets.push(i64::from(target));
                all.users.push(example.seen);
            }
        }
        let hidden = self.network.hidden(leaves, &batch, Pass::Training)?;
        let width = hidden.size3()?.2;
        let places = Tensor::f_from_slice(&places)?.f_to_device(self.device)?;
        let hidden = hidden.f_reshape([-1, width])?.f_index_select(0, &places)?;
        all.hidden.push(hidden);
        Ok(())
    }

    /// Continues the gradients by hidden states and items to those by the weights.
    fn backward(
        &self,
        leaves: &Leaves,
        (hidden, items): (&Tensor, &Tensor),
        parts: &Parts,
        share: f64,
    ) -> Result<(), TchError> {
        let product = |a: &Tensor, b: &Tensor| a.f_mul(b)?.f_sum(Kind::Float);
        let mut total = product(hidden, &parts.by_hidden)?;
        match &parts.places {
            Some(places) => {
                let rows = leaves.rows(items, places)?;
                total = total.f_add(&product(&rows, &parts.by_items)?)?;
            }
            None => {
                let gradient = parts.by_items.f_mul_scalar(share)?;
                if !leaves.add(items, &gradient, &self.parameters)? {
                    total = total.f_add(&product(items, &parts.by_items)?)?;
                }
            }
        }
        let total = total.f_mul_scalar(share)?;
        leaves.backward(&total, &self.parameters)
    }

    fn gradient_of(&self, examples: &[usize], step: u64) -> Result<Gradient, TchError> {
        let _ = self.parameters.gradient.shallow_clone().f_zero_()?;
        let leaves = Leaves::trained(&self.parameters)?;
        // One bit is turned, so that nothing is drawn like the order of users.
        let mut random = random_stream(self.options.seed ^ (1 << 62), step);
        tch::manual_seed(random.random());
        let mask = self.network.mask();
        let examples: Vec<Prediction<'_>> = examples
            .iter()
            .map(|&place| {
                let (sequence, seen) = &self.examples[place];
                Prediction::new(*sequence, seen, mask, &mut random)
            })
            .collect();
        let lengths: Vec<usize> = examples.iter().map(|e| e.input().len()).collect();
        let mut all = Predicted::default();
        for group in groups(&lengths, SEQUENCES_AT_ONCE) {
            let group: Vec<&Prediction<'_>> = group.iter().map(|&e| &examples[e]).collect();
            self.predict(&leaves, &group, &mut all)?;
        }
        let hidden = Tensor::f_cat(&all.hidden, 0)?;
        let share = 1.0 / all.users.len().max(1) as f64;
        let targets = Tensor::f_from_slice(&all.targets)?.f_to_device(self.device)?;
        let items = self.network.items(&leaves, Pass::Training)?;
        let objective = self
            .sampler
            .objective(&all.users, &mut random, self.device)?;
        let parts = objective.parts(&hidden, &items, &targets)?;
        self.backward(&leaves, (&hidden, &items), &parts, share)?;
        Ok(Gradient {
            loss: parts.sum.f_double_value(&[])? * share,
            predictions: all.users.len(),
            tokens: all.users.len(),
        })
    }

    fn validation_sum(&self) -> Result<f64, TchError> {
        let leaves = Leaves::fixed(&self.parameters)?;
        let items = self.network.items(&leaves, Pass::Evaluation)?;
        let inputs: Vec<Vec<u32>> = self
            .validation
            .iter()
            .map(|(sequence, _)| input(sequence.items, self.network.mask(), self.max_length))
            .collect();
        let lengths: Vec<usize> = inputs.iter().map(Vec::len).collect();
        let items_count = self.description.1.len().max(1);
        let at_once = (SCORES_AT_ONCE / items_count).clamp(1, SEQUENCES_AT_ONCE);
        let mut sum = 0.0;
        for group in groups(&lengths, at_once) {
            let (mut sequences, mut targets) = (Vec::new(), Vec::new());
            let mut times = Vec::new();
            for &place in &group {
                let (sequence, target) = &self.validation[place];
                times.push(input_times(sequence.times, lengths[place]));
                targets.push(i64::from(*target));
            }
            for (&place, times) in group.iter().zip(&times) {
                let items = &inputs[place];
                sequences.push(Sequence { items, times });
            }
            let batch = Batch::new(&sequences, self.max_length, self.device)?;
            let hidden = last(self.network.as_ref(), &leaves, &batch)?;
            let targets = Tensor::f_from_slice(&targets)?.f_to_device(self.device)?;
            sum += sum_over_all(&hidden, &items, &targets)?.f_double_value(&[])?;
        }
        Ok(sum)
    }
}

impl Trainee for SequenceTrainee<'_> {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn examples(&self) -> usize {
        self.examples.len()
    }

    fn gradient(&self, examples: &[usize], step: u64) -> Result<Gradient, TchError> {
        match self.options.deterministic {
            true => deterministic(self.device, || self.gradient_of(examples, step)),
            false => self.gradient_of(examples, step),
        }
    }

    fn validation_loss(&self) -> Result<Option<f64>, TchError> {
        if self.validation.is_empty() {
            return Ok(None);
        }
        let sum = tch::no_grad(|| self.validation_sum())?;
        Ok(Some(sum / self.validation.len() as f64))
    }

    fn loss_of_guessing(&self) -> f64 {
        (self.description.1.len() as f64).ln().max(1.0)
    }

    fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))?;
        let (config, ids) = &self.description;
        write_json(&folder.join(CONFIG), config)?;
        write_json(&folder.join(ITEMS), &json!(ids))?;
        write_weights(folder, &self.parameters)?;
        let vectors = Leaves::fixed(&self.parameters)
            .and_then(|leaves| tch::no_grad(|| self.network.items(&leaves, Pass::Evaluation)));
        write_vectors(
            folder,
            vectors.map_err(torch_error_with("write the vectors", ADVICE))?,
        )
    }
}

/// Checks that there are examples to train on and to choose by.
fn check(options: &SequenceTraining, train: usize, validation: usize) -> Result<()> {
    if train == 0 {
        return Err(Error::Usage(
            "the data has no training example of two items or more".to_string(),
        ));
    }
    match validation == 0 && options.metric_for_best_model != "last" {
        true => Err(Error::Usage(format!(
            "the data has no validation examples, and `training.metric_for_best_model` is `{}`; \
             keep the last weights by `metric_for_best_model = \"last\"`",
            options.metric_for_best_model
        ))),
        false => Ok(()),
    }
}
