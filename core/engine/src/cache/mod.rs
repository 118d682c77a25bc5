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

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gloss_core::Result;

pub(crate) use artefact::{Artefact, checksums, first_mismatch};
pub use artefact::{FileRecord, RECORD};
pub(crate) use driver::{Driver, Made};
pub(crate) use lock::wait_for;
pub use prune::{CachedArtefact, PruneFilter};

/// A second place of artefacts, such as an object store that several machines share.
pub trait ArtefactMirror: Debug + Send + Sync {
    /// Copies the artefact of a stage with a key into `folder`, which is empty. Returns `false` if
    /// there is no whole one.
    ///
    /// # Errors
    /// If the place cannot be read.
    fn fetch(&self, stage: &str, key: &str, folder: &Path) -> Result<bool>;

    /// Copies the artefact in `folder` there, its record ([`RECORD`]) after all other files.
    ///
    /// # Errors
    /// If the place cannot be written.
    fn publish(&self, stage: &str, key: &str, folder: &Path) -> Result<()>;
}

/// A folder of artefacts, all of which can be built again.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
    mirror: Option<Arc<dyn ArtefactMirror>>,
}

impl Cache {
    /// The artefacts below `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Cache {
            root: root.into(),
            mirror: None,
        }
    }

    /// The same cache, which takes from `mirror` what it does not have, and gives it what it builds.
    pub fn with_mirror(mut self, mirror: Arc<dyn ArtefactMirror>) -> Self {
        self.mirror = Some(mirror);
        self
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
