//! Decoding for any network that keeps its keys and values: beam search as in transformers, free or inside the
//! catalogue, and sampling.
//!
//! - `decode`: the loop, and what it asks of a network; `beam`: beam search; `sample`: sampling.
//! - `trie`: the catalogue as a tree of tokens; `constraint`: that tree on a device.
//! - `candidates`, `continuation`: the ways to go on from a beam.

mod beam;
mod candidates;
mod constraint;
mod continuation;
mod decode;
mod sample;
mod trie;

pub use beam::{BeamSearch, EarlyStopping, Sequence};
pub use constraint::Constraint;
pub use decode::{Decoder, Decoding, Users, decode};
pub use sample::Sampler;
pub use trie::Trie;
