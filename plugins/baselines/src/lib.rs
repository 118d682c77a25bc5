//! Baselines that ignore a user's history: popular items and random items. A method that is not
//! clearly better than both has learnt nothing about users.

mod amount;
mod config;
mod popular;
mod random;

pub use config::{Popular, Random};

gloss_core::plugin! {
    generator "popular" => Popular,
    generator "random" => Random,
}
