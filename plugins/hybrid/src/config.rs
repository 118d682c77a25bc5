//! The options of the retriever.

use std::sync::OnceLock;

use gloss_core::QueryKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::nested::Nested;

/// Several retrievers, each asked the same, and their hits fused into one ranking.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hybrid {
    /// The retrievers, each as its name or as a table with `type`.
    #[schemars(length(min = 2))]
    pub retrievers: Vec<Nested>,
    /// The fusion of hits.
    #[serde(default)]
    pub fusion: Fusion,
    /// The constant of reciprocal rank fusion: the larger, the less the first ranks count.
    #[serde(default = "default_constant")]
    #[schemars(range(min = 0.0))]
    pub reciprocal_rank_constant: f64,
    /// The weight of each retriever, in order. Equal by default.
    #[serde(default)]
    pub weights: Option<Vec<f64>>,
    /// The hits that are taken from each retriever; a query has at most all of them. It decides
    /// the ranking, unlike the number of hits that are asked for.
    #[serde(default = "default_depth")]
    #[schemars(range(min = 1))]
    pub depth: usize,
    /// The kinds of query that all of them answer.
    #[serde(skip)]
    pub(crate) accepts: OnceLock<Vec<QueryKind>>,
}

/// The fusion of hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fusion {
    /// An item's score is the sum of weight / (constant + rank) (reciprocal rank fusion; Cormack,
    /// Clarke and Büttcher, 2009).
    #[default]
    ReciprocalRank,
    /// An item's score is the weighted sum of its scores, each scaled to 0 for its retriever's
    /// worst hit and 1 for the best.
    Score,
}

fn default_constant() -> f64 {
    60.0
}

fn default_depth() -> usize {
    100
}
