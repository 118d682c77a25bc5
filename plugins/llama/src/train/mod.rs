//! Fine-tuning: low-rank adapters beside frozen weights, quantised or not, or all weights.

mod batch;
mod examples;
mod leaves;
mod loss;
mod network;
mod plan;
mod random;
mod rows;
#[cfg(test)]
mod tests;
mod texts;
mod weights;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gloss_core::{Code, Context, Data, Error, Identity, QueryGenerator, Result, Trainer, Validate};
use gloss_torch::{
    Adapter, Checkpoint, Precision, device_kind, machine, torch_error, torch_error_with,
};
use gloss_training::{Adam, LearningRate, Optimizer, Parameters, Session, Settings, World};
use serde_json::json;
use tch::{TchError, Tensor};

use crate::architecture::Architecture;
use crate::codes::{CodeTokens, Vocabulary};
use crate::config::{Histories, Llama, Method, Quantize, RANDOM, Training};
use crate::model::{LoadOptions, Model};
use crate::tokenizer::Tokenizer;
use examples::TextTraining;
use leaves::LayerLeaves;
use network::Network;
use plan::Plan;
use rows::Rows;

pub(crate) use gloss_training::Parameter;
pub(crate) use weights::{describe, write_json};

/// Tokens at once, if the options do not tell.
const PACKED_TOKENS: (usize, usize) = (8192, 2048);

const ADVICE: &str = "Fewer `packed_tokens` (or a smaller `per_device_train_batch_size` with more \
                      `gradient_accumulation_steps`, if texts are padded), `gradient_checkpointing`, \
                      a shorter `max_length` or `quantize = \"nf4\"` need less";

/// All tensors of a checkpoint of this shape.
pub(crate) fn parameters_of(architecture: &Architecture) -> Vec<Parameter> {
    let training = Training {
        method: Method::Full,
        ..Training::default()
    };
    Plan::new(architecture, &training, &[]).list
}

impl Trainer for Llama {
    fn identity(&self) -> Result<Identity> {
        let device = self.device.open()?;
        let options = json!({
            "random": self.random,
            "quantize": self.quantize,
            "device": device_kind(device),
            "dtype": Precision::of(self.kind(device)),
            "format": self.format,
            "item_tokenizer": self.item_tokenizer,
            "max_length": self.max_length,
            "truncation": self.truncation,
            "training": self.training,
        });
        let name = env!("CARGO_PKG_NAME");
        Ok(Identity {
            options: options.to_string(),
            code: Code::of_crate(name, option_env!("GLOSS_FINGERPRINT_TRAIN")),
            machine: machine(device),
        })
    }

    fn inputs(&self) -> Result<Vec<PathBuf>> {
        let mut files = self.files()?;
        if let Some(tokenizer) = &self.item_tokenizer {
            files.extend(tokenizer.inputs()?);
        }
        Ok(files)
    }

    fn metric(&self) -> Option<&str> {
        self.training.as_ref().and_then(Training::metric)
    }

    fn train(
        &self,
        data: &Data,
        folder: &Path,
        validate: &Validate<'_>,
        context: &Context,
    ) -> Result<()> {
        let training = self.training.clone().unwrap_or_default();
        let judge = |weights: &Path| validate(&self.with_weights(&training, weights));
        let metric = training
            .metric()
            .map(|label| (label, &judge as &dyn Fn(&Path) -> Result<f64>));
        let mut session = self.session(&training, data, folder, context)?;
        session.metric = metric;
        session.run()
    }

    fn trained(&self, folder: &Path) -> Arc<dyn QueryGenerator> {
        let training = self.training.clone().unwrap_or_default();
        let weights = folder.join(weights::name(&training));
        Arc::new(self.with_weights(&training, &weights))
    }
}

impl Llama {
    /// The same without training, with the weights that it left in a folder.
    fn with_weights(&self, training: &Training, weights: &Path) -> Llama {
        let mut trained = Llama {
            training: None,
            random: None,
            item_tokenizer: None,
            ..self.clone()
        };
        match training.method {
            Method::Lora => trained.adapter = Some(weights.to_path_buf()),
            Method::Full => trained.model = Some(weights.display().to_string()),
        }
        trained
    }

    /// The checkpoint that is trained; one that is random is written into `folder` first.
    fn base(&self, folder: &Path, data: &Data) -> Result<(PathBuf, String)> {
        let name = self.model.as_deref();
        if name != Some(RANDOM) {
            let found = self.folder()?;
            let name = match name {
                Some(name) if !Path::new(name).exists() => name.to_string(),
                _ => std::path::absolute(&found)
                    .unwrap_or(found.clone())
                    .display()
                    .to_string(),
            };
            return Ok((found, name));
        }
        let base = folder.join("base");
        if !base.join("model.safetensors").exists() {
            let random = self.random.clone().unwrap_or_default();
            random.write(&base, &data.catalogue)?;
        }
        Ok((base, RANDOM.to_string()))
    }

    fn session<'a>(
        &self,
        training: &'a Training,
        data: &'a Data,
        folder: &'a Path,
        context: &'a Context,
    ) -> Result<Session<'a, TextTraining<'a>>> {
        let base = self.base(folder, data)?;
        let architecture = Architecture::read(&base.0)?;
        let tokenizer = Tokenizer::open(&base.0, architecture.vocabulary as usize)?;
        let codes = self.codes_to_train(data, folder, context)?;
        let vocabulary = Vocabulary::new(codes, tokenizer)?;
        let codes = vocabulary.codes.as_ref();
        let prompts = self.prompts(
            &vocabulary.tokenizer,
            codes,
            &data.catalogue,
            self.max_length,
        )?;
        self.check_writing(&prompts, (&architecture, &base.0))?;
        let texts =
            |examples, histories| texts::texts(&prompts, data, examples, histories, training.loss);
        let train = texts(&data.splits.train, training.histories)?;
        let validation = texts(&data.splits.validation, Histories::Last)?;
        check_texts(training, train.len(), validation.len())?;
        if prompts.truncated() > 0 {
            tracing::warn!(
                truncated = prompts.truncated(),
                policy = ?self.truncation,
                "texts were longer than `max_length` allows and were truncated"
            );
        }
        let tokens = codes.map(CodeTokens::all).unwrap_or_default();
        let (network, parameters) = self.network(training, &base.0, &tokens)?;
        let failed = torch_error_with(
            "make room for training",
            "A smaller model or a lower `r` needs less",
        );
        let default = match network.model.device.is_cuda() {
            true => PACKED_TOKENS.0,
            false => PACKED_TOKENS.1,
        };
        let adam = Adam::new(training.weight_decay);
        Ok(Session {
            optimizer: Optimizer::new(&parameters, training.optim, adam).map_err(failed)?,
            trainee: TextTraining {
                training,
                network,
                parameters,
                texts: train,
                validation,
                base,
                written: codes.is_some().then_some((vocabulary, data)),
                packed_tokens: training.packed_tokens.unwrap_or(default),
            },
            settings: training.settings(),
            folder,
            metric: None,
            world: World::join(training.world_size, context)?,
            context,
        })
    }

    /// The network and the parameters as they are before the first step; `tokens` are those of codes.
    fn network(
        &self,
        training: &Training,
        base: &Path,
        tokens: &[i64],
    ) -> Result<(Network, Parameters)> {
        let device = self.device.open()?;
        let options = LoadOptions {
            device,
            kind: self.kind(device),
            quantize: self.quantize == Quantize::Nf4,
            merge: false,
        };
        let mut model = Model::load(base, None, options)?;
        if let Some(last) = tokens.iter().max() {
            model.grow(last + 1, training.seed)?;
        }
        let shape = &model.architecture;
        if training.method == Method::Full && shape.nf4 {
            return Err(Error::input(
                Architecture::file(base),
                "the checkpoint is quantised, and quantised weights cannot be trained themselves; \
                 use `method = \"lora\"`, or the 16-bit checkpoint",
            ));
        }
        let plan = Plan::new(shape, training, tokens);
        let parameters = match (training.method, &self.adapter) {
            (Method::Full, _) => plan.read_checkpoint(&Checkpoint::open(base)?, &model)?,
            (Method::Lora, None) => plan.drawn(training.seed, &model)?,
            (Method::Lora, Some(folder)) => {
                let adapter = Adapter::open(folder)?;
                check_scale(&plan, training.scale(), &adapter, folder)?;
                plan.read_adapter(&adapter, device)?
            }
        };
        let positions = self.max_length as i64;
        let rope = shape
            .rope
            .table(positions, shape.head_size, model.kind, device)
            .and_then(|(cosines, sines)| Ok((cosines, half_negative(&sines)?)));
        let leaves = LayerLeaves::new(&plan.layer.leaves, shape.layers, device);
        if !training.gradient_checkpointing {
            // The backward pass would keep what each step dequantises.
            model.dequantize().map_err(torch_error("train"))?;
        }
        let rows = plan.rows.as_ref();
        let rows = rows.map(|rows| Rows::new(rows, model.architecture.vocabulary, device));
        let network = Network {
            rows: rows.transpose().map_err(torch_error("train"))?,
            rope: rope.map_err(torch_error("train"))?,
            leaves: leaves.map_err(torch_error("train"))?,
            plan,
            checkpointing: training.gradient_checkpointing,
            deterministic: training.deterministic,
            scale: match training.method {
                Method::Lora => training.scale(),
                Method::Full => 1.0,
            },
            dropout: training.lora_dropout,
            model,
        };
        Ok((network, parameters))
    }
}

impl Training {
    /// The settings of the loop.
    fn settings(&self) -> Settings {
        Settings {
            epochs: self.num_train_epochs,
            max_steps: self.max_steps,
            examples_per_step: self.texts_per_step(),
            learning_rate: LearningRate {
                highest: self.learning_rate,
                warmup_steps: self.warmup_steps,
                schedule: self.lr_scheduler_type,
            },
            max_grad_norm: self.max_grad_norm,
            seed: self.seed,
            eval_steps: self.eval_steps,
            save_steps: self.save_steps,
            early_stopping_patience: self.early_stopping_patience,
            keeps_last: self.metric_for_best_model == "last",
            weights: weights::name(self),
            advice: ADVICE,
        }
    }
}

/// The first half of every row negative.
fn half_negative(rows: &Tensor) -> Result<Tensor, TchError> {
    let halves = rows.f_chunk(2, 1)?;
    let [first, second] = halves.as_slice() else {
        return Err(TchError::Shape("a head has no two halves".to_string()));
    };
    Tensor::f_cat(&[&first.f_neg()?, second], 1)
}

/// Checks that there are examples to train on and to choose by.
fn check_texts(training: &Training, train: usize, validation: usize) -> Result<()> {
    if train == 0 {
        return Err(Error::Usage(
            "the data has no training examples".to_string(),
        ));
    }
    match validation == 0 && training.metric_for_best_model != "last" {
        true => Err(Error::Usage(format!(
            "the data has no validation examples, and `training.metric_for_best_model` is `{}`; raise \
             dataset.split.validation_share, or keep the last weights by `metric_for_best_model = \"last\"`",
            training.metric_for_best_model
        ))),
        false => Ok(()),
    }
}

/// Checks that an adapter that is trained further has the scale of the options in every module.
fn check_scale(plan: &Plan, scale: f64, adapter: &Adapter, folder: &Path) -> Result<()> {
    let modules = plan.list.iter().filter_map(|parameter| {
        let module = parameter.name.strip_prefix("base_model.model.")?;
        module.strip_suffix(".lora_A.weight")
    });
    let mut others = modules.filter(|module| (adapter.scale(module) - scale).abs() > 1e-9);
    match others.next() {
        None => Ok(()),
        Some(module) => Err(Error::input(
            folder.join("adapter_config.json"),
            format!(
                "the adapter's scale (alpha / rank) of {module} is {}, and that of the training \
                 {scale}; give the training the adapter's `lora_alpha`, `r` and `use_rslora` \
                 (one that differs from module to module cannot be trained further)",
                adapter.scale(module)
            ),
        )),
    }
}
