//! The interface between an index and the encoder that makes its vectors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gloss_core::{Code, Context, Error, Result, Unit};
use serde_json::Value;

use crate::Role;

/// Encodes texts as vectors.
pub trait Embed: Send + Sync {
    /// The number of dimensions.
    fn dimensions(&self) -> usize;

    /// The settings that decide the vector of a text.
    fn identity(&self) -> Value;

    /// The code that decides it.
    fn code(&self) -> Code {
        Code::default()
    }

    /// The properties of the machine that decide it.
    fn machine(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// The files that decide it.
    ///
    /// # Errors
    /// If a file is missing.
    fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    /// Returns the vectors of `texts`, one after the other. `progress` gets the number of further
    /// texts done, and stops the work by an error.
    ///
    /// # Errors
    /// If the texts cannot be encoded; the error of `progress`.
    fn embed(
        &self,
        texts: &[&str],
        role: Role,
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Vec<f32>>;
}

/// Encodes texts, with progress.
///
/// # Errors
/// As [`Embed::embed`].
pub fn encode(
    embed: &dyn Embed,
    texts: &[&str],
    role: Role,
    context: &Context,
) -> Result<Vec<f32>> {
    if texts.is_empty() {
        return Ok(Vec::new());
    }
    let task = context.task("Encoding texts", Some(texts.len() as u64), Unit::Count);
    let values = embed.embed(texts, role, &mut |done| task.advance(done as u64))?;
    if values.len() != texts.len() * embed.dimensions() {
        return Err(Error::Internal("an encoder lost vectors".into()));
    }
    Ok(values)
}
