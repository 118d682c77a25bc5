//! The models: options, presets and networks.

mod bert4rec;
mod fdsa;
mod gru4rec;
mod hstu;
mod s3rec;
mod sasrec;

pub use bert4rec::Bert4Rec;
pub use fdsa::Fdsa;
pub use gru4rec::Gru4Rec;
pub use hstu::Hstu;
pub use s3rec::{Pretraining, S3Rec};
pub use sasrec::Sasrec;
