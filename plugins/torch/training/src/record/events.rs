//! TensorBoard's event files: records of protocol buffers.

use std::path::Path;

use gloss_core::{Error, Result};

use super::{LogEvent, LogRecord};

const FILE: &str = "events.out.tfevents.gloss";

/// Writes all lines as events.
pub(super) fn write(folder: &Path, lines: &[LogRecord]) -> Result<()> {
    let time = lines.first().map_or(0.0, |line| line.time);
    let mut bytes = record(&event(time, 0, &text(3, b"brain.Event:2")));
    for line in lines {
        let values: Vec<u8> = scalars(&line.what)
            .into_iter()
            .flat_map(|(tag, value)| text(1, &scalar(&tag, value as f32)))
            .collect();
        bytes.extend(record(&event(line.time, line.step, &text(5, &values))));
    }
    let path = folder.join(FILE);
    std::fs::write(&path, bytes).map_err(Error::io("write", path))
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

/// `Event`: 1 is the time, 2 the step, then the content.
fn event(time: f64, step: u64, what: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1 << 3 | 1];
    bytes.extend(time.to_le_bytes());
    bytes.push(2 << 3);
    bytes.extend(varint(step));
    bytes.extend(what);
    bytes
}

/// `Summary.Value`: 1 is the tag, 2 the number.
fn scalar(tag: &str, value: f32) -> Vec<u8> {
    let mut bytes = text(1, tag.as_bytes());
    bytes.push(2 << 3 | 5);
    bytes.extend(value.to_le_bytes());
    bytes
}

/// A field of bytes.
fn text(field: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![field << 3 | 2];
    bytes.extend(varint(content.len() as u64));
    bytes.extend(content);
    bytes
}

fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// A record of the file: length and content, each with its checksum.
fn record(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    let mut bytes = length.to_vec();
    bytes.extend(checksum(&length));
    bytes.extend(content);
    bytes.extend(checksum(content));
    bytes
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let sum = crc32c::crc32c(bytes);
    sum.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
