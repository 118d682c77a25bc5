//! Low-rank adapters (LoRA), as PEFT writes them.

mod config;
mod keys;
mod targets;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gloss_core::{Error, Result};
use tch::{Device, Kind, Tensor};

use crate::checkpoint::Checkpoint;
use crate::error::torch_error;
use config::Config;
use keys::{Factor, Keys};

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

/// Rows of a table, such as the embedding, that take the place of the model's own.
#[derive(Debug)]
pub struct TokenRows {
    /// The tokens.
    pub tokens: Vec<i64>,
    /// The row of each, of shape `[tokens, width]`.
    pub rows: Tensor,
}

impl TokenRows {
    /// The name of the tensor of a module's rows, as PEFT writes it.
    pub fn tensor_name(module: &str) -> String {
        format!("base_model.model.{module}.token_adapter.trainable_tokens_delta")
    }

    /// The table with these rows. It grows if they are behind its end.
    ///
    /// # Errors
    /// If a row is further behind, so that some would be missing between.
    pub fn put_into(&self, table: &Tensor) -> Result<Tensor> {
        let failed = || torch_error("put the rows of tokens into a table");
        let count = table.size().first().copied().unwrap_or(0);
        let mut new: Vec<i64> = self
            .tokens
            .iter()
            .copied()
            .filter(|t| *t >= count)
            .collect();
        new.sort_unstable();
        if let Some((token, expected)) = new.iter().zip(count..).find(|(own, next)| *own != next) {
            return Err(Error::component(
                "the adapter",
                format!(
                    "it has a row for token {token}, and the model has {count}: that of token \
                     {expected} is missing; is the adapter for another model?"
                ),
            ));
        }
        let kind = table.kind();
        let put = || {
            let tokens = Tensor::f_from_slice(&self.tokens)?.f_to_device(table.device())?;
            let room = [new.len() as i64, table.size()[1]];
            let room = Tensor::f_zeros(room, (kind, table.device()))?;
            let mut table = Tensor::f_cat(&[table, &room], 0)?;
            table.f_index_copy_(0, &tokens, &self.rows.f_to_kind(kind)?)
        };
        put().map_err(failed())
    }
}

/// The low-rank changes of a model's matrices. (Hu et al., LoRA, 2021.)
#[derive(Debug)]
pub struct Adapter {
    config: Config,
    checkpoint: Checkpoint,
    keys: Keys,
    asked: Mutex<Asked>,
}

/// Everything that a model has asked for.
#[derive(Debug, Default)]
struct Asked {
    /// The names of tensors that are there.
    tensors: BTreeSet<String>,
    /// Modules that the adapter leaves as they are.
    unchanged: Vec<String>,
}

impl Adapter {
    /// Opens the folder of an adapter: `adapter_config.json` and `adapter_model.safetensors`.
    ///
    /// # Errors
    ///
    /// Files that are missing or damaged, and an adapter that is more than low-rank changes.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let config = Config::read(folder)?;
        let checkpoint = Checkpoint::open_named(folder, "adapter_model")?;
        let names = checkpoint.names();
        let keys = Keys::new(names).map_err(|message| {
            let file = checkpoint.files().next().unwrap_or(folder);
            Error::input(file, message)
        })?;
        Ok(Adapter {
            config,
            keys,
            checkpoint,
            asked: Mutex::default(),
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
        let [a, b] = [Factor::A, Factor::B].map(|factor| self.keys.name(module, factor));
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.checkpoint.contains(&a) && !self.checkpoint.contains(&b) {
            asked.unchanged.push(module.to_string());
            return Ok(None);
        }
        let rank = self.config.rank(module);
        let change = LowRank {
            a: self.factor(&a, &[rank, in_features], device)?,
            b: self.factor(&b, &[out_features, rank], device)?,
            scale: self.config.scale(module),
        };
        asked.tensors.extend([a, b]);
        Ok(Some(change))
    }

    /// The rows that the adapter has for tokens of a table, such as `model.embed_tokens` or `lm_head`, which is `width`
    /// wide: PEFT's `trainable_token_indices`.
    ///
    /// # Errors
    ///
    /// A tensor that is missing, damaged or of another shape.
    pub fn token_rows(
        &self,
        module: &str,
        width: i64,
        device: Device,
    ) -> Result<Option<TokenRows>> {
        let Some(tokens) = self.config.token_indices(module) else {
            return Ok(None);
        };
        let name = TokenRows::tensor_name(module);
        Ok(Some(TokenRows {
            rows: self.tensor(&name, &[tokens.len() as i64, width], device)?,
            tokens: tokens.to_vec(),
        }))
    }

    /// The last of the tokens whose rows the adapter has.
    pub fn last_token(&self) -> Option<i64> {
        self.config.last_token()
    }

    /// The factor or the rows of this name, to go on training it.
    ///
    /// # Errors
    ///
    /// As [`Adapter::module`]; and a factor that is missing.
    pub fn tensor(&self, name: &str, shape: &[i64], device: Device) -> Result<Tensor> {
        let name = self.keys.actual(name);
        let tensor = self.factor(&name, shape, device)?;
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.tensors.insert(name);
        Ok(tensor)
    }

    /// Returns the scale of the module's low-rank product.
    pub fn scale(&self, module: &str) -> f64 {
        self.config.scale(module)
    }

    fn factor(&self, name: &str, shape: &[i64], device: Device) -> Result<Tensor> {
        match self.checkpoint.shape(name) {
            Some(found) if found == [0] => {
                let message = "is empty, as DeepSpeed ZeRO-3 leaves it if an adapter is saved without \
                               gathering its parameters; save it with \
                               `stage3_gather_16bit_weights_on_model_save`, or convert the training's \
                               checkpoint with zero_to_fp32.py";
                return Err(self.checkpoint.diagnostic(name, message));
            }
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

    /// Checks that every tensor of the adapter was asked for, and that every module that the
    /// adapter is said to change has its tensors; to be called when all modules of a model have had
    /// their turn.
    ///
    /// # Errors
    ///
    /// Modules without tensors, and tensors that no module asked for.
    pub fn finish(&self) -> Result<()> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let lacks = |module: &&String| self.config.targets(module);
        let missing: Vec<&str> = asked
            .unchanged
            .iter()
            .filter(lacks)
            .map(String::as_str)
            .collect();
        if !missing.is_empty() {
            let targeted = asked.tensors.len() / 2 + missing.len();
            return Err(Error::input(
                self.checkpoint.files().next().unwrap_or(self.config.path()),
                format!(
                    "the tensors of {} of {targeted} modules are missing that {} has among its \
                     `target_modules`: `{}`; save the adapter again",
                    missing.len(),
                    self.config.path().display(),
                    missing.join("`, `")
                ),
            ));
        }
        let mut left = self
            .checkpoint
            .names()
            .filter(|name| !asked.tensors.contains(*name));
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
                "tensor `{first}` has no place in this model{others}: {}",
                keys::reason(first)
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn rows(tokens: &[i64]) -> TokenRows {
        let values: Vec<f32> = tokens.iter().flat_map(|token| [*token as f32; 2]).collect();
        TokenRows {
            tokens: tokens.to_vec(),
            rows: Tensor::from_slice(&values).view([-1, 2]),
        }
    }

    #[test]
    fn rows_take_the_place_of_old_ones_and_follow_the_last() {
        let table = Tensor::zeros([3, 2], (Kind::Float, Device::Cpu));
        let grown = rows(&[4, 1, 3]).put_into(&table).unwrap();
        let expected = Tensor::from_slice(&[0_f32, 0., 1., 1., 0., 0., 3., 3., 4., 4.]);
        assert_eq!(grown, expected.view([5, 2]));
        assert_eq!(table.sum(Kind::Float).double_value(&[]), 0.0);
        let error = rows(&[4]).put_into(&table).unwrap_err().to_string();
        let expected = "it has a row for token 4, and the model has 3: that of token 3 is missing";
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn tokens_are_numbers_of_tokens_each_once() {
        let read = |indices: &str| {
            let folder = tempfile::tempdir().unwrap();
            let text = format!(
                r#"{{"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["q_proj"],
                     "trainable_token_indices": {indices}}}"#
            );
            fs::write(folder.path().join("adapter_config.json"), text).unwrap();
            Config::read(folder.path())
        };
        let of = |indices: &str, module: &str| {
            let config = read(indices).unwrap();
            config.token_indices(module).map(<[i64]>::to_vec)
        };
        assert_eq!(of("[5, 6]", "model.embed_tokens"), Some(vec![5, 6]));
        assert_eq!(of("[5, 6]", "lm_head"), None);
        assert_eq!(of(r#"{"lm_head": [7]}"#, "lm_head"), Some(vec![7]));
        assert_eq!(of("null", "model.embed_tokens"), None);
        for wrong in [
            "[5, 5]",
            "[-1]",
            "[9223372036854775807]",
            r#"{"lm_head": [1, 1]}"#,
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(
                error.contains("expected numbers of tokens, each once"),
                "{error}"
            );
        }
    }
}
