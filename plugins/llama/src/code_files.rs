//! The codes of a model: beside its weights, or made for its training.

use std::path::{Path, PathBuf};

use gloss_core::{Catalogue, Context, Data, Diagnostic, Error, Result, find_model};
use gloss_item_tokenizer::{CODES, Codes, Report};
use serde_json::json;

use crate::config::{Llama, RANDOM};
use crate::prompt::Format;

impl Llama {
    /// Faults of the options of codes.
    pub(crate) fn check_codes(&self) -> Vec<Diagnostic> {
        const KEY: &str = "item_tokenizer";
        let codes = self.codes_file().ok().flatten();
        let is_for_ids = self.format == Format::SemanticIds;
        let fault = match &self.item_tokenizer {
            None if is_for_ids && self.training.is_some() && codes.is_none() => {
                "is needed, to make the codes of items; give `item_tokenizer = { model = \"...\" }`"
            }
            Some(_) if !is_for_ids => "is for `format = \"semantic-ids\"`",
            Some(_) if self.training.is_none() => {
                "is for a training; the codes of a trained model are beside its weights"
            }
            Some(_) if codes.is_some() => {
                "the model was trained on codes, which are beside its weights; leave this out"
            }
            given => return given.as_ref().map_or_else(Vec::new, |own| own.check(KEY)),
        };
        vec![Diagnostic::new(KEY, fault)]
    }

    /// The table of codes of the adapter or of the model, if it was trained on such.
    pub(crate) fn codes_file(&self) -> Result<Option<PathBuf>> {
        let folder = match (&self.adapter, self.model.as_deref()) {
            (Some(adapter), _) => adapter.clone(),
            (None, None | Some(RANDOM)) => return Ok(None),
            (None, Some(model)) => find_model(model)?,
        };
        let file = folder.join(CODES);
        Ok((self.format == Format::SemanticIds && file.is_file()).then_some(file))
    }

    /// The codes that the adapter or the model was trained on.
    pub(crate) fn trained_codes(&self, catalogue: &Catalogue) -> Result<Option<Codes>> {
        if self.format != Format::SemanticIds {
            return Ok(None);
        }
        match self.codes_file()? {
            Some(file) => Codes::read(&file, catalogue).map(Some),
            None => Err(Error::Usage(
                "the model was not trained on semantic IDs: there is no codes.parquet beside its \
                 weights; train it, or use another `format`"
                    .to_string(),
            )),
        }
    }

    /// The codes to train on: those of the model if it has some, else new ones.
    pub(crate) fn codes_to_train(
        &self,
        data: &Data,
        folder: &Path,
        context: &Context,
    ) -> Result<Option<Codes>> {
        let Some(tokenizer) = &self.item_tokenizer else {
            return self.trained_codes(&data.catalogue);
        };
        let codes = tokenizer.codes(&data.catalogue, folder, context)?;
        let report = Report::new(&codes, data);
        report.warn();
        tracing::info!(report = %json!(report), "the codes of items");
        Ok(Some(codes))
    }
}
