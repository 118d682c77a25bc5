//! Amazon reviews datasets: the 2014, 2018 and 2023 layouts.
//!
//! Reviews are read first; of the metadata only the rows of reviewed items are kept. Each file is
//! decompressed by a thread of its own into blocks of whole lines, which are parsed in parallel and
//! taken in the order of the file.

mod config;
mod dataset;
mod files;
mod intern;
mod layout;
mod lines;
mod metadata;
mod python;
mod reviews;
mod text;

pub use config::Amazon;
pub use layout::Layout;

gloss_core::plugin! {
    dataset "amazon" => Amazon,
}
