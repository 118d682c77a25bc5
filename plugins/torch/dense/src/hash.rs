//! Hashes of texts and catalogues.

use gloss_core::Catalogue;

/// A hash of 16 bytes, which no two texts share by chance.
pub type Hash = [u8; 16];

/// The hash of a text.
pub fn hash_text(text: &str) -> Hash {
    first_half(&blake3::hash(text.as_bytes()))
}

/// The hash of bytes that may be many.
pub fn hash_bytes(bytes: &[u8]) -> Hash {
    first_half(&blake3::Hasher::new().update_rayon(bytes).finalize())
}

/// The hash of the identifiers and texts of a catalogue, in its order.
pub fn hash_catalogue(catalogue: &Catalogue) -> Hash {
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
