//! From query vectors to items.

mod best;
mod dot;
mod exact;
mod forest;
mod ivf;
mod kmeans;
mod matrix;
mod product;
mod recall;
mod trees;

pub use exact::Exact;
pub use forest::Forest;
pub use ivf::InvertedLists;
pub(crate) use ivf::Partition;
pub use matrix::Matrix;
pub(crate) use recall::{recall, sample};
pub(crate) use trees::{Trees, build_trees, room_of_trees};
