//! The record as events of TensorBoard.

use std::path::Path;

use gloss_core::{Error, Result};
use gloss_trackers::tensorboard::{self, Event};

use super::{LogEvent, LogRecord};

/// Writes all lines as events.
pub(super) fn write(folder: &Path, lines: &[LogRecord]) -> Result<()> {
    let events = lines.iter().map(|line| Event {
        time: line.time,
        step: line.step,
        scalars: scalars(&line.what),
    });
    let events: Vec<Event> = events.collect();
    tensorboard::write(folder, &events).map_err(Error::io("write events of TensorBoard in", folder))
}

fn scalars(what: &LogEvent) -> Vec<(String, f64)> {
    let named = |name: &str, value: f64| (name.to_string(), value);
    match what {
        LogEvent::Step {
            loss,
            learning_rate,
            gradient_norm,
            tokens,
            tokens_per_second,
            memory,
        } => [
            named("train/loss", *loss),
            named("train/learning_rate", *learning_rate),
            named("train/gradient_norm", *gradient_norm),
            named("train/tokens", *tokens as f64),
            named("train/tokens_per_second", *tokens_per_second),
        ]
        .into_iter()
        .chain(memory.map(|bytes| named("train/memory", bytes as f64)))
        .collect(),
        LogEvent::Validation {
            validation_loss,
            metric,
        } => {
            let metric = metric
                .iter()
                .map(|(label, value)| (format!("validation/{label}"), *value));
            [named("validation/loss", *validation_loss)]
                .into_iter()
                .chain(metric)
                .collect()
        }
    }
}
