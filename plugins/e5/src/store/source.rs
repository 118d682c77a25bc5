//! The source of an index: a catalogue, its encoder and the options of the search.

use gloss_core::Catalogue;
use gloss_encoder::{Embed, Similarity};

use super::header::Identity;
use crate::config::Approximate;

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
