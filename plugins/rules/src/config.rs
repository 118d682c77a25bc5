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
/// occurs in the training cases to the power of `popularity_exponent`.
///
/// The log-probability of an item is the logarithm of its share of all scores of the user. Equal scores
/// are ranked in catalogue order. A user of whose items no rule tells anything gets no query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SequentialRules {
    /// How many items a user gets at most, besides one more for each different item of the history, so
    /// that this many remain when seen items are excluded.
    #[schemars(range(min = 1))]
    pub count: usize,
    /// How many purchases may lie from one item of a rule to the other.
    #[schemars(range(min = 1))]
    pub distance: usize,
    /// How many of the last items of a history are looked at.
    #[schemars(range(min = 1))]
    pub items: usize,
    /// How much an item's popularity counts against it: 0 not at all, 1 in full.
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
