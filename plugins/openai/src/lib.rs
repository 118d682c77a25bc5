//! Texts of a server that speaks OpenAI's completions API: vLLM, llama.cpp, SGLang, TGI and others.
//! Engines for many machines stay what they are; prompts, retrieval and metrics are those of all.

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
