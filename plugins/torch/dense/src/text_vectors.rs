//! The vectors of a catalogue's texts, as an artefact of their own: indexes of the same catalogue
//! share it, and after a change of the catalogue only new texts are encoded.

use std::collections::HashMap as StdHashMap;
use std::fs;
use std::path::Path;

use gloss_core::{ArtefactRequest, Context, Error, Identity, Result};
use gloss_encoder::{Embed, Role, encode};
use hashbrown::HashMap;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::hash::{Hash, hash_bytes, hash_text};
use crate::matrix::Matrix;

/// The file of the artefact.
const FILE: &str = "vectors.safetensors";
/// The tensor of the texts' hashes, `[texts, 16]`.
const HASHES: &str = "hashes";
/// The tensor of the vectors, `[texts, dimensions]`.
const VECTORS: &str = "vectors";
/// The folder in which the artefact is written where there is no cache.
const SCRATCH: &str = "vectors.partial";

/// The vectors of texts, one row for each, as the encoder returned them: from the cache, or encoded,
/// each different text once.
///
/// # Errors
/// If a text cannot be encoded, or its vector is not finite; if the cache cannot be read or written.
pub fn text_vectors<'a>(
    texts: impl Iterator<Item = &'a str>,
    embed: &dyn Embed,
    folder: &Path,
    context: &Context,
) -> Result<Matrix> {
    let (mut hashes, mut different, mut by_hash) = (Vec::new(), Vec::new(), HashMap::new());
    for text in texts {
        let hash = hash_text(text);
        hashes.push(hash);
        by_hash.entry(hash).or_insert_with(|| {
            different.push(hash);
            text
        });
    }
    let vectors = TextVectors::of(&different, &by_hash, embed, folder, context)?;
    if hashes.len() == different.len() {
        return Ok(vectors.vectors);
    }
    let mut values = Vec::with_capacity(hashes.len() * embed.dimensions());
    for hash in &hashes {
        values.extend_from_slice(vectors.get(hash)?);
    }
    Ok(Matrix::new(values, embed.dimensions()))
}

/// The vectors of different texts.
struct TextVectors {
    rows: HashMap<Hash, usize>,
    vectors: Matrix,
}

impl TextVectors {
    /// The vectors of `texts`, whose hashes are `different`.
    fn of(
        different: &[Hash],
        texts: &HashMap<Hash, &str>,
        embed: &dyn Embed,
        folder: &Path,
        context: &Context,
    ) -> Result<Self> {
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
            let made = known.extended(different, texts, embed, context)?;
            made.write(&folder.join(FILE), different)
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
    fn get(&self, hash: &Hash) -> Result<&[f32]> {
        let row = self.rows.get(hash);
        let row = row.ok_or_else(|| Error::Internal("a text has no vector".into()))?;
        Ok(self.vectors.row(*row))
    }

    /// The vectors of the texts of `different`: those that are known, and the others encoded.
    fn extended(
        &self,
        different: &[Hash],
        texts: &HashMap<Hash, &str>,
        embed: &dyn Embed,
        context: &Context,
    ) -> Result<Self> {
        let is_new = |hash: &&Hash| !self.rows.contains_key(*hash);
        let new: Vec<&Hash> = different.iter().filter(is_new).collect();
        let new_texts: Vec<&str> = new.iter().map(|hash| texts[*hash]).collect();
        let reused = different.len() - new.len();
        tracing::info!(encoded = new.len(), reused, "vectors of texts");
        let dimensions = self.vectors.dimensions();
        let encoded = encode(embed, &new_texts, Role::Passage, context)?;
        let encoded = Matrix::new(encoded, dimensions);
        if let Some(text) = encoded.first_not_finite() {
            let message = format!(
                "the encoder returned a vector that is not finite for the text {:?}; another \
                 `dtype` may help",
                new_texts[text]
            );
            return Err(Error::component("encoder", message));
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
        let broken = |error| Error::component("encoder", error);
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

fn damaged(path: &Path, what: &str) -> Error {
    Error::Stale {
        path: path.to_path_buf(),
        message: format!(
            "does not hold the vectors of texts: {what}; delete its folder and run again"
        ),
    }
}
