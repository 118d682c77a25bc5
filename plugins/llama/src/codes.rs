//! The codes of items as tokens of a checkpoint, whose vocabulary grows by them.

use std::path::{Path, PathBuf};

use gloss_core::{Catalogue, Context, Data, Diagnostic, Error, Result, find_model};
use gloss_item_tokenizer::{CODES, Codes, REPORT, Report};
use gloss_training::write_json;
use serde_json::json;

use crate::config::{Llama, RANDOM};
use crate::prompt::Format;
use crate::tokenizer::Tokenizer;

/// The codes of a catalogue's items, and the token of each code.
#[derive(Debug, Clone)]
pub struct CodeTokens {
    codes: Codes,
    /// The tokens of the codes of each level.
    tokens: Vec<Vec<i64>>,
}

impl CodeTokens {
    /// Adds a token for each code to a tokenizer that does not have it: `<a_0>`, `<a_1>` and so on of the first level,
    /// `<b_0>` of the second.
    ///
    /// # Errors
    /// If the tokenizer cannot grow.
    pub fn new(codes: Codes, tokenizer: &Tokenizer) -> Result<(Self, Tokenizer)> {
        let names = |(level, size): (u8, &usize)| {
            let letter = char::from(b'a' + level);
            (0..*size).map(move |code| format!("<{letter}_{code}>"))
        };
        let levels = (0..).zip(&codes.sizes);
        let all: Vec<String> = levels.flat_map(names).collect();
        let (tokenizer, ids) = tokenizer.with_tokens(&all)?;
        let mut ids = ids.into_iter();
        let tokens = codes
            .sizes
            .iter()
            .map(|size| ids.by_ref().take(*size).collect());
        Ok((
            CodeTokens {
                tokens: tokens.collect(),
                codes,
            },
            tokenizer,
        ))
    }

    /// The tokens of an item.
    pub fn of(&self, item: u32) -> Vec<i64> {
        let codes = self.codes.of(item).iter().zip(&self.tokens);
        codes
            .map(|(code, tokens)| tokens[usize::from(*code)])
            .collect()
    }

    /// The tokens of all codes, in their order.
    pub(crate) fn all(&self) -> Vec<i64> {
        self.tokens.concat()
    }

    /// Writes the codes beside a model, with measurements of them.
    pub(crate) fn write(&self, folder: &Path, data: &Data) -> Result<()> {
        self.codes.write(&folder.join(CODES), &data.catalogue)?;
        let report = Report::new(&self.codes, data);
        write_json(&folder.join(REPORT), &json!(report))
    }
}

/// A checkpoint's tokenizer, with a token for each code if there are codes.
pub(crate) struct Vocabulary {
    pub(crate) tokenizer: Tokenizer,
    pub(crate) codes: Option<CodeTokens>,
}

impl Vocabulary {
    pub(crate) fn new(codes: Option<Codes>, tokenizer: Tokenizer) -> Result<Self> {
        let Some(codes) = codes else {
            return Ok(Vocabulary {
                tokenizer,
                codes: None,
            });
        };
        let (codes, tokenizer) = CodeTokens::new(codes, &tokenizer)?;
        Ok(Vocabulary {
            tokenizer,
            codes: Some(codes),
        })
    }
}

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
