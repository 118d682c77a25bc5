//! Several rankings into one.

use gloss_core::{Hit, ReciprocalRanks, rank};
use hashbrown::HashMap;

use crate::config::Fusion;

/// A fusion of rankings.
pub(crate) struct Rule<'a> {
    pub(crate) fusion: Fusion,
    /// The constant of reciprocal rank fusion.
    pub(crate) constant: f64,
    /// The weight of each ranking; 1 where none is given.
    pub(crate) weights: &'a [f64],
}

impl Rule<'_> {
    /// Returns the best `k` items of `rankings`, each best first.
    pub(crate) fn fuse(&self, rankings: &[&[Hit]], k: usize) -> Vec<Hit> {
        let weights = self.weights.iter().copied().chain(std::iter::repeat(1.0));
        let weighted = rankings.iter().zip(weights);
        match self.fusion {
            Fusion::ReciprocalRank => {
                let mut ranks = ReciprocalRanks::new(self.constant);
                weighted.for_each(|(hits, weight)| {
                    ranks.add(hits.iter().map(|hit| hit.item), weight);
                });
                ranks.into_hits(k)
            }
            Fusion::Score => {
                let mut scores: HashMap<u32, f64> = HashMap::new();
                for (hits, weight) in weighted {
                    let scale = Scale::of(hits);
                    for hit in *hits {
                        *scores.entry(hit.item).or_default() += weight * scale.apply(hit.score);
                    }
                }
                let hit = |(item, score): (u32, f64)| Hit {
                    item,
                    score: score as f32,
                };
                let mut hits = scores.into_iter().map(hit).collect();
                rank(&mut hits, k);
                hits
            }
        }
    }
}

/// Scales a ranking's scores to the range from 0 to 1.
struct Scale {
    worst: f64,
    range: f64,
}

impl Scale {
    fn of(hits: &[Hit]) -> Self {
        let score = |hit: Option<&Hit>| hit.map_or(0.0, |hit| f64::from(hit.score));
        let worst = score(hits.last());
        Scale {
            worst,
            range: score(hits.first()) - worst,
        }
    }

    /// Equal scores are all scaled to 1.
    fn apply(&self, score: f32) -> f64 {
        match self.range > 0.0 {
            true => (f64::from(score) - self.worst) / self.range,
            false => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FUSIONS: [Fusion; 2] = [Fusion::ReciprocalRank, Fusion::Score];

    fn rule(fusion: Fusion, weights: &[f64]) -> Rule<'_> {
        Rule {
            fusion,
            constant: 60.0,
            weights,
        }
    }

    fn hits(pairs: &[(u32, f32)]) -> Vec<Hit> {
        let hit = |&(item, score): &(u32, f32)| Hit { item, score };
        pairs.iter().map(hit).collect()
    }

    fn items(hits: &[Hit]) -> Vec<u32> {
        hits.iter().map(|hit| hit.item).collect()
    }

    #[test]
    fn each_fusion_by_hand() {
        let (a, b) = (
            hits(&[(7, 9.0), (3, 5.0), (1, 1.0)]),
            hits(&[(3, 0.5), (2, 0.1)]),
        );
        let fused = rule(Fusion::ReciprocalRank, &[]).fuse(&[&a, &b], 9);
        assert_eq!(items(&fused), [3, 7, 2, 1]);
        assert!((fused[0].score - (1.0 / 62.0 + 1.0 / 61.0)).abs() < 1e-7);
        let fused = rule(Fusion::Score, &[]).fuse(&[&a, &b], 9);
        assert_eq!(fused, hits(&[(3, 1.5), (7, 1.0), (1, 0.0), (2, 0.0)]));
        let fused = rule(Fusion::Score, &[4.0, 1.0]).fuse(&[&a, &b], 2);
        assert_eq!(fused, hits(&[(7, 4.0), (3, 3.0)]));
    }

    fn ranking() -> impl Strategy<Value = Vec<Hit>> {
        prop::collection::btree_map(0u32..30, -4i8..4, 0..20).prop_map(|scores| {
            let hit = |(item, score)| Hit {
                item,
                score: f32::from(score),
            };
            let mut hits: Vec<Hit> = scores.into_iter().map(hit).collect();
            rank(&mut hits, 20);
            hits
        })
    }

    proptest! {
        #[test]
        fn a_ranking_fused_with_itself_keeps_its_order(hits in ranking()) {
            for fusion in FUSIONS {
                prop_assert_eq!(items(&rule(fusion, &[]).fuse(&[&hits, &hits], 20)), items(&hits));
            }
        }

        #[test]
        fn the_order_of_two_retrievers_does_not_matter(a in ranking(), b in ranking()) {
            for fusion in FUSIONS {
                let one = rule(fusion, &[2.0, 0.5]).fuse(&[&a, &b], 40);
                let other = rule(fusion, &[0.5, 2.0]).fuse(&[&b, &a], 40);
                prop_assert_eq!(one, other);
            }
        }

        #[test]
        fn answers_are_in_order_and_begin_those_for_more(a in ranking(), b in ranking()) {
            for fusion in FUSIONS {
                let all = rule(fusion, &[]).fuse(&[&a, &b], 40);
                for pair in all.windows(2) {
                    let (x, y) = (pair[0], pair[1]);
                    prop_assert!(x.score > y.score || (x.score == y.score && x.item < y.item));
                }
                let few = rule(fusion, &[]).fuse(&[&a, &b], 3);
                prop_assert_eq!(&few[..], &all[..few.len()]);
                let different: std::collections::BTreeSet<u32> =
                    a.iter().chain(&b).map(|hit| hit.item).collect();
                prop_assert_eq!(all.len(), different.len());
            }
        }

        #[test]
        fn a_ranking_without_weight_changes_no_order(a in ranking(), b in ranking()) {
            for fusion in FUSIONS {
                let fused = rule(fusion, &[1.0, 0.0]).fuse(&[&a, &b], 40);
                let of_a: Vec<u32> = items(&fused)
                    .into_iter()
                    .filter(|item| a.iter().any(|hit| hit.item == *item))
                    .collect();
                prop_assert_eq!(of_a, items(&a));
            }
        }
    }
}
