//! Retrievers whose index is a collection of a Milvus server, for catalogues that one machine cannot
//! hold.
//!
//! - `config`: the options of both retrievers.
//! - `proto`, `client`: the messages of the protocol, and calls that are repeated after a lost
//!   connection.
//! - `collection`: a collection that carries everything it was made from; `load`: filling it.
//! - `search`: batches of queries in flight, with ties broken by the order of the catalogue.
//! - `dense`, `sparse`: the two retrievers.

mod client;
mod collection;
mod config;
mod dense;
mod load;
mod proto;
mod search;
mod sparse;

pub use config::{Milvus, MilvusBm25, Server};

gloss_core::plugin! {
    retriever "milvus" => Milvus,
    retriever "milvus-bm25" => MilvusBm25,
}
