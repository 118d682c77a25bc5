//! The seam between an index and the encoder that makes its vectors.

use gloss_core::Result;
use serde_json::Value;

use crate::encoder::Role;

/// Makes vectors of texts.
pub trait Embed: Send + Sync {
    /// The numbers in each vector.
    fn dimensions(&self) -> usize;

    /// Everything that decides which vector a text gets; indexes tell each other's vectors apart
    /// by it.
    fn identity(&self) -> Value;

    /// The vectors of `texts`, one after the other. `progress` is told how many more texts are
    /// done, and stops the work by an error.
    ///
    /// # Errors
    /// If the work cannot be done, or `progress` says so.
    fn embed(
        &self,
        texts: &[&str],
        role: Role,
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Vec<f32>>;
}
