//! Generative retrieval by semantic IDs: generators that read the codes of a user's items, which an item tokenizer
//! makes, and write those of the next.
//!
//! - `tiger`, `action_piece`: the options of TIGER and of ActionPiece; `config`: tables of both; `spec`: the
//!   options that they share; `component`: options as a generator that is trained.
//! - `network`, `attention`: the encoder and the decoder, as in T5; `sequence`: what they read; `merges`: tokens for
//!   several codes.
//! - `train`, `generator`, `search`, `decoder`: training, and search inside the catalogue.

mod action_piece;
mod attention;
mod component;
mod config;
mod decoder;
mod generator;
mod merges;
mod network;
mod search;
mod sequence;
mod spec;
mod tiger;
mod train;

pub use action_piece::ActionPiece;
pub use config::{Shape, TigerTraining};
pub use tiger::Tiger;

gloss_core::plugin! {
    generator "tiger" => Tiger,
    generator "action-piece" => ActionPiece,
}
