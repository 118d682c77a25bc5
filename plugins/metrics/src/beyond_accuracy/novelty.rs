//! The novelty of the recommended items.

use gloss_core::{Evaluation, Invariants, Result, Scores};

use super::{SHARE, needs};
use crate::cutoff::{ratio, top};

metric! {
    /// Mean self-information, in bits, of the user's top k: rarely bought items are novel.
    ///
    /// `(1 / n) Σ -log2 p(item)` over the n ≤ k items ranked, 0 for an empty ranking. p is the item's
    /// share of all interactions in the training examples with one added to each item's count
    /// (Laplace smoothing), so that it is above 0 for an item that was never bought:
    /// `(count + 1) / (Σ counts + |catalogue|)`. T. Zhou et al.: Solving the apparent
    /// diversity-accuracy dilemma of recommender systems, PNAS 107(10), 2010, there with the share
    /// of users.
    Novelty, "novelty", "mean over the top k of -log2((count + 1) / (Σ counts + |catalogue|))",
    Invariants { range: 0.0..=f64::INFINITY, ..SHARE }, novelty
}

fn novelty(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    let counts = evaluation
        .training_counts()
        .ok_or_else(|| needs("novelty", "the counts of the training examples"))?;
    let total = counts.iter().sum::<u64>() + counts.len() as u64;
    let bits: Vec<f64> = counts
        .iter()
        .map(|count| (total as f64 / (count + 1) as f64).log2())
        .collect();
    let mean = |ranking: &[u32]| {
        let ranking = top(ranking, k);
        let sum: f64 = ranking.iter().map(|item| bits[*item as usize]).sum();
        ratio(sum, ranking.len() as f64)
    };
    Ok(Scores::PerUser(
        evaluation.rankings().iter().map(mean).collect(),
    ))
}

#[cfg(test)]
mod tests {
    use gloss_core::{Catalogue, Item, Metric, Ragged};

    use super::*;

    #[test]
    fn bits_by_hand() {
        let items = ["a", "b", "c"].map(|id| Item {
            id: id.into(),
            ..Item::default()
        });
        let catalogue = Catalogue::new(items.to_vec(), vec![]).unwrap();
        // Smoothed to 1, 4 and 3 of 8: 3, 1 and log2(8 / 3) bits.
        let counts = [0, 3, 2];
        let rankings: Ragged<u32> = [vec![0, 1, 2], vec![], vec![1]].into_iter().collect();
        let relevant = [vec![], vec![], vec![]].into_iter().collect();
        let evaluation = Evaluation::new(&rankings, &relevant)
            .unwrap()
            .with_catalogue(&catalogue, &counts);
        let score = |k| Novelty { k }.score(&evaluation).unwrap();
        assert_eq!(score(Some(2)), Scores::PerUser(vec![2.0, 0.0, 1.0]));
        let all = (4.0 + (8f64 / 3.0).log2()) / 3.0;
        assert_eq!(score(None), Scores::PerUser(vec![all, 0.0, 1.0]));
    }
}
