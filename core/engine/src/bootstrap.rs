//! Bootstrap confidence intervals.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Confidence intervals of means over users: the quantiles of the means of resamples, each drawn from
/// the users with replacement.
///
/// The percentile bootstrap of B. Efron and R. J. Tibshirani: An Introduction to the Bootstrap,
/// Chapman & Hall 1993, chapter 13. All metrics and methods share the same resamples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bootstrap {
    /// The number of resamples.
    #[schemars(range(min = 100, max = 1_000_000))]
    pub resamples: u32,
    /// The confidence level.
    #[schemars(range(min = 0.01, max = 0.9999))]
    pub confidence: f64,
    /// The seed of all draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Bootstrap {
            resamples: 1000,
            confidence: 0.95,
            seed: 0,
        }
    }
}

/// A confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Bootstrap {
    /// Returns the interval of the mean of each of `columns`, which hold a value per user; `None` if
    /// there are no users.
    pub fn intervals(&self, columns: &[&[f64]]) -> Vec<Option<Interval>> {
        let users = columns.first().map_or(0, |column| column.len());
        if users == 0 {
            return vec![None; columns.len()];
        }
        let resamples = 0..u64::from(self.resamples);
        let means: Vec<Vec<f64>> = resamples
            .into_par_iter()
            .map(|resample| self.resample(resample, users, columns))
            .collect();
        let interval = |column: usize| {
            let mut means: Vec<f64> = means.iter().map(|means| means[column]).collect();
            means.sort_by(f64::total_cmp);
            let tail = (1.0 - self.confidence) / 2.0;
            Interval {
                low: quantile(&means, tail),
                high: quantile(&means, 1.0 - tail),
            }
        };
        (0..columns.len())
            .map(|column| Some(interval(column)))
            .collect()
    }

    /// Returns the means of one resample.
    fn resample(&self, resample: u64, users: usize, columns: &[&[f64]]) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(resample);
        let mut sums = vec![0.0; columns.len()];
        for _ in 0..users {
            let user = random.random_range(0..users);
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum += column[user];
            }
        }
        sums.iter().map(|sum| sum / users as f64).collect()
    }
}

/// Returns a quantile of `sorted`, interpolated linearly.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quantile_is_on_the_line_between_its_neighbours() {
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        for (share, expected) in [
            (0.0, 1.0),
            (0.125, 1.5),
            (0.5, 4.0),
            (0.9, 12.8),
            (1.0, 16.0),
        ] {
            assert!(
                (quantile(&sorted, share) - expected).abs() < 1e-12,
                "{share}"
            );
        }
    }

    /// Of a share p of n users, the mean is nearly normal with deviation sqrt(p (1 - p) / n).
    #[test]
    fn the_interval_of_a_share_is_that_of_the_normal_distribution() {
        let users = 10_000;
        let hits: Vec<f64> = (0..users).map(|user| f64::from(user % 5 == 0)).collect();
        let bootstrap = Bootstrap {
            resamples: 4000,
            ..Bootstrap::default()
        };
        let interval = bootstrap.intervals(&[&hits])[0].unwrap();
        let deviation = (0.2_f64 * 0.8 / f64::from(users)).sqrt();
        for (found, expected) in [
            (interval.low, 0.2 - 1.96 * deviation),
            (interval.high, 0.2 + 1.96 * deviation),
        ] {
            assert!((found - expected).abs() < 0.1 * deviation, "{interval:?}");
        }
    }

    #[test]
    fn nobody_has_no_interval() {
        assert_eq!(Bootstrap::default().intervals(&[&[], &[]]), [None, None]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn intervals_move_and_stretch_with_the_values(
            values in prop::collection::vec(0.0_f64..1.0, 1..40),
            seed: u64,
        ) {
            let bootstrap = Bootstrap { resamples: 200, seed, ..Bootstrap::default() };
            let moved: Vec<f64> = values.iter().map(|value| 2.0 * value + 1.0).collect();
            let constant = vec![0.25; values.len()];
            let columns = [values.as_slice(), &moved, &constant];
            let intervals: Vec<Interval> =
                bootstrap.intervals(&columns).into_iter().flatten().collect();
            let [own, moved, constant] = intervals[..] else {
                return Err(TestCaseError::fail("an interval a column"));
            };
            prop_assert!((2.0 * own.low + 1.0 - moved.low).abs() < 1e-9);
            prop_assert!((2.0 * own.high + 1.0 - moved.high).abs() < 1e-9);
            prop_assert!((constant.low - 0.25).abs() < 1e-12 && (constant.high - 0.25).abs() < 1e-12);
            let (least, most) = (
                values.iter().copied().fold(f64::INFINITY, f64::min),
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            );
            prop_assert!(least - 1e-9 <= own.low && own.low <= own.high && own.high <= most + 1e-9);
            // Alone, a column is drawn as it is among others.
            prop_assert_eq!(bootstrap.intervals(&[&values])[0], Some(own));
        }
    }
}
