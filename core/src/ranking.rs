//! From each user's queries and their hits to one ranking.

use hashbrown::HashMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Hit, Query, rank};

/// How several queries' hits become one ranking.
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

/// What happens to items that are in the user's history already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// They are ranked like all others, as in the paper.
    #[default]
    Keep,
    /// They are taken out, and others move up.
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

/// How rankings are made, in full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Items taken from each query's hits, after seen ones are taken out.
    pub depth: usize,
    /// Items in each user's ranking.
    pub cutoff: usize,
    /// How several queries' hits become one ranking.
    pub fusion: Fusion,
    /// The constant of reciprocal rank fusion.
    pub reciprocal_rank_constant: f64,
    /// What happens to items that are in the user's history already.
    pub seen: Seen,
}

impl Ranking {
    /// How many hits a query needs for a user who has seen `seen` different items.
    pub fn hits_needed(&self, seen: usize) -> usize {
        match self.seen {
            Seen::Keep => self.depth,
            Seen::Exclude => self.depth.saturating_add(seen),
        }
    }

    /// What the one hit of an item query scores: the query's log-probability, or 1 where its
    /// probability weighs the score anyway.
    pub fn score_of_item_query(&self, query: &Query) -> f32 {
        match self.fusion {
            Fusion::LogProbability => 1.0,
            _ => query.log_probability,
        }
    }

    /// Makes one user's ranking of several, by weighted reciprocal rank fusion: an item's score is the
    /// sum over the rankings of weight / (constant + rank), the first rank being 1. Equal scores are
    /// ranked in catalogue order.
    pub fn fuse_rankings(&self, rankings: &[(&[Hit], f64)]) -> Vec<Hit> {
        let mut scores: HashMap<u32, f64> = HashMap::new();
        for (hits, weight) in rankings {
            for (rank, hit) in hits.iter().enumerate() {
                let score = weight / (self.reciprocal_rank_constant + rank as f64 + 1.0);
                *scores.entry(hit.item).or_default() += score;
            }
        }
        self.ranked(scores)
    }

    /// Makes one user's ranking from their queries and, for each, its hits in order. `seen` are
    /// the items of the history, sorted. An item query may be given as its one hit, of rank
    /// `ranks[query]` (from 0), which is added to the hit's own. Equal scores are ranked in
    /// catalogue order.
    pub fn fuse(&self, queries: &[Query], answers: &[Answer<'_>], seen: &[u32]) -> Vec<Hit> {
        let weights = self.weights(queries);
        let mut scores: HashMap<u32, f64> = HashMap::new();
        for (answer, weight) in answers.iter().zip(weights) {
            let kept = answer
                .hits
                .iter()
                .filter(|hit| self.seen == Seen::Keep || seen.binary_search(&hit.item).is_err());
            for (rank, hit) in kept.take(self.depth).enumerate() {
                let score = self.score(hit.score, answer.first_rank + rank, weight);
                scores
                    .entry(hit.item)
                    .and_modify(|fused| match self.fusion {
                        Fusion::Max => *fused = fused.max(score),
                        _ => *fused += score,
                    })
                    .or_insert(score);
            }
        }
        self.ranked(scores)
    }

    /// The items of the highest scores.
    fn ranked(&self, scores: HashMap<u32, f64>) -> Vec<Hit> {
        // As single numbers: sums that are equal may differ in their last bits as double ones.
        let hits = scores.into_iter().map(|(item, score)| Hit {
            item,
            score: score as f32,
        });
        let mut hits = hits.collect();
        rank(&mut hits, self.cutoff);
        hits
    }

    fn score(&self, score: f32, rank: usize, weight: f64) -> f64 {
        match self.fusion {
            Fusion::Max | Fusion::Sum => f64::from(score),
            Fusion::ReciprocalRank => 1.0 / (self.reciprocal_rank_constant + rank as f64 + 1.0),
            Fusion::LogProbability => f64::from(score) * weight,
        }
    }

    /// The softmax of the queries' log-probabilities.
    fn weights(&self, queries: &[Query]) -> Vec<f64> {
        let of = |query: &Query| f64::from(query.log_probability);
        let highest = queries.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let raw: Vec<f64> = queries.iter().map(|q| (of(q) - highest).exp()).collect();
        let total: f64 = raw.iter().sum();
        raw.into_iter().map(|weight| weight / total).collect()
    }
}

/// What one query found.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The hits, best first.
    pub hits: &'a [Hit],
    /// The rank of the first hit, counted from 0. It is above 0 for an item query, which is one
    /// entry of its user's list of items.
    pub first_rank: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranking(fusion: Fusion, seen: Seen) -> Ranking {
        Ranking {
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
        ranking: &Ranking,
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
        let answers: Vec<Answer<'_>> = lists
            .iter()
            .map(|hits| Answer {
                hits,
                first_rank: 0,
            })
            .collect();
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
    fn excluded_items_make_room_for_others_before_the_depth_is_counted() {
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
        fn rankings_hold_each_item_once_best_first_and_within_the_cutoff(
            lists in prop::collection::vec(prop::collection::vec((0u32..9, -3i8..3), 0..6), 1..4),
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
                    crate::rank(&mut list, 6);
                    list
                })
                .collect();
            let seen: Vec<u32> = seen.into_iter().collect();
            for fusion in [Fusion::Max, Fusion::Sum, Fusion::ReciprocalRank, Fusion::LogProbability] {
                let result = fuse(&ranking(fusion, Seen::Exclude), &lists, &vec![0.0; lists.len()], &seen);
                prop_assert!(result.len() <= 3);
                prop_assert!(result.iter().all(|(item, _)| !seen.contains(item)));
                for pair in result.windows(2) {
                    prop_assert!(pair[0].1 > pair[1].1 || (pair[0].1 == pair[1].1 && pair[0].0 < pair[1].0)
                        || fusion != Fusion::Max);
                    prop_assert!(pair[0].0 != pair[1].0);
                }
            }
        }
    }

    #[test]
    fn rankings_are_fused_by_weighted_reciprocal_ranks() {
        let (a, b) = (
            hits(&[(3, 9.0), (1, 8.0)]),
            hits(&[(1, 0.2), (7, 0.1), (3, 0.0)]),
        );
        let ranking = ranking(Fusion::ReciprocalRank, Seen::Keep);
        let fused = ranking.fuse_rankings(&[(&a, 2.0), (&b, 1.0)]);
        let found: Vec<u32> = fused.iter().map(|hit| hit.item).collect();
        assert_eq!(found, [3, 1, 7]);
        let expected = [2.0 / 61.0 + 1.0 / 63.0, 2.0 / 62.0 + 1.0 / 61.0, 1.0 / 62.0];
        for (hit, expected) in fused.iter().zip(expected) {
            assert!((f64::from(hit.score) - expected).abs() < 1e-7);
        }
    }

    #[test]
    fn fused_scores_that_are_equal_are_ranked_in_catalogue_order() {
        // Ranks 4 and 4 make 1/12, and so do 10, 20 and 20.
        let list = |at: usize, item: u32, other: (usize, u32)| {
            let mut items: Vec<u32> = (100 * at as u32..).take(20).collect();
            items[at - 1] = item;
            items[other.0 - 1] = other.1;
            hits(&items.iter().map(|item| (*item, 0.0)).collect::<Vec<_>>())
        };
        let lists = [
            list(10, 2, (9, 900)),
            list(20, 2, (4, 1)),
            list(20, 2, (4, 1)),
        ];
        let ranking = Ranking {
            depth: 20,
            reciprocal_rank_constant: 20.0,
            cutoff: 40,
            ..ranking(Fusion::ReciprocalRank, Seen::Keep)
        };
        let all: Vec<(&[Hit], f64)> = lists.iter().map(|list| (&list[..], 1.0)).collect();
        let fused = ranking.fuse_rankings(&all);
        let at = |item: u32| fused.iter().position(|hit| hit.item == item).unwrap();
        assert_eq!(fused[at(1)].score, fused[at(2)].score);
        assert!(at(1) < at(2));
    }
}
