//! Data sets from anyone's own tables: one file of interactions and one of items, as JSON lines,
//! CSV or Parquet, with columns named in the options.
//!
//! A format's part is to hand over the cells of the named columns row by row; what the cells mean
//! is the same for all.

mod assemble;
mod cell;
mod config;
mod csv;
mod dataset;
mod jsonl;
#[cfg(feature = "parquet")]
mod parquet;
mod source;
mod text;
mod time;

#[cfg(feature = "parquet")]
pub use config::Parquet;
pub use config::{Csv, Jsonl, TimeUnit};

gloss_core::plugin! {
    dataset "jsonl" => Jsonl,
    dataset "csv" => Csv,
}
