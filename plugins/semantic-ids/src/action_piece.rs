//! The options of ActionPiece.

use std::path::PathBuf;

use gloss_core::{Diagnostic, overlay};
use gloss_item_tokenizer::{Collisions, ItemTokenizer};
use gloss_torch::DeviceName;
use schemars::{JsonSchema, Schema};
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::component::semantic_id_model;
use crate::config::{Shape, TigerTraining};
use crate::merges::MOST_TOKENS;
use crate::spec::{SemanticIdModel, Spec};

/// ActionPiece: an encoder-decoder, as in T5, that reads the codes of a user's items merged with those beside them into
/// tokens of a learned vocabulary, and writes the codes of the next item. It is trained before it is used.
///
/// Y. Hou et al.: ActionPiece: Contextually Tokenizing Action Sequences for Generative Recommendation, ICML 2025,
/// arXiv 2502.13581. The codes of each item are put in random order before they are merged, anew for every example; the
/// probabilities of several such inputs are averaged in use. The defaults are those of the public code. Other than
/// there, the codes of the next item are written one by one, so that beams stay inside the catalogue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = describe_tokenizer)]
pub struct ActionPiece {
    /// The item tokenizer, which makes the codes of items from the vectors of their texts; or, if `model` is the
    /// folder of a trained recommender such as `gloss export` writes, from its item vectors.
    #[serde(deserialize_with = "over_defaults")]
    pub tokenizer: ItemTokenizer,
    /// The number of tokens: those of single codes, and those that are learned to stand for several.
    #[serde(default = "default_vocabulary_size")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub vocabulary_size: usize,
    /// The number of random orders of a user's codes over which probabilities are averaged.
    #[serde(default = "default_segmentations")]
    #[schemars(range(min = 1))]
    pub segmentations: usize,
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
    /// The shape of the network.
    #[serde(default)]
    pub network: Shape,
    /// The number of beams, which is the most items of each order of a user's codes.
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
    #[serde(default = "default_training", deserialize_with = "training")]
    pub training: TigerTraining,
}

fn default_vocabulary_size() -> usize {
    40_000
}

fn default_segmentations() -> usize {
    5
}

fn default_max_length() -> usize {
    20
}

fn default_num_beams() -> usize {
    50
}

fn default_batch_size() -> usize {
    128
}

fn default_training() -> TigerTraining {
    TigerTraining {
        weight_decay: 0.15,
        metric_for_best_model: "ndcg@10".to_string(),
        early_stopping_patience: 20,
        ..TigerTraining::default()
    }
}

/// The options of a tokenizer that differ from its own defaults.
fn tokenizer_defaults() -> Value {
    json!({"type": "product-quantization", "levels": 4, "collisions": Collisions::Hash})
}

/// Reads a table, with values in `defaults` for the keys that are not given.
fn merged<'de, D, T>(deserializer: D, defaults: Value) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let mut all = defaults;
    overlay(&mut all, Value::deserialize(deserializer)?);
    serde_json::from_value(all).map_err(D::Error::custom)
}

fn over_defaults<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ItemTokenizer, D::Error> {
    merged(deserializer, tokenizer_defaults())
}

fn training<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TigerTraining, D::Error> {
    let defaults = serde_json::to_value(default_training()).map_err(D::Error::custom)?;
    merged(deserializer, defaults)
}

/// States the defaults of the tokenizer.
fn describe_tokenizer(schema: &mut Schema) {
    let options = schema.pointer_mut("/properties/tokenizer/properties");
    let Some(options) = options.and_then(Value::as_object_mut) else {
        return;
    };
    if let Value::Object(defaults) = tokenizer_defaults() {
        for (key, value) in defaults {
            if let Some(option) = options.get_mut(&key) {
                option["default"] = value;
            }
        }
    }
}

impl ActionPiece {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut all = self.tokenizer.check("tokenizer");
        if self.tokenizer.codes_of_an_item() > MOST_TOKENS {
            let message =
                format!("items have at most {MOST_TOKENS} codes here, one for collisions included");
            all.push(Diagnostic::new("tokenizer.levels", message));
        }
        all
    }
}

impl SemanticIdModel for ActionPiece {
    fn spec(&self) -> Spec<'_> {
        Spec {
            name: "action-piece",
            tokenizer: &self.tokenizer,
            model: &self.model,
            device: self.device,
            max_length: self.max_length,
            user_tokens: 0,
            vocabulary_size: Some(self.vocabulary_size),
            segmentations: self.segmentations,
            network: &self.network,
            num_beams: self.num_beams,
            exclude_seen: self.exclude_seen,
            batch_size: self.batch_size,
            training: &self.training,
        }
    }

    fn with_weights(&self, folder: PathBuf) -> Self {
        ActionPiece {
            model: Some(folder),
            ..self.clone()
        }
    }
}

semantic_id_model!(ActionPiece);
