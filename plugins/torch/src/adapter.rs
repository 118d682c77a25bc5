//! Low-rank adapters (LoRA), as PEFT writes them.

mod config;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gloss_core::{Error, Result};
use tch::{Device, Kind, Tensor};

use crate::checkpoint::Checkpoint;
use config::Config;

/// A low-rank change of a matrix: `scale * b a` is added to it.
#[derive(Debug)]
pub struct LowRank {
    /// The first factor, of shape `[rank, in]`.
    pub a: Tensor,
    /// The second factor, of shape `[out, rank]`.
    pub b: Tensor,
    /// The scale of the product.
    pub scale: f64,
}

/// The low-rank changes of a model's matrices. (Hu et al., LoRA, 2021.)
#[derive(Debug)]
pub struct Adapter {
    config: Config,
    checkpoint: Checkpoint,
    /// The names of the tensors that a model has asked for.
    taken: Mutex<BTreeSet<String>>,
}

impl Adapter {
    /// Opens the folder of an adapter: `adapter_config.json` and `adapter_model.safetensors`.
    ///
    /// # Errors
    ///
    /// Files that are missing or damaged, and an adapter that is more than low-rank changes.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        Ok(Adapter {
            config: Config::read(folder)?,
            checkpoint: Checkpoint::open_named(folder, "adapter_model")?,
            taken: Mutex::default(),
        })
    }

    /// The name of the model that the adapter was trained on, if it is stated.
    pub fn base(&self) -> Option<&str> {
        self.config.base()
    }

    /// The files of the adapter.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        [self.config.path()]
            .into_iter()
            .chain(self.checkpoint.files())
    }

    /// The change of the matrix of a module (`model.layers.0.self_attn.q_proj`), which has
    /// `in_features` columns and `out_features` rows; none if the adapter leaves it as it is.
    ///
    /// # Errors
    ///
    /// Factors of other shapes than the matrix and the configured rank ask for, or damaged ones.
    /// Each error names the file and the tensor.
    pub fn module(
        &self,
        module: &str,
        in_features: i64,
        out_features: i64,
        device: Device,
    ) -> Result<Option<LowRank>> {
        let [a, b] = ["A", "B"].map(|f| format!("base_model.model.{module}.lora_{f}.weight"));
        if !self.checkpoint.contains(&a) && !self.checkpoint.contains(&b) {
            return Ok(None);
        }
        let rank = self.config.rank(module);
        let change = LowRank {
            a: self.factor(&a, &[rank, in_features], device)?,
            b: self.factor(&b, &[out_features, rank], device)?,
            scale: self.config.scale(module),
        };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.extend([a, b]);
        Ok(Some(change))
    }

    /// The factor of this name, to go on training it.
    ///
    /// # Errors
    ///
    /// As [`Adapter::module`]; and a factor that is missing.
    pub fn tensor(&self, name: &str, shape: &[i64], device: Device) -> Result<Tensor> {
        let tensor = self.factor(name, shape, device)?;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.insert(name.to_string());
        Ok(tensor)
    }

    /// Returns the scale of the module's low-rank product.
    pub fn scale(&self, module: &str) -> f64 {
        self.config.scale(module)
    }

    fn factor(&self, name: &str, shape: &[i64], device: Device) -> Result<Tensor> {
        match self.checkpoint.shape(name) {
            Some(found) if found != shape => {
                let message = format!(
                    "has shape {found:?}, but {shape:?} is expected of the model's matrix and the \
                     rank in {}; is the adapter for another model?",
                    self.config.path().display()
                );
                return Err(self.checkpoint.diagnostic(name, message));
            }
            _ => {}
        }
        let tensor = self.checkpoint.tensor(name, shape, device)?;
        match tensor.f_kind() {
            Ok(Kind::Float | Kind::BFloat16 | Kind::Half | Kind::Double) => Ok(tensor),
            _ => Err(self
                .checkpoint
                .diagnostic(name, "does not hold floating-point numbers")),
        }
    }

    /// Checks that every tensor of the adapter was asked for by [`Adapter::module`]; to be called
    /// when all modules of a model have had their turn.
    ///
    /// # Errors
    ///
    /// Tensors that no module asked for: the adapter is for another architecture.
    pub fn finish(&self) -> Result<()> {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = self
            .checkpoint
            .names()
            .filter(|name| !taken.contains(*name));
        let Some(first) = left.next() else {
            return Ok(());
        };
        let others = match left.count() {
            0 => String::new(),
            count => format!(" (nor have {count} others)"),
        };
        Err(Error::input(
            self.checkpoint.path(first),
            format!(
                "tensor `{first}` has no place in this model{others}: the adapter is for another \
                 architecture"
            ),
        ))
    }
}
