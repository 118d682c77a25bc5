//! The MovieLens data sets of GroupLens, in the layouts in which they are published.

mod config;
mod dataset;
mod rows;

pub use config::{Layout, MovieLens};

gloss_core::plugin! {
    dataset "movielens" => MovieLens,
}
