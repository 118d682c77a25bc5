//! The values of metrics over the orders of equal scores, as they are shown.

use gloss_engine::MetricValue;

/// The line on the metrics that depend on the order of equal scores, if there are any.
pub(crate) fn line(method: Option<&str>, metrics: &[MetricValue]) -> Option<String> {
    let range = |value: &MetricValue| {
        let ties = value.ties?;
        let (low, high) = (format!("{:.4}", ties.low), format!("{:.4}", ties.high));
        // Differences beyond the digits of the table are in the JSON output.
        (low != high).then(|| format!("{} {low} to {high}", value.metric))
    };
    let ranges: Vec<String> = metrics.iter().filter_map(range).collect();
    let method = method.map_or(String::new(), |method| format!("{method}: "));
    match ranges.is_empty() {
        true => None,
        false => Some(format!(
            "{method}over all orders of equal scores, {}",
            ranges.join(", ")
        )),
    }
}
