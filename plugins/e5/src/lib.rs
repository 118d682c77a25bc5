//! The retriever `e5`: an encoder of the BERT family makes vectors of the catalogue's texts, kept
//! in LMDB, and of queries, and the items with the most similar vectors are found.
//!
//! - `config`, `retriever`: the options, and the retriever that they make.
//! - `encoder`: from texts to vectors; `embed`: the seam between it and an index.
//! - `recent`: the vectors of queries that were just asked; `store`: the index on disk.
//! - `search`: from vectors to items, exactly, by trees or by inverted lists.

mod config;
mod embed;
mod encoder;
mod environment;
mod recent;
mod retriever;
mod search;
mod store;

pub use config::{E5, Ivf, NamedPrefix, PrefixChoice, Search, Similarity, Trees};
pub use embed::Embed;
pub use encoder::{Encoder, Given, Pooling, Prefix, Role, Settings, files, known};
pub use search::{Exact, Forest, InvertedLists, Matrix};

gloss_core::plugin! {
    retriever "e5" => E5,
}
