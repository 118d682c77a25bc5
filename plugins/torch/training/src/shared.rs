//! The steps of a training that several processes share.

use gloss_core::{Error, Result};
use gloss_torch::torch_error;
use tch::{Device, Kind, TchError, Tensor};

use crate::checkpoint::State;
use crate::optimizer::Optimizer;
use crate::parameters::Parameters;
use crate::trainee::{Gradient, Trainee};
use crate::world::World;

/// The steps between the random numbers of one process and those of the next.
const STREAM: u64 = 1 << 24;

/// Gives all processes the state, the parameters and the optimizer of the first one.
///
/// # Errors
/// If the processes have other examples, or one has ended.
pub(crate) fn start(
    world: &mut World,
    state: State,
    examples: usize,
    parameters: &Parameters,
    optimizer: &Optimizer,
) -> Result<State> {
    let first = world.broadcast_text(&examples.to_string())?;
    if first != examples.to_string() {
        return Err(Error::Usage(format!(
            "the process of rank 0 trains on {first} examples, and that of rank {} on {examples}; give all \
             the same experiment and data",
            world.rank()
        )));
    }
    let state = self::state(world, &state)?;
    let states = optimizer.states().into_iter().map(|(_, tensor)| tensor);
    for tensor in [&parameters.values].into_iter().chain(states) {
        let mut values = to_vec(tensor)?;
        world.broadcast(&mut values)?;
        copy(&values, tensor)?;
    }
    Ok(state)
}

/// The state of the first process.
///
/// # Errors
/// If a process has ended.
pub(crate) fn state(world: &mut World, state: &State) -> Result<State> {
    let broken = |error: serde_json::Error| Error::Internal(error.to_string());
    let text = serde_json::to_string(state).map_err(broken)?;
    serde_json::from_str(&world.broadcast_text(&text)?).map_err(broken)
}

/// Puts the gradient of the mean loss of `examples` in that of the parameters, of which each process
/// computes a part.
///
/// # Errors
/// Those of libtorch, by `failed`; if a process has ended.
pub(crate) fn gradient(
    world: &mut World,
    trainee: &impl Trainee,
    examples: &[usize],
    step: u64,
    failed: impl FnOnce(TchError) -> Error,
) -> Result<Gradient> {
    let own = examples
        .iter()
        .copied()
        .skip(world.rank())
        .step_by(world.size());
    let own: Vec<usize> = own.collect();
    let sum = &trainee.parameters().gradient;
    let own = match own.is_empty() {
        true => sum.shallow_clone().f_zero_().map(|_| Gradient {
            loss: 0.0,
            predictions: 0,
            tokens: 0,
        }),
        false => trainee.gradient(&own, step + world.rank() as u64 * STREAM),
    };
    let own = own.map_err(failed)?;
    // The mean of all is that of the parts, each as often as it has predictions.
    let count = own.predictions as f64;
    let mut values = to_vec(sum)?;
    values
        .iter_mut()
        .for_each(|value| *value = (f64::from(*value) * count) as f32);
    values.extend([
        (own.loss * count) as f32,
        own.predictions as f32,
        own.tokens as f32,
    ]);
    world.sum(&mut values)?;
    let [.., loss, predictions, tokens] = values[..] else {
        return Err(Error::Internal("a sum without its measurements".into()));
    };
    values.truncate(values.len() - 3);
    let all = f64::from(predictions).max(1.0);
    values
        .iter_mut()
        .for_each(|value| *value = (f64::from(*value) / all) as f32);
    copy(&values, sum)?;
    Ok(Gradient {
        loss: f64::from(loss) / all,
        predictions: predictions as usize,
        tokens: tokens as usize,
    })
}

fn to_vec(tensor: &Tensor) -> Result<Vec<f32>> {
    let read = || {
        let tensor = tensor.f_to_kind(Kind::Float)?.f_to_device(Device::Cpu)?;
        Vec::try_from(tensor.f_view([-1])?)
    };
    read().map_err(torch_error("send numbers to other processes"))
}

fn copy(values: &[f32], tensor: &Tensor) -> Result<()> {
    let write = || {
        let values = Tensor::f_from_slice(values)?.f_view(&*tensor.size())?;
        tch::no_grad(|| {
            tensor
                .shallow_clone()
                .f_copy_(&values.f_to_device(tensor.device())?)
        })
        .map(drop)
    };
    write().map_err(torch_error("take numbers of other processes"))
}
