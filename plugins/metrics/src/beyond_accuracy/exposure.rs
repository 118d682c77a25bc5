//! The distribution of recommendations over the catalogue.

use gloss_core::{Evaluation, Invariants, Result, Scores};

use super::{SHARE, catalogue};
use crate::cutoff::{ratio, top};

metric! {
    /// Share of the catalogue that is among the top k of at least one user.
    ///
    /// `|∪ top k| / |catalogue|`, one figure over all users. M. Ge, C. Delgado-Battenfeld and
    /// D. Jannach: Beyond Accuracy: Evaluating Recommender Systems by Coverage and Serendipity,
    /// RecSys 2010.
    Coverage, "coverage", "|items in any user's top k| / |catalogue|",
    Invariants { monotone_in_cutoff: true, ..SHARE }, coverage
}

metric! {
    /// The inequality of recommendations: 0 if all items are recommended equally often, 1 if only one is.
    ///
    /// `Σ (2 j - n - 1) p(j) / (n - 1)` over all n items of the catalogue (those never recommended
    /// included), where p(j) is the j-th smallest share of all recommendations in the top k; one
    /// figure over all users, lower being better. 0 if nothing is recommended, or from a catalogue
    /// of one item. G. Shani and A. Gunawardana: Evaluating Recommendation Systems, in: Recommender
    /// Systems Handbook, Springer 2011. Some tools divide by n in place of n - 1.
    Gini, "gini", "Σ (2 j - n - 1) p(j) / (n - 1), p(j) the j-th smallest share of recommendations",
    Invariants { higher_is_better: false, ..SHARE }, gini
}

fn coverage(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    let items = catalogue(evaluation, "coverage")?.len();
    let counts = recommendations(evaluation, items, k);
    let recommended = counts.iter().filter(|count| **count > 0).count();
    Ok(Scores::Overall(ratio(recommended as f64, items as f64)))
}

fn gini(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    let items = catalogue(evaluation, "gini")?.len();
    let mut counts = recommendations(evaluation, items, k);
    counts.sort_unstable();
    let weighted: f64 = (1u64..)
        .zip(&counts)
        .map(|(j, count)| (2.0 * j as f64 - items as f64 - 1.0) * *count as f64)
        .sum();
    let total: u64 = counts.iter().sum();
    Ok(Scores::Overall(ratio(
        weighted,
        items.saturating_sub(1) as f64 * total as f64,
    )))
}

/// Returns the number of times that each item of the catalogue is among a user's top k.
fn recommendations(evaluation: &Evaluation<'_>, items: usize, k: Option<usize>) -> Vec<u64> {
    let mut counts = vec![0; items];
    for ranking in evaluation.rankings().iter() {
        for item in top(ranking, k) {
            counts[*item as usize] += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use gloss_core::{Catalogue, Item, Metric, Ragged};

    use super::*;

    fn values(rankings: Vec<Vec<u32>>, items: usize, k: Option<usize>) -> [f64; 2] {
        let items = (0..items)
            .map(|id| Item {
                id: id.to_string(),
                ..Item::default()
            })
            .collect();
        let catalogue = Catalogue::new(items, vec![]).unwrap();
        let counts = vec![0; catalogue.len()];
        let relevant = rankings.iter().map(|_| Vec::new()).collect();
        let rankings: Ragged<u32> = rankings.into_iter().collect();
        let evaluation = Evaluation::new(&rankings, &relevant)
            .unwrap()
            .with_catalogue(&catalogue, &counts);
        [
            Coverage { k }.score(&evaluation).unwrap().value(),
            Gini { k }.score(&evaluation).unwrap().value(),
        ]
    }

    #[test]
    fn one_item_for_all_is_the_most_unequal() {
        assert_eq!(
            values(vec![vec![2, 0], vec![2, 1]], 4, Some(1)),
            [0.25, 1.0]
        );
    }

    #[test]
    fn every_item_once_is_equal() {
        assert_eq!(values(vec![vec![2, 0], vec![3, 1]], 4, None), [1.0, 0.0]);
    }

    #[test]
    fn counts_zero_one_three_by_hand() {
        // Shares 0, 1/4 and 3/4 of three items: (-2 · 0 + 0 · 1/4 + 2 · 3/4) / 2.
        let rankings = vec![vec![0], vec![0, 1], vec![0]];
        assert_eq!(values(rankings, 3, None), [2.0 / 3.0, 0.75]);
    }

    #[test]
    fn nothing_recommended_covers_nothing() {
        assert_eq!(values(vec![vec![]], 3, None), [0.0, 0.0]);
        assert_eq!(values(vec![], 0, None), [0.0, 0.0]);
    }
}
