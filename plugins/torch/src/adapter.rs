//! Low-rank adapters (LoRA), as PEFT writes them.

use std::path::Path;

use gloss_core::{Error, Result};
use tch::{Device, Tensor};

/// A low-rank change of a matrix: `scale * b a` is added to it.
#[derive(Debug)]
pub struct LowRank {
    /// The first factor, of shape `[rank, in]`.
    pub a: Tensor,
    /// The second factor, of shape `[out, rank]`.
    pub b: Tensor,
    /// What the product is multiplied by.
    pub scale: f64,
}

/// The low-rank changes of a model's matrices.
#[derive(Debug)]
pub struct Adapter {}

impl Adapter {
    /// Opens the folder of an adapter: `adapter_config.json` and `adapter_model.safetensors`.
    pub fn open(_folder: impl AsRef<Path>) -> Result<Self> {
        Err(Error::Usage("unfinished".into()))
    }

    /// The name of the model that the adapter was trained on, if it is told.
    pub fn base(&self) -> Option<&str> {
        None
    }

    /// The change of the matrix of `module` (`model.layers.0.self_attn.q_proj`), if it has one.
    pub fn module(
        &self,
        _module: &str,
        _in_features: i64,
        _out_features: i64,
        _device: Device,
    ) -> Result<Option<LowRank>> {
        Ok(None)
    }

    /// Checks that every tensor of the adapter was taken by [`Adapter::module`].
    pub fn finish(&self) -> Result<()> {
        Ok(())
    }
}
