//! The learning rate of each step.

use std::f64::consts::PI;

use crate::config::{Schedule, Training};

/// The learning rate of step `step`, counted from 0, of `steps`: it rises evenly from 0 during the
/// warm-up and then falls as the schedule says.
pub(crate) fn learning_rate(training: &Training, step: u64, steps: u64) -> f64 {
    let warmup = training.warmup_steps;
    if step < warmup {
        return training.learning_rate * step as f64 / warmup as f64;
    }
    let rest = steps.saturating_sub(warmup).max(1) as f64;
    let done = ((step - warmup) as f64 / rest).min(1.0);
    training.learning_rate
        * match training.lr_scheduler_type {
            Schedule::Linear => 1.0 - done,
            Schedule::Cosine => 0.5 * (1.0 + (PI * done).cos()),
            Schedule::Constant => 1.0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: Schedule, steps: &[u64]) -> Vec<f64> {
        let training = Training {
            learning_rate: 1.0,
            warmup_steps: 4,
            lr_scheduler_type: schedule,
            ..Training::default()
        };
        let round = |rate: f64| (rate * 1e6).round() / 1e6;
        let rate = |step: &u64| round(learning_rate(&training, *step, 12));
        steps.iter().map(rate).collect()
    }

    #[test]
    fn rates_rise_and_fall_as_in_transformers() {
        let steps = [0, 1, 4, 8, 11, 12];
        assert_eq!(
            rates(Schedule::Linear, &steps),
            [0.0, 0.25, 1.0, 0.5, 0.125, 0.0]
        );
        assert_eq!(
            rates(Schedule::Cosine, &steps),
            [0.0, 0.25, 1.0, 0.5, 0.03806, 0.0]
        );
        assert_eq!(
            rates(Schedule::Constant, &steps),
            [0.0, 0.25, 1.0, 1.0, 1.0, 1.0]
        );
    }
}
