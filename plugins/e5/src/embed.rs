//! The interface between an index and the encoder that makes its vectors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gloss_core::{Code, Result};
use serde_json::Value;

use crate::encoder::Role;

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
