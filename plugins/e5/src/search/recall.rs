//! The recall of an approximate search.

use gloss_core::{Error, Hit, Result};

use super::exact::Exact;
use super::matrix::Matrix;
use crate::config::Approximate;

/// The items of a query that count.
const DEPTH: usize = 10;

/// The positions of `wanted` of `all` items, spread evenly.
pub(crate) fn sample(all: usize, wanted: usize) -> Vec<usize> {
    let count = wanted.min(all);
    (0..count).map(|at| at * all / count).collect()
}

/// The share of the [`DEPTH`] best items that an approximate search finds, on average over the
/// queries. An item as good as the last of them counts as one of them.
///
/// # Errors
/// If it is less than the options ask for; the error of `search`.
pub(crate) fn recall(
    exact: &Exact,
    queries: &Matrix,
    options: &Approximate,
    search: impl FnOnce(&[usize]) -> Result<Vec<Vec<Hit>>>,
) -> Result<f64> {
    let depths = vec![DEPTH; queries.len()];
    let expected = exact.search(queries, &depths);
    let found = search(&depths)?;
    // Scores of the two searches are rounded each in its own way.
    let good = |score: f32, last: f32| score >= last - 1e-6 * last.abs().max(1.0);
    let shares = expected.iter().zip(&found).filter_map(|(expected, found)| {
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
        "recall@{DEPTH} of the approximate search against exact search"
    );
    let (minimum, option, raise) = options.minimum_recall(exact.items().len());
    if recall < minimum {
        return Err(Error::Usage(format!(
            "the approximate search finds {recall:.3} of the {DEPTH} best items of {} queries, \
             less than `{option}` ({minimum}): raise {raise}, or take `search = \"exact\"`",
            shares.len(),
        )));
    }
    Ok(recall)
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
}
