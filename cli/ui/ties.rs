//! The values of metrics over the orders of equal scores, as they are shown.

use gloss_engine::MetricValue;

/// A line for each metric that depends on the order of equal scores.
pub(crate) fn lines(method: Option<&str>, metrics: &[MetricValue]) -> Vec<String> {
    let method = method.map_or(String::new(), |method| format!("{method}: "));
    let line = |value: &MetricValue| {
        let ties = value.ties?;
        let (metric, low, high) = (&value.metric, ties.low, ties.high);
        // Differences beyond the digits of the table are in the JSON output.
        let visible = format!("{low:.4}") != format!("{high:.4}");
        visible.then(|| {
            format!("{method}{metric} is {low:.4} to {high:.4} over the orders of equal scores")
        })
    };
    metrics.iter().filter_map(line).collect()
}
