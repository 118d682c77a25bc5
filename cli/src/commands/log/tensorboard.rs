//! TensorBoard: a folder for each experiment and method, with the figures as scalars of one step.

use std::fs;
use std::path::PathBuf;

use gloss_core::{Error, Result};
use gloss_trackers::tensorboard::{self, Event};

use super::{Logged, Tracker};

/// The log directory.
pub(super) struct EventFiles(pub(super) PathBuf);

impl Tracker for EventFiles {
    fn log(&self, run: &Logged) -> Result<String> {
        let name = format!("{}/{}", folder(&run.experiment), folder(&run.name));
        let folder = self.0.join(&name);
        fs::create_dir_all(&folder).map_err(Error::io("create the folder", &folder))?;
        let metrics = run.metrics.iter();
        let event = Event {
            time: run.end as f64 / 1000.0,
            step: 0,
            scalars: metrics
                .map(|(name, value)| (name.clone(), *value))
                .collect(),
        };
        tensorboard::write(&folder, &[event])
            .map_err(Error::io("write events of TensorBoard in", &folder))?;
        Ok(name)
    }
}

/// A name as that of one folder.
fn folder(name: &str) -> String {
    let name = name.replace(['/', '\\'], "_");
    match name.starts_with('.') {
        true => format!("_{name}"),
        false => name,
    }
}
