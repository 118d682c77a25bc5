//! Generative retrieval by semantic IDs. An item tokenizer turns the vector of an item's text into a few
//! codes, from coarse to fine; a generator reads the codes of a user's items and writes those of the next.
//!
//! - `codes`: the codes of a catalogue; `trie`: the catalogue as a tree of codes.
//! - `tokenizer`: from vectors to codes: residual k-means, product quantization, RQ-VAE, collisions.
//! - `report`: measurements of codes.
//! - `config`: the options of TIGER; `network`, `attention`: its encoder and decoder, as in T5; `sequence`: what they
//!   read; `train`, `generator`, `beam`: training and search.

mod attention;
mod beam;
mod codes;
mod config;
mod generator;
mod network;
mod report;
mod sequence;
mod tokenizer;
mod train;
mod trie;

pub use codes::Codes;
pub use config::{Tiger, TigerTraining};
pub use report::Report;
pub use tokenizer::{Collisions, ItemTokenizer, RqVae, TokenizerKind};

gloss_core::plugin! {
    generator "tiger" => Tiger,
}
