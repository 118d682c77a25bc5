//! The vectors of a catalogue's texts, as an artefact of their own: indexes of the same catalogue
//! share it, and after a change of the catalogue only new texts are encoded.

use std::collections::HashMap as StdHashMap;
use std::fs;
use std::path::Path;

use gloss_core::{ArtefactRequest, Context, Error, Identity, Result};
use hashbrown::HashMap;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::header::{Hash, hash_bytes};
use super::source::{Source, encode};
use crate::encoder::Role;
use crate::environment::damaged;
use crate::search::Matrix;

/// The file of the artefact.
const FILE: &str = "vectors.safetensors";
/// The tensor of the texts' hashes, `[texts, 16]`.
const HASHES: &str = "hashes";
/// The tensor of the vectors, `[texts, dimensions]`.
const VECTORS: &str = "vectors";
/// The folder in which the artefact is written where there is no cache.
const SCRATCH: &str = "vectors.partial";

/// The vectors of different texts, as the encoder returned them.
pub(super) struct TextVectors {
    rows: HashMap<Hash, usize>,
    vectors: Matrix,
}

impl TextVectors {
    /// The vectors of the catalogue's texts, whose hashes are `hashes`: from the cache, or encoded,
    /// each different text once.
    pub(super) fn of(
        source: &Source<'_>,
        hashes: &[Hash],
        folder: &Path,
        context: &Context,
    ) -> Result<Self> {
        let (mut different, mut texts) = (Vec::new(), HashMap::new());
        for (hash, item) in hashes.iter().zip(source.catalogue.items()) {
            texts.entry(*hash).or_insert_with(|| {
                different.push(*hash);
                item.text.as_str()
            });
        }
        let embed = source.embed;
        let digest = hash_bytes(different.as_flattened());
        let request = ArtefactRequest {
            stage: "encode",
            identity: Identity {
                options: embed.identity().to_string(),
                code: embed.code(),
                machine: embed.machine(),
            },
            inputs: embed.files()?,
            changing: ("texts", format!("{:032x}", u128::from_be_bytes(digest))),
        };
        let dimensions = embed.dimensions();
        let build = |folder: &Path, similar: Option<&Path>| {
            let known = match similar {
                Some(folder) => TextVectors::read(&folder.join(FILE), dimensions)?,
                None => TextVectors::none(dimensions),
            };
            let made = known.extended(source, &different, &texts, context)?;
            made.write(&folder.join(FILE), &different)
        };
        context.get_or_build(&request, &folder.join(SCRATCH), build, |folder| {
            TextVectors::read(&folder.join(FILE), dimensions)
        })
    }

    fn none(dimensions: usize) -> Self {
        TextVectors {
            rows: HashMap::new(),
            vectors: Matrix::new(Vec::new(), dimensions),
        }
    }

    /// The vector of the text with this hash.
    pub(super) fn get(&self, hash: &Hash) -> Result<&[f32]> {
        let row = self.rows.get(hash);
        let row = row.ok_or_else(|| Error::Internal("a text has no vector".into()))?;
        Ok(self.vectors.row(*row))
    }

    /// The vectors of the texts of `different`: those that are known, and the others encoded.
    fn extended(
        &self,
        source: &Source<'_>,
        different: &[Hash],
        texts: &HashMap<Hash, &str>,
        context: &Context,
    ) -> Result<Self> {
        let is_new = |hash: &&Hash| !self.rows.contains_key(*hash);
        let new: Vec<&Hash> = different.iter().filter(is_new).collect();
        let new_texts: Vec<&str> = new.iter().map(|hash| texts[*hash]).collect();
        let reused = different.len() - new.len();
        tracing::info!(encoded = new.len(), reused, "vectors of texts");
        let dimensions = self.vectors.dimensions();
        let encoded = encode(source.embed, &new_texts, Role::Passage, context)?;
        let encoded = Matrix::new(encoded, dimensions);
        if let Some(text) = encoded.first_not_finite() {
            let message = format!(
                "the encoder returned a vector that is not finite for the text {:?}; another \
                 `dtype` may help",
                new_texts[text]
            );
            return Err(Error::component("retriever e5", message));
        }
        let new_rows: HashMap<&Hash, usize> = new.into_iter().zip(0..).collect();
        let mut values = Vec::with_capacity(different.len() * dimensions);
        for hash in different {
            match new_rows.get(hash) {
                Some(row) => values.extend_from_slice(encoded.row(*row)),
                None => values.extend_from_slice(self.get(hash)?),
            }
        }
        Ok(TextVectors {
            rows: different.iter().copied().zip(0..).collect(),
            vectors: Matrix::new(values, dimensions),
        })
    }

    /// Writes the vectors of the texts of `different`, which are the rows in order.
    fn write(&self, path: &Path, different: &[Hash]) -> Result<()> {
        let values = self.vectors.values().iter();
        let bytes: Vec<u8> = values.flat_map(|x| x.to_le_bytes()).collect();
        let (rows, columns) = (different.len(), self.vectors.dimensions());
        let broken = |error| Error::component("retriever e5", error);
        let hashes = TensorView::new(Dtype::U8, vec![rows, 16], different.as_flattened());
        let vectors = TensorView::new(Dtype::F32, vec![rows, columns], &bytes);
        let tensors = [
            (HASHES, hashes.map_err(broken)?),
            (VECTORS, vectors.map_err(broken)?),
        ];
        let none = None::<StdHashMap<String, String>>;
        let file = safetensors::serialize(tensors, none).map_err(broken)?;
        fs::write(path, file).map_err(Error::io("write", path))
    }

    fn read(path: &Path, dimensions: usize) -> Result<Self> {
        let bytes = fs::read(path).map_err(Error::io("read", path))?;
        let tensors = SafeTensors::deserialize(&bytes);
        let tensors = tensors.map_err(|error| damaged(path, &error.to_string()))?;
        let tensor = |name, dtype, columns| {
            let tensor = tensors.tensor(name).ok();
            let tensor =
                tensor.filter(|t| t.dtype() == dtype && t.shape().get(1) == Some(&columns));
            tensor.ok_or_else(|| damaged(path, &format!("it has no such tensor as `{name}`")))
        };
        let hashes = tensor(HASHES, Dtype::U8, 16)?;
        let vectors = tensor(VECTORS, Dtype::F32, dimensions)?;
        if hashes.shape()[0] != vectors.shape()[0] {
            return Err(damaged(path, "its tensors have different lengths"));
        }
        let (hashes, _) = hashes.data().as_chunks::<16>();
        let (numbers, _) = vectors.data().as_chunks::<4>();
        let values = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
        Ok(TextVectors {
            rows: hashes.iter().copied().zip(0..).collect(),
            vectors: Matrix::new(values.collect(), dimensions),
        })
    }
}
