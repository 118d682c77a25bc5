//! The options of networks and trainings.

use gloss_training::Schedule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
