//! SASRec (Kang and McAuley, 2018, arXiv 1808.09781), eSASRec (2025, arXiv 2508.06450).

use std::path::PathBuf;

use gloss_core::{Data, Diagnostic, Result};
use gloss_torch::DeviceName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tch::{Device, TchError, Tensor};

use crate::batch::Batch;
use crate::config::{NegativeSharing, SequenceTraining};
use crate::features::Features;
use crate::items::ItemVectors;
use crate::layers::{Activation, Block, BlockKind, BlockOptions, LayerNorm};
use crate::loss::Loss;
use crate::network::{Model, Network, check_heads};
use crate::presets::{Presets, describe, sequence_model, usual_options};
use gloss_training::Pass;
use gloss_training::{Builder, Init, Leaves, Weight};

/// SASRec: a transformer in which every item sees those before it. It is trained before it is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(remote = "Self", deny_unknown_fields, default)]
#[schemars(transform = Sasrec::describe)]
pub struct Sasrec {
    /// The preset.
    pub settings: String,
    /// The folder of a model that is trained already, in place of a training.
    pub model: Option<PathBuf>,
    /// The device: `auto` (a GPU if there is one), `cpu`, or `cuda:0` and so on.
    pub device: DeviceName,
    /// Features whose vectors are added to those of items. By default none.
    pub features: Option<Features>,
    /// The number of last items that are read.
    #[schemars(range(min = 1))]
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
    /// The kind of the layers.
    pub block: BlockKind,
    /// The activation of a layer's perceptron; `ligr` has SiLU instead.
    pub hidden_act: Activation,
    /// The share of numbers that is dropped in training, except for shares of attention.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub hidden_dropout_prob: f64,
    /// The share of attention's shares that is dropped in training.
    #[schemars(range(min = 0.0, max = 0.99))]
    pub attention_probs_dropout_prob: f64,
    /// The number that keeps the divisor of a normalisation from 0.
    #[schemars(range(min = 0.0))]
    pub layer_norm_eps: f64,
    /// The deviation of weights before training. By default that of Glorot and Bengio.
    #[schemars(range(min = 0.0))]
    pub initializer_range: Option<f64>,
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

impl Default for Sasrec {
    fn default() -> Self {
        Sasrec {
            settings: "strong".to_string(),
            model: None,
            device: DeviceName::Auto,
            features: None,
            max_length: 50,
            hidden_size: 256,
            num_hidden_layers: 1,
            num_attention_heads: 1,
            intermediate_size: 256,
            block: BlockKind::Sasrec,
            hidden_act: Activation::Relu,
            hidden_dropout_prob: 0.2,
            attention_probs_dropout_prob: 0.2,
            layer_norm_eps: 1e-5,
            initializer_range: None,
            count: 20,
            batch_size: 256,
            training: SequenceTraining {
                loss: Loss::SampledSoftmax,
                negative_sharing: NegativeSharing::None,
                adam_beta2: 0.98,
                early_stopping_patience: 50,
                ..SequenceTraining::default()
            },
        }
    }
}

impl Sasrec {
    fn presets() -> Presets {
        let original = json!({
            "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "block": "post-norm", "hidden_act": "gelu", "hidden_dropout_prob": 0.5,
            "attention_probs_dropout_prob": 0.5, "layer_norm_eps": 1e-12,
            "initializer_range": 0.02,
            "training": {
                "loss": "binary-cross-entropy", "negatives": 1, "negative_sharing": "none",
                "adam_beta2": 0.999, "per_device_train_batch_size": 256,
                "early_stopping_patience": 10,
            },
        });
        let esasrec = json!({ "block": "ligr", "intermediate_size": 1024 });
        vec![
            ("strong", json!({})),
            ("original", original),
            ("esasrec", esasrec),
        ]
    }

    fn describe(schema: &mut schemars::Schema) {
        describe(schema, &Sasrec::presets());
    }

    /// The shape of a layer.
    pub(crate) fn block(&self) -> BlockOptions {
        BlockOptions {
            kind: self.block,
            width: self.hidden_size,
            heads: self.num_attention_heads,
            inner: self.intermediate_size,
            activation: self.hidden_act,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            epsilon: self.layer_norm_eps,
            init: self.initializer_range,
        }
    }
}

sequence_model!(Sasrec);

impl Model for Sasrec {
    usual_options!();

    fn check_shape(&self) -> Vec<Diagnostic> {
        check_heads(self.hidden_size, self.num_attention_heads)
    }

    fn network(&self, builder: &mut Builder, data: &Data) -> Result<Box<dyn Network>> {
        let shape = (self.num_hidden_layers, self.max_length);
        let features = self.features.as_ref().zip(Some(self.device.open()?));
        let network = Causal::new(builder, data, self.block(), shape, features)?;
        Ok(Box::new(network))
    }
}

/// A network in which every item sees those before it.
pub(crate) struct Causal {
    pub(crate) items: ItemVectors,
    pub(crate) transformer: Transformer,
}

impl Causal {
    /// A network for the items of `data`, with this number of layers and this greatest length.
    pub(crate) fn new(
        builder: &mut Builder,
        data: &Data,
        options: BlockOptions,
        (layers, length): (usize, usize),
        features: Option<(&Features, Device)>,
    ) -> Result<Self> {
        let shape = [0, options.width];
        Ok(Causal {
            items: ItemVectors::new(builder, data, shape, options.init, features)?,
            transformer: Transformer::new(builder, "", options, layers, length),
        })
    }
}

impl Network for Causal {
    fn hidden(&self, leaves: &Leaves, batch: &Batch, pass: Pass) -> Result<Tensor, TchError> {
        let vectors = self.items.look_up(leaves, &batch.items)?;
        self.transformer
            .forward(leaves, &vectors, batch, &batch.causal()?, pass)
    }

    fn items(&self, leaves: &Leaves, _: Pass) -> Result<Tensor, TchError> {
        self.items.matrix(leaves)
    }
}

/// Layers over vectors of items, to which those of their places are added.
pub(crate) struct Transformer {
    places: Weight,
    /// Before the layers of BERT, after those of the others.
    norm: LayerNorm,
    blocks: Vec<Block>,
    options: BlockOptions,
}

impl Transformer {
    /// `prefix` goes before the names of its weights.
    pub(crate) fn new(
        builder: &mut Builder,
        prefix: &str,
        options: BlockOptions,
        layers: usize,
        length: usize,
    ) -> Self {
        let (width, rows) = (options.width, length as i64);
        let places = options
            .init
            .map_or(Init::xavier_normal(rows, width), Init::Normal);
        let places = builder.add(format!("{prefix}places"), &[rows, width], places);
        let block = |layer| Block::new(builder, &format!("{prefix}layers.{layer}"), options);
        let blocks = (0..layers).map(block).collect();
        Transformer {
            places,
            blocks,
            norm: LayerNorm::new(builder, &format!("{prefix}norm"), width, options.epsilon),
            options,
        }
    }

    /// From the vectors of a batch's items, [batch, length, width], to those of its places.
    pub(crate) fn forward(
        &self,
        leaves: &Leaves,
        vectors: &Tensor,
        batch: &Batch,
        mask: &Tensor,
        pass: Pass,
    ) -> Result<Tensor, TchError> {
        let places = Tensor::f_embedding(&leaves[self.places], &batch.places, -1, false, false)?;
        let post = self.options.kind == BlockKind::PostNorm;
        let norm = |input: &Tensor, here: bool| match here {
            true => self.norm.forward(leaves, input),
            false => Ok(input.shallow_clone()),
        };
        let input = norm(&vectors.f_add(&places)?, post)?;
        let mut hidden = pass.dropout(&input, self.options.dropout)?;
        for block in &self.blocks {
            hidden = block.forward(leaves, &hidden, mask, pass)?;
        }
        norm(&hidden, !post)
    }
}
