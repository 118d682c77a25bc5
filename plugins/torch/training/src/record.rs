//! The record of a training: JSON lines, TensorBoard events, and a plot of the loss.

mod curve;
mod events;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, move_into_place};
use serde::{Deserialize, Serialize};

const LINES: &str = "metrics.jsonl";

/// One line: a step, or a validation after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogRecord {
    /// Steps that were done.
    pub(crate) step: u64,
    /// Epochs that were done, whole and in part.
    pub(crate) epoch: f64,
    /// Seconds since 1970.
    pub(crate) time: f64,
    #[serde(flatten)]
    pub(crate) what: LogEvent,
}

/// The event of a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum LogEvent {
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
    lines: Vec<LogRecord>,
}

impl Record {
    /// Goes on after `step` steps; what an earlier attempt wrote of later ones is forgotten.
    pub(crate) fn open(folder: &Path, step: u64) -> Result<Self> {
        let path = folder.join(LINES);
        let before = fs::read_to_string(&path).unwrap_or_default();
        let lines: Vec<LogRecord> = before
            .lines()
            .map_while(|line| serde_json::from_str(line).ok())
            .take_while(|line: &LogRecord| line.step <= step)
            .collect();
        // Replaced as a whole, so that a kill here loses no line.
        let partial = path.with_extension("jsonl.partial");
        let kept = lines.iter().map(text).collect::<Result<String>>()?;
        fs::write(&partial, kept).map_err(Error::io("write", &partial))?;
        move_into_place(&partial, &path)?;
        let file = OpenOptions::new().append(true).open(&path);
        Ok(Record {
            folder: folder.to_path_buf(),
            file: file.map_err(Error::io("write", &path))?,
            lines,
        })
    }

    pub(crate) fn add(&mut self, line: LogRecord) -> Result<()> {
        let written = self.file.write_all(text(&line)?.as_bytes());
        written.map_err(Error::io("write", self.folder.join(LINES)))?;
        self.lines.push(line);
        Ok(())
    }

    /// Rewrites the events and the plot.
    pub(crate) fn publish(&self) -> Result<()> {
        events::write(&self.folder, &self.lines)?;
        curve::write(&self.folder.join("loss.svg"), &self.lines)
    }
}

fn text(line: &LogRecord) -> Result<String> {
    let text = serde_json::to_string(line);
    Ok(text.map_err(|error| Error::Internal(error.to_string()))? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64) -> LogRecord {
        LogRecord {
            step,
            epoch: 0.5,
            time: 1.0,
            what: LogEvent::Validation {
                validation_loss: 2.0,
                metric: None,
            },
        }
    }

    #[test]
    fn what_came_after_the_checkpoint_is_forgotten_and_what_came_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::open(folder.path(), 0).unwrap();
        (1..=3).try_for_each(|step| record.add(line(step))).unwrap();
        drop(record);
        let mut record = Record::open(folder.path(), 2).unwrap();
        record.add(line(3)).unwrap();
        let written = fs::read_to_string(folder.path().join(LINES)).unwrap();
        let steps: Vec<LogRecord> = written
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(steps, [line(1), line(2), line(3)]);
        assert_eq!(record.lines, steps);
    }
}
