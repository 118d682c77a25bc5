//! BERT4Rec (Sun et al., 2019, arXiv 1904.06690).

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
use crate::features::Features;
use crate::items::ItemVectors;
use crate::layers::{Activation, BlockKind, BlockOptions};
use crate::network::{Model, Network, check_heads};
use crate::presets::{Presets, describe, sequence_model, usual_options};
use gloss_training::Pass;
use gloss_training::{Builder, Leaves};

/// BERT4Rec: a transformer in which every item sees all others, trained to fill in masked items. It
/// is trained before it is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[schemars(transform = Bert4Rec::describe)]
pub struct Bert4Rec {
    /// The preset.
    pub settings: String,
    /// The folder of a model that is trained already, in place of a training.
    pub model: Option<PathBuf>,
    /// The device: `auto` (a GPU if there is one), `cpu`, or `cuda:0` and so on.
    pub device: DeviceName,
    /// Features whose vectors are added to those of items. By default none.
    pub features: Option<Features>,
    /// The number of last items that are read, the masked one after them included.
    #[schemars(range(min = 2))]
    pub max_length: usize,
    /// The width of the vectors of items and layers.
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
    /// The probability with which an item is masked in training.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub mlm_probability: f64,
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

impl Default for Bert4Rec {
    fn default() -> Self {
        Bert4Rec {
            settings: "strong".to_string(),
            model: None,
            device: DeviceName::Auto,
            features: None,
            max_length: 50,
            hidden_size: 64,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            intermediate_size: 256,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            mlm_probability: 0.2,
            count: 20,
            batch_size: 256,
            training: SequenceTraining::default(),
        }
    }
}

impl Bert4Rec {
    fn presets() -> Presets {
        vec![("strong", json!({}))]
    }

    fn describe(schema: &mut schemars::Schema) {
        describe(schema, &Bert4Rec::presets());
    }
}

sequence_model!(Bert4Rec);

impl Model for Bert4Rec {
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
        let count = data.catalogue.len() as i64;
        let (layers, length) = (self.num_hidden_layers, self.max_length);
        let features = self.features.as_ref().zip(Some(self.device.open()?));
        let shape = [1, options.width];
        Ok(Box::new(Masked {
            items: ItemVectors::new(builder, data, shape, options.init, features)?,
            transformer: Transformer::new(builder, "", options, layers, length),
            count,
            probability: self.mlm_probability,
        }))
    }
}

/// A network in which every item sees all others. The vector after those of the items is that of
/// the mask.
struct Masked {
    items: ItemVectors,
    transformer: Transformer,
    count: i64,
    probability: f64,
}

impl Network for Masked {
    fn hidden(&self, leaves: &Leaves, batch: &Batch, pass: Pass) -> Result<Tensor, TchError> {
        let vectors = self.items.look_up(leaves, &batch.items)?;
        self.transformer
            .forward(leaves, &vectors, batch, &batch.padding, pass)
    }

    fn items(&self, leaves: &Leaves, _: Pass) -> Result<Tensor, TchError> {
        self.items.matrix(leaves)?.f_narrow(0, 0, self.count)
    }

    fn mask(&self) -> Option<(u32, f64)> {
        Some((self.count as u32, self.probability))
    }
}
