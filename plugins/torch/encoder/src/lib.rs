//! Texts to vectors: encoders of the BERT family, as sentence-transformers runs them.
//!
//! - `options`, `model`: the options of an encoder, and the encoder that they make.
//! - `embed`: the interface between an index and its encoder.
//! - `encode`: the encoder at work, on the modules that are not named here.

mod architecture;
mod batches;
mod embed;
mod encode;
mod known;
mod layout;
mod model;
mod network;
mod options;
mod pooling;
mod resolve;
mod settings;
mod tokens;
mod workers;

pub use embed::{Embed, encode};
pub use encode::{Encoder, files};
pub use known::known;
pub use model::Model;
pub use options::{EncoderOptions, NamedPrefix, PrefixChoice, Similarity};
pub use pooling::Pooling;
pub use settings::{Given, Prefix, Role, Settings};
