//! The options of an encoder.

use std::fmt;
use std::path::{Path, PathBuf};

use gloss_core::{Error, Identity, Result, find_model};
use gloss_torch::{DeviceName, Precision, device_kind, machine};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::pooling::Pooling;
use crate::settings::{Given, Prefix, Settings};
use crate::{encode, layout};

/// The options of an encoder and of the similarity of its vectors. A retriever flattens them into
/// its own options, which deny unknown ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EncoderOptions {
    /// The encoder: a folder in the layout of Hugging Face or sentence-transformers, or the name
    /// of a model of the hub that `gloss fetch` has got or that the cache of Hugging Face has.
    #[schemars(length(min = 1))]
    pub model: String,
    /// The prefixes of texts: `auto` (as the model was trained), `none` (no prefix,
    /// as in the paper), or a table of `query` and `passage`.
    #[serde(default)]
    pub prefix: PrefixChoice,
    /// The pooling of a text's tokens. By default, as the model was trained.
    #[serde(default)]
    pub pooling: Option<Pooling>,
    /// Scales the encoder's vectors to length 1. By default, as the model was
    /// trained. With `similarity = "cosine"` they are scaled in any case.
    #[serde(default)]
    #[schemars(extend("x-former-names" = ["normalise"]))]
    pub normalize_embeddings: Option<bool>,
    /// The most tokens of a text, prefix and special tokens included; the rest is cut off. If it
    /// is not given, as the model was trained.
    #[serde(default)]
    #[schemars(range(min = 3), extend("x-former-names" = ["max_length"]))]
    pub max_seq_length: Option<usize>,
    /// The device of the encoder: `auto` (a GPU if there is one), `cpu`, or `cuda:0` and so on.
    #[serde(default)]
    pub device: DeviceName,
    /// The numbers that the encoder computes with. The vectors are f32 in any case.
    #[serde(default = "default_dtype")]
    pub dtype: Precision,
    /// The similarity of vectors. By default, as the model was trained: the `similarity_fn_name` of
    /// its folder, else `cosine`.
    #[serde(default)]
    pub similarity: Option<Similarity>,
}

fn default_dtype() -> Precision {
    Precision::F32
}

/// The prefixes of texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum PrefixChoice {
    /// `auto` or `none`.
    Named(NamedPrefix),
    /// The prefixes themselves.
    Given(Prefix),
}

impl Default for PrefixChoice {
    fn default() -> Self {
        PrefixChoice::Named(NamedPrefix::Auto)
    }
}

/// Prefixes that need not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum NamedPrefix {
    /// As the model was trained.
    Auto,
    /// Nothing.
    None,
}

/// The similarity of vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Similarity {
    /// By the cosine of the angle between them.
    Cosine,
    /// By their inner product, so that long vectors are nearer.
    InnerProduct,
}

/// The name that the options have for it.
impl fmt::Display for Similarity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Similarity::Cosine => "cosine",
            Similarity::InnerProduct => "inner-product",
        })
    }
}

impl EncoderOptions {
    /// The folder of the model.
    ///
    /// # Errors
    /// If there is none.
    pub fn folder(&self) -> Result<PathBuf> {
        find_model(&self.model)
    }

    /// The files of the model.
    ///
    /// # Errors
    /// If one is missing.
    pub fn inputs(&self) -> Result<Vec<PathBuf>> {
        encode::files(&self.folder()?)
    }

    /// The identity of a retriever with these options, as they take effect here.
    ///
    /// # Errors
    /// If the model or the device is missing, or a setting of the model is unknown.
    pub fn resolve(&self, identity: Identity) -> Result<Identity> {
        let folder = self.folder()?;
        let settings = serde_json::to_value(self.settings(&folder)?);
        let settings = settings.map_err(|error| Error::Internal(error.to_string()))?;
        let similarity = json!(self.similarity(&folder)?);
        let device = self.device.open()?;
        // The files of the model are inputs, wherever they lie.
        identity
            .with_option("model", Value::Null)?
            .with_option("encoder", settings)?
            .with_option("similarity", similarity)?
            .with_option("device", device_kind(device).into())
            .map(|identity| identity.with_machine(machine(device)))
    }

    /// The similarity of the options, else that of the model's folder.
    ///
    /// # Errors
    /// If the folder asks for one that is not supported.
    pub fn similarity(&self, folder: &Path) -> Result<Similarity> {
        if let Some(similarity) = self.similarity {
            return Ok(similarity);
        }
        match layout::similarity(folder)?.as_deref() {
            None | Some("cosine") => Ok(Similarity::Cosine),
            Some("dot" | "dot_score") => Ok(Similarity::InnerProduct),
            Some(other) => Err(Error::input(
                folder.join("config_sentence_transformers.json"),
                format!(
                    "`similarity_fn_name` is `{other}`, which is not supported; give `similarity` \
                     (`cosine` or `inner-product`) to rank by another"
                ),
            )),
        }
    }

    pub(crate) fn settings(&self, folder: &Path) -> Result<Settings> {
        let given = Given {
            prefix: match &self.prefix {
                PrefixChoice::Named(NamedPrefix::Auto) => None,
                PrefixChoice::Named(NamedPrefix::None) => Some(Prefix::default()),
                PrefixChoice::Given(prefix) => Some(prefix.clone()),
            },
            pooling: self.pooling,
            normalise: self.normalize_embeddings,
            max_length: self.max_seq_length,
        };
        Settings::resolve(&self.model, folder, &given)
    }
}
