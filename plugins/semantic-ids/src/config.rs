//! The options of TIGER.

use std::path::PathBuf;

use gloss_core::Diagnostic;
use gloss_torch::DeviceName;
use gloss_training::Schedule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::{Spec, Writes, writes_codes};
use crate::tokenizer::ItemTokenizer;

/// TIGER: an encoder-decoder, as in T5, that reads the codes of a user's items and writes those of the
/// next one. It is trained before it is used.
///
/// S. Rajput et al.: Recommender Systems with Generative Retrieval, NeurIPS 2023, arXiv 2305.05065. Beams
/// stay inside the catalogue. The defaults are those of the paper but for the optimizer, its learning rate
/// and its schedule, and the number of steps, which are those of open rebuilds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tiger {
    /// The item tokenizer, which makes the codes of items from the vectors of their texts; or, if `model` is the
    /// folder of a trained recommender such as `gloss export` writes, from its item vectors.
    pub tokenizer: ItemTokenizer,
    /// The folder of a model that is trained already, in place of a training.
    #[serde(default)]
    pub model: Option<PathBuf>,
    /// The device: `auto` (a GPU if there is one), `cpu`, or `cuda:0` and so on.
    #[serde(default)]
    pub device: DeviceName,
    /// The number of last items that are read.
    #[serde(default = "default_max_length")]
    #[schemars(range(min = 1))]
    pub max_length: usize,
    /// The number of tokens for users, who share them by a hash of their ids; 0 for none.
    #[serde(default)]
    pub user_tokens: usize,
    /// The shape of the network.
    #[serde(default)]
    pub network: Shape,
    /// The number of beams, which is the most items per user.
    #[serde(default = "default_num_beams")]
    #[schemars(range(min = 1))]
    pub num_beams: usize,
    /// Keeps items that the user has out of the beams, so that as many new ones are found.
    #[serde(default)]
    pub exclude_seen: bool,
    /// The most users that are computed at once.
    #[serde(default = "default_batch_size")]
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// The training.
    #[serde(default)]
    pub training: TigerTraining,
}

fn default_max_length() -> usize {
    20
}

fn default_num_beams() -> usize {
    30
}

fn default_batch_size() -> usize {
    128
}

/// The shape of the network, by the names of T5's configuration in transformers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Shape {
    /// The width of a token's vector.
    #[schemars(range(min = 1))]
    pub d_model: i64,
    /// The width of a head of attention.
    #[schemars(range(min = 1))]
    pub d_kv: i64,
    /// The width between the two matrices of a feed-forward layer.
    #[schemars(range(min = 1))]
    pub d_ff: i64,
    /// The number of layers of the encoder.
    #[schemars(range(min = 1))]
    pub num_layers: usize,
    /// The number of layers of the decoder.
    #[schemars(range(min = 1))]
    pub num_decoder_layers: usize,
    /// The number of heads of attention.
    #[schemars(range(min = 1))]
    pub num_heads: i64,
    /// The number of learned values for distances between tokens.
    #[schemars(range(min = 4))]
    pub relative_attention_num_buckets: i64,
    /// The distance from which all share one value.
    #[schemars(range(min = 4))]
    pub relative_attention_max_distance: i64,
    /// The share of numbers that is dropped in training.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub dropout_rate: f64,
}

impl Default for Shape {
    fn default() -> Self {
        Shape {
            d_model: 128,
            d_kv: 64,
            d_ff: 1024,
            num_layers: 4,
            num_decoder_layers: 4,
            num_heads: 6,
            relative_attention_num_buckets: 32,
            relative_attention_max_distance: 128,
            dropout_rate: 0.1,
        }
    }
}

/// Options for training on the codes of items. An example is a user's items up to one of them, and that one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TigerTraining {
    /// The learning rate after the warm-up, of AdamW.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// The share of each weight, times the learning rate, that every step takes away.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// The longest that the gradient may be; 0 for any length.
    #[schemars(range(min = 0.0))]
    pub max_grad_norm: f64,
    /// The schedule of the learning rate after the warm-up.
    pub lr_scheduler_type: Schedule,
    /// The steps in which the learning rate rises from 0.
    pub warmup_steps: u64,
    /// The most times that every example is seen.
    #[schemars(range(min = 1))]
    pub num_train_epochs: u64,
    /// The most steps. By default as many as the epochs have.
    #[schemars(range(min = 1))]
    pub max_steps: Option<u64>,
    /// Examples of a step.
    #[schemars(range(min = 1))]
    pub per_device_train_batch_size: usize,
    /// Decides the initial weights, the order of examples and dropout.
    pub seed: u64,
    /// Steps from one validation to the next. By default once an epoch.
    #[schemars(range(min = 1))]
    pub eval_steps: Option<u64>,
    /// The criterion for the weights to keep: `loss` on the validation examples; `last`, the last ones; or a
    /// metric of the validation examples, such as `recall@10`.
    pub metric_for_best_model: String,
    /// The number of validations in a row without improvement that ends the training; 0 for none.
    pub early_stopping_patience: u64,
    /// Steps from one checkpoint to the next. Every validation makes one too.
    #[schemars(range(min = 1))]
    pub save_steps: u64,
    /// Uses deterministic kernels on a GPU, so that a second training on the same GPU ends in the
    /// same bytes. On the CPU nothing changes.
    pub deterministic: bool,
}

impl Default for TigerTraining {
    fn default() -> Self {
        TigerTraining {
            learning_rate: 1e-3,
            weight_decay: 0.035,
            max_grad_norm: 1.0,
            lr_scheduler_type: Schedule::Cosine,
            warmup_steps: 10_000,
            num_train_epochs: 200,
            max_steps: None,
            per_device_train_batch_size: 256,
            seed: 42,
            eval_steps: None,
            metric_for_best_model: "recall@10".to_string(),
            early_stopping_patience: 10,
            save_steps: 1000,
            deterministic: true,
        }
    }
}

impl TigerTraining {
    /// The metric that decides, if one does.
    pub(crate) fn metric(&self) -> Option<&str> {
        let name = self.metric_for_best_model.as_str();
        (!matches!(name, "loss" | "last")).then_some(name)
    }
}

impl Tiger {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.tokenizer.check()
    }
}

impl Writes for Tiger {
    fn spec(&self) -> Spec<'_> {
        Spec {
            name: "tiger",
            tokenizer: &self.tokenizer,
            model: &self.model,
            device: self.device,
            max_length: self.max_length,
            user_tokens: self.user_tokens,
            vocabulary_size: None,
            segmentations: 1,
            network: &self.network,
            num_beams: self.num_beams,
            exclude_seen: self.exclude_seen,
            batch_size: self.batch_size,
            training: &self.training,
        }
    }

    fn with_weights(&self, folder: PathBuf) -> Self {
        Tiger {
            model: Some(folder),
            ..self.clone()
        }
    }
}

writes_codes!(Tiger);
