//! Texts of a server that speaks OpenAI's completions API: such as vLLM. Prompts,
//! retrieval and metrics are those of all other methods.

mod answer;
mod batch_files;
mod client;
mod config;
mod generator;
mod request;

pub use config::{BatchFiles, OpenAi};

gloss_core::plugin! {
    generator "openai" => OpenAi,
}
