//! A measure for judgements that are known to be incomplete.

use gloss_core::{Evaluation, Invariants, Metric, Result, Scores, UserGains};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::cutoff::{MONOTONE, ratio};

/// Binary preference: the share of relevant items, each less by the judged irrelevant ones above it.
///
/// `(1 / R) Σ (1 - min(n(r), R) / min(R, N))` over the hits, where R items are relevant, N were judged
/// irrelevant, and n(r) of these stand above the hit at rank r. Items that were not judged have no
/// effect. A hit counts 1 where none of those judged irrelevant stands above it. trec_eval `bpref`; that of
/// ranx 0.3.20 has other values. C. Buckley and E. M. Voorhees: Retrieval Evaluation with Incomplete
/// Information, SIGIR 2004, with min(R, N) as trec_eval has it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bpref {}

impl Metric for Bpref {
    fn label(&self) -> String {
        "bpref".into()
    }

    fn formula(&self) -> &'static str {
        "(1 / R) Σ (1 - min(n(r), R) / min(R, N)) over hits, n(r) judged irrelevant above"
    }

    fn cutoff(&self) -> Option<usize> {
        None
    }

    fn invariants(&self) -> Invariants {
        MONOTONE
    }

    fn score(&self, evaluation: &Evaluation<'_>) -> Result<Scores> {
        Ok(evaluation.per_user(value))
    }
}

fn value(user: UserGains<'_>) -> f64 {
    let relevant = user.ideal.len();
    let most = relevant.min(user.irrelevant) as f64;
    let hits = (0u32..).zip(user.gains).filter(|(_, gain)| **gain > 0.0);
    let values = hits.map(|(rank, _)| {
        let above = user.irrelevant_ranks.partition_point(|other| *other < rank);
        1.0 - ratio(above.min(relevant) as f64, most)
    });
    ratio(values.sum(), relevant as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::Ragged;

    #[test]
    fn judged_irrelevant_items_above_a_hit_cost() {
        // Unjudged 9; relevant 1, 2, 3; judged irrelevant 5, 6.
        let rankings: Ragged<u32> = [vec![9, 1, 5, 2, 6, 3], vec![9, 1], vec![5]]
            .into_iter()
            .collect();
        let judged = [(1, 1.0), (2, 2.0), (3, 1.0), (5, 0.0), (6, 0.0)];
        let relevant = [judged.to_vec(), vec![(1, 1.0)], judged.to_vec()];
        let relevant = relevant.into_iter().collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        let scores = Bpref {}.score(&evaluation).unwrap();
        let expected = (1.0 + 0.5 + 0.0) / 3.0;
        assert_eq!(scores, Scores::PerUser(vec![expected, 1.0, 0.0]));
    }
}
