//! The options of the floor.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const COUNT: usize = 20;

/// The most popular items: those that occur most often in the training examples, ties in catalogue
/// order, the same for every user.
///
/// An item that occurs c times among n occurrences of m items has the log-probability
/// ln((c + 1) / (n + m)), so that items that never occur come last instead of being impossible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Popular {
    /// The number of items per user, plus one for each different item of the history, so
    /// that this many remain when seen items are excluded; all items if there are not as many.
    #[schemars(range(min = 1))]
    pub count: usize,
}

impl Default for Popular {
    fn default() -> Self {
        Popular { count: COUNT }
    }
}

/// Random items: drawn for each user uniformly and without replacement.
///
/// The draw depends on the seed, the user's identifier, the number of items drawn and the size of
/// the catalogue alone. The item at rank r, counted from 1, has the log-probability -ln r, which
/// keeps the order of the draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Random {
    /// The number of items per user, plus one for each different item of the history, so
    /// that this many remain when seen items are excluded; all items if there are not as many.
    #[schemars(range(min = 1))]
    pub count: usize,
    /// Seed of the draws; another seed gives other items.
    pub seed: u64,
}

impl Default for Random {
    fn default() -> Self {
        Random {
            count: COUNT,
            seed: 42,
        }
    }
}
