//! The floor: what is popular, and what chance gives. Neither looks at what a user bought; a
//! method that is not clearly better than both has learnt nothing about users.

mod amount;
mod config;
mod popular;
mod random;

pub use config::{Popular, Random};

gloss_core::plugin! {
    generator "popular" => Popular,
    generator "random" => Random,
}
