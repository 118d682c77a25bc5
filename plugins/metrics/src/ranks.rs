//! Metrics of the ranks at which hits stand.

use gloss_core::{Evaluation, Result, Scores};

use crate::cutoff::{MONOTONE, per_user, ratio};

metric! {
    /// One over the rank of the first relevant item among the top k; 0 if there is none.
    ///
    /// The mean over users is the mean reciprocal rank. ranx `mrr`; trec_eval `recip_rank`, which
    /// has no cut-off. E. M. Voorhees: The TREC-8 Question Answering Track Report, TREC 1999.
    ReciprocalRank, "mrr", "1 / rank of the first hit in the top k", MONOTONE, reciprocal_rank
}

metric! {
    /// Precision at the rank of each hit among the top k, averaged over all relevant items.
    ///
    /// `(1 / R) Σ precision@r`, over the ranks r ≤ k that hold a relevant item; the mean over users
    /// is the mean average precision. R is the number of all relevant items, so that `map@k` stays
    /// below 1 where R > k: ranx `map` and trec_eval `map_cut` (`map` without k) divide so too,
    /// some other tools by `min(k, R)`. C. Buckley and E. M. Voorhees: Evaluating Evaluation
    /// Measure Stability, SIGIR 2000.
    AveragePrecision, "map", "(1 / R) Σ precision@r over hits at ranks r ≤ k", MONOTONE,
    average_precision
}

fn reciprocal_rank(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    Ok(per_user(evaluation, k, |top| {
        let first = top.gains.iter().position(|gain| *gain > 0.0);
        first.map_or(0.0, |index| 1.0 / (index + 1) as f64)
    }))
}

fn average_precision(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    Ok(per_user(evaluation, k, |top| {
        let ranks = (1u32..).zip(top.gains).filter(|(_, gain)| **gain > 0.0);
        let precisions = (1u32..)
            .zip(ranks)
            .map(|(hits, (rank, _))| f64::from(hits) / f64::from(rank));
        ratio(precisions.sum(), top.ideal.len() as f64)
    }))
}

#[cfg(test)]
mod tests {
    use gloss_core::{Metric, Ragged};

    use super::*;

    #[test]
    fn hits_at_ranks_two_and_three_of_three_relevant_items() {
        let rankings: Ragged<u32> = [vec![9, 1, 2]].into_iter().collect();
        let relevant = [vec![(1, 1.0), (2, 1.0), (3, 1.0)]].into_iter().collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        let value = |metric: &dyn Metric| metric.score(&evaluation).unwrap().value();
        assert_eq!(value(&ReciprocalRank { k: None }), 0.5);
        assert_eq!(value(&ReciprocalRank { k: Some(1) }), 0.0);
        let map = (1.0 / 2.0 + 2.0 / 3.0) / 3.0;
        assert!((value(&AveragePrecision { k: None }) - map).abs() < 1e-15);
        assert_eq!(value(&AveragePrecision { k: Some(2) }), 0.5 / 3.0);
    }
}
