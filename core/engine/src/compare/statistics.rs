//! Tests of paired differences.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Binomial, Distribution};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use crate::bootstrap::quantile;

/// The two-sided p-values of the hypothesis that paired differences are none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PValues {
    /// Student's paired t-test.
    pub t: f64,
    /// Wilcoxon's signed-rank test.
    pub wilcoxon: f64,
    /// The randomisation test of the mean.
    pub randomization: f64,
}

impl PValues {
    /// The p-values of `differences`; the randomisation test draws `resamples` assignments of signs.
    pub fn of(differences: &[f64], resamples: u32, seed: u64) -> Self {
        PValues {
            t: t_test(differences),
            wilcoxon: wilcoxon(differences),
            randomization: randomization(differences, resamples, seed),
        }
    }

    /// Returns the three as a list, in the order of the fields.
    fn list(self) -> [f64; 3] {
        [self.t, self.wilcoxon, self.randomization]
    }
}

/// Corrects the p-values of a family of comparisons, each test by itself, by the step-down method of
/// S. Holm: A Simple Sequentially Rejective Multiple Test Procedure, 1979.
pub fn holm(family: &[PValues]) -> Vec<PValues> {
    let column = |at: usize| holm_of(&family.iter().map(|p| p.list()[at]).collect::<Vec<_>>());
    let [t, wilcoxon, randomization] = [0, 1, 2].map(column);
    let corrected = (0..family.len()).map(|at| PValues {
        t: t[at],
        wilcoxon: wilcoxon[at],
        randomization: randomization[at],
    });
    corrected.collect()
}

fn holm_of(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut least = 0.0_f64;
    for (done, at) in order.into_iter().enumerate() {
        let tests = (p_values.len() - done) as f64;
        least = least.max(p_values[at] * tests).min(1.0);
        corrected[at] = least;
    }
    corrected
}

/// The mean; 0 of nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The standard deviation of a sample, with n - 1 degrees of freedom; 0 of fewer than two values.
pub fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// The half width of the confidence interval of the mean of a sample, by Student's t; 0 of fewer than
/// two values.
pub fn half_width(values: &[f64], confidence: f64) -> f64 {
    let freedom = values.len() as f64 - 1.0;
    let Ok(distribution) = StudentsT::new(0.0, 1.0, freedom) else {
        return 0.0;
    };
    let t = distribution.inverse_cdf(0.5 + confidence / 2.0);
    t * deviation(values) / (values.len() as f64).sqrt()
}

/// Cohen's d of paired differences: their mean in units of their standard deviation; 0 if they do not
/// vary.
pub fn effect_size(differences: &[f64]) -> f64 {
    match deviation(differences) {
        0.0 => 0.0,
        deviation => mean(differences) / deviation,
    }
}

/// The p-value of the paired t-test. 1 if all differences are 0.
fn t_test(differences: &[f64]) -> f64 {
    let error = deviation(differences) / (differences.len() as f64).sqrt();
    let mean = mean(differences);
    match StudentsT::new(0.0, 1.0, differences.len() as f64 - 1.0) {
        Ok(_) if error == 0.0 => f64::from(mean == 0.0),
        Ok(distribution) => 2.0 * distribution.cdf(-(mean / error).abs()),
        Err(_) => 1.0,
    }
}

/// The p-value of Wilcoxon's signed-rank test by the normal distribution, with the correction for
/// equal ranks and without the one for continuity; differences of 0 are left out. 1 if there are none
/// others.
fn wilcoxon(differences: &[f64]) -> f64 {
    let mut nonzero: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    nonzero.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let (mut positive, mut equal, mut before) = (0.0, 0.0, 0.0);
    for group in nonzero.chunk_by(|a, b| a.abs() == b.abs()) {
        let size = group.len() as f64;
        let rank = before + (size + 1.0) / 2.0;
        positive += rank * group.iter().filter(|d| **d > 0.0).count() as f64;
        equal += size.powi(3) - size;
        before += size;
    }
    let expected = before * (before + 1.0) / 4.0;
    let variance = (before * (before + 1.0) * (2.0 * before + 1.0) - equal / 2.0) / 24.0;
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (positive - expected) / variance.sqrt();
    2.0 * Normal::standard().cdf(-z.abs())
}

/// The p-value of the randomisation test: the share of assignments of signs to the differences whose
/// mean is at least as far from 0. All assignments are tried if they are at most `resamples`;
/// otherwise so many are drawn, and the one that was observed counts as one more.
fn randomization(differences: &[f64], resamples: u32, seed: u64) -> f64 {
    let sizes: Vec<f64> = differences
        .iter()
        .map(|d| d.abs())
        .filter(|d| *d > 0.0)
        .collect();
    let observed = differences.iter().sum::<f64>().abs();
    // Sums in another order differ by their rounding.
    let limit = observed - 1e-12 * sizes.iter().sum::<f64>();
    let groups = groups(sizes);
    let count: u64 = groups.iter().map(|(_, count)| count).sum();
    let all = u32::try_from(count)
        .ok()
        .and_then(|count| 1_u64.checked_shl(count));
    if let Some(all) = all.filter(|all| *all <= u64::from(resamples)) {
        let extreme = (0..all).filter(|signs| signed(&groups, || *signs).abs() >= limit);
        return extreme.count() as f64 / all as f64;
    }
    let extreme = (0..u64::from(resamples)).into_par_iter().filter(|at| {
        let mut random = stream(seed, *at);
        signed(&groups, || random.next_u64()).abs() >= limit
    });
    (extreme.count() as f64 + 1.0) / (f64::from(resamples) + 1.0)
}

/// The random numbers of one resample.
fn stream(seed: u64, resample: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(resample);
    random
}

/// The distinct values, ascending, each with the number of its occurrences. Metrics have few.
fn groups(mut values: Vec<f64>) -> Vec<(f64, u64)> {
    values.sort_unstable_by(f64::total_cmp);
    let groups = values.chunk_by(|a, b| a == b);
    groups.map(|group| (group[0], group.len() as u64)).collect()
}

/// The sum of all values, each with the sign that a bit decides; `next` gives 64 bits.
fn signed(groups: &[(f64, u64)], mut next: impl FnMut() -> u64) -> f64 {
    let (mut bits, mut left) = (0_u64, 0);
    let mut ones = |mut count: u64| {
        let mut ones = 0;
        while count > 0 {
            if left == 0 {
                (bits, left) = (next(), 64);
            }
            let taken = left.min(count);
            let mask = u64::MAX >> (64 - taken);
            ones += (bits & mask).count_ones();
            bits = bits.checked_shr(taken as u32).unwrap_or(0);
            left -= taken;
            count -= taken;
        }
        f64::from(ones)
    };
    let sums = groups
        .iter()
        .map(|(value, count)| value * (*count as f64 - 2.0 * ones(*count)));
    sums.sum()
}

/// The percentile bootstrap interval of the mean: its quantiles over resamples with replacement. The
/// number of times that a distinct value is drawn is binomial, given those before it.
pub fn bootstrap(values: &[f64], resamples: u32, confidence: f64, seed: u64) -> (f64, f64) {
    let groups = groups(values.to_vec());
    let all = values.len() as u64;
    let mean = |resample: u64| {
        let mut random = stream(seed, resample);
        let (mut draws, mut others, mut sum) = (all, all, 0.0);
        for (value, count) in &groups {
            let share = *count as f64 / others as f64;
            let drawn = Binomial::new(draws, share).map_or(0, |number| number.sample(&mut random));
            sum += value * drawn as f64;
            draws -= drawn;
            others -= count;
        }
        sum / all.max(1) as f64
    };
    let mut means: Vec<f64> = (0..u64::from(resamples))
        .into_par_iter()
        .map(mean)
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    (quantile(&means, tail), quantile(&means, 1.0 - tail))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    /// Made by `tests/golden/paired_tests.py` with SciPy, statsmodels and ranx.
    #[derive(Deserialize)]
    struct Golden {
        first: Vec<f64>,
        second: Vec<f64>,
        t: f64,
        t_of_ranx: f64,
        wilcoxon: f64,
        randomization: f64,
        exact: bool,
        effect_size: f64,
        half_width: f64,
        bootstrap: [f64; 2],
    }

    #[derive(Deserialize)]
    struct Goldens {
        examples: Vec<Golden>,
        p_values: Vec<f64>,
        holm: Vec<f64>,
    }

    fn goldens() -> Goldens {
        serde_json::from_str(include_str!("../../tests/golden/paired_tests.json")).unwrap()
    }

    fn close(value: f64, expected: f64, within: f64) {
        assert!((value - expected).abs() <= within, "{value} {expected}");
    }

    #[test]
    fn p_values_and_effects_are_those_of_scipy_statsmodels_and_ranx() {
        let goldens = goldens();
        assert!(goldens.examples.len() >= 4);
        for golden in goldens.examples {
            let pairs = golden.first.iter().zip(&golden.second);
            let differences: Vec<f64> = pairs.map(|(a, b)| a - b).collect();
            let p = PValues::of(&differences, 20_000, 1);
            close(p.t, golden.t, 1e-9);
            close(p.t, golden.t_of_ranx, 1e-9);
            close(p.wilcoxon, golden.wilcoxon, 1e-9);
            let within = if golden.exact { 1e-12 } else { 0.015 };
            close(p.randomization, golden.randomization, within);
            close(effect_size(&differences), golden.effect_size, 1e-12);
            close(half_width(&differences, 0.95), golden.half_width, 1e-9);
            let (low, high) = bootstrap(&differences, 20_000, 0.95, 0);
            let within = 0.03 * (golden.bootstrap[1] - golden.bootstrap[0]);
            close(low, golden.bootstrap[0], within);
            close(high, golden.bootstrap[1], within);
        }
        for (value, expected) in holm_of(&goldens.p_values).iter().zip(goldens.holm) {
            close(*value, expected, 1e-12);
        }
    }

    #[test]
    fn no_difference_has_no_significance() {
        let expected = PValues {
            t: 1.0,
            wilcoxon: 1.0,
            randomization: 1.0,
        };
        assert_eq!(PValues::of(&[0.0; 5], 1000, 0), expected);
        assert_eq!(PValues::of(&[], 1000, 0), expected);
        assert_eq!(effect_size(&[0.5, 0.5]), 0.0);
    }

    proptest! {
        #[test]
        fn tests_are_two_sided_and_within_their_range(
            differences in prop::collection::vec(prop::sample::select(vec![-1.0, -0.5, 0.0, 0.25, 1.0]), 2..40),
        ) {
            let opposite: Vec<f64> = differences.iter().map(|d| -d).collect();
            let (p, q) = (PValues::of(&differences, 500, 7), PValues::of(&opposite, 500, 7));
            for (p, q) in p.list().into_iter().zip(q.list()) {
                prop_assert!((0.0..=1.0).contains(&p), "{p}");
                prop_assert!((p - q).abs() < 1e-9);
            }
        }

        #[test]
        fn corrections_never_lower_a_p_value(p_values in prop::collection::vec(0.0_f64..=1.0, 1..20)) {
            let corrected = holm_of(&p_values);
            for (p, corrected) in p_values.iter().zip(&corrected) {
                prop_assert!(p <= corrected && *corrected <= 1.0);
            }
        }
    }
}
