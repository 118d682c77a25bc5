//! Metrics that count hits, wherever in the top k they are.

use gloss_core::{Evaluation, Result, Scores};

use crate::cutoff::{MONOTONE, NOT_MONOTONE, UNBOUNDED, count_hits, per_user, ratio, top};

metric! {
    /// Share of the user's relevant items that are among the top k.
    ///
    /// `hits@k / R`, where R is the number of relevant items. ranx `recall`; trec_eval `recall`
    /// (`set_recall` without k).
    Recall, "recall", "hits@k / R", MONOTONE, recall
}

metric! {
    /// Number of relevant items among the top k.
    ///
    /// ranx `hits`; trec_eval `num_rel_ret` (without k).
    Hits, "hits", "hits@k", UNBOUNDED, hits
}

metric! {
    /// Share of the top k that is relevant.
    ///
    /// `hits@k / k`. With a cut-off it divides by k even where fewer items are ranked; without one,
    /// by the number of ranked items. ranx `precision`; trec_eval `P` (`set_P` without k).
    Precision, "precision", "hits@k / k", NOT_MONOTONE, precision
}

metric! {
    /// 1 if any relevant item is among the top k, else 0.
    ///
    /// The mean over users is the share of users served at all. ranx `hit_rate`; trec_eval
    /// `success`.
    HitRate, "hit_rate", "1 if hits@k > 0, else 0", MONOTONE, hit_rate
}

metric! {
    /// Harmonic mean of precision and recall among the top k.
    ///
    /// `2 P R / (P + R)` of [`Precision`] (so with k in its denominator) and [`Recall`], which is
    /// `2 hits@k / (k + R)`. ranx `f1`; trec_eval has it without k only, `set_F`. C. J. van
    /// Rijsbergen: Information Retrieval, 2nd ed., Butterworths 1979, chapter 7.
    F1, "f1", "2 hits@k / (k + R)", NOT_MONOTONE, f1
}

metric! {
    /// Precision at rank R, where R is the number of the user's relevant items.
    ///
    /// `hits@R / R`. ranx `r-precision`; trec_eval `Rprec`. Neither has a cut-off (ranx takes and
    /// ignores one); here k cuts the ranking first: `hits@min(k, R) / R`. C. Buckley and
    /// E. M. Voorhees: Retrieval System Evaluation, in: TREC: Experiment and Evaluation in
    /// Information Retrieval, MIT Press 2005, chapter 3.
    RPrecision, "r_precision", "hits@min(k, R) / R", MONOTONE, r_precision
}

fn hits(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    Ok(per_user(evaluation, k, |top| top.hits()))
}

fn recall(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    Ok(per_user(evaluation, k, |top| {
        ratio(top.hits(), top.ideal.len() as f64)
    }))
}

fn precision(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    Ok(per_user(evaluation, k, |top| {
        ratio(top.hits(), top.depth as f64)
    }))
}

fn hit_rate(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    Ok(per_user(evaluation, k, |top| top.hits().min(1.0)))
}

fn f1(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    Ok(per_user(evaluation, k, |top| {
        ratio(2.0 * top.hits(), top.depth as f64 + top.ideal.len() as f64)
    }))
}

fn r_precision(evaluation: &Evaluation<'_>, k: Option<usize>) -> Result<Scores> {
    Ok(per_user(evaluation, k, |seen| {
        let relevant = seen.ideal.len();
        let hits = count_hits(top(seen.gains, Some(relevant)));
        ratio(hits as f64, relevant as f64)
    }))
}

#[cfg(test)]
mod tests {
    use gloss_core::{Metric, Ragged};

    use super::*;

    /// Three relevant items, of which ranks 2 and 4 of four hold one each; nobody's ranking; and
    /// nothing relevant.
    fn values(metric: &dyn Metric) -> Vec<f64> {
        let rankings: Ragged<u32> = [vec![9, 1, 8, 2], vec![], vec![5]].into_iter().collect();
        let relevant: Ragged<(u32, f32)> =
            [vec![(1, 1.0), (2, 3.0), (3, 1.0)], vec![(1, 1.0)], vec![]]
                .into_iter()
                .collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        let Scores::PerUser(values) = metric.score(&evaluation).unwrap() else {
            panic!("{} is a value per user", metric.label());
        };
        values
    }

    #[test]
    fn the_whole_ranking_and_a_cut() {
        assert_eq!(values(&Recall { k: None }), [2.0 / 3.0, 0.0, 0.0]);
        assert_eq!(values(&Recall { k: Some(3) }), [1.0 / 3.0, 0.0, 0.0]);
        assert_eq!(values(&Hits { k: None }), [2.0, 0.0, 0.0]);
        assert_eq!(values(&Hits { k: Some(3) }), [1.0, 0.0, 0.0]);
        assert_eq!(values(&Precision { k: None }), [0.5, 0.0, 0.0]);
        assert_eq!(values(&HitRate { k: Some(1) }), [0.0, 0.0, 0.0]);
        assert_eq!(values(&HitRate { k: Some(2) }), [1.0, 0.0, 0.0]);
        assert_eq!(values(&F1 { k: None }), [4.0 / 7.0, 0.0, 0.0]);
    }

    #[test]
    fn precision_divides_by_k_even_if_fewer_are_ranked() {
        assert_eq!(values(&Precision { k: Some(10) }), [0.2, 0.0, 0.0]);
        assert_eq!(values(&F1 { k: Some(10) }), [4.0 / 13.0, 0.0, 0.0]);
    }

    #[test]
    fn r_precision_looks_at_r_ranks_and_no_deeper_than_k() {
        assert_eq!(values(&RPrecision { k: None }), [1.0 / 3.0, 0.0, 0.0]);
        assert_eq!(values(&RPrecision { k: Some(1) }), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_label_is_how_it_is_configured() {
        assert_eq!(Recall { k: Some(5) }.label(), "recall@5");
        assert_eq!(RPrecision { k: None }.label(), "r_precision");
    }
}
