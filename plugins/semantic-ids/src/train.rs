//! The training of a network on the codes of items.

use std::fs;
use std::path::Path;

use gloss_core::{Context, Data, Error, Result, Validate};
use gloss_item_tokenizer::{CODES, Codes, REPORT, Report};
use gloss_torch::{deterministic, torch_error_with};
use gloss_training::{
    Adam, Builder, CONFIG, Gradient, ITEMS, LearningRate, Leaves, Optimizer, OptimizerName,
    Parameters, Pass, Session, Settings, Trainee, World, random_stream, write_json, write_weights,
};
use rand::Rng;
use serde_json::{Value, json};
use tch::{Device, TchError, Tensor};

use crate::config::TigerTraining;
use crate::network::{T5, shifted};
use crate::sequence::{Inputs, Pair, Vocabulary, training_pairs, validation_pairs};
use crate::spec::{SemanticIdModel, Spec};

/// The folder of the weights in that of a training.
pub(crate) const MODEL: &str = "model";
/// The pairs of tokens that are one token.
pub(crate) const MERGES: &str = "merges.json";
const ADVICE: &str = "A smaller `per_device_train_batch_size` or a shorter `max_length` needs less";
/// The most examples that are computed at once, on a GPU and elsewhere.
const AT_ONCE: (usize, usize) = (1024, 32);
/// One bit of the seed differs, so that nothing is drawn like the order of examples.
const OF_WEIGHTS: u64 = 1 << 63;
const OF_DROPOUT: u64 = 1 << 62;

/// Trains `options` into `folder`.
pub(crate) fn train<W: SemanticIdModel>(
    options: &W,
    data: &Data,
    folder: &Path,
    validate: &Validate<'_>,
    context: &Context,
) -> Result<()> {
    let spec = options.spec();
    let codes = spec.tokenizer.codes(&data.catalogue, folder, context)?;
    let report = Report::new(&codes, data);
    report.warn();
    tracing::info!(report = %json!(report), "the codes of items");
    let judge = |weights: &Path| validate(&options.with_weights(weights.to_path_buf()));
    let training = spec.training;
    let metric = training
        .metric()
        .map(|label| (label, &judge as &dyn Fn(&Path) -> Result<f64>));
    let vocabulary = spec.learned(&codes, data, context)?;
    let description = (options.written_options()?, json!(report));
    let trainee = CodeTrainee::new(&spec, data, (codes, vocabulary), description)?;
    let adam = Adam {
        weight_decay: training.weight_decay,
        betas: (0.9, 0.999),
    };
    let optimizer = Optimizer::new(trainee.parameters(), OptimizerName::Adamw, adam)
        .map_err(torch_error_with("make room for training", ADVICE))?;
    Session {
        trainee,
        optimizer,
        settings: settings(training),
        folder,
        metric,
        world: World::join(1, context)?,
        context,
    }
    .run()
}

fn settings(options: &TigerTraining) -> Settings {
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

/// The network in training.
pub(crate) struct CodeTrainee<'a> {
    options: TigerTraining,
    network: T5,
    parameters: Parameters,
    device: Device,
    codes: Codes,
    vocabulary: Vocabulary,
    examples: Vec<Pair<'a>>,
    validation: Vec<Pair<'a>>,
    /// For the files that are written beside the weights.
    data: &'a Data,
    description: Value,
    report: Value,
}

impl<'a> CodeTrainee<'a> {
    pub(crate) fn new(
        spec: &Spec<'_>,
        data: &'a Data,
        (codes, vocabulary): (Codes, Vocabulary),
        (options, report): (Value, Value),
    ) -> Result<Self> {
        let device = spec.device.open()?;
        let mut builder = Builder::default();
        let network = T5::new(&mut builder, spec.network, vocabulary.len());
        let parameters = builder
            .draw(spec.training.seed ^ OF_WEIGHTS, device)
            .map_err(torch_error_with("make room for training", ADVICE))?;
        let (examples, validation) = (training_pairs(data), validation_pairs(data));
        check(spec.training, examples.len(), validation.len())?;
        Ok(CodeTrainee {
            options: spec.training.clone(),
            network,
            parameters,
            device,
            description: json!({ "name": spec.name, "options": options }),
            codes,
            vocabulary,
            examples,
            validation,
            data,
            report,
        })
    }

    /// The sum of the cross-entropies of all codes of the examples' next items.
    fn loss(
        &self,
        leaves: &Leaves,
        examples: &[Pair<'_>],
        pass: Pass,
        random: &mut impl Rng,
    ) -> Result<Tensor, TchError> {
        let inputs: Vec<Vec<i64>> = examples
            .iter()
            .map(|pair| {
                let (user, items) = (pair.user, pair.items);
                self.vocabulary.input(&self.codes, user, items, random)
            })
            .collect();
        let target = |pair: &Pair<'_>| self.vocabulary.item(&self.codes, pair.next);
        let targets: Vec<i64> = examples.iter().flat_map(target).collect();
        let rows = examples.len() as i64;
        let targets = Tensor::f_from_slice(&targets)?
            .f_view([rows, -1])?
            .f_to_device(self.device)?;
        let inputs = Inputs::new(&inputs, self.device)?;
        let encoded = self.network.encode(leaves, &inputs, pass)?;
        let read = shifted(&targets, self.device)?;
        let logits = self
            .network
            .decode(leaves, (&inputs, &encoded), &read, pass)?;
        let logits = logits.f_view([-1, self.vocabulary.len()])?;
        logits.f_cross_entropy_loss(
            &targets.f_view([-1])?,
            None::<Tensor>,
            tch::Reduction::Sum,
            -100,
            0.0,
        )
    }

    fn gradient_of(&self, examples: &[usize], step: u64) -> Result<Gradient, TchError> {
        let _ = self.parameters.gradient.shallow_clone().f_zero_()?;
        let leaves = Leaves::trained(&self.parameters)?;
        let mut random = random_stream(self.options.seed ^ OF_DROPOUT, step);
        tch::manual_seed(random.random());
        let predictions = examples.len() * self.codes.levels();
        let share = 1.0 / predictions.max(1) as f64;
        let mut sum = 0.0;
        let mut pairs: Vec<Pair<'_>> = examples.iter().map(|at| self.examples[*at]).collect();
        // Similar lengths together, so that little is filled up.
        pairs.sort_by_key(|pair| pair.items.len());
        let at_once = match self.device.is_cuda() {
            true => AT_ONCE.0,
            false => AT_ONCE.1,
        };
        for pairs in pairs.chunks(at_once) {
            let loss = self
                .loss(&leaves, pairs, Pass::Training, &mut random)?
                .f_mul_scalar(share)?;
            leaves.backward(&loss, &self.parameters)?;
            sum += loss.f_double_value(&[])?;
        }
        Ok(Gradient {
            loss: sum,
            predictions,
            tokens: predictions,
        })
    }
}

impl Trainee for CodeTrainee<'_> {
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
        tch::no_grad(|| {
            let leaves = Leaves::fixed(&self.parameters)?;
            let mut sum = 0.0;
            let mut random = random_stream(self.options.seed ^ OF_DROPOUT, u64::MAX);
            for part in self.validation.chunks(AT_ONCE.0) {
                sum += self
                    .loss(&leaves, part, Pass::Evaluation, &mut random)?
                    .f_double_value(&[])?;
            }
            Ok(Some(
                sum / (self.validation.len() * self.codes.levels()) as f64,
            ))
        })
    }

    fn loss_of_guessing(&self) -> f64 {
        (self.vocabulary.len() as f64).ln()
    }

    fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))?;
        let items = self.data.catalogue.items().iter();
        let ids: Vec<&str> = items.map(|item| item.id.as_str()).collect();
        write_json(&folder.join(CONFIG), &self.description)?;
        write_json(&folder.join(ITEMS), &json!(ids))?;
        write_json(&folder.join(REPORT), &self.report)?;
        self.codes
            .write(&folder.join(CODES), &self.data.catalogue)?;
        if let Some(merges) = self.vocabulary.merges() {
            merges.write(&folder.join(MERGES))?;
        }
        write_weights(folder, &self.parameters)
    }
}

/// Checks that there are examples to train on and to choose by.
fn check(options: &TigerTraining, train: usize, validation: usize) -> Result<()> {
    if train == 0 {
        let message = "the data has no training example of two items or more";
        return Err(Error::Usage(message.into()));
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
