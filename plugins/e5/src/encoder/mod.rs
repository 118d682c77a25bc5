//! Texts to vectors: encoders of the BERT family, as sentence-transformers runs them.

mod architecture;
mod batches;
mod encode;
mod known;
mod layout;
mod network;
mod pooling;
mod resolve;
mod settings;
mod tokens;
mod workers;

pub use encode::{Encoder, files};
pub use known::known;
pub(crate) use layout::similarity;
pub use pooling::Pooling;
pub use settings::{Given, Prefix, Role, Settings};
