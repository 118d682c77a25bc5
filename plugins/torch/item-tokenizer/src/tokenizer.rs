//! From the vectors of items to codes.

use std::path::{Path, PathBuf};

use gloss_core::{ArtefactRequest, Catalogue, Context, Error, Identity, Result};
use gloss_dense::{Matrix, hash_catalogue};
use serde_json::Value;

use crate::codes::{CODES, Codes};
use crate::options::{ItemTokenizer, TokenizerKind};
use crate::source::{self, Source};
use crate::{collisions, residual, rq_vae};

impl ItemTokenizer {
    /// The codes of a catalogue: from the cache, or made of the vectors of its items. `scratch` is a folder
    /// for where there is no cache.
    ///
    /// # Errors
    /// If the vectors cannot be made or read, or the work is interrupted.
    pub fn codes(&self, catalogue: &Catalogue, scratch: &Path, context: &Context) -> Result<Codes> {
        let source = Source::open(&self.encoder)?;
        let request = self.request(catalogue, &source)?;
        let build = |folder: &Path, _: Option<&Path>| {
            let vectors = source.vectors(catalogue, scratch, context)?;
            let codes = self.tokenize(vectors, catalogue, scratch, context)?;
            codes.write(&folder.join(CODES), catalogue)
        };
        context.get_or_build(&request, &scratch.join("tokenize"), build, |folder| {
            Codes::read(&folder.join(CODES), catalogue)
        })
    }

    /// The files from which codes are made.
    ///
    /// # Errors
    /// If one is missing.
    pub fn inputs(&self) -> Result<Vec<PathBuf>> {
        source::files(&self.encoder)
    }

    /// Codes are of one catalogue with its texts, one source of vectors and these options.
    fn request(&self, catalogue: &Catalogue, source: &Source) -> Result<ArtefactRequest<'static>> {
        let (vectors, code, machine) = source.identity();
        let mut options = serde_json::to_value(self)
            .map_err(|error| Error::Internal(format!("options of a tokenizer: {error}")))?;
        if let Value::Object(options) = &mut options {
            // Replaced by what they come to: the files and settings of the encoder.
            for name in [
                "model",
                "device",
                "dtype",
                "prefix",
                "pooling",
                "max_seq_length",
                "normalize_embeddings",
            ] {
                options.remove(name);
            }
            options.insert("encoder".into(), vectors);
        }
        let hash = u128::from_be_bytes(hash_catalogue(catalogue));
        Ok(ArtefactRequest {
            stage: "tokenize",
            identity: Identity {
                options: options.to_string(),
                code,
                machine,
            },
            inputs: self.inputs()?,
            changing: ("catalogue", format!("{hash:032x}")),
        })
    }

    /// The codes of the vectors of a catalogue's items; `folder` is for the state of a training, which resumes there.
    ///
    /// # Errors
    /// If a vector is not finite, the options do not fit the vectors, or the work is interrupted.
    pub fn tokenize(
        &self,
        mut vectors: Matrix,
        catalogue: &Catalogue,
        folder: &Path,
        context: &Context,
    ) -> Result<Codes> {
        if let Some(item) = vectors.first_not_finite() {
            let message = format!("the vector of item {item} is not finite");
            return Err(Error::component("the item tokenizer", message));
        }
        if self.standardize {
            vectors = standardized(&vectors);
        }
        let levels = match self.kind {
            TokenizerKind::RqKmeans => residual::levels(vectors, self, context)?,
            TokenizerKind::ProductQuantization => residual::products(&vectors, self, context)?,
            TokenizerKind::RqVae => rq_vae::levels(&vectors, self, folder, context)?,
        };
        collisions::resolved(levels, self, catalogue)
    }
}

/// Vectors of which each dimension has the mean 0 and the deviation 1; one that is constant becomes 0.
pub(crate) fn standardized(vectors: &Matrix) -> Matrix {
    let width = vectors.dimensions();
    let count = vectors.len().max(1) as f64;
    let mut sums = vec![(0.0f64, 0.0f64); width];
    for row in vectors.rows() {
        for ((sum, squares), x) in sums.iter_mut().zip(row) {
            *sum += f64::from(*x);
            *squares += f64::from(*x).powi(2);
        }
    }
    let scales: Vec<(f64, f64)> = sums
        .into_iter()
        .map(|(sum, squares)| {
            let mean = sum / count;
            let deviation = (squares / count - mean * mean).max(0.0).sqrt();
            (
                mean,
                if deviation > 1e-12 {
                    1.0 / deviation
                } else {
                    0.0
                },
            )
        })
        .collect();
    let values = vectors.rows().flat_map(|row| {
        let scaled = row.iter().zip(&scales);
        scaled.map(|(x, (mean, scale))| ((f64::from(*x) - mean) * scale) as f32)
    });
    Matrix::new(values.collect(), width)
}
