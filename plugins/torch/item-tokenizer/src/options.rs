//! The options of an item tokenizer.

use gloss_core::Diagnostic;
use gloss_encoder::EncoderOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::source;

/// An item tokenizer: turns the vector of an item into codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemTokenizer {
    /// The kind.
    #[serde(rename = "type", default)]
    pub kind: TokenizerKind,
    /// The encoder of items' texts; or, as its `model`, the folder of a recommender that has item vectors.
    #[serde(flatten)]
    pub encoder: EncoderOptions,
    /// Gives each dimension of the vectors the mean 0 and the deviation 1 first.
    #[serde(default)]
    pub standardize: bool,
    /// The number of codes of an item, without a further one for collisions.
    #[serde(default = "default_levels")]
    #[schemars(range(min = 1, max = 16))]
    pub levels: usize,
    /// The number of different codes of a level.
    #[serde(default = "default_codebook_size")]
    #[schemars(range(min = 2, max = 65_535))]
    pub codebook_size: usize,
    /// The most rounds of k-means.
    #[serde(default = "default_niter")]
    #[schemars(range(min = 1))]
    pub niter: usize,
    /// For k-means: gives every code of a level as many items as all others. Needs 8 bytes for each item
    /// and code.
    #[serde(default)]
    pub balanced: bool,
    /// The treatment of items with the same codes.
    #[serde(default)]
    pub collisions: Collisions,
    /// The number of different further codes of `collisions = "hash"`.
    #[serde(default = "default_hash_buckets")]
    #[schemars(range(min = 1, max = 65_535))]
    pub hash_buckets: usize,
    /// The autoencoder of `rq-vae`.
    #[serde(default)]
    pub rq_vae: RqVae,
}

fn default_levels() -> usize {
    3
}

fn default_codebook_size() -> usize {
    256
}

fn default_hash_buckets() -> usize {
    64
}

fn default_niter() -> usize {
    100
}

/// Kinds of item tokenizers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TokenizerKind {
    /// K-means of the vectors, then of what remains of them after each level.
    #[default]
    RqKmeans,
    /// K-means of each of as many parts of the vectors as there are levels.
    ProductQuantization,
    /// An autoencoder whose latent vectors are quantised level by level (RQ-VAE).
    RqVae,
}

/// The treatment of items with the same codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Collisions {
    /// Every item gets a further code, 0 for the first item of its codes in catalogue order.
    #[default]
    FurtherCode,
    /// Items with the same first codes share out those of the last level, so that the sum of squared
    /// distances is least.
    Reassign,
    /// Every item gets a further code of `hash_buckets`: the hash of its id, or the next one that no other item of its
    /// codes has (ActionPiece).
    Hash,
    /// They stay: the generator ranks them in catalogue order.
    Keep,
}

/// The autoencoder of RQ-VAE (Zeghidour et al., arXiv 2107.03312; for items Rajput et al., arXiv
/// 2305.05065).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RqVae {
    /// The widths of the hidden layers of the encoder; those of the decoder are the same backwards.
    pub hidden_sizes: Vec<i64>,
    /// The width of a latent vector.
    #[schemars(range(min = 1))]
    pub latent_size: i64,
    /// The weight of the loss by which latent vectors stay near their codes.
    #[schemars(range(min = 0.0))]
    pub commitment: f64,
    /// The learning rate of AdamW.
    #[schemars(range(min = 0.0))]
    pub learning_rate: f64,
    /// The share of each weight, times the learning rate, that every step takes away.
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// Items of a step.
    #[schemars(range(min = 1))]
    pub per_device_train_batch_size: usize,
    /// The times that every item is seen.
    #[schemars(range(min = 1))]
    pub num_train_epochs: u64,
    /// Decides the initial weights and the order of items.
    pub seed: u64,
}

impl Default for RqVae {
    fn default() -> Self {
        RqVae {
            hidden_sizes: vec![512, 256, 128],
            latent_size: 32,
            commitment: 0.25,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            per_device_train_batch_size: 1024,
            num_train_epochs: 500,
            seed: 42,
        }
    }
}

impl ItemTokenizer {
    /// The number of codes of an item, with a further one for collisions if there is one.
    pub fn codes_of_an_item(&self) -> usize {
        let further = matches!(self.collisions, Collisions::FurtherCode | Collisions::Hash);
        self.levels + usize::from(further)
    }

    /// Options that have no effect beside others; `key` is that of this table in a component's options.
    pub fn check(&self, key: &str) -> Vec<Diagnostic> {
        let mut diagnostics = source::check(&self.encoder);
        let mut diagnostic = |wrong: bool, name: &'static str, message: &str| {
            if wrong {
                diagnostics.push((name.to_string(), message.to_string()));
            }
        };
        let is_vae = self.kind == TokenizerKind::RqVae;
        diagnostic(
            !is_vae && self.rq_vae != RqVae::default(),
            "rq_vae",
            "is for `type = \"rq-vae\"`, and the tokenizer is another",
        );
        diagnostic(
            self.collisions != Collisions::Hash && self.hash_buckets != default_hash_buckets(),
            "hash_buckets",
            "is for `collisions = \"hash\"`, and collisions are treated otherwise",
        );
        diagnostic(
            is_vae && self.balanced,
            "balanced",
            "is for k-means, and the tokenizer is `rq-vae`",
        );
        let products = self.kind == TokenizerKind::ProductQuantization;
        diagnostic(
            products && self.collisions == Collisions::Reassign,
            "collisions",
            "`reassign` is for codes from coarse to fine, and the tokenizer is \
             `product-quantization`",
        );
        let with_key = |(name, message)| Diagnostic::new(format!("{key}.{name}"), message);
        diagnostics.into_iter().map(with_key).collect()
    }
}
