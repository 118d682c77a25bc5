//! Last Item Search: the text of the last purchase is the query. Needs no training, and is the
//! baseline that a generative recommender has to beat.

mod config;
mod generator;

pub use config::LastItemSearch;

gloss_core::plugin! {
    generator "lis" => LastItemSearch,
}
