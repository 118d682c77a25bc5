//! The header of an index.

use gloss_core::Catalogue;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{Approximate, Similarity};

/// Changes with the layout of an index.
const FORMAT: u32 = 2;

/// A hash of 16 bytes, which no two texts share by chance.
pub(super) type Hash = [u8; 16];

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
        let (expected, found) = (flat(self), flat(found));
        let differs = expected.iter().find(|(name, value)| {
            let same = |other: &&(String, Value)| other.0 == *name && other.1 == *value;
            found.iter().find(same).is_none()
        });
        let Some((name, value)) = differs else {
            return "it was made with other options".to_string();
        };
        let other = found.iter().find(|other| other.0 == *name);
        let other = other.map_or(&Value::Null, |other| &other.1);
        match name.as_str() {
            "format" => "it was written by another version of gloss".to_string(),
            "catalogue" => "it was made of other items or texts".to_string(),
            _ => format!("its {name} is {other} where {value} is needed"),
        }
    }
}

/// The settings of an identity by name, those of the encoder and of the search among them.
fn flat(identity: &Identity) -> Vec<(String, Value)> {
    let mut settings = Vec::new();
    let value = serde_json::to_value(identity).unwrap_or_default();
    collect(&value, "", &mut settings);
    settings
}

fn collect(value: &Value, name: &str, settings: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            let name = match (name, key.as_str()) {
                ("", key) => key.to_string(),
                (name, key) => format!("{name}.{key}"),
            };
            collect(value, &name, settings);
        }),
        value => settings.push((name.to_string(), value.clone())),
    }
}

/// The hash of a text.
pub(super) fn hash_text(text: &str) -> Hash {
    first_half(&blake3::hash(text.as_bytes()))
}

/// The hash of bytes that may be many.
pub(super) fn hash_bytes(bytes: &[u8]) -> Hash {
    first_half(&blake3::Hasher::new().update_rayon(bytes).finalize())
}

fn hash_catalogue(catalogue: &Catalogue) -> Hash {
    let mut hasher = blake3::Hasher::new();
    for item in catalogue.items() {
        for part in [&item.id, &item.text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
    }
    first_half(&hasher.finalize())
}

fn first_half(hash: &blake3::Hash) -> Hash {
    let mut half = Hash::default();
    half.copy_from_slice(&hash.as_bytes()[..16]);
    half
}
