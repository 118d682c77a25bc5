//! The Yelp Open Dataset, in the layout in which it is published.

mod config;
mod dataset;
mod lines;

pub use config::Yelp;

gloss_core::plugin! {
    dataset "yelp" => Yelp,
}
