//! Weights & Biases: an offline run for each method.

use std::path::PathBuf;

use chrono::{TimeZone, Utc};
use gloss_core::{Error, Result};
use gloss_trackers::wandb;
use serde_json::Value;

use super::{Logged, Tracker};

/// The folder that has the folder `wandb`.
pub(super) struct OfflineRuns(pub(super) PathBuf);

impl Tracker for OfflineRuns {
    fn log(&self, run: &Logged) -> Result<String> {
        // Identifiers of W&B have at most 64 letters and digits.
        let id = run.id();
        let start = run.start / 1000;
        let described = run.parameters.iter().chain(&run.tags);
        let offline = wandb::Run {
            id: id.clone(),
            project: run.experiment.clone(),
            name: run.name.clone(),
            start,
            seconds: (run.end - run.start) / 1000,
            config: described
                .map(|(key, text)| (key.clone(), Value::from(text.as_str())))
                .collect(),
            summary: run
                .metrics
                .iter()
                .map(|(key, value)| (key.clone(), *value))
                .collect(),
        };
        let time = i64::try_from(start).ok();
        let time = time
            .and_then(|time| Utc.timestamp_opt(time, 0).single())
            .unwrap_or_default();
        let stamp = time.format("%Y%m%d_%H%M%S").to_string();
        wandb::write(&self.0, &stamp, &offline)
            .map_err(Error::io("write an offline run of W&B in", &self.0))?;
        Ok(id)
    }
}
