//! The encoder of some options, and everything that decides its vectors.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gloss_core::{Code, IndexStatistic, Result, hash_file};
use gloss_torch::machine;
use serde_json::{Value, json};
use tch::Device;

use crate::embed::Embed;
use crate::encode::{self, Encoder};
use crate::options::{EncoderOptions, Similarity};
use crate::settings::Role;

/// The encoder, and everything that decides its vectors.
pub struct Model {
    encoder: Encoder,
    similarity: Similarity,
    identity: Value,
    files: Vec<PathBuf>,
    device: Device,
}

impl Model {
    /// Loads the encoder of `options`.
    ///
    /// # Errors
    /// If there is no such model, or it cannot be loaded.
    pub fn open(options: &EncoderOptions) -> Result<Self> {
        let folder = options.folder()?;
        let settings = options.settings(&folder)?;
        let files = encode::files(&folder)?;
        let mut identity = json!({
            "model": hash_files(&files)?,
            "dtype": options.dtype,
        });
        if let (Some(identity), Ok(Value::Object(settings))) =
            (identity.as_object_mut(), serde_json::to_value(&settings))
        {
            identity.extend(settings);
        }
        tracing::info!(model = %identity, "encoder");
        let device = options.device.open()?;
        let encoder = Encoder::open(&folder, settings, device, options.dtype.kind())?;
        Ok(Model {
            encoder,
            similarity: options.similarity(&folder)?,
            identity,
            files,
            device,
        })
    }

    /// The similarity of its vectors.
    pub fn similarity(&self) -> Similarity {
        self.similarity
    }

    /// The settings that a reader of the results needs.
    pub fn statistics(&self) -> Vec<IndexStatistic> {
        let settings = self.encoder.settings();
        vec![
            IndexStatistic::new("prefix", settings.prefix.to_string()),
            IndexStatistic::new("similarity", self.similarity.to_string()),
            IndexStatistic::new("max_seq_length", settings.max_length.to_string()),
        ]
    }
}

fn hash_files(paths: &[PathBuf]) -> Result<String> {
    let mut all = blake3::Hasher::new();
    for path in paths {
        all.update(hash_file(path)?.as_bytes());
    }
    Ok(all.finalize().to_hex()[..32].to_string())
}

impl Embed for Model {
    fn dimensions(&self) -> usize {
        self.encoder.dimensions()
    }

    fn identity(&self) -> Value {
        self.identity.clone()
    }

    fn code(&self) -> Code {
        let name = env!("CARGO_PKG_NAME");
        Code::of_crate(name, option_env!("GLOSS_FINGERPRINT"))
    }

    fn machine(&self) -> BTreeMap<String, String> {
        machine(self.device)
    }

    fn files(&self) -> Result<Vec<PathBuf>> {
        Ok(self.files.clone())
    }

    fn embed(
        &self,
        texts: &[&str],
        role: Role,
        progress: &mut dyn FnMut(usize) -> Result<()>,
    ) -> Result<Vec<f32>> {
        self.encoder.encode(texts, role, progress)
    }
}
