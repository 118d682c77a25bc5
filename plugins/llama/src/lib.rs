//! Llama as a query generator.

mod architecture;
mod attention;
mod cache;
mod check;
mod code_files;
mod codes;
mod config;
mod decoder;
mod engine;
mod export;
mod generation_config;
mod generator;
mod layer;
mod linear;
mod load;
mod model;
mod paths;
mod prompt;
mod resolve;
mod rope;
mod rows;
mod tokenizer;
mod train;
mod trie;

pub use architecture::Architecture;
pub use codes::CodeTokens;
pub use config::{
    Batching as BatchingOption, EarlyStopping as EarlyStoppingOption, Histories, Llama, LossScope,
    Method as TrainingMethod, Never, Quantize, Random, SamplingOptions, Shape, Target, Training,
};
pub use engine::{Engine, Limits};
pub use gloss_decoding::{
    BeamSearch, Constraint, Decoding, EarlyStopping, Sampler, Sequence, Trie,
};
pub use gloss_training::{OptimizerName, Schedule};
pub use model::{LoadOptions, Model};
pub use prompt::{Format, Prompts, Truncation};
pub use rope::{Llama3, Rope, Scaling, Yarn};
pub use tokenizer::Tokenizer;
pub use trie::trie_of_texts;

gloss_core::plugin! {
    generator "llama" => Llama,
}
