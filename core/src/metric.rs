//! The fourth kind of component: from rankings to figures.

use std::ops::RangeInclusive;

use crate::{Component, Evaluation, Fault, Result};

/// A metric: options (such as `k`) that tell what is computed from the rankings.
pub trait Metric: Component {
    /// Faults that the options' schema cannot express. Touches no file.
    fn check(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// The metric's name in tables, its cut-off included: `recall@5`. It is also how the metric
    /// is written in a configuration when it has no other options.
    fn label(&self) -> String;

    /// The formula, on one line.
    fn formula(&self) -> &str;

    /// How deep into a ranking it looks; `None` for all of it.
    fn cutoff(&self) -> Option<usize>;

    /// What always holds of its values. Property tests check every registered metric by it.
    fn laws(&self) -> Laws;

    /// Computes it over all users at once.
    ///
    /// # Errors
    /// If the evaluation lacks something that the metric needs, such as a catalogue.
    fn score(&self, evaluation: &Evaluation<'_>) -> Result<Scores>;
}

/// What a metric gives.
#[derive(Debug, Clone, PartialEq)]
pub enum Scores {
    /// A value per user, in the evaluation's order; the figure is their mean.
    PerUser(Vec<f64>),
    /// One value over all users together.
    Overall(f64),
}

impl Scores {
    /// The one figure: the mean over users (0 if there are none), or the overall value.
    pub fn value(&self) -> f64 {
        match self {
            Scores::PerUser(values) if values.is_empty() => 0.0,
            Scores::PerUser(values) => values.iter().sum::<f64>() / values.len() as f64,
            Scores::Overall(value) => *value,
        }
    }
}

/// What always holds of a metric's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Laws {
    /// The least and the greatest value.
    pub range: RangeInclusive<f64>,
    /// Whether a higher value is better.
    pub higher_is_better: bool,
    /// Whether a larger cut-off never lowers the value.
    pub monotone_in_cutoff: bool,
    /// Whether it measures agreement with the relevant items. Such a metric is 0 without a hit
    /// and greatest for the ideal order; others describe the recommendations themselves.
    pub judges_relevance: bool,
}
