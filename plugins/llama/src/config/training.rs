//! The options of training.

use gloss_training::{OptimizerName, Schedule};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Options for fine-tuning. The defaults are the recipe of GLoSS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// The parameters to train.
    pub method: Method,
    /// The rank of the low-rank matrices.
    #[schemars(range(min = 1, max = 4096), extend("x-former-names" = ["rank"]))]
    pub r: i64,
    /// The scale of the low-rank product, times the rank.
    #[schemars(range(min = 0.0), extend("x-former-names" = ["alpha"]))]
    pub lora_alpha: f64,
    /// The share of the low-rank matrices' inputs that is dropped in training.
    #[schemars(range(min = 0.0, max = 0.99), extend("x-former-names" = ["dropout"]))]
    pub lora_dropout: f64,
    /// Multiplies the product by lora_alpha / √r instead of lora_alpha / r.
    #[schemars(extend("x-former-names" = ["rank_stabilized"]))]
    pub use_rslora: bool,
    /// The projections that are adapted.
    #[schemars(length(min = 1), extend("x-former-names" = ["targets"]))]
    pub target_modules: Vec<Target>,
    /// The optimizer.
    #[schemars(extend("x-former-names" = ["optimizer"]))]
    pub optim: OptimizerName,
    /// The learning rate after the warm-up.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// The share of each weight, times the learning rate, that every step takes away.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// The longest that the gradient may be; 0 for any length.
    #[schemars(range(min = 0.0), extend("x-former-names" = ["max_gradient_norm"]))]
    pub max_grad_norm: f64,
    /// The schedule of the learning rate after the warm-up.
    #[schemars(extend("x-former-names" = ["schedule"]))]
    pub lr_scheduler_type: Schedule,
    /// The steps in which the learning rate rises from 0.
    pub warmup_steps: u64,
    /// The most times that every text is seen.
    #[schemars(range(min = 1), extend("x-former-names" = ["epochs"]))]
    pub num_train_epochs: u64,
    /// The most steps; the learning rate falls as if they were all. By default as many as
    /// the epochs have.
    #[schemars(range(min = 1))]
    pub max_steps: Option<u64>,
    /// Texts at once; times `gradient_accumulation_steps` they make a step.
    #[schemars(range(min = 1), extend("x-former-names" = ["batch_size"]))]
    pub per_device_train_batch_size: usize,
    /// Batches whose gradients are added for a step.
    #[schemars(range(min = 1), extend("x-former-names" = ["accumulation"]))]
    pub gradient_accumulation_steps: usize,
    /// The layout of the texts of a step. Both layouts have the same gradient.
    pub batching: Batching,
    /// The most tokens at once if texts are packed. By default 8,192 on a GPU and 2,048
    /// elsewhere. A single text may be longer.
    #[schemars(range(min = 1))]
    pub packed_tokens: Option<usize>,
    /// The tokens that the loss is the mean of.
    pub loss: LossScope,
    /// The texts of a training example.
    pub histories: Histories,
    /// Recomputes the inside of a layer in the backward pass instead of keeping it,
    /// and quantised weights are dequantised for each use instead of once: slower, with far less
    /// memory. The gradient is the same.
    pub gradient_checkpointing: bool,
    /// True if the backward pass uses deterministic kernels on a GPU, so that a second training on the same
    /// GPU ends in the same bytes. Without it attention's gradients are added as they come, sooner.
    /// On the CPU nothing changes.
    pub deterministic: bool,
    /// Decides the initial adapter, the order of texts, and what dropout drops.
    pub seed: u64,
    /// Steps from one validation to the next. By default once an epoch.
    #[schemars(range(min = 1), extend("x-former-names" = ["validate_every"]))]
    pub eval_steps: Option<u64>,
    /// The criterion for the weights to keep: `loss`, the validation loss; `last`, the last ones
    /// whatever their loss; or a metric such as `recall@5` of the validation examples, through the
    /// experiment's own retriever.
    #[schemars(extend("x-former-names" = ["best"]))]
    pub metric_for_best_model: String,
    /// The number of validations in a row without improvement that ends the training; 0 for none.
    #[schemars(extend("x-former-names" = ["patience"]))]
    pub early_stopping_patience: u64,
    /// Steps from one checkpoint to the next. Every validation makes one too.
    #[schemars(range(min = 1), extend("x-former-names" = ["checkpoint_every"]))]
    pub save_steps: u64,
    /// The processes that train together, each on a part of every step's texts: started by torchrun, or by
    /// srun with its environment variables, on one machine or several. The first one writes.
    #[schemars(range(min = 1, max = 4096))]
    pub world_size: usize,
}

/// The parameters to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Low-rank matrices beside frozen weights, which may be quantised.
    Lora,
    /// All weights.
    Full,
}

/// A projection of every layer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Of queries.
    QProj,
    /// Of keys.
    KProj,
    /// Of values.
    VProj,
    /// Of what attention gives.
    OProj,
    /// Of the perceptron's gate.
    GateProj,
    /// Into the perceptron.
    UpProj,
    /// Out of the perceptron.
    DownProj,
}

impl Target {
    const ALL: [Target; 7] = [
        Target::QProj,
        Target::KProj,
        Target::VProj,
        Target::OProj,
        Target::GateProj,
        Target::UpProj,
        Target::DownProj,
    ];

    /// The projection's name in a checkpoint.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Target::QProj => "q_proj",
            Target::KProj => "k_proj",
            Target::VProj => "v_proj",
            Target::OProj => "o_proj",
            Target::GateProj => "gate_proj",
            Target::UpProj => "up_proj",
            Target::DownProj => "down_proj",
        }
    }
}

/// Layouts of texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Batching {
    /// One text a row, `per_device_train_batch_size` rows at once, filled up to the longest.
    Padded,
    /// One after another without gaps, each seeing itself alone, as many of a step's texts at once
    /// as `packed_tokens` allows.
    Packed,
}

/// The tokens that the loss is the mean of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LossScope {
    /// All tokens of a text but its first.
    All,
    /// Those of the next item and of the text's end.
    Target,
}

/// The texts of a training case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Histories {
    /// One: the whole history and the item that follows.
    Last,
    /// One for every item but the first: what came before, and the item.
    AllPrefixes,
}

impl Default for Training {
    fn default() -> Self {
        Training {
            method: Method::Lora,
            r: 16,
            lora_alpha: 16.0,
            lora_dropout: 0.0,
            use_rslora: false,
            target_modules: Target::ALL.to_vec(),
            optim: OptimizerName::Adamw8bit,
            learning_rate: 1e-4,
            weight_decay: 0.01,
            max_grad_norm: 1.0,
            lr_scheduler_type: Schedule::Linear,
            warmup_steps: 300,
            num_train_epochs: 10,
            max_steps: None,
            per_device_train_batch_size: 4,
            gradient_accumulation_steps: 4,
            batching: Batching::Packed,
            packed_tokens: None,
            loss: LossScope::All,
            histories: Histories::Last,
            gradient_checkpointing: true,
            deterministic: true,
            seed: 3407,
            eval_steps: None,
            metric_for_best_model: "loss".to_string(),
            early_stopping_patience: 3,
            save_steps: 200,
            world_size: 1,
        }
    }
}

impl Training {
    /// Returns the scale of a low-rank product.
    pub(crate) fn scale(&self) -> f64 {
        match self.use_rslora {
            true => self.lora_alpha / (self.r as f64).sqrt(),
            false => self.lora_alpha / self.r as f64,
        }
    }

    /// The texts that make a step.
    pub(crate) fn texts_per_step(&self) -> usize {
        self.per_device_train_batch_size * self.gradient_accumulation_steps
    }

    /// The metric that decides, if one does.
    pub(crate) fn metric(&self) -> Option<&str> {
        (!matches!(self.metric_for_best_model.as_str(), "loss" | "last"))
            .then_some(self.metric_for_best_model.as_str())
    }
}
