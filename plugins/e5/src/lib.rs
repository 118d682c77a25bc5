//! The retriever `e5`: an encoder of the BERT family makes vectors of the catalogue's texts, kept
//! in LMDB, and of queries, and the items with the most similar vectors are found.
//!
//! - `config`, `retriever`: the options, and the retriever that they make.
//! - `environment`, `store`: the index on disk.
//! - `search`: from vectors to items, exactly, by trees or by inverted lists.

mod config;
mod environment;
mod retriever;
mod search;
mod store;

pub use config::{E5, Ivf, Search, Trees};
pub use search::{Forest, InvertedLists};

gloss_core::plugin! {
    retriever "e5" => E5,
}
