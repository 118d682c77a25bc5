//! Checkpoints of a training.

use std::collections::HashMap;
use std::path::Path;

use gloss_core::{Error, Result};
use gloss_torch::{Checkpoint, torch_error, write_safetensors};
use serde::{Deserialize, Serialize};
use tch::{Device, Tensor};

use crate::optimizer::Optimizer;
use crate::parameters::Parameters;

const FILE: &str = "checkpoint.safetensors";
const VALUES: &str = "values";
const STATE: &str = "state";

/// The state of a training, besides its tensors. The order of texts and dropout masks follow
/// from the seed and the step.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Steps that were done.
    pub(crate) step: u64,
    /// Tokens that were seen.
    pub(crate) tokens: u64,
    /// The loss of the first step.
    pub(crate) first_loss: Option<f64>,
    /// The score and the step of the best weights; higher is better.
    pub(crate) best: Option<(f64, u64)>,
    /// Validations since then.
    pub(crate) worse: u64,
}

/// Writes where a training stands; the file appears whole or not at all.
pub(crate) fn write(
    folder: &Path,
    state: &State,
    parameters: &Parameters,
    optimizer: &Optimizer,
) -> Result<()> {
    let json = serde_json::to_vec(state).map_err(|error| Error::Internal(error.to_string()))?;
    let json = Tensor::f_from_slice(&json).map_err(torch_error("write a checkpoint"))?;
    let mut tensors = vec![(STATE, &json), (VALUES, &parameters.values)];
    tensors.extend(optimizer.states());
    write_safetensors(&folder.join(FILE), &tensors, HashMap::new())
}

/// Reads where an earlier attempt stood, if there was one, into `parameters` and `optimizer`.
pub(crate) fn read(
    folder: &Path,
    parameters: &Parameters,
    optimizer: &Optimizer,
) -> Result<Option<State>> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Ok(None);
    }
    let checkpoint = Checkpoint::open_file(&path).map_err(|error| damaged(&path, &error))?;
    checkpoint
        .verify()
        .map_err(|error| damaged(&path, &error))?;
    let mut tensors = vec![(VALUES, &parameters.values)];
    tensors.extend(optimizer.states());
    for (name, tensor) in tensors {
        let read = checkpoint.tensor(name, &tensor.size(), tensor.device())?;
        let copied = tensor.shallow_clone().f_copy_(&read);
        copied.map_err(torch_error("read a checkpoint"))?;
    }
    let shape = checkpoint.shape(STATE).unwrap_or_default();
    let state = checkpoint.tensor(STATE, &shape, Device::Cpu)?;
    let mut json = vec![0_u8; state.numel()];
    let copied = state.f_copy_data_u8(&mut json, state.numel());
    copied.map_err(torch_error("read a checkpoint"))?;
    let state = serde_json::from_slice(&json);
    state
        .map(Some)
        .map_err(|error| checkpoint.diagnostic(STATE, format!("does not tell a state: {error}")))
}

/// The error about a checkpoint of ours: it cannot be fetched again, but made again.
fn damaged(path: &Path, error: &Error) -> Error {
    Error::Stale {
        path: path.to_path_buf(),
        message: format!(
            "the checkpoint of an interrupted training cannot be read; remove it to begin the \
             training again ({error})"
        ),
    }
}

/// Removes the checkpoint of a training that is done.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    let path = folder.join(FILE);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove", &path)(error))
        }
        _ => Ok(()),
    }
}
