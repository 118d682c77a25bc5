//! The stage that makes an index of the catalogue.

use std::path::Path;

use gloss_core::{Catalogue, Context, Identity, Result, Retriever};
use serde_json::Value;

use crate::stage::{Provenance, Stage};

/// Builds an index. It is opened by the stage that searches it.
pub(crate) struct BuildIndex<'a> {
    pub(crate) retriever: &'a dyn Retriever,
    pub(crate) identity: &'a Identity,
    pub(crate) catalogue: &'a Catalogue,
    /// The content of the catalogue.
    pub(crate) catalogue_content: Value,
    pub(crate) context: &'a Context,
}

impl Stage for BuildIndex<'_> {
    type Output = ();

    fn name(&self) -> &'static str {
        "index"
    }

    fn provenance(&self) -> Result<Provenance> {
        let files = gloss_core::hash_files(self.retriever.inputs()?, self.context)?;
        Ok(
            Provenance::of_stage(option_env!("GLOSS_FINGERPRINT_STAGES_INDEX"))
                .with_identity("retriever", self.identity)
                .with_files("retriever files", files)
                .with("catalogue", self.catalogue_content.clone()),
        )
    }

    fn make(&self, folder: &Path) -> Result<Option<()>> {
        let (catalogue, context) = (self.catalogue, self.context);
        self.retriever.build(catalogue, folder, context).map(Some)
    }

    fn read(&self, _: &Path) -> Result<()> {
        Ok(())
    }
}
