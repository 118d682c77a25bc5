//! The values of metrics.

use std::sync::Arc;

use gloss_core::{Error, Evaluation, Metric, Registry, Result, Scores};
use gloss_engine::ExperimentConfig;
use rayon::prelude::*;
use serde_json::Value;

use crate::judged::Judged;

/// The metrics of a call: each a table of its name and its options, as JSON, and the lowest grade that
/// is relevant.
pub(crate) type Wanted = Vec<(String, f32)>;

/// The values of each metric for all users, who are in parts.
pub(crate) fn values(parts: &[Judged], wanted: &Wanted) -> Result<Vec<Vec<f64>>> {
    let metrics = resolve(wanted)?;
    let of_parts: Vec<Vec<Vec<f64>>> = parts
        .par_iter()
        .map(|part| of_part(part, wanted, &metrics))
        .collect::<Result<_>>()?;
    let mut values: Vec<Vec<f64>> = metrics.iter().map(|_| Vec::new()).collect();
    for of_part in of_parts {
        for (all, part) in values.iter_mut().zip(of_part) {
            all.extend(part);
        }
    }
    Ok(values)
}

fn of_part(part: &Judged, wanted: &Wanted, metrics: &[Arc<dyn Metric>]) -> Result<Vec<Vec<f64>>> {
    let mut results: Vec<Vec<f64>> = metrics.iter().map(|_| Vec::new()).collect();
    let mut levels: Vec<f32> = wanted.iter().map(|(_, level)| *level).collect();
    levels.sort_by(f32::total_cmp);
    levels.dedup();
    for level in levels {
        let cut;
        let grades = match level <= 1.0 {
            true => &part.grades,
            false => {
                cut = part.at_level(level);
                &cut
            }
        };
        let evaluation = Evaluation::new(&part.rankings, grades)?;
        for ((metric, (_, of)), result) in metrics.iter().zip(wanted).zip(&mut results) {
            if *of == level {
                *result = per_user(metric.as_ref(), &evaluation)?;
            }
        }
    }
    Ok(results)
}

fn per_user(metric: &dyn Metric, evaluation: &Evaluation<'_>) -> Result<Vec<f64>> {
    match metric.score(evaluation)? {
        Scores::PerUser(values) if values.iter().all(|value| value.is_finite()) => Ok(values),
        Scores::PerUser(_) => Err(Error::component(
            format!("metric {}", metric.label()),
            "returned a value that is no finite number",
        )),
        Scores::Overall(_) => Err(Error::Usage(format!(
            "{} has one value over all users; only a run has it",
            metric.label()
        ))),
    }
}

fn resolve(wanted: &Wanted) -> Result<Vec<Arc<dyn Metric>>> {
    let registry = Registry::known()?;
    let resolve = |(text, _): &(String, f32)| {
        let table: Value =
            serde_json::from_str(text).map_err(|error| Error::Internal(error.to_string()))?;
        // One at a time, since one metric may be asked for at several levels.
        let mut config = ExperimentConfig::new();
        config.replace("metrics", "metrics", Value::Array(vec![table]));
        config.resolve_metrics(&registry)
    };
    let resolved: Result<Vec<_>> = wanted.iter().map(resolve).collect();
    Ok(resolved?.into_iter().flatten().collect())
}
