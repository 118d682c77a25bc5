//! Generative retrieval by semantic IDs. An item tokenizer turns the vector of an item's text into a few
//! codes, from coarse to fine; a generator reads the codes of a user's items and writes those of the next.
//!
//! - `codes`: the codes of a catalogue; `trie`: the catalogue as a tree of codes.
//! - `tokenizer`: from vectors to codes: residual k-means, product quantization, RQ-VAE, collisions.
//! - `report`: measurements of codes.
//! - `tiger`, `action_piece`: the options of TIGER and of ActionPiece; `config`: tables of both; `spec`: the
//!   options that they share; `component`: options as a generator that is trained.
//! - `network`, `attention`: the encoder and the decoder, as in T5; `sequence`: what they read; `merges`: tokens for
//!   several codes.
//! - `train`, `generator`, `beam`: training and search.

mod action_piece;
mod attention;
mod beam;
mod codes;
mod component;
mod config;
mod generator;
mod merges;
mod network;
mod report;
mod sequence;
mod spec;
mod tiger;
mod tokenizer;
mod train;
mod trie;

pub use action_piece::ActionPiece;
pub use codes::Codes;
pub use config::{Shape, TigerTraining};
pub use report::Report;
pub use tiger::Tiger;
pub use tokenizer::{Collisions, ItemTokenizer, RqVae, TokenizerKind};

gloss_core::plugin! {
    generator "tiger" => Tiger,
    generator "action-piece" => ActionPiece,
}
