//! Options that all models share.

use std::path::PathBuf;

use gloss_core::Diagnostic;
use gloss_training::Schedule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::loss::Loss;

/// Options for training on sequences of items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SequenceTraining {
    /// The loss of a prediction; the mean over all predictions is trained.
    pub loss: Loss,
    /// The number of negatives of a loss that draws them.
    #[schemars(range(min = 1))]
    pub negatives: usize,
    /// The distribution of negatives.
    pub negative_sampling: NegativeSampling,
    /// The predictions that share negatives.
    pub negative_sharing: NegativeSharing,
    /// For `sampled-softmax`: takes from a negative's score the logarithm of how often it is
    /// expected to be drawn, so that the loss estimates that over all items.
    pub log_q_correction: bool,
    /// The calibration of `gbce`, from 0 (that of the binary cross-entropy) to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub gbce_t: f64,
    /// The learning rate after the warm-up, of AdamW.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// The decay of the optimizer's mean of gradients.
    #[schemars(range(min = 0.0, max = 0.9999))]
    pub adam_beta1: f64,
    /// The decay of the optimizer's mean of squared gradients.
    #[schemars(range(min = 0.0, max = 0.99999))]
    pub adam_beta2: f64,
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
    /// The most times that every user is seen.
    #[schemars(range(min = 1))]
    pub num_train_epochs: u64,
    /// The most steps. By default as many as the epochs have.
    #[schemars(range(min = 1))]
    pub max_steps: Option<u64>,
    /// Users of a step.
    #[schemars(range(min = 1))]
    pub per_device_train_batch_size: usize,
    /// Decides the initial weights, the order of users, negatives, masks and dropout.
    pub seed: u64,
    /// Steps from one validation to the next. By default once an epoch.
    #[schemars(range(min = 1))]
    pub eval_steps: Option<u64>,
    /// The criterion for the weights to keep: `loss`, the cross-entropy over all items on the
    /// validation examples; `last`, the last ones; or a metric of the validation examples, such as
    /// `recall@10`.
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

impl Default for SequenceTraining {
    fn default() -> Self {
        SequenceTraining {
            loss: Loss::CrossEntropy,
            negatives: 256,
            negative_sampling: NegativeSampling::Uniform,
            negative_sharing: NegativeSharing::Batch,
            log_q_correction: false,
            gbce_t: 0.75,
            learning_rate: 1e-3,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            weight_decay: 0.0,
            max_grad_norm: 0.0,
            lr_scheduler_type: Schedule::Constant,
            warmup_steps: 0,
            num_train_epochs: 200,
            max_steps: None,
            per_device_train_batch_size: 128,
            seed: 42,
            eval_steps: None,
            metric_for_best_model: "recall@10".to_string(),
            early_stopping_patience: 20,
            save_steps: 1000,
            deterministic: true,
        }
    }
}

impl SequenceTraining {
    /// The metric that decides, if one does.
    pub(crate) fn metric(&self) -> Option<&str> {
        (!matches!(self.metric_for_best_model.as_str(), "loss" | "last"))
            .then_some(self.metric_for_best_model.as_str())
    }

    /// Options that have no effect beside others.
    pub(crate) fn check(&self) -> Vec<Diagnostic> {
        let default = SequenceTraining::default();
        let draws = self.loss != Loss::CrossEntropy;
        let over_all = "has no effect: `loss = \"cross-entropy\"` is over all items";
        let softmax = "is for `loss = \"sampled-softmax\"`, and the loss is another";
        let gbce = "is for `loss = \"gbce\"`, and the loss is another";
        let is_softmax = self.loss == Loss::SampledSoftmax;
        let options = [
            (
                "negatives",
                self.negatives == default.negatives,
                draws,
                over_all,
            ),
            (
                "negative_sampling",
                self.negative_sampling == default.negative_sampling,
                draws,
                over_all,
            ),
            (
                "negative_sharing",
                self.negative_sharing == default.negative_sharing,
                draws,
                over_all,
            ),
            (
                "log_q_correction",
                !self.log_q_correction,
                is_softmax,
                softmax,
            ),
            (
                "gbce_t",
                self.gbce_t == default.gbce_t,
                self.loss == Loss::Gbce,
                gbce,
            ),
        ];
        let unused = options
            .into_iter()
            .filter(|(_, is_default, is_used, _)| !is_default && !is_used);
        unused
            .map(|(key, _, _, message)| Diagnostic::new(format!("training.{key}"), message))
            .collect()
    }
}

/// The distribution of negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NegativeSampling {
    /// All items alike.
    Uniform,
    /// In proportion to how often an item occurs in the training examples.
    Popularity,
}

/// The predictions that share negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NegativeSharing {
    /// All of a step: far less memory and time.
    Batch,
    /// None: every prediction has negatives of its own, none of them of the user's items.
    None,
}

/// The options that every model has.
pub(crate) struct Shared<'a> {
    pub(crate) model: &'a Option<PathBuf>,
    pub(crate) device: gloss_torch::DeviceName,
    pub(crate) max_length: usize,
    pub(crate) count: usize,
    pub(crate) batch_size: usize,
    pub(crate) training: &'a SequenceTraining,
}
