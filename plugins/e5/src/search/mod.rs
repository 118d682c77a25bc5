//! From query vectors to items.

mod forest;
mod ivf;
mod kmeans;
mod recall;
mod trees;

pub use forest::Forest;
pub use ivf::InvertedLists;
pub(crate) use ivf::Partition;
pub(crate) use recall::recall;
pub(crate) use trees::{Trees, build_trees, room_of_trees};
