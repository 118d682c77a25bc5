//! Ranked items: the order of hits, and reciprocal rank fusion.

use std::cmp::Ordering;

use hashbrown::HashMap;

/// An item with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The item's catalogue position.
    pub item: u32,
    /// The score, finite; higher is better.
    pub score: f32,
}

impl Hit {
    /// The order of a ranking: score descending, then catalogue order.
    pub fn rank_order(&self, other: &Hit) -> Ordering {
        // Adding 0 turns -0 into 0.
        let score = |hit: &Hit| hit.score + 0.0;
        let order = score(other).total_cmp(&score(self));
        order.then(self.item.cmp(&other.item))
    }
}

/// Sorts hits by score descending, then catalogue order, and keeps the first `k`.
pub fn rank(hits: &mut Vec<Hit>, k: usize) {
    if k == 0 {
        hits.clear();
    } else if hits.len() > k {
        hits.select_nth_unstable_by(k - 1, Hit::rank_order);
        hits.truncate(k);
    }
    hits.sort_unstable_by(Hit::rank_order);
}

/// Weighted reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): an item's score is the sum
/// over rankings of weight / (constant + rank), the first rank being 1.
#[derive(Debug)]
pub struct ReciprocalRanks {
    constant: f64,
    scores: HashMap<u32, f64>,
}

impl ReciprocalRanks {
    /// No rankings yet.
    pub fn new(constant: f64) -> Self {
        ReciprocalRanks {
            constant,
            scores: HashMap::new(),
        }
    }

    /// Adds a ranking, best item first.
    pub fn add(&mut self, items: impl IntoIterator<Item = u32>, weight: f64) {
        for (rank, item) in items.into_iter().enumerate() {
            let score = weight / (self.constant + rank as f64 + 1.0);
            *self.scores.entry(item).or_default() += score;
        }
    }

    /// The first `k` items of the fused ranking. Scores are compared as f32: sums that are equal
    /// may differ in their last bits as f64.
    pub fn into_hits(self, k: usize) -> Vec<Hit> {
        let hit = |(item, score): (u32, f64)| Hit {
            item,
            score: score as f32,
        };
        let mut hits = self.scores.into_iter().map(hit).collect();
        rank(&mut hits, k);
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(pairs: &[(u32, f32)]) -> Vec<Hit> {
        let hit = |&(item, score): &(u32, f32)| Hit { item, score };
        pairs.iter().map(hit).collect()
    }

    #[test]
    fn equal_scores_are_ranked_in_catalogue_order() {
        let mut ranked = hits(&[(3, 1.0), (1, 2.0), (0, 1.0), (2, 0.5)]);
        rank(&mut ranked, 3);
        assert_eq!(ranked.iter().map(|h| h.item).collect::<Vec<_>>(), [1, 0, 3]);
        let mut zeros = hits(&[(3, 0.0), (1, -0.0)]);
        rank(&mut zeros, 2);
        assert_eq!(zeros[0].item, 1);
    }

    #[test]
    fn rankings_are_fused_by_weighted_reciprocal_ranks() {
        let mut ranks = ReciprocalRanks::new(60.0);
        ranks.add([3, 1], 2.0);
        ranks.add([1, 7, 3], 1.0);
        let fused = ranks.into_hits(3);
        let found: Vec<u32> = fused.iter().map(|hit| hit.item).collect();
        assert_eq!(found, [3, 1, 7]);
        let expected = [2.0 / 61.0 + 1.0 / 63.0, 2.0 / 62.0 + 1.0 / 61.0, 1.0 / 62.0];
        for (hit, expected) in fused.iter().zip(expected) {
            assert!((f64::from(hit.score) - expected).abs() < 1e-7);
        }
    }

    #[test]
    fn fused_scores_that_are_equal_are_ranked_in_catalogue_order() {
        // Ranks 4 and 4 give 1/12, and so do 10, 20 and 20.
        let list = |start: u32, at: usize, item: u32, other: (usize, u32)| {
            let mut items: Vec<u32> = (start..).take(20).collect();
            items[at - 1] = item;
            items[other.0 - 1] = other.1;
            items
        };
        let mut ranks = ReciprocalRanks::new(20.0);
        ranks.add(list(1000, 10, 2, (9, 900)), 1.0);
        ranks.add(list(2000, 20, 2, (4, 1)), 1.0);
        ranks.add(list(2000, 20, 2, (4, 1)), 1.0);
        let fused = ranks.into_hits(40);
        let at = |item: u32| fused.iter().position(|hit| hit.item == item).unwrap();
        assert_eq!(fused[at(1)].score, fused[at(2)].score);
        assert!(at(1) < at(2));
    }
}
