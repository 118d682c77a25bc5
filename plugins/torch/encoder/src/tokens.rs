//! Texts to tokens, as the checkpoint's own tokenizer does it.

use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, probe_tokenizer, read_model_file};
use rayon::prelude::*;
use tokenizers::{PostProcessor, TruncationParams};

/// The tokenizer of a checkpoint.
pub(crate) struct Tokens {
    inner: tokenizers::Tokenizer,
}

impl Tokens {
    /// The file that it is read from.
    pub(crate) fn file(folder: &Path) -> PathBuf {
        folder.join("tokenizer.json")
    }

    /// Reads `tokenizer.json`, for a model with `vocabulary` tokens. Its padding and truncation are
    /// replaced: a text has at most `max_length` tokens, special tokens included.
    pub(crate) fn open(folder: &Path, vocabulary: i64, max_length: usize) -> Result<Self> {
        let path = Self::file(folder);
        let bytes = read_model_file(&path)?;
        let unusable = |error| {
            let message = format!("this is not a tokenizer that can be used: {error}");
            Error::input(&path, message)
        };
        let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(unusable)?;
        let copy = inner.clone();
        probe_tokenizer(&path, move |text| {
            copy.encode(text, true).map_or(0, |encoding| encoding.len())
        })?;
        check_vocabulary(&inner, vocabulary).map_err(|message| Error::input(&path, message))?;
        let special = inner
            .get_post_processor()
            .map_or(0, |p| p.added_tokens(false));
        if special == 0 {
            let message = "this tokenizer puts no special token around a text, which an encoder \
                           of the BERT family needs";
            return Err(Error::input(&path, message));
        }
        if max_length <= special {
            return Err(Error::Usage(format!(
                "`max_length` is {max_length}, but every text has {special} special tokens alone; \
                 give at least {}",
                special + 1
            )));
        }
        let truncation = TruncationParams {
            max_length,
            ..TruncationParams::default()
        };
        inner
            .with_truncation(Some(truncation))
            .map_err(unusable)?
            .with_padding(None);
        Ok(Tokens { inner })
    }

    /// The tokens of every text with `prefix` before it, special tokens included.
    pub(crate) fn encode(&self, prefix: &str, texts: &[&str]) -> Result<Vec<Vec<u32>>> {
        let encode = |text: &&str| {
            let encoding = match prefix {
                "" => self.inner.encode_fast(*text, true),
                _ => self.inner.encode_fast(format!("{prefix}{text}"), true),
            };
            encoding.map(|encoding| encoding.get_ids().to_vec())
        };
        let tokens: tokenizers::Result<_> = texts.par_iter().map(encode).collect();
        tokens.map_err(|error| Error::component("tokenizer", error))
    }
}

fn check_vocabulary(tokenizer: &tokenizers::Tokenizer, vocabulary: i64) -> Result<(), String> {
    let tokens = tokenizer.get_vocab(true);
    match tokens.iter().max_by_key(|(_, id)| **id) {
        None => Err("this tokenizer has no tokens".to_string()),
        Some((token, &id)) if i64::from(id) >= vocabulary => Err(format!(
            "the token `{token}` is number {id}, but the model has {vocabulary} tokens (0 to {}): \
             this is the tokenizer of another model",
            vocabulary - 1
        )),
        Some(_) => Ok(()),
    }
}
