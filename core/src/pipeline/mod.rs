//! The stages of a run, each cached by what it was made from.

mod prepare;

pub use prepare::{Prepared, prepare, read_data, write_data};
