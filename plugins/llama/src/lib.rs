//! Llama as a query generator.

mod architecture;
mod attention;
mod beam;
mod cache;
mod candidates;
mod config;
mod constraint;
mod continuation;
mod decoder;
mod engine;
mod export;
mod generation_config;
mod generator;
mod layer;
mod linear;
mod load;
mod model;
mod prompt;
mod resolve;
mod rope;
mod sample;
mod tokenizer;
mod train;
mod trie;

pub use architecture::Architecture;
pub use beam::{BeamSearch, EarlyStopping, Sequence};
pub use config::{
    Batching as BatchingOption, EarlyStopping as EarlyStoppingOption, Histories, Llama, LossScope,
    Method as TrainingMethod, Never, Quantize, Random, SamplingOptions, Shape, Target, Training,
};
pub use constraint::Constraint;
pub use engine::{Decoding, Engine, Limits};
pub use gloss_training::{OptimizerName, Schedule};
pub use model::{LoadOptions, Model};
pub use prompt::{Format, Prompts, Truncation};
pub use rope::{Llama3, Rope, Scaling, Yarn};
pub use sample::Sampler;
pub use tokenizer::Tokenizer;
pub use trie::Trie;

gloss_core::plugin! {
    generator "llama" => Llama,
}
