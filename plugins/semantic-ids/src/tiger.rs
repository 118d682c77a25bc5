//! The options of TIGER.

use std::path::PathBuf;

use gloss_core::Diagnostic;
use gloss_item_tokenizer::ItemTokenizer;
use gloss_torch::DeviceName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::component::semantic_id_model;
use crate::config::{Shape, TigerTraining};
use crate::spec::{SemanticIdModel, Spec};

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

impl Tiger {
    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.tokenizer.check("tokenizer")
    }
}

impl SemanticIdModel for Tiger {
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

semantic_id_model!(Tiger);
