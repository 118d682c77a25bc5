//! Sequential rules: what other customers bought soon after the items of a history. Reads no text and
//! needs no training beyond counting and reads no texts.

mod config;
mod generator;
mod rules;

pub use config::SequentialRules;

gloss_core::plugin! {
    generator "sequential-rules" => SequentialRules,
}
