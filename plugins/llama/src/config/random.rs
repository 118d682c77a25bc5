//! The options of a model with random weights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The value of `model` for a model with random weights.
pub(crate) const RANDOM: &str = "random";

/// A model with random weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Random {
    /// Its shape.
    pub shape: Shape,
    /// The vocabulary size of its tokenizer, which is trained on the catalogue's texts.
    #[schemars(range(min = 300, max = 100_000))]
    pub vocabulary: usize,
    /// Decides the weights.
    pub seed: u64,
}

/// The shape of a model with random weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// 2 layers of 128 features.
    Tiny,
    /// 4 layers of 256 features.
    Small,
}

impl Default for Random {
    fn default() -> Self {
        Random {
            shape: Shape::Tiny,
            vocabulary: 2048,
            seed: 0,
        }
    }
}
