//! AdamW (Loshchilov and Hutter, 2019, arXiv 1711.05101), with states of 32 or of 8 bits.

mod eight_bit;

use tch::{Device, Kind, TchError, Tensor};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::parameters::{Parameter, Parameters};
use eight_bit::EightBit;

/// Keeps a divisor from 0.
const EPSILON: f64 = 1e-8;
/// The numbers that a CPU changes at once.
const NUMBERS_AT_ONCE: i64 = 1 << 16;

/// The optimizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerName {
    /// AdamW with states of 32 bits.
    Adamw,
    /// AdamW with states of 8 bits in blocks of 256, as in bitsandbytes; tensors of fewer than
    /// 4,096 numbers have states of 32 bits.
    #[serde(rename = "adamw-8bit")]
    Adamw8bit,
}

/// The settings of AdamW; without weight decay it is Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    /// The share of each weight, times the learning rate, that every step takes away.
    pub weight_decay: f64,
    /// The decay of the mean of gradients, and that of their squares.
    pub betas: (f64, f64),
}

impl Adam {
    /// The usual decays, 0.9 and 0.999.
    pub fn new(weight_decay: f64) -> Self {
        Adam {
            weight_decay,
            betas: (0.9, 0.999),
        }
    }
}

/// The step sizes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) learning_rate: f64,
    pub(crate) adam: Adam,
    /// The step's number, from 1.
    pub(crate) step: u64,
}

impl Rates {
    /// The bias corrections of the means, which begin at 0.
    fn corrections(self) -> (f64, f64) {
        let power = |beta: f64| 1.0 - beta.powf(self.step as f64);
        (power(self.adam.betas.0), power(self.adam.betas.1))
    }
}

/// The optimizer with its states.
pub struct Optimizer {
    adam: Adam,
    /// 1 where weight decay applies and 0 elsewhere; none if it applies everywhere.
    decays: Option<Tensor>,
    /// The numbers with states of 32 bits.
    wide: Option<Part<Wide>>,
    /// The numbers with states of 8 bits.
    narrow: Option<Part<EightBit>>,
}

/// States of some of the numbers: the places of these; none if they are all.
struct Part<S> {
    places: Option<Tensor>,
    states: S,
}

/// States of 32 bits: the means of gradients and of their squares.
struct Wide {
    mean: Tensor,
    square: Tensor,
}

impl Optimizer {
    /// The optimizer of `parameters`, before the first step.
    ///
    /// # Errors
    /// Those of libtorch, such as memory that ran out.
    pub fn new(parameters: &Parameters, name: OptimizerName, adam: Adam) -> Result<Self, TchError> {
        let eight_bit = |parameter: &Parameter| {
            name == OptimizerName::Adamw8bit && parameter.numel() >= eight_bit::LEAST_NUMBERS
        };
        let device = parameters.values.device();
        let (narrow, wide): (Vec<&Parameter>, Vec<&Parameter>) = parameters
            .list
            .iter()
            .partition(|parameter| eight_bit(parameter));
        let zeros = |list: &[&Parameter]| {
            let count: i64 = list.iter().map(|parameter| parameter.numel()).sum();
            Tensor::f_zeros([count], (Kind::Float, device))
        };
        let wide = match wide.is_empty() {
            true => None,
            false => Some(Part {
                places: places(&wide, parameters)?,
                states: Wide {
                    mean: zeros(&wide)?,
                    square: zeros(&wide)?,
                },
            }),
        };
        let narrow = match narrow.is_empty() {
            true => None,
            false => Some(Part {
                places: places(&narrow, parameters)?,
                states: EightBit::new(narrow.iter().map(|p| p.numel()), device)?,
            }),
        };
        Ok(Optimizer {
            adam,
            decays: decays(parameters)?,
            wide,
            narrow,
        })
    }

    /// Changes the parameters by their gradient. `step` counts from 1.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn step(
        &mut self,
        parameters: &Parameters,
        learning_rate: f64,
        step: u64,
    ) -> Result<(), TchError> {
        let rates = Rates {
            learning_rate,
            adam: self.adam,
            step,
        };
        let decay = |places: &Option<Tensor>| match (&self.decays, places) {
            (Some(decays), Some(places)) => decays.f_index_select(0, places).map(Some),
            (decays, _) => Ok(decays.as_ref().map(Tensor::shallow_clone)),
        };
        if let Some(part) = &mut self.wide {
            let decay = decay(&part.places)?;
            part.step(parameters, |wide, values, gradient| {
                wide.step(values, gradient, decay.as_ref(), rates)
            })?;
        }
        if let Some(part) = &mut self.narrow {
            let decay = decay(&part.places)?;
            part.step(parameters, |narrow, values, gradient| {
                narrow.step(values, gradient, decay.as_ref(), rates)
            })?;
        }
        Ok(())
    }

    /// The states, by name.
    pub(crate) fn states(&self) -> Vec<(&'static str, &Tensor)> {
        let mut states = Vec::new();
        if let Some(part) = &self.wide {
            states.push(("mean", &part.states.mean));
            states.push(("square", &part.states.square));
        }
        if let Some(part) = &self.narrow {
            states.extend(part.states.states());
        }
        states
    }
}

impl<S> Part<S> {
    /// Has `change` change the values of this part's numbers by their gradient.
    fn step(
        &mut self,
        parameters: &Parameters,
        change: impl FnOnce(&mut S, &Tensor, &Tensor) -> Result<(), TchError>,
    ) -> Result<(), TchError> {
        let (values, gradient) = (&parameters.values, &parameters.gradient);
        let Some(places) = &self.places else {
            return change(&mut self.states, values, gradient);
        };
        let own = values.f_index_select(0, places)?;
        change(&mut self.states, &own, &gradient.f_index_select(0, places)?)?;
        let _ = values.shallow_clone().f_index_copy_(0, places, &own)?;
        Ok(())
    }
}

impl Wide {
    /// Changes the values; on a CPU a part at a time that stays in its cache.
    fn step(
        &mut self,
        values: &Tensor,
        gradient: &Tensor,
        decays: Option<&Tensor>,
        rates: Rates,
    ) -> Result<(), TchError> {
        let numbers = values.numel() as i64;
        let at_once = match values.device() {
            Device::Cpu => NUMBERS_AT_ONCE,
            _ => numbers.max(1),
        };
        for start in (0..numbers).step_by(at_once as usize) {
            let count = at_once.min(numbers - start);
            let part = |tensor: &Tensor| tensor.f_narrow(0, start, count);
            let mut states = Wide {
                mean: part(&self.mean)?,
                square: part(&self.square)?,
            };
            let decays = decays.map(part).transpose()?;
            states.step_part(&part(values)?, &part(gradient)?, decays.as_ref(), rates)?;
        }
        Ok(())
    }

    fn step_part(
        &mut self,
        values: &Tensor,
        gradient: &Tensor,
        decays: Option<&Tensor>,
        rates: Rates,
    ) -> Result<(), TchError> {
        decay(values, decays, rates)?;
        let (mean, square) = (&mut self.mean, &mut self.square);
        let betas = rates.adam.betas;
        let _ = mean.f_lerp_(gradient, 1.0 - betas.0)?;
        let _ = square.f_mul_scalar_(betas.1)?;
        let _ = square.f_addcmul_(gradient, &gradient.f_mul_scalar(1.0 - betas.1)?)?;
        let step = step(mean, square, rates)?;
        let _ = values.shallow_clone().f_add_(&step)?;
        Ok(())
    }
}

/// Returns the update of the values: the mean of gradients over the root of that of their squares, each
/// corrected for having begun at 0, times the learning rate, downhill.
fn step(mean: &Tensor, square: &Tensor, rates: Rates) -> Result<Tensor, TchError> {
    let (first, second) = rates.corrections();
    let divisor = square
        .f_sqrt()?
        .f_div_scalar_(second.sqrt())?
        .f_add_scalar_(EPSILON)?;
    mean.f_div(&divisor)?
        .f_mul_scalar_(-rates.learning_rate / first)
}

/// Takes from each value that decays its share.
fn decay(values: &Tensor, decays: Option<&Tensor>, rates: Rates) -> Result<(), TchError> {
    let share = rates.learning_rate * rates.adam.weight_decay;
    let mut values = values.shallow_clone();
    match decays {
        _ if share == 0.0 => {}
        None => drop(values.f_mul_scalar_(1.0 - share)?),
        Some(decays) => {
            let kept = decays.f_mul_scalar(-share)?.f_add_scalar_(1.0)?;
            drop(values.f_mul_(&kept)?);
        }
    }
    Ok(())
}

/// The places of some parameters' numbers among all; none if they are all.
fn places(some: &[&Parameter], all: &Parameters) -> Result<Option<Tensor>, TchError> {
    if some.len() == all.list.len() {
        return Ok(None);
    }
    let device = all.values.device();
    let ranges = some.iter().map(|parameter| {
        let end = parameter.offset + parameter.numel();
        Tensor::f_arange_start(parameter.offset, end, (Kind::Int64, device))
    });
    let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
    Tensor::f_cat(&ranges, 0).map(Some)
}

fn decays(parameters: &Parameters) -> Result<Option<Tensor>, TchError> {
    if parameters.list.iter().all(|parameter| parameter.decays) {
        return Ok(None);
    }
    let decays = parameters.values.f_ones_like()?;
    for parameter in parameters.list.iter().filter(|parameter| !parameter.decays) {
        let _ = parameter.of(&decays)?.f_fill_(0.0)?;
    }
    Ok(Some(decays))
}

/// The gradient's length; afterwards it is at most `longest`, if that is not 0.
pub(crate) fn clip(parameters: &Parameters, longest: f64) -> Result<f64, TchError> {
    let norm = parameters.gradient.f_norm()?.f_double_value(&[])?;
    if longest > 0.0 && norm > longest {
        let share = longest / (norm + 1e-6);
        let _ = parameters.gradient.shallow_clone().f_mul_scalar_(share)?;
    }
    Ok(norm)
}
