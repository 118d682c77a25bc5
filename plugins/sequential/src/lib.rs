//! Sequential recommenders over the ids of items, as query generators whose queries are ranked
//! items of the whole catalogue: SASRec and eSASRec, BERT4Rec, GRU4Rec, FDSA, S3-Rec and HSTU.
//!
//! A model is one file of `models`: its options, its presets and its network. Batches, losses,
//! negatives, training and ranking are those of all.

mod batch;
mod config;
mod features;
mod generator;
#[cfg(test)]
mod golden;
mod items;
mod layers;
mod loss;
mod models;
mod negatives;
mod network;
mod predictions;
mod presets;
mod train;

pub use config::{NegativeSampling, NegativeSharing, SequenceTraining};
pub use features::Features;
pub use layers::{Activation, BlockKind};
pub use loss::Loss;
pub use models::{Bert4Rec, Fdsa, Gru4Rec, Hstu, Pretraining, S3Rec, Sasrec};

gloss_core::plugin! {
    generator "sasrec" => Sasrec,
    generator "bert4rec" => Bert4Rec,
    generator "gru4rec" => Gru4Rec,
    generator "fdsa" => Fdsa,
    generator "s3rec" => S3Rec,
    generator "hstu" => Hstu,
}
