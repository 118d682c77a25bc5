//! Item tokenizers: a few codes for each item, from coarse to fine, made of the vector of its text or of its vector in
//! a trained recommender.
//!
//! - `options`: the options; `source`: the vectors; `tokenizer`: from options and a catalogue to codes.
//! - `residual`, `kmeans`, `rq_vae`: the kinds; `collisions`: items of the same codes.
//! - `codes`: the codes of a catalogue, in memory and as Parquet; `report`: measurements of them.

mod codes;
mod collisions;
mod hash;
mod kmeans;
mod options;
mod report;
mod residual;
mod rq_vae;
mod source;
mod tokenizer;

#[cfg(test)]
mod golden;

pub use codes::{CODES, Codes};
pub use hash::fnv1a;
pub use options::{Collisions, ItemTokenizer, RqVae, TokenizerKind};
pub use report::{LevelReport, REPORT, Report};
