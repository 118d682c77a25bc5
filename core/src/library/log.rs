//! The log of a library: its own copy of tracing passes events on to the program's.

use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Receives a log event: level (0 for an error, 4 for trace), module, text.
pub type Sink = fn(usize, &str, &str);

const LEVELS: [Level; 5] = [
    Level::ERROR,
    Level::WARN,
    Level::INFO,
    Level::DEBUG,
    Level::TRACE,
];

/// The sink of the program.
pub fn receive(level: usize, module: &str, text: &str) {
    match level {
        0 => tracing::error!(module, "{text}"),
        1 => tracing::warn!(module, "{text}"),
        2 => tracing::info!(module, "{text}"),
        3 => tracing::debug!(module, "{text}"),
        _ => tracing::trace!(module, "{text}"),
    }
}

/// Sends the log of the library to `sink`; the first call in a process counts.
pub(super) fn send_to(sink: Sink) {
    let _ = tracing::subscriber::set_global_default(Forward(sink));
}

struct Forward(Sink);

impl Subscriber for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(String::new());
        event.record(&mut text);
        let own = event.metadata().level();
        let level = LEVELS.iter().position(|level| level == own);
        (self.0)(
            level.unwrap_or_default(),
            event.metadata().target(),
            text.0.trim(),
        );
    }

    // Spans are not passed on.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = match field.name() {
            "message" => write!(self.0, "{value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
