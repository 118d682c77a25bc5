//! Queries that another program generated, from the JSON files that GLoSS writes, so that
//! retrieval can be studied without a language model.

mod config;
mod file;
mod generator;

pub use config::{Otherwise, Precomputed};

gloss_core::plugin! {
    generator "precomputed" => Precomputed,
}
