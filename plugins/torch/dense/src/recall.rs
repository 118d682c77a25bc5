//! The recall of an approximate search.

use gloss_core::Hit;

/// The items of a query that count.
pub const RECALL_DEPTH: usize = 10;

/// The positions of `wanted` of `all` items, spread evenly.
pub fn sample(all: usize, wanted: usize) -> Vec<usize> {
    let count = wanted.min(all);
    (0..count).map(|at| at * all / count).collect()
}

/// The share of the [`RECALL_DEPTH`] best items, which are `expected`, that are `found`, on average
/// over the queries. An item as good as the last of them counts as one of them. 1 without queries.
pub fn recall(expected: &[Vec<Hit>], found: &[Vec<Hit>]) -> f64 {
    // Scores of the two searches are rounded each in its own way.
    let good = |score: f32, last: f32| score >= last - 1e-6 * last.abs().max(1.0);
    let shares = expected.iter().zip(found).filter_map(|(expected, found)| {
        let last = expected.last()?.score;
        let hits = found.iter().filter(|hit| good(hit.score, last)).count();
        Some(hits.min(expected.len()) as f64 / expected.len() as f64)
    });
    let shares: Vec<f64> = shares.collect();
    let recall = match shares.len() {
        0 => 1.0,
        count => shares.iter().sum::<f64>() / count as f64,
    };
    tracing::info!(
        recall,
        queries = shares.len(),
        "recall@{RECALL_DEPTH} of the approximate search against exact search"
    );
    recall
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_over_all() {
        assert_eq!(sample(10, 3), [0, 3, 6]);
        assert_eq!(sample(2, 5), [0, 1]);
        assert!(sample(0, 5).is_empty());
    }

    #[test]
    fn an_item_as_good_as_the_last_counts() {
        let hits = |scores: &[f32]| {
            let hit = |(item, score): (usize, &f32)| Hit {
                item: item as u32,
                score: *score,
            };
            scores.iter().enumerate().map(hit).collect::<Vec<Hit>>()
        };
        let expected = [hits(&[0.9, 0.5]), Vec::new(), hits(&[0.8])];
        let found = [hits(&[0.5, 0.4]), Vec::new(), hits(&[0.8])];
        assert_eq!(recall(&expected, &found), 0.75);
        assert_eq!(recall(&[], &[]), 1.0);
    }
}
