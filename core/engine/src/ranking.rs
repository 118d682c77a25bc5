//! One ranking from each user's queries and their hits.

use gloss_core::{Hit, Query, ReciprocalRanks, rank};
use hashbrown::HashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The fusion of the hits of several queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fusion {
    /// An item's score is its best score in any query (CombMAX; Fox and Shaw, 1994).
    #[default]
    Max,
    /// An item's score is the sum of its scores in all queries (CombSUM; Fox and Shaw, 1994).
    Sum,
    /// An item's score is the sum over queries of 1 / (constant + rank) (reciprocal rank fusion;
    /// Cormack, Clarke and Büttcher, 2009).
    ReciprocalRank,
    /// An item's score is the sum of its scores in all queries, each weighted by the query's
    /// probability among the user's queries (the softmax of their log-probabilities).
    LogProbability,
}

impl std::fmt::Display for Fusion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Fusion::Max => "max",
            Fusion::Sum => "sum",
            Fusion::ReciprocalRank => "reciprocal-rank",
            Fusion::LogProbability => "log-probability",
        })
    }
}

/// The policy for items that are in the user's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// They are ranked like all others, as in the paper.
    #[default]
    Keep,
    /// They are excluded, and others move up.
    Exclude,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Seen::Keep => "keep",
            Seen::Exclude => "exclude",
        })
    }
}

/// Ranking options with all defaults resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankingOptions {
    /// The number of items taken from each query's hits, after seen items are excluded.
    pub depth: usize,
    /// The number of items in each user's ranking.
    pub cutoff: usize,
    /// The fusion of the hits of several queries.
    pub fusion: Fusion,
    /// The constant of reciprocal rank fusion.
    pub reciprocal_rank_constant: f64,
    /// The policy for items that are in the user's history.
    pub seen: Seen,
}

impl RankingOptions {
    /// The number of hits that a query needs for a user with `seen` distinct items.
    pub fn hits_needed(&self, seen: usize) -> usize {
        match self.seen {
            Seen::Keep => self.depth,
            Seen::Exclude => self.depth.saturating_add(seen),
        }
    }

    /// Fuses several rankings of one user, each with a weight, by reciprocal ranks.
    pub fn fuse_rankings(&self, rankings: &[(&[Hit], f64)]) -> Vec<Hit> {
        let mut ranks = ReciprocalRanks::new(self.reciprocal_rank_constant);
        for (hits, weight) in rankings {
            ranks.add(hits.iter().map(|hit| hit.item), *weight);
        }
        ranks.into_hits(self.cutoff)
    }

    /// Fuses a user's queries, each with its hits in order. `seen` are the distinct items of the
    /// history, sorted. Equal scores are ranked in catalogue order.
    pub fn fuse(&self, queries: &[Query], answers: &[&[Hit]], seen: &[u32]) -> Vec<Hit> {
        let kept = |hits: &&[Hit]| {
            let kept = hits.iter().copied();
            let kept = kept
                .filter(|hit| self.seen == Seen::Keep || seen.binary_search(&hit.item).is_err());
            kept.take(self.depth).collect::<Vec<Hit>>()
        };
        let answers: Vec<Vec<Hit>> = answers.iter().map(kept).collect();
        if self.fusion == Fusion::ReciprocalRank {
            let rankings = answers.iter().map(|hits| (hits.as_slice(), 1.0));
            return self.fuse_rankings(&rankings.collect::<Vec<_>>());
        }
        let mut scores: HashMap<u32, f64> = HashMap::new();
        for (hits, weight) in answers.iter().zip(self.weights(queries)) {
            for hit in hits {
                let score = f64::from(hit.score) * weight;
                scores
                    .entry(hit.item)
                    .and_modify(|fused| match self.fusion {
                        Fusion::Max => *fused = fused.max(score),
                        _ => *fused += score,
                    })
                    .or_insert(score);
            }
        }
        // As f32: sums that are equal may differ in their last bits as f64.
        let hits = scores.into_iter().map(|(item, score)| Hit {
            item,
            score: score as f32,
        });
        let mut hits = hits.collect();
        rank(&mut hits, self.cutoff);
        hits
    }

    /// The weight of each query: the softmax of their log-probabilities, or 1 for all.
    fn weights(&self, queries: &[Query]) -> Vec<f64> {
        if self.fusion != Fusion::LogProbability {
            return vec![1.0; queries.len()];
        }
        let of = |query: &Query| f64::from(query.log_probability);
        let highest = queries.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let raw: Vec<f64> = queries.iter().map(|q| (of(q) - highest).exp()).collect();
        let total: f64 = raw.iter().sum();
        raw.into_iter().map(|weight| weight / total).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranking(fusion: Fusion, seen: Seen) -> RankingOptions {
        RankingOptions {
            depth: 2,
            cutoff: 3,
            fusion,
            reciprocal_rank_constant: 60.0,
            seen,
        }
    }

    fn hits(pairs: &[(u32, f32)]) -> Vec<Hit> {
        pairs
            .iter()
            .map(|&(item, score)| Hit { item, score })
            .collect()
    }

    fn fuse(
        ranking: &RankingOptions,
        lists: &[Vec<Hit>],
        log_probabilities: &[f32],
        seen: &[u32],
    ) -> Vec<(u32, f32)> {
        let queries: Vec<Query> = log_probabilities
            .iter()
            .map(|&log_probability| Query {
                log_probability,
                ..Query::text("")
            })
            .collect();
        let answers: Vec<&[Hit]> = lists.iter().map(Vec::as_slice).collect();
        ranking
            .fuse(&queries, &answers, seen)
            .iter()
            .map(|hit| (hit.item, hit.score))
            .collect()
    }

    #[test]
    fn each_fusion_by_hand() {
        let lists = [hits(&[(1, 9.0), (2, 5.0)]), hits(&[(2, 6.0), (3, 1.0)])];
        let by = |fusion| {
            fuse(
                &ranking(fusion, Seen::Keep),
                &lists,
                &[0.25f32.ln(), 0.75f32.ln()],
                &[],
            )
        };
        assert_eq!(by(Fusion::Max), [(1, 9.0), (2, 6.0), (3, 1.0)]);
        assert_eq!(by(Fusion::Sum), [(2, 11.0), (1, 9.0), (3, 1.0)]);
        let reciprocal: Vec<u32> = by(Fusion::ReciprocalRank).iter().map(|h| h.0).collect();
        assert_eq!(reciprocal, [2, 1, 3]);
        let weighted = by(Fusion::LogProbability);
        assert_eq!(weighted[0].0, 2);
        assert!((weighted[0].1 - 5.75).abs() < 1e-5 && (weighted[1].1 - 2.25).abs() < 1e-5);
    }

    #[test]
    fn seen_items_are_excluded_before_the_depth_is_counted() {
        let lists = [hits(&[(7, 9.0), (8, 8.0), (9, 7.0), (4, 6.0)])];
        let excluded = fuse(
            &ranking(Fusion::Max, Seen::Exclude),
            &lists,
            &[0.0],
            &[7, 9],
        );
        assert_eq!(excluded, [(8, 8.0), (4, 6.0)]);
        let kept = fuse(&ranking(Fusion::Max, Seen::Keep), &lists, &[0.0], &[7, 9]);
        assert_eq!(kept, [(7, 9.0), (8, 8.0)]);
    }

    proptest! {
        #[test]
        fn a_ranking_holds_each_unseen_item_once_best_first_and_within_the_cutoff(
            lists in prop::collection::vec(prop::collection::vec((0u32..9, -3i8..3), 0..6), 1..4),
            log_probabilities in prop::collection::vec(-3.0f32..0.0, 4),
            seen in prop::collection::btree_set(0u32..9, 0..4),
        ) {
            let lists: Vec<Vec<Hit>> = lists
                .into_iter()
                .map(|list| {
                    let mut list: Vec<Hit> = list.into_iter()
                        .map(|(item, score)| Hit { item, score: f32::from(score) })
                        .collect();
                    list.sort_by_key(|h| h.item);
                    list.dedup_by_key(|h| h.item);
                    rank(&mut list, 6);
                    list
                })
                .collect();
            let seen: Vec<u32> = seen.into_iter().collect();
            for fusion in [Fusion::Max, Fusion::Sum, Fusion::ReciprocalRank, Fusion::LogProbability] {
                let options = ranking(fusion, Seen::Exclude);
                let result = fuse(&options, &lists, &log_probabilities[..lists.len()], &seen);
                prop_assert!(result.len() <= 3);
                prop_assert!(result.iter().all(|(item, _)| !seen.contains(item)));
                for (at, one) in result.iter().enumerate() {
                    prop_assert!(result[at + 1..].iter().all(|other| other.0 != one.0));
                    if let Some(next) = result.get(at + 1) {
                        let falls = one.1 > next.1 || (one.1 == next.1 && one.0 < next.0);
                        prop_assert!(falls, "{fusion}: {one:?} before {next:?}");
                    }
                }
            }
        }
    }
}
