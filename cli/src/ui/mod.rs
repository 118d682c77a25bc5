//! The user interface: output, tables, progress, logs and errors.

pub(crate) mod audit;
pub(crate) mod logging;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod stages;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod ties;
