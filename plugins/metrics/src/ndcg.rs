//! Discounted cumulative gain in its two variants, normalised or not.

use gloss_core::{Evaluation, Result, Scores, UserGains};

use crate::cutoff::{NOT_MONOTONE, UNBOUNDED, per_user, ratio, top};

metric! {
    /// Discounted grades of the top k, as a share of the best that k items could have.
    ///
    /// `DCG@k / IDCG@k` with `DCG@k = Σ grade(r) / log2(r + 1)` over the ranks r ≤ k; IDCG is the DCG
    /// of the relevant items, highest grade first, cut at k as well. ranx `ndcg`; trec_eval
    /// `ndcg_cut` (`ndcg` without k). K. Järvelin and J. Kekäläinen: Cumulated gain-based
    /// evaluation of IR techniques, ACM TOIS 20(4), 2002; with the logarithm's base 2, and rank 1
    /// discounted by log2(2) = 1.
    Ndcg, "ndcg", "DCG@k / IDCG@k, DCG@k = Σ grade(r) / log2(r + 1) over ranks r ≤ k",
    NOT_MONOTONE, |evaluation, k| score(evaluation, k, |grade, _| grade)
}

metric! {
    /// Like ndcg, with a gain that doubles with each grade, so that the best items outweigh others.
    ///
    /// `DCG@k / IDCG@k` with `DCG@k = Σ (2^grade(r) - 1) / log2(r + 1)` over the ranks r ≤ k. Equal to
    /// ndcg where all relevant items have the grade 1. ranx `ndcg_burges`; not in trec_eval.
    /// C. Burges et al.: Learning to Rank using Gradient Descent, ICML 2005.
    NdcgBurges, "ndcg_burges",
    "DCG@k / IDCG@k, DCG@k = Σ (2^grade(r) - 1) / log2(r + 1) over ranks r ≤ k",
    NOT_MONOTONE, |evaluation, k| score(evaluation, k, burges)
}

metric! {
    /// Discounted grades of the top k.
    ///
    /// `DCG@k = Σ grade(r) / log2(r + 1)` over the ranks r ≤ k: ndcg without its division. ranx `dcg`;
    /// not in trec_eval. K. Järvelin and J. Kekäläinen, as of ndcg.
    Dcg, "dcg", "Σ grade(r) / log2(r + 1) over ranks r ≤ k",
    UNBOUNDED, |evaluation, k| discounted(evaluation, k, |grade| grade)
}

metric! {
    /// Like dcg, with a gain that doubles with each grade.
    ///
    /// `Σ (2^grade(r) - 1) / log2(r + 1)` over the ranks r ≤ k. Infinite for grades above 1,023, which is
    /// an error. ranx `dcg_burges`; not in trec_eval. C. Burges et al., as of ndcg_burges.
    DcgBurges, "dcg_burges", "Σ (2^grade(r) - 1) / log2(r + 1) over ranks r ≤ k",
    UNBOUNDED, |evaluation, k| discounted(evaluation, k, |grade: f64| grade.exp2() - 1.0)
}

/// `2^grade - 1` in units of 2^highest, which the ratio cancels: so no grade is too high.
fn burges(grade: f64, highest: f64) -> f64 {
    (grade - highest).exp2() - (-highest).exp2()
}

/// The discounts of the first ranks, down to the deepest that any user has or `k`.
fn discounts(evaluation: &Evaluation<'_>, k: Option<usize>) -> Vec<f64> {
    let depth = |judged: UserGains<'_>| judged.gains.len().max(judged.ideal.len());
    let deepest = evaluation.user_gains().map(depth).max().unwrap_or(0);
    (0..k.map_or(deepest, |k| k.min(deepest)))
        .map(|index| 1.0 / ((index + 2) as f64).log2())
        .collect()
}

/// DCG where `gain` is an item's gain, given its grade.
fn discounted(
    evaluation: &Evaluation<'_>,
    k: Option<usize>,
    gain: impl Fn(f64) -> f64,
) -> Result<Scores> {
    let discounts = discounts(evaluation, k);
    Ok(per_user(evaluation, k, |seen| {
        let gains = seen.gains.iter().zip(&discounts);
        let hits = gains.filter(|(grade, _)| **grade > 0.0);
        // The sum of no numbers is -0.
        hits.map(|(grade, discount)| gain(f64::from(*grade)) * discount)
            .sum::<f64>()
            + 0.0
    }))
}

/// NDCG where `gain` is an item's gain, given its grade and the user's highest.
fn score(
    evaluation: &Evaluation<'_>,
    k: Option<usize>,
    gain: impl Fn(f64, f64) -> f64,
) -> Result<Scores> {
    let discounts = discounts(evaluation, k);
    Ok(per_user(evaluation, k, |seen| {
        let Some(&highest) = seen.ideal.first() else {
            return 0.0;
        };
        let dcg = |grades: &[f32]| -> f64 {
            grades
                .iter()
                .zip(&discounts)
                .filter(|(grade, _)| **grade > 0.0)
                .map(|(grade, discount)| gain(f64::from(*grade), f64::from(highest)) * discount)
                .sum()
        };
        ratio(dcg(seen.gains), dcg(top(seen.ideal, k)))
    }))
}

#[cfg(test)]
mod tests {
    use gloss_core::{Metric, Ragged};

    use super::*;

    #[test]
    fn nothing_found_is_a_plain_zero() {
        let [value, ..] = values(vec![], vec![(1, 1.0)], None);
        assert!(value == 0.0 && value.is_sign_positive());
    }

    fn values(ranking: Vec<u32>, relevant: Vec<(u32, f32)>, k: Option<usize>) -> [f64; 2] {
        let rankings: Ragged<u32> = [ranking].into_iter().collect();
        let relevant = [relevant].into_iter().collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        [
            Ndcg { k }.score(&evaluation).unwrap().value(),
            NdcgBurges { k }.score(&evaluation).unwrap().value(),
        ]
    }

    #[test]
    fn one_relevant_item_is_worth_its_discount() {
        let [linear, burges] = values(vec![8, 9, 1], vec![(1, 1.0)], Some(5));
        assert!((linear - 0.5).abs() < 1e-15, "{linear}");
        assert!((burges - 0.5).abs() < 1e-15, "{burges}");
    }

    #[test]
    fn grades_count_as_they_are_or_by_powers_of_two() {
        let [linear, burges] = values(vec![1, 2], vec![(1, 1.0), (2, 3.0)], None);
        let second = 1.0 / 3f64.log2();
        let expected = (1.0 + 3.0 * second) / (3.0 + second);
        assert!((linear - expected).abs() < 1e-12);
        let expected = (1.0 + 7.0 * second) / (7.0 + second);
        assert!((burges - expected).abs() < 1e-12);
    }

    #[test]
    fn the_ideal_is_cut_at_k_as_well() {
        let relevant = vec![(1, 1.0), (2, 1.0), (3, 1.0)];
        assert_eq!(values(vec![1, 2], relevant, Some(2)), [1.0, 1.0]);
    }

    #[test]
    fn without_the_division_grades_add_up() {
        let rankings: Ragged<u32> = [vec![9, 1, 2], vec![9]].into_iter().collect();
        let relevant = [vec![(1, 1.0), (2, 3.0)], vec![(1, 1.0)]];
        let relevant = relevant.into_iter().collect();
        let evaluation = Evaluation::new(&rankings, &relevant).unwrap();
        let values = |metric: &dyn Metric| match metric.score(&evaluation).unwrap() {
            Scores::PerUser(values) => values,
            Scores::Overall(_) => panic!("one value"),
        };
        let second = 1.0 / 3f64.log2();
        assert_eq!(values(&Dcg { k: None }), [second + 3.0 * 0.5, 0.0]);
        assert_eq!(values(&Dcg { k: Some(2) }), [second, 0.0]);
        assert_eq!(values(&DcgBurges { k: None }), [second + 7.0 * 0.5, 0.0]);
    }

    #[test]
    fn a_grade_of_thousands_does_not_overflow() {
        let [_, burges] = values(vec![9, 1], vec![(1, 5000.0)], None);
        assert!((burges - 1.0 / 3f64.log2()).abs() < 1e-12, "{burges}");
    }
}
