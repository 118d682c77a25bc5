//! The cache: artefacts of stages, each in a folder named by the hash of everything that decides
//! it.
//!
//! - `artefact`: the record of an artefact, with the checksums of its files.
//! - `lock`: an artefact is built by one process and removed only while no process uses it.
//! - `driver`: runs stages, reusing what the cache holds.
//! - `explain`: the reasons why an artefact was not reused.
//! - `prune`: lists and removes artefacts.

mod artefact;
mod driver;
mod explain;
mod lock;
mod prune;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use artefact::FileRecord;
pub(crate) use artefact::{Artefact, checksums, first_mismatch};
pub(crate) use driver::{Driver, Made};
pub(crate) use lock::wait_for;
pub use prune::{CachedArtefact, PruneFilter};

/// A folder of artefacts, all of which can be built again.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The artefacts below `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Cache { root: root.into() }
    }

    /// The folder of all artefacts.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a stage's artefacts.
    fn stage(&self, stage: &str) -> PathBuf {
        self.root.join(stage)
    }

    /// The file whose lock protects an artefact.
    fn lock_file(&self, stage: &str, key: &str) -> PathBuf {
        self.root.join("locks").join(format!("{stage}-{key}"))
    }
}
