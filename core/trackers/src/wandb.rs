//! Offline runs of Weights & Biases: a log in the format of LevelDB, whose records are
//! `wandb_internal.Record`. Written as version 0.31 does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::message::Message;

/// The blocks of a log, and the head of a record in one.
const BLOCK: usize = 32 * 1024;
const HEAD: usize = 7;
/// The beginning of a log: its name, a magic number and the version.
const BEGIN: &[u8] = b":W&B\xe1\xbe\x00";

/// A finished run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The identifier, of letters and digits.
    pub id: String,
    /// The project.
    pub project: String,
    /// The name that is shown.
    pub name: String,
    /// Seconds since 1970.
    pub start: u64,
    /// Seconds from start to end.
    pub seconds: u64,
    /// Options and other values that describe the run.
    pub config: Vec<(String, Value)>,
    /// The results.
    pub summary: Vec<(String, f64)>,
}

/// Writes a run into its folder, `wandb/offline-run-DATE_TIME-ID` below `root` by `stamp`
/// (`YYYYMMDD_HHMMSS`), in place of the one that is there. Returns the folder.
///
/// # Errors
/// If a file cannot be written.
pub fn write(root: &Path, stamp: &str, run: &Run) -> io::Result<PathBuf> {
    let folder = root.join(format!("wandb/offline-run-{stamp}-{}", run.id));
    fs::create_dir_all(folder.join("files"))?;
    let mut log = BEGIN.to_vec();
    for (number, content) in (1..).zip(records(run)) {
        let record = Message::default().integer(1, number);
        let info = Message::default().bytes(200, Message::default().bytes(1, &run.id));
        append(
            &mut log,
            &[record.as_ref(), content.as_ref(), info.as_ref()].concat(),
        );
    }
    fs::write(folder.join(format!("run-{}.wandb", run.id)), log)?;
    Ok(folder)
}

/// Header, run with its configuration, one step with the results, the results as summary, exit.
fn records(run: &Run) -> Vec<Message> {
    let record = |field: u32, content: Message| Message::default().bytes(field, content);
    let texts = run.config.iter();
    let config = texts.fold(Message::default(), |all, (key, value)| {
        all.bytes(1, item(key, &value.to_string()))
    });
    let results = run.summary.iter();
    let items = results.fold(Message::default(), |all, (key, value)| {
        all.bytes(1, item(key, &Value::from(*value).to_string()))
    });
    let start = Message::default().integer(1, run.start);
    let about = Message::default()
        .bytes(1, &run.id)
        .bytes(3, &run.project)
        .bytes(4, config)
        .bytes(8, &run.name)
        .bytes(17, start);
    let version = Message::default().bytes(1, "0.31.0").bytes(2, "0.70.0");
    let step = Message::default().bytes(2, Message::default().integer(1, 0));
    let history = [items.as_ref(), step.as_ref()].concat();
    vec![
        record(21, Message::default().bytes(1, version)),
        record(17, about),
        Message::default().bytes(2, history),
        record(3, items),
        record(18, Message::default().integer(1, 0).integer(2, run.seconds)),
    ]
}

/// `ConfigItem`, `SummaryItem` and `HistoryItem`: 1 is the key, 16 the value as JSON.
fn item(key: &str, json: &str) -> Message {
    Message::default().bytes(1, key).bytes(16, json)
}

/// Appends a record, in parts where it crosses the end of a block.
fn append(log: &mut Vec<u8>, record: &[u8]) {
    let (mut rest, mut is_first) = (record, true);
    loop {
        let left = BLOCK - log.len() % BLOCK;
        if left < HEAD {
            log.resize(log.len() + left, 0);
            continue;
        }
        let (part, after) = rest.split_at(rest.len().min(left - HEAD));
        let kind: u8 = match (is_first, after.is_empty()) {
            (true, true) => 1,
            (true, false) => 2,
            (false, false) => 3,
            (false, true) => 4,
        };
        let mut sum = crc32fast::Hasher::new();
        sum.update(&[kind]);
        sum.update(part);
        log.extend(sum.finalize().to_le_bytes());
        log.extend((part.len() as u16).to_le_bytes());
        log.push(kind);
        log.extend(part);
        if after.is_empty() {
            return;
        }
        (rest, is_first) = (after, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a log, by the format's own description.
    fn read(log: &[u8]) -> Vec<Vec<u8>> {
        let (mut at, mut records, mut record) = (BEGIN.len(), Vec::new(), Vec::new());
        while at < log.len() {
            let left = BLOCK - at % BLOCK;
            if left < HEAD {
                at += left;
                continue;
            }
            let length = usize::from(u16::from_le_bytes([log[at + 4], log[at + 5]]));
            let kind = log[at + 6];
            let part = &log[at + HEAD..at + HEAD + length];
            let sum = u32::from_le_bytes([log[at], log[at + 1], log[at + 2], log[at + 3]]);
            assert_eq!(sum, crc32fast::hash(&[&[kind], part].concat()));
            at += HEAD + length;
            record.extend(part);
            if kind == 1 || kind == 4 {
                records.push(std::mem::take(&mut record));
            }
        }
        records
    }

    #[test]
    fn records_that_cross_blocks_are_read_as_written() {
        for length in [0, 1, BLOCK - 20, BLOCK - 14, BLOCK, 3 * BLOCK + 5] {
            let written = [vec![1; length], vec![2; 9], vec![3; length]];
            let mut log = BEGIN.to_vec();
            written.iter().for_each(|record| append(&mut log, record));
            assert_eq!(read(&log), written, "{length}");
        }
    }
}
