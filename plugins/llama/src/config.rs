//! The options of the generator.

use std::path::PathBuf;

use gloss_item_tokenizer::ItemTokenizer;
use gloss_torch::{DeviceName, Precision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::prompt::{Format, Truncation};

mod random;
mod training;

pub(crate) use random::RANDOM;
pub use random::{Random, Shape};
pub use training::{Batching, Histories, LossScope, Method, Target, Training};

/// A Llama reads the texts of a customer's purchases and writes that of the next, by beam search.
///
/// The prompt is that of GLoSS (arXiv 2506.01910).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Llama {
    /// The checkpoint: a folder in Hugging Face's layout, the name of a model of its hub that
    /// `gloss fetch` has got or that the cache of Hugging Face has, or `random`. By default the one
    /// that `adapter` names.
    pub model: Option<String>,
    /// The folder of a LoRA adapter as PEFT writes it.
    pub adapter: Option<PathBuf>,
    /// The quantisation of projections when a checkpoint in 16 or 32 bits is loaded.
    pub quantize: Quantize,
    /// Dequantises quantised projections to `dtype` once, before texts are
    /// written, instead of for each use: the same texts, sooner, in the memory of weights that are not
    /// quantised.
    pub dequantize: bool,
    /// True to merge the adapter into the weights, which is faster; not possible for quantised
    /// weights. By default wherever it can be done.
    pub merge_adapter: Option<bool>,
    /// The device: `auto` (a GPU if there is one), `cpu`, or `cuda:0` and so on.
    pub device: DeviceName,
    /// The numbers that it computes with. By default bf16 on a GPU and f32 elsewhere.
    pub dtype: Option<Precision>,
    /// Tokens of the prompt and the new text together.
    #[schemars(range(min = 2))]
    pub max_length: usize,
    /// The most tokens of a new text, the one that ends it included. By default 50, or
    /// with `constrained` as many as the longest item has.
    #[schemars(range(min = 1))]
    pub max_new_tokens: Option<usize>,
    /// The format of a prompt.
    pub format: Format,
    /// The item tokenizer of `format = "semantic-ids"`, by which codes are made for a training. A model that was trained
    /// has its codes beside its weights.
    pub item_tokenizer: Option<ItemTokenizer>,
    /// The part that is cut from a prompt that is too long.
    pub truncation: Truncation,
    /// Texts that are extended side by side.
    #[schemars(range(min = 1, max = 1024), extend("x-former-names" = ["beams"]))]
    pub num_beams: usize,
    /// Texts of each user, at most as many as beams. By default as many as beams.
    #[schemars(range(min = 1, max = 1024), extend("x-former-names" = ["sequences"]))]
    pub num_return_sequences: Option<usize>,
    /// The power of its length by which a text's log-probability is divided to rank it. If it is not
    /// given, 1, or 0 with `constrained`: what counts of an item is its probability, however long its
    /// text is.
    pub length_penalty: Option<f64>,
    /// When a user's search ends: `true`, once there are as many texts as beams; `false`, once the
    /// best beam at its present length is worse than they are; `never`, once no beam can become
    /// better than they are.
    pub early_stopping: EarlyStopping,
    /// Restricts generated texts to those of the catalogue's items. The queries are items then, as they always are of
    /// `format = "semantic-ids"`.
    pub constrained: bool,
    /// Excludes a user's own items from the catalogue; needs `constrained`.
    pub exclude_seen: bool,
    /// Draws texts instead of searching for the likeliest; `num_beams` is the number of texts.
    pub sampling: Option<SamplingOptions>,
    /// The most users that are computed at once. By default 256 on a GPU and 16 elsewhere.
    #[schemars(range(min = 1))]
    pub batch_size: Option<usize>,
    /// The most memory for keys and values, in GiB; makes batches smaller.
    #[schemars(range(min = 0.001))]
    pub cache_memory: f64,
    /// Fine-tuning before generation. Without it the model is used as it is.
    pub training: Option<Training>,
    /// The shape of `model = "random"`: a small, randomly initialised model, to be trained in full.
    pub random: Option<Random>,
}

/// Quantisation of weights on loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Quantize {
    /// Not at all.
    #[default]
    None,
    /// To bitsandbytes's NF4 in blocks of 64, with double quantisation.
    Nf4,
}

/// The end of a search: `true`, `false` or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum EarlyStopping {
    /// `true` or `false`.
    Flag(bool),
    /// `never`.
    Word(Never),
}

/// The word `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Never {
    /// `never`
    Never,
}

/// Options for sampling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingOptions {
    /// The divisor of the logits: below 1 likely tokens become likelier.
    #[schemars(range(min = 0.01))]
    pub temperature: f64,
    /// The number of likeliest tokens to draw from; 0 for all.
    pub top_k: usize,
    /// The likeliest tokens that together have this probability are drawn from.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub top_p: f64,
    /// Decides all draws, together with the prompt.
    pub seed: u64,
}

impl Default for Llama {
    fn default() -> Self {
        Llama {
            model: None,
            adapter: None,
            quantize: Quantize::None,
            dequantize: false,
            merge_adapter: None,
            device: DeviceName::Auto,
            dtype: None,
            max_length: 1024,
            max_new_tokens: None,
            format: Format::Paper,
            item_tokenizer: None,
            truncation: Truncation::Left,
            num_beams: 5,
            num_return_sequences: None,
            length_penalty: None,
            early_stopping: EarlyStopping::Flag(false),
            constrained: false,
            exclude_seen: false,
            sampling: None,
            batch_size: None,
            cache_memory: 4.0,
            training: None,
            random: None,
        }
    }
}

impl Default for SamplingOptions {
    fn default() -> Self {
        SamplingOptions {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            seed: 0,
        }
    }
}
