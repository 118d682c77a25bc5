//! The header of an index.

use gloss_core::Catalogue;
use gloss_dense::{Hash, difference, hash_catalogue};
use gloss_encoder::Similarity;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::Approximate;

/// Changes with the layout of an index.
const FORMAT: u32 = 2;

/// The header of an index.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Everything that the index was made from.
    pub(crate) identity: Identity,
    /// The hash of all vectors.
    pub(crate) vectors: Hash,
    /// The hash of the lists and their centroids, if there are lists.
    pub(crate) lists: Option<Hash>,
    /// The share of the exact search's items that an approximate search finds.
    pub(crate) recall: Option<f64>,
}

/// Everything that an index was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    format: u32,
    /// Model, prefixes, pooling and so on, as the encoder states them.
    pub(crate) encoder: Value,
    /// The numbers in a vector.
    pub(crate) dimensions: usize,
    /// The similarity of items.
    pub(crate) similarity: Similarity,
    /// The number of items.
    pub(crate) items: usize,
    /// The hash of the items' identifiers and texts.
    catalogue: Hash,
    /// The approximate search, if there is one.
    pub(crate) approximate: Option<Approximate>,
}

impl Identity {
    pub(crate) fn new(
        encoder: Value,
        dimensions: usize,
        similarity: Similarity,
        catalogue: &Catalogue,
        approximate: Option<Approximate>,
    ) -> Self {
        Identity {
            format: FORMAT,
            encoder,
            dimensions,
            similarity,
            items: catalogue.len(),
            catalogue: hash_catalogue(catalogue),
            approximate,
        }
    }

    /// Describes the difference from the identity `found`.
    pub(super) fn difference(&self, found: &Identity) -> String {
        let value = |identity| serde_json::to_value(identity).unwrap_or_default();
        difference(&value(self), &value(found))
    }
}
