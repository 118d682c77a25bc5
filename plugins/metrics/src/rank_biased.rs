//! A measure of a user who goes on to the next rank with a fixed probability.

use gloss_core::{Evaluation, Invariants, Metric, Result, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cutoff::UNBOUNDED;

/// The gain of a user who looks at the next item with probability p.
///
/// `(1 - p) Σ grade(r) p^(r - 1)` over all ranks r; at most 1 where grades are. ranx `rbp`, written
/// `rbp.95` for p = 0.95; not in trec_eval. A. Moffat and J. Zobel: Rank-Biased Precision for
/// Measurement of Retrieval Effectiveness, ACM TOIS 27(1), 2008.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RankBiasedPrecision {
    /// The probability of looking at the next item.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub p: f64,
}

impl Default for RankBiasedPrecision {
    fn default() -> Self {
        RankBiasedPrecision { p: 0.95 }
    }
}

impl Metric for RankBiasedPrecision {
    fn label(&self) -> String {
        let digits = self.p.to_string();
        format!("rbp.{}", digits.strip_prefix("0.").unwrap_or(&digits))
    }

    fn formula(&self) -> &'static str {
        "(1 - p) Σ grade(r) p^(r - 1)"
    }

    fn cutoff(&self) -> Option<usize> {
        None
    }

    fn invariants(&self) -> Invariants {
        UNBOUNDED
    }

    fn score(&self, evaluation: &Evaluation<'_>) -> Result<Scores> {
        Ok(evaluation.per_user(|user| {
            let mut weight = 1.0 - self.p;
            let mut sum = 0.0;
            for gain in user.gains {
                sum += f64::from(*gain) * weight;
                weight *= self.p;
            }
            sum
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::Ragged;

    #[test]
    fn each_rank_counts_p_times_the_one_before() {
        let rankings: Ragged<u32> = [vec![9, 1, 2], vec![]].into_iter().collect();
        let relevant = [vec![(1, 1.0), (2, 2.0)], vec![(1, 1.0)]];
        let relevant = relevant.into_iter().collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        let metric = RankBiasedPrecision { p: 0.5 };
        assert_eq!(metric.label(), "rbp.5");
        assert_eq!(RankBiasedPrecision::default().label(), "rbp.95");
        let scores = metric.score(&evaluation).unwrap();
        assert_eq!(scores, Scores::PerUser(vec![0.25 + 0.25, 0.0]));
    }
}
