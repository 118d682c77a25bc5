//! The codes of items as tokens of a checkpoint, whose vocabulary grows by them.

use std::path::Path;

use gloss_core::{Data, Result};
use gloss_item_tokenizer::{CODES, Codes, REPORT, Report};
use gloss_training::write_json;
use serde_json::json;

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
