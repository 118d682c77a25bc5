//! Llama as a query generator.

mod prompt;
mod tokenizer;
mod trie;

pub use prompt::{Prompts, Truncation};
pub use tokenizer::Tokenizer;
pub use trie::Trie;
