//! S3-Rec (Zhou et al., 2020, arXiv 2008.07873).

mod config;
mod pretraining;
mod tasks;

use std::path::{Path, PathBuf};

use gloss_core::{Context, Data, Diagnostic, Result};
use gloss_torch::DeviceName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::sasrec::Causal;
use crate::config::{NegativeSharing, SequenceTraining};
use crate::features::Features;
use crate::layers::{Activation, BlockKind, BlockOptions};
use crate::loss::Loss;
use crate::network::{Model, Network, check_heads};
use crate::presets::{Presets, describe, sequence_model, usual_options};
use gloss_training::Builder;

pub use config::Pretraining;

/// S3-Rec: a SASRec that first learns, from the same sequences, which features, items and segments
/// go together. It is trained before it is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[schemars(transform = S3Rec::describe)]
pub struct S3Rec {
    /// The preset.
    pub settings: String,
    /// The folder of a model that is trained already, in place of a training.
    pub model: Option<PathBuf>,
    /// The device: `auto` (a GPU if there is one), `cpu`, or `cuda:0` and so on.
    pub device: DeviceName,
    /// The features of items that are predicted in pretraining.
    pub features: Features,
    /// The number of last items that are read.
    #[schemars(range(min = 1))]
    pub max_length: usize,
    /// The width of the vectors of items, features and layers.
    #[schemars(range(min = 1))]
    pub hidden_size: i64,
    /// The number of layers.
    #[schemars(range(min = 1))]
    pub num_hidden_layers: usize,
    /// The number of attention heads, of which `hidden_size` is a multiple.
    #[schemars(range(min = 1))]
    pub num_attention_heads: i64,
    /// The width of a layer's perceptron.
    #[schemars(range(min = 1))]
    pub intermediate_size: i64,
    /// The share of numbers that is dropped in training, except for shares of attention.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub hidden_dropout_prob: f64,
    /// The share of attention's shares that is dropped in training.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub attention_probs_dropout_prob: f64,
    /// The number of items per user, plus one for each different item of the history, so that
    /// this many remain when seen items are excluded; all items if there are not as many.
    #[schemars(range(min = 1))]
    pub count: usize,
    /// The most users that are computed at once.
    #[schemars(range(min = 1))]
    pub batch_size: usize,
    /// The pretraining.
    pub pretraining: Pretraining,
    /// The training after it.
    pub training: SequenceTraining,
}

impl Default for S3Rec {
    fn default() -> Self {
        S3Rec {
            settings: "original".to_string(),
            model: None,
            device: DeviceName::Auto,
            features: Features::default(),
            max_length: 50,
            hidden_size: 64,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            intermediate_size: 256,
            hidden_dropout_prob: 0.5,
            attention_probs_dropout_prob: 0.5,
            count: 20,
            batch_size: 256,
            pretraining: Pretraining::default(),
            training: SequenceTraining {
                loss: Loss::BinaryCrossEntropy,
                negatives: 1,
                negative_sharing: NegativeSharing::None,
                per_device_train_batch_size: 256,
                early_stopping_patience: 10,
                ..SequenceTraining::default()
            },
        }
    }
}

impl S3Rec {
    fn presets() -> Presets {
        vec![("original", json!({}))]
    }

    fn describe(schema: &mut schemars::Schema) {
        describe(schema, &S3Rec::presets());
    }

    /// The network of both trainings.
    fn causal(&self, builder: &mut Builder, data: &Data) -> Result<Causal> {
        let options = BlockOptions {
            kind: BlockKind::PostNorm,
            width: self.hidden_size,
            heads: self.num_attention_heads,
            inner: self.intermediate_size,
            activation: Activation::Gelu,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            epsilon: 1e-12,
            init: Some(0.02),
        };
        let shape = (self.num_hidden_layers, self.max_length);
        Causal::new(builder, data, options, shape, None)
    }
}

sequence_model!(S3Rec);

impl Model for S3Rec {
    usual_options!();

    fn check_shape(&self) -> Vec<Diagnostic> {
        check_heads(self.hidden_size, self.num_attention_heads)
    }

    fn network(&self, builder: &mut Builder, data: &Data) -> Result<Box<dyn Network>> {
        Ok(Box::new(self.causal(builder, data)?))
    }

    fn pretrain(&self, data: &Data, folder: &Path, context: &Context) -> Result<Option<PathBuf>> {
        match self.pretraining.num_train_epochs {
            0 => Ok(None),
            _ => pretraining::pretrain(self, data, folder, context).map(Some),
        }
    }
}
