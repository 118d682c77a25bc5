//! An index on disk: one LMDB environment, the file `data.mdb`, that holds the vectors, the items
//! that they belong to, the trees or lists of an approximate search, and a header that states everything
//! they were made from.
//!
//! The file grows beside its place and is moved there when it is complete, so that there is the
//! old index or the new one and never half of one; and once in place it is never written again,
//! so that any number of processes may read it without locks, from a folder that they may not
//! write too.

mod build;
mod header;
mod lists;
mod open;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use build::build;
pub(crate) use open::{Stored, open};
pub(crate) use source::Source;
