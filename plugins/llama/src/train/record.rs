//! What is told of a training: JSON lines, TensorBoard events, and a picture of the loss.

mod curve;
mod events;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use gloss_core::{Error, Result};
use serde::{Deserialize, Serialize};

const LINES: &str = "metrics.jsonl";

/// One line: a step, or a validation after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// Steps that were done.
    pub(crate) step: u64,
    /// Epochs that were done, whole and in part.
    pub(crate) epoch: f64,
    /// Seconds since 1970.
    pub(crate) time: f64,
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What a line tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum What {
    /// A step.
    Step {
        /// Before the step, as the mean over tokens.
        loss: f64,
        learning_rate: f64,
        /// Before clipping.
        gradient_norm: f64,
        /// Since the training began.
        tokens: u64,
        tokens_per_second: f64,
        /// Bytes in use: of the GPU, else of this process.
        memory: Option<u64>,
    },
    /// A validation.
    Validation {
        validation_loss: f64,
        /// The metric that decides, if one does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metric: Option<(String, f64)>,
    },
}

/// The record of a training, in its folder.
pub(crate) struct Record {
    folder: PathBuf,
    file: File,
    lines: Vec<Line>,
}

impl Record {
    /// Goes on after `step` steps; what an earlier attempt wrote of later ones is forgotten.
    pub(crate) fn open(folder: &Path, step: u64) -> Result<Self> {
        let path = folder.join(LINES);
        let text = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<Line> = text
            .lines()
            .map_while(|line| serde_json::from_str(line).ok())
            .take_while(|line: &Line| line.step <= step)
            .collect();
        let mut record = Record {
            folder: folder.to_path_buf(),
            file: OpenOptions::new()
                .create(true)
                .write(true)
                .truncate(true)
                .open(&path)
                .map_err(Error::io("write", &path))?,
            lines: Vec::new(),
        };
        lines.into_iter().try_for_each(|line| record.add(line))?;
        Ok(record)
    }

    pub(crate) fn add(&mut self, line: Line) -> Result<()> {
        let mut text =
            serde_json::to_string(&line).map_err(|error| Error::Internal(error.to_string()))?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes());
        written.map_err(Error::io("write", self.folder.join(LINES)))?;
        self.lines.push(line);
        Ok(())
    }

    /// Writes the events and the picture anew.
    pub(crate) fn publish(&self) -> Result<()> {
        events::write(&self.folder, &self.lines)?;
        curve::write(&self.folder.join("loss.svg"), &self.lines)
    }
}
