//! Texts to tokens and back, exactly as the checkpoint's own tokenizer does it.

use std::path::Path;
use std::sync::Arc;

use gloss_core::{Error, Result, probe_tokenizer, read_model_file};
use rayon::prelude::*;
use serde_json::Value;
use tokenizers::AddedToken;
use tokenizers::models::ModelWrapper;

/// The tokenizer of a checkpoint. Clones share one vocabulary.
#[derive(Clone)]
pub struct Tokenizer {
    inner: Arc<tokenizers::Tokenizer>,
    /// The tokens that the post-processor puts before every text: BOS, or none.
    before: Vec<i64>,
    /// The tokens that the post-processor puts after every text: usually none.
    after: Vec<i64>,
    eos: Vec<i64>,
    end_of_text: i64,
    clean_up: bool,
}

impl Tokenizer {
    /// Reads the `tokenizer.json` of a checkpoint whose model knows `vocab_size` tokens. The tokens
    /// that end a text are those of `generation_config.json`, else of `config.json`, else of
    /// `tokenizer_config.json`. Truncation and padding that `tokenizer.json` asks for are left out.
    ///
    /// # Errors
    /// If a file is missing or does not hold what it should, or if the tokenizer is not that of
    /// the model.
    pub fn open(folder: &Path, vocab_size: usize) -> Result<Self> {
        let path = folder.join("tokenizer.json");
        let inner = read_tokenizer(&path)?;
        check_vocabulary(&inner, &path, vocab_size)?;
        let config = read_json(&folder.join("tokenizer_config.json"))?;
        let eos_token = config.as_ref().and_then(|config| named_eos(config, &inner));
        let eos = match declared_eos(folder, vocab_size)? {
            Some(declared) => declared,
            None => eos_token.into_iter().collect(),
        };
        let Some(&first) = eos.first() else {
            return Err(Error::input(
                folder,
                "no file states which token ends a text; expected `eos_token_id` in \
                 generation_config.json or config.json, or an `eos_token` of the vocabulary in \
                 tokenizer_config.json",
            ));
        };
        let (before, after) = surroundings(&inner).map_err(|error| unusable(&path, error))?;
        let is_bpe = matches!(inner.get_model(), ModelWrapper::BPE(_));
        Ok(Tokenizer {
            inner: Arc::new(inner),
            before,
            after,
            end_of_text: eos_token
                .filter(|token| eos.contains(token))
                .unwrap_or(first),
            eos,
            clean_up: config.is_some_and(|config| cleans_up(&config, is_bpe)),
        })
    }

    /// The tokens of a text, with those that the post-processor adds, such as BOS.
    ///
    /// # Errors
    /// If the tokenizer has no token for a part of the text.
    pub fn encode(&self, text: &str) -> Result<Vec<i64>> {
        Ok(self.enclose(&self.encode_bare(text)?))
    }

    /// [`Tokenizer::encode`] of many texts, in parallel.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_batch<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<Vec<i64>>> {
        texts
            .par_iter()
            .map(|text| self.encode(text.as_ref()))
            .collect()
    }

    /// The text of tokens, without special tokens such as EOS: what
    /// `decode(ids, skip_special_tokens=True)` of transformers 5 gives.
    ///
    /// # Errors
    /// If a token is not one of the vocabulary.
    pub fn decode(&self, ids: &[i64]) -> Result<String> {
        let ids = ids.iter().map(|&id| u32::try_from(id));
        let ids: Vec<u32> = ids.collect::<Result<_, _>>().map_err(failed)?;
        let text = self.inner.decode(&ids, true).map_err(failed)?;
        Ok(match self.clean_up {
            true => clean_up(text),
            false => text,
        })
    }

    /// The same with more tokens, which have these names; and their numbers. One that is in the vocabulary stays.
    ///
    /// # Errors
    /// If the tokenizer cannot grow.
    pub(crate) fn with_tokens(&self, names: &[String]) -> Result<(Self, Vec<i64>)> {
        let mut inner = (*self.inner).clone();
        let tokens = names
            .iter()
            .map(|name| AddedToken::from(name, false).normalized(false));
        inner.add_tokens(tokens).map_err(failed)?;
        let id = |name: &String| {
            let id = inner.token_to_id(name).map(i64::from);
            id.ok_or_else(|| failed(format!("the token `{name}` cannot be added")))
        };
        let ids = names.iter().map(id).collect::<Result<_>>()?;
        let grown = Tokenizer {
            inner: Arc::new(inner),
            ..self.clone()
        };
        Ok((grown, ids))
    }

    /// Writes `tokenizer.json`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let file = folder.join("tokenizer.json");
        self.inner.save(&file, true).map_err(failed)
    }

    /// The name of a token in the vocabulary.
    pub(crate) fn name(&self, id: i64) -> Option<String> {
        self.inner.id_to_token(u32::try_from(id).ok()?)
    }

    /// The tokens that end a text, at least one.
    pub fn eos(&self) -> &[i64] {
        &self.eos
    }

    /// The token that a training text ends with, and the last one of a path of a trie: the
    /// tokenizer's own EOS token if it is one of [`Tokenizer::eos`], else the first of these.
    pub fn end_of_text(&self) -> i64 {
        self.end_of_text
    }

    /// The tokens of a text without what the post-processor adds.
    pub(crate) fn encode_bare(&self, text: &str) -> Result<Vec<i64>> {
        let encoding = self.inner.encode_fast(text, false).map_err(failed)?;
        Ok(ids(&encoding))
    }

    /// Returns the number of tokens that [`Tokenizer::enclose`] adds.
    pub(crate) fn enclosing(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Puts around bare tokens what the post-processor puts around a text.
    pub(crate) fn enclose(&self, bare: &[i64]) -> Vec<i64> {
        [&self.before, bare, &self.after].concat()
    }

    /// Returns the tokens that the post-processor puts before every text.
    pub(crate) fn before(&self) -> &[i64] {
        &self.before
    }
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::component("tokenizer", error)
}

fn ids(encoding: &tokenizers::Encoding) -> Vec<i64> {
    encoding.get_ids().iter().map(|&id| id.into()).collect()
}

fn unusable(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::input(
        path,
        format!("this is not a tokenizer that can be used: {error}"),
    )
}

fn read_tokenizer(path: &Path) -> Result<tokenizers::Tokenizer> {
    if !path.exists() {
        return Err(Error::input(
            path,
            "there is no such file, and a checkpoint cannot be used without its tokenizer; get \
             the file from where the checkpoint came from (a `tokenizer.model` alone becomes \
             one by transformers' `AutoTokenizer.from_pretrained(...).save_pretrained(...)`)",
        ));
    }
    let bytes = read_model_file(path)?;
    let mut tokenizer =
        tokenizers::Tokenizer::from_bytes(bytes).map_err(|error| unusable(path, error))?;
    tokenizer
        .with_truncation(None)
        .map_err(|error| unusable(path, error))?
        .with_padding(None);
    let copy = tokenizer.clone();
    probe_tokenizer(path, move |text| {
        copy.encode(text, true).map_or(0, |encoding| encoding.len())
    })?;
    Ok(tokenizer)
}

fn check_vocabulary(
    tokenizer: &tokenizers::Tokenizer,
    path: &Path,
    vocab_size: usize,
) -> Result<()> {
    let vocabulary = tokenizer.get_vocab(true);
    match vocabulary.iter().max_by_key(|(_, id)| **id) {
        None => Err(Error::input(path, "this tokenizer has no tokens")),
        Some((token, &id)) if id as usize >= vocab_size => Err(Error::input(
            path,
            format!(
                "the token `{token}` is number {id}, but the model has {vocab_size} tokens (0 to \
                 {}): this is the tokenizer of another model",
                vocab_size.saturating_sub(1)
            ),
        )),
        Some(_) => Ok(()),
    }
}

/// Returns the tokens that the post-processor puts before and after a text.
fn surroundings(tokenizer: &tokenizers::Tokenizer) -> tokenizers::Result<(Vec<i64>, Vec<i64>)> {
    let bare = ids(&tokenizer.encode_fast("a", false)?);
    let whole = ids(&tokenizer.encode_fast("a", true)?);
    let start = (0..whole.len()).find(|&start| whole[start..].starts_with(&bare));
    let start = start.ok_or("its post-processor changes the tokens of a text")?;
    let end = start + bare.len();
    Ok((whole[..start].to_vec(), whole[end..].to_vec()))
}

/// The content of a JSON file, if there is one.
fn read_json(path: &Path) -> Result<Option<Value>> {
    if !path.exists() {
        return Ok(None);
    }
    serde_json::from_slice(&read_model_file(path)?)
        .map(Some)
        .map_err(|error| Error::input(path, format!("this is not JSON: {error}")))
}

/// The `eos_token_id` of the first file that has one: a number or a list.
fn declared_eos(folder: &Path, vocab_size: usize) -> Result<Option<Vec<i64>>> {
    for name in ["generation_config.json", "config.json"] {
        let path = folder.join(name);
        let config = read_json(&path)?;
        let declared = match config
            .as_ref()
            .and_then(|config| config.get("eos_token_id"))
        {
            None | Some(Value::Null) => continue,
            Some(Value::Array(several)) => several.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        let in_vocabulary = |value: &Value| {
            let id = value.as_i64();
            id.filter(|&id| usize::try_from(id).is_ok_and(|id| id < vocab_size))
                .ok_or_else(|| {
                    Error::input(
                        &path,
                        format!(
                            "`eos_token_id` is {value}; expected the number of one of the model's \
                             {vocab_size} tokens, or a list of such"
                        ),
                    )
                })
        };
        let ids: Vec<i64> = declared.iter().map(in_vocabulary).collect::<Result<_>>()?;
        if !ids.is_empty() {
            return Ok(Some(ids));
        }
    }
    Ok(None)
}

/// The number of the `eos_token` of `tokenizer_config.json`: a text, or an object that has it as
/// `content`.
fn named_eos(config: &Value, tokenizer: &tokenizers::Tokenizer) -> Option<i64> {
    let token = config.get("eos_token")?;
    let token = token.as_str().or_else(|| token.get("content")?.as_str())?;
    tokenizer.token_to_id(token).map(i64::from)
}

/// Returns `true` if transformers 5 removes spaces before punctuation when it decodes: if configured, but
/// for BPE only if it is set explicitly, since the text of BPE is exact without it.
fn cleans_up(config: &Value, is_bpe: bool) -> bool {
    let asks = |key| config.get(key).and_then(Value::as_bool) == Some(true);
    let even_for_bpe = "clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output";
    asks("clean_up_tokenization_spaces") && (!is_bpe || asks(even_for_bpe))
}

fn clean_up(text: String) -> String {
    let pairs = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    pairs
        .iter()
        .fold(text, |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests;
