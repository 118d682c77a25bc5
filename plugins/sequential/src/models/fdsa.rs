//! FDSA (Zhang et al., 2019): attention over items and, apart from it, over their features.

use std::path::PathBuf;

use gloss_core::{Data, Diagnostic, Result};
use gloss_torch::DeviceName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tch::{TchError, Tensor};

use super::sasrec::Transformer;
use crate::batch::Batch;
use crate::config::SequenceTraining;
use crate::features::{FeatureTable, Features};
use crate::items::{FeatureVectors, ItemVectors};
use crate::layers::{Activation, BlockKind, BlockOptions, Linear};
use crate::network::{Model, Network, check_heads};
use crate::presets::{Presets, describe, sequence_model, usual_options};
use gloss_training::Pass;
use gloss_training::{Builder, Init, Leaves};

/// FDSA: a transformer over items beside one over the mean of their features' vectors. It is
/// trained before it is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[schemars(transform = Fdsa::describe)]
pub struct Fdsa {
    /// The preset.
    pub settings: String,
    /// The folder of a model that is trained already, in place of a training.
    pub model: Option<PathBuf>,
    /// The device: `auto` (a GPU if there is one), `cpu`, or `cuda:0` and so on.
    pub device: DeviceName,
    /// The features of items.
    pub features: Features,
    /// The number of last items that are read.
    #[schemars(range(min = 1))]
    pub max_length: usize,
    /// The width of the vectors of items, features and layers.
    #[schemars(range(min = 1))]
    pub hidden_size: i64,
    /// The number of layers of each transformer.
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
    /// The training.
    pub training: SequenceTraining,
}

impl Default for Fdsa {
    fn default() -> Self {
        Fdsa {
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
            training: SequenceTraining::default(),
        }
    }
}

impl Fdsa {
    fn presets() -> Presets {
        vec![("original", json!({}))]
    }

    fn describe(schema: &mut schemars::Schema) {
        describe(schema, &Fdsa::presets());
    }
}

sequence_model!(Fdsa);

impl Model for Fdsa {
    usual_options!();

    fn check_shape(&self) -> Vec<Diagnostic> {
        check_heads(self.hidden_size, self.num_attention_heads)
    }

    fn network(&self, builder: &mut Builder, data: &Data) -> Result<Box<dyn Network>> {
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
        let table = FeatureTable::new(&self.features, &data.catalogue)?;
        let (width, layers, length) = (self.hidden_size, self.num_hidden_layers, self.max_length);
        let device = self.device.open()?;
        let init = Init::Normal(0.02);
        let mut transformer = |prefix| Transformer::new(builder, prefix, options, layers, length);
        let (of_items, of_features) = (transformer("items."), transformer("features."));
        Ok(Box::new(TwoStreams {
            items: ItemVectors::new(builder, data, [0, width], options.init, None)?,
            features: FeatureVectors::new(builder, &table, [0, width], init, device)?,
            of_items,
            of_features,
            output: Linear::new(builder, "output", [2 * width, width], Some(0.02)),
        }))
    }
}

struct TwoStreams {
    items: ItemVectors,
    features: FeatureVectors,
    of_items: Transformer,
    of_features: Transformer,
    output: Linear,
}

impl Network for TwoStreams {
    fn hidden(&self, leaves: &Leaves, batch: &Batch, pass: Pass) -> Result<Tensor, TchError> {
        let mask = batch.causal()?;
        let items = self.items.look_up(leaves, &batch.items)?;
        let items = self.of_items.forward(leaves, &items, batch, &mask, pass)?;
        let features = self.features.means(leaves)?;
        let features = Tensor::f_embedding(&features, &batch.items, -1, false, false)?;
        let features = self
            .of_features
            .forward(leaves, &features, batch, &mask, pass)?;
        self.output
            .forward(leaves, &Tensor::f_cat(&[items, features], -1)?)
    }

    fn items(&self, leaves: &Leaves, _: Pass) -> Result<Tensor, TchError> {
        self.items.matrix(leaves)
    }
}
