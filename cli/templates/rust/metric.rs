//! The metric `skeleton`.

use gloss_core::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// 1 if any relevant item is among the first k, else 0.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Skeleton {
    /// The number of items of a ranking that count.
    #[schemars(range(min = 1))]
    k: usize,
}

impl Default for Skeleton {
    fn default() -> Self {
        Skeleton { k: 5 }
    }
}

impl Metric for Skeleton {
    fn label(&self) -> String {
        format!("skeleton@{}", self.k)
    }

    fn formula(&self) -> &str {
        "1 if a relevant item is among the first k, else 0; the mean over users"
    }

    fn cutoff(&self) -> Option<usize> {
        Some(self.k)
    }

    fn invariants(&self) -> Invariants {
        Invariants {
            range: 0.0..=1.0,
            higher_is_better: true,
            monotone_in_cutoff: true,
            measures_relevance: true,
        }
    }

    fn score(&self, evaluation: &Evaluation<'_>) -> Result<Scores> {
        Ok(evaluation.per_user(|user| {
            let hit = user.gains.iter().take(self.k).any(|gain| *gain > 0.0);
            f64::from(u8::from(hit))
        }))
    }
}
