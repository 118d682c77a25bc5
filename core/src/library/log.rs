//! The log of a library: its own copy of tracing hands what it gathers to the program's.

use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Where a library's log goes: level (0 for an error, 4 for the finest), module, text.
pub(super) type Sink = fn(usize, &str, &str);

const LEVELS: [Level; 5] = [
    Level::ERROR,
    Level::WARN,
    Level::INFO,
    Level::DEBUG,
    Level::TRACE,
];

/// The program's side.
pub(super) fn receive(level: usize, module: &str, text: &str) {
    match level {
        0 => tracing::error!(module, "{text}"),
        1 => tracing::warn!(module, "{text}"),
        2 => tracing::info!(module, "{text}"),
        3 => tracing::debug!(module, "{text}"),
        _ => tracing::trace!(module, "{text}"),
    }
}

/// The library's side, of which the first call counts.
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

    // Spans are not told of.
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
