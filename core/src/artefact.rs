//! Artefacts that a component keeps besides its own, such as the vectors of texts.

use std::path::{Path, PathBuf};

use crate::{Identity, Result};

/// The request for an artefact. Everything that decides its content belongs in here.
#[derive(Debug, Clone)]
pub struct ArtefactRequest<'a> {
    /// The name of the stage, such as `encode`: a folder of the cache.
    pub stage: &'a str,
    /// The identity of the component that makes it.
    pub identity: Identity,
    /// The files that it is made from.
    pub inputs: Vec<PathBuf>,
    /// The name and the hash of the part that may change from one artefact to the next while most
    /// of the work stays valid, such as the catalogue.
    pub changing: (&'a str, String),
}

/// Writes an artefact into a folder. The second path is that of an earlier artefact that differs in
/// the changing part alone, if there is one.
pub type BuildArtefact<'a> = dyn FnMut(&Path, Option<&Path>) -> Result<()> + 'a;

/// A cache of artefacts. The engine implements it; components reach it through
/// [`Context::get_or_build`](crate::Context::get_or_build).
pub trait ArtefactStore: Send + Sync {
    /// Returns the folder of the artefact that was made from `request`, after having it built if
    /// there is none.
    ///
    /// # Errors
    /// If `build` fails, or the cache cannot be read or written.
    fn get_or_build(
        &self,
        request: &ArtefactRequest<'_>,
        build: &mut BuildArtefact<'_>,
    ) -> Result<PathBuf>;
}
