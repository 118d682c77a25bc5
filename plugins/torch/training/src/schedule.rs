//! The learning rate of each step.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Schedules of the learning rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Evenly, to 0 at the end.
    Linear,
    /// Along half a wave, to 0 at the end.
    Cosine,
    /// Not at all.
    Constant,
}

/// A learning rate: it rises evenly from 0 during the warm-up and then falls as the schedule says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LearningRate {
    /// The rate after the warm-up.
    pub highest: f64,
    /// The steps of the warm-up.
    pub warmup_steps: u64,
    /// The way in which it falls.
    pub schedule: Schedule,
}

impl LearningRate {
    /// The rate of step `step`, counted from 0, of `steps`.
    pub fn at(&self, step: u64, steps: u64) -> f64 {
        let warmup = self.warmup_steps;
        if step < warmup {
            return self.highest * step as f64 / warmup as f64;
        }
        let rest = steps.saturating_sub(warmup).max(1) as f64;
        let done = ((step - warmup) as f64 / rest).min(1.0);
        self.highest
            * match self.schedule {
                Schedule::Linear => 1.0 - done,
                Schedule::Cosine => 0.5 * (1.0 + (PI * done).cos()),
                Schedule::Constant => 1.0,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: Schedule, steps: &[u64]) -> Vec<f64> {
        let rate = LearningRate {
            highest: 1.0,
            warmup_steps: 4,
            schedule,
        };
        let round = |rate: f64| (rate * 1e6).round() / 1e6;
        steps.iter().map(|step| round(rate.at(*step, 12))).collect()
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
