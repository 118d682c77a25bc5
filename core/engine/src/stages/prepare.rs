//! The first stage: the files of a dataset become tables.

use std::path::Path;

use gloss_core::{Context, Data, Dataset, Identity, Result};

use crate::data_files::{read_data, write_data};
use crate::stage::{Provenance, Stage};

/// Loads a dataset.
pub(crate) struct Prepare<'a> {
    pub(crate) dataset: &'a dyn Dataset,
    pub(crate) context: &'a Context,
}

impl Stage for Prepare<'_> {
    type Output = Data;

    fn name(&self) -> &'static str {
        "prepare"
    }

    fn provenance(&self) -> Result<Provenance> {
        let files = gloss_core::hash_files(self.dataset.inputs()?, self.context)?;
        let code = option_env!("GLOSS_FINGERPRINT_STAGES_PREPARE");
        Ok(Provenance::of_stage(code)
            .with_identity("dataset", &Identity::of(self.dataset)?)
            .with_files("dataset files", files))
    }

    fn make(&self, folder: &Path) -> Result<Option<Data>> {
        let data = self.dataset.load(self.context)?;
        write_data(&data, folder)?;
        Ok(Some(data))
    }

    fn read(&self, folder: &Path) -> Result<Data> {
        read_data(folder)
    }
}
