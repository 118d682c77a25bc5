//! The stages of a run, each in a file of its own. `pipeline` combines them.

pub(crate) mod generate;
pub(crate) mod index;
pub(crate) mod prepare;
pub(crate) mod retrieve;
pub(crate) mod train;
