//! The retriever `hybrid`: what several retrievers find, in one ranking.
//!
//! - `config`: the options.
//! - `nested`: a retriever inside the options of another.
//! - `fuse`: several rankings into one.
//! - `retriever`: the retriever that the options make.

mod config;
mod fuse;
mod nested;
mod retriever;

pub use config::{Fusion, Hybrid};
pub use nested::Nested;

gloss_core::plugin! {
    retriever "hybrid" => Hybrid,
}
