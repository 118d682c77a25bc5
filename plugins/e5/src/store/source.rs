//! The source of an index: a catalogue, its encoder and the options of the search.

use gloss_core::{Catalogue, Context, Error, Result, Unit};

use super::header::Identity;
use crate::config::{Approximate, Similarity};
use crate::embed::Embed;
use crate::encoder::Role;

/// Everything that an index is made from.
pub(crate) struct Source<'a> {
    pub(crate) catalogue: &'a Catalogue,
    pub(crate) embed: &'a dyn Embed,
    pub(crate) similarity: Similarity,
    /// The approximate search; else every item is scored.
    pub(crate) approximate: Option<Approximate>,
}

impl Source<'_> {
    pub(crate) fn identity(&self) -> Identity {
        Identity::new(
            self.embed.identity(),
            self.embed.dimensions(),
            self.similarity,
            self.catalogue,
            self.approximate.clone(),
        )
    }
}

/// Encodes texts, with progress.
pub(crate) fn encode(
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
