//! The parts of dense retrieval that several retrievers use.
//!
//! - `queries`, `recent`: a batch of queries as vectors; those that were just encoded.
//! - `text_vectors`, `hash`: the vectors of a catalogue's texts, kept in the cache.
//! - `exact`, on `matrix`, `product`, `dot` and `best`: exact search by the inner product, and the parts
//!   of it that approximate searches use; `recall`: their recall.

mod best;
mod difference;
mod dot;
mod exact;
mod hash;
mod matrix;
mod product;
mod queries;
mod recall;
mod recent;
mod text_vectors;

pub use best::Best;
pub use difference::difference;
pub use dot::dot;
pub use exact::{Exact, FEW, ROWS, margin};
pub use hash::{Hash, hash_bytes, hash_catalogue, hash_text};
pub use matrix::Matrix;
pub use product::product;
pub use queries::Queries;
pub use recall::{RECALL_DEPTH, recall, sample};
pub use text_vectors::text_vectors;
