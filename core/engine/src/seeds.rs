//! The results of an experiment over several seeds.

use serde::{Deserialize, Serialize};

use crate::compare::statistics::{deviation, half_width, mean};
use crate::results::{MetricValue, Results};

/// A metric over several runs that differ in their seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeedSummary {
    /// The method.
    pub method: String,
    /// The user segment; none for all users.
    pub segment: Option<String>,
    /// The metric.
    pub metric: String,
    /// The mean over runs.
    pub mean: f64,
    /// The standard deviation over runs, with n - 1 degrees of freedom.
    pub deviation: f64,
    /// Half the width of the 95 % confidence interval of the mean, by Student's t.
    pub half_width: f64,
}

/// Summarises the results of runs of one experiment; each of all users before those of segments.
pub fn summarize(runs: &[&Results]) -> Vec<SeedSummary> {
    let Some(first) = runs.first() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (at, method) in first.methods.iter().enumerate() {
        let over_all =
            |values: &dyn Fn(&Results) -> Option<f64>, segment: Option<&str>, metric: &str| {
                let values: Vec<f64> = runs.iter().filter_map(|run| values(run)).collect();
                SeedSummary {
                    method: method.method.clone(),
                    segment: segment.map(str::to_string),
                    metric: metric.to_string(),
                    mean: mean(&values),
                    deviation: deviation(&values),
                    half_width: half_width(&values, 0.95),
                }
            };
        let value = |metrics: &[MetricValue], index: usize| metrics.get(index).map(|m| m.value);
        for (index, metric) in method.metrics.iter().enumerate() {
            let values = |run: &Results| value(&run.methods.get(at)?.metrics, index);
            found.push(over_all(&values, None, &metric.metric));
        }
        for (group, segment) in method.segments.iter().enumerate() {
            for (index, metric) in segment.metrics.iter().enumerate() {
                let values = |run: &Results| {
                    let segment = run.methods.get(at)?.segments.get(group)?;
                    value(&segment.metrics, index)
                };
                found.push(over_all(&values, Some(&segment.segment), &metric.metric));
            }
        }
    }
    found
}
