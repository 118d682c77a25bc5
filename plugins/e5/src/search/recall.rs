//! The recall of an approximate search against exact search.

use gloss_core::{Error, Hit, Result};
use gloss_dense::{Exact, Matrix, RECALL_DEPTH};

use crate::config::Approximate;

/// The share of the best items that an approximate search finds.
///
/// # Errors
/// If it is less than the options ask for; the error of `search`.
pub(crate) fn recall(
    exact: &Exact,
    queries: &Matrix,
    options: &Approximate,
    search: impl FnOnce(&[usize]) -> Result<Vec<Vec<Hit>>>,
) -> Result<f64> {
    let depths = vec![RECALL_DEPTH; queries.len()];
    let recall = gloss_dense::recall(&exact.search(queries, &depths), &search(&depths)?);
    let (minimum, option, raise) = options.minimum_recall(exact.items().len());
    if recall < minimum {
        return Err(Error::Usage(format!(
            "the approximate search finds {recall:.3} of the {RECALL_DEPTH} best items of {} queries, \
             less than `{option}` ({minimum}): raise {raise}, or take `search = \"exact\"`",
            queries.len(),
        )));
    }
    Ok(recall)
}
