//! The options of Last Item Search.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Last Item Search: the text of the last item of the history is the query.
///
/// A user with an empty history gets no query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LastItemSearch {
    /// The number of last items that become queries, newest first. The one at position p, counted
    /// from 1, is weighted by 1/p: its log-probability is -ln p, so that of the newest is 0.
    #[schemars(range(min = 1))]
    pub items: usize,
}

impl Default for LastItemSearch {
    fn default() -> Self {
        LastItemSearch { items: 1 }
    }
}
