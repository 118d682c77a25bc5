//! The fourth kind of component: from rankings to numbers.

use std::ops::RangeInclusive;

use crate::{Component, Diagnostic, Evaluation, Result, Scores};

/// A metric: options (such as `k`) that state what is computed from the rankings.
pub trait Metric: Component {
    /// Returns diagnostics that the options' schema cannot express. Touches no file.
    fn check(&self) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// The metric's name in tables, including its cut-off: `recall@5`. A configuration may name
    /// the metric like this if it has no other options.
    fn label(&self) -> String;

    /// The formula, on one line.
    fn formula(&self) -> &str;

    /// The number of items that it reads of each ranking; `None` for all.
    fn cutoff(&self) -> Option<usize>;

    /// Invariants of its values. Property tests check them for every registered metric.
    fn invariants(&self) -> Invariants;

    /// Computes it over all users at once.
    ///
    /// # Errors
    /// If the evaluation lacks something that the metric needs, such as a catalogue.
    fn score(&self, evaluation: &Evaluation<'_>) -> Result<Scores>;
}

/// Invariants of a metric's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Invariants {
    /// The lowest and the highest value.
    pub range: RangeInclusive<f64>,
    /// True if a higher value is better.
    pub higher_is_better: bool,
    /// True if a larger cut-off never lowers the value.
    pub monotone_in_cutoff: bool,
    /// True if it measures agreement with the relevant items. Such a metric is lowest without a hit
    /// and highest for the ideal order; others describe the recommendations themselves.
    pub measures_relevance: bool,
}
