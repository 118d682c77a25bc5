//! The second stage, for generators that are trained.

use std::path::Path;
use std::sync::Arc;

use gloss_core::{Context, Data, Error, QueryGenerator, Result, Trainer, Validate};
use serde_json::Value;

use crate::files::{create_folder, remove_folder};
use crate::stage::{OnPartial, Provenance, Stage};

/// Trains a generator.
pub(crate) struct Train<'a> {
    pub(crate) trainer: &'a dyn Trainer,
    pub(crate) data: &'a Data,
    /// The content of the data.
    pub(crate) data_content: Value,
    /// Everything that validation by a metric depends on, if a metric decides.
    pub(crate) validation: Option<Provenance>,
    pub(crate) validate: &'a Validate<'a>,
    pub(crate) context: &'a Context,
}

impl Train<'_> {
    /// Takes part in the training by another process, which validates and writes.
    pub(crate) fn join(&self) -> Result<()> {
        let folder = std::env::temp_dir().join(format!("gloss-training-{}", std::process::id()));
        create_folder(&folder)?;
        let none = |_: &dyn QueryGenerator| {
            Err(Error::Internal(
                "a process that takes part validated".into(),
            ))
        };
        let joined = self.trainer.train(self.data, &folder, &none, self.context);
        remove_folder(&folder)?;
        joined
    }
}

impl Stage for Train<'_> {
    type Output = Arc<dyn QueryGenerator>;

    fn name(&self) -> &'static str {
        "train"
    }

    fn on_partial(&self) -> OnPartial {
        OnPartial::Resume
    }

    fn provenance(&self) -> Result<Provenance> {
        let files = gloss_core::hash_files(self.trainer.inputs()?, self.context)?;
        let provenance = Provenance::of_stage(option_env!("GLOSS_FINGERPRINT_STAGES_TRAIN"))
            .with_identity("training", &self.trainer.identity()?)
            .with_files("training files", files)
            .with("data", self.data_content.clone());
        Ok(match &self.validation {
            None => provenance,
            Some(validation) => provenance.with_all("validation: ", validation),
        })
    }

    fn make(&self, folder: &Path) -> Result<Option<Self::Output>> {
        let (data, validate) = (self.data, self.validate);
        self.trainer.train(data, folder, validate, self.context)?;
        // The generator reads the files at their final place.
        Ok(None)
    }

    fn read(&self, folder: &Path) -> Result<Self::Output> {
        Ok(self.trainer.trained(folder))
    }
}
