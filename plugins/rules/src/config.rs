//! The options of sequential rules.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Sequential rules (Ludewig and Jannach, 2018, arXiv 1803.09587): what other customers bought soon
/// after the items of a history, as session-rec computes it.
///
/// A rule from one item to another, or to itself, weighs the sum of 1/d over all places of the training
/// cases where the other is bought d purchases after the one, d being at most `distance`. A user's
/// score of an item is the sum of the rules to it from the last `items` items of the history, the one
/// at position p, counted from 1 and newest first, weighted by 1/p; divided by how often the item
/// occurs in the training examples to the power of `popularity_exponent`.
///
/// The log-probability of an item is the logarithm of its share of all scores of the user. Equal scores
/// are ranked in catalogue order. A user without an item in any rule gets no query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SequentialRules {
    /// The most items per user, plus one for each different item of the history, so
    /// that this many remain when seen items are excluded.
    #[schemars(range(min = 1))]
    pub count: usize,
    /// The most purchases from one item of a rule to the other.
    #[schemars(range(min = 1))]
    pub distance: usize,
    /// The number of last items of a history that are used.
    #[schemars(range(min = 1))]
    pub items: usize,
    /// The exponent of the popularity penalty: 0 for none, 1 for full.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub popularity_exponent: f64,
}

impl Default for SequentialRules {
    fn default() -> Self {
        SequentialRules {
            count: 20,
            distance: 10,
            items: 10,
            popularity_exponent: 0.0,
        }
    }
}
