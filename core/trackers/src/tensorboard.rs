//! TensorBoard's event files: TFRecords of `tensorflow.Event`.

use std::fs;
use std::io;
use std::path::Path;

use crate::message::Message;

/// Numbers of one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Seconds since 1970.
    pub time: f64,
    /// The step.
    pub step: u64,
    /// Names and numbers. TensorBoard groups them by what is before the first `/`.
    pub scalars: Vec<(String, f64)>,
}

/// Writes the event file of a folder, in place of the one that is there.
///
/// # Errors
/// If the file cannot be written.
pub fn write(folder: &Path, events: &[Event]) -> io::Result<()> {
    let time = events.first().map_or(0.0, |event| event.time);
    let begin = Message::default().bytes(3, "brain.Event:2");
    let mut bytes = record(&header(time, 0, begin));
    for event in events {
        let values = event
            .scalars
            .iter()
            .fold(Message::default(), |all, scalar| {
                let (tag, value) = scalar;
                // `Summary.Value`: 1 is the tag, 2 the number.
                all.bytes(1, Message::default().bytes(1, tag).float(2, *value as f32))
            });
        let summary = Message::default().bytes(5, values);
        bytes.extend(record(&header(event.time, event.step, summary)));
    }
    fs::write(folder.join("events.out.tfevents.gloss"), bytes)
}

/// `Event`: 1 is the time, 2 the step, then the content.
fn header(time: f64, step: u64, content: Message) -> Vec<u8> {
    let begin = Message::default().double(1, time).integer(2, step);
    [begin.as_ref(), content.as_ref()].concat()
}

/// A record of the file: length and content, each with its checksum.
fn record(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    [
        &length,
        checksum(&length).as_slice(),
        content,
        &checksum(content),
    ]
    .concat()
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let sum = crc32c::crc32c(bytes);
    sum.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}
