//! From a checkpoint's tensors to a model's parts.

use gloss_core::Result;
use gloss_torch::{Adapter, Checkpoint, LowRank, Nf4, torch_error};
use tch::{Device, Kind, TchError, Tensor};

use crate::architecture::{Architecture, HEAD};
use crate::linear::{Adaptation, Linear, Weight};

/// Loads parts of a model from files to a device.
pub(crate) struct Loader<'a> {
    pub(crate) checkpoint: &'a Checkpoint,
    pub(crate) adapter: Option<&'a Adapter>,
    pub(crate) device: Device,
    /// The kind of all that is not quantised.
    pub(crate) kind: Kind,
    pub(crate) architecture: &'a Architecture,
    /// True if projections that are not stored so are quantised.
    pub(crate) quantize: bool,
    /// True if an adapter is added to the weights that are not quantised.
    pub(crate) merge: bool,
}

/// One projection as it is stored: its module and its outputs.
pub(crate) type Module<'a> = (&'a str, i64);

impl Loader<'_> {
    /// A tensor in the model's kind.
    pub(crate) fn tensor(&self, name: &str, shape: &[i64]) -> Result<Tensor> {
        let tensor = self.checkpoint.tensor(name, shape, self.device)?;
        tensor.f_to_kind(self.kind).map_err(failed)
    }

    /// The matrix of the output, which can be stored in NF4 too, in the model's kind.
    pub(crate) fn head(&self, shape: [i64; 2]) -> Result<Tensor> {
        match Nf4::is_in(self.checkpoint, HEAD) {
            false => self.tensor(HEAD, &shape),
            true => {
                let stored = Nf4::read(self.checkpoint, HEAD, shape, self.device)?;
                stored.dequantize(self.kind).map_err(failed)
            }
        }
    }

    /// Returns `true` if the matrix of a module is kept in NF4.
    fn is_nf4(&self, module: &str) -> bool {
        match self.architecture.nf4 {
            true => self.architecture.is_nf4(module),
            false => self.quantize,
        }
    }

    /// Returns `true` if an adapter is added to the matrices of these modules.
    fn merges(&self, modules: &[Module<'_>]) -> bool {
        self.merge && !modules.iter().any(|(module, _)| self.is_nf4(module))
    }

    /// Several projections with the same `inputs`, side by side.
    pub(crate) fn linear(&self, modules: &[Module<'_>], inputs: i64, bias: bool) -> Result<Linear> {
        let adapter = self.adaptation(modules, inputs)?;
        let mut biases = Vec::new();
        if bias {
            for (module, outputs) in modules {
                biases.push(self.tensor(&format!("{module}.bias"), &[*outputs])?);
            }
        }
        let bias = match biases.is_empty() {
            true => None,
            false => Some(Tensor::f_cat(&biases, 0).map_err(failed)?),
        };
        let weight = self.weight(modules, inputs)?;
        match (weight, adapter) {
            (Weight::Dense(weight), Some(adapter)) if self.merges(modules) => Ok(Linear {
                weight: Weight::Dense(adapter.merged(&weight).map_err(failed)?),
                bias,
                adapter: None,
            }),
            (weight, adapter) => Ok(Linear {
                weight,
                bias,
                adapter,
            }),
        }
    }

    /// Matrices of which only some are in NF4 are all kept as numbers, the same ones.
    fn weight(&self, modules: &[Module<'_>], inputs: i64) -> Result<Weight> {
        let quantised = |(module, _): &Module<'_>| self.is_nf4(module);
        if modules.iter().all(quantised) {
            let parts = modules
                .iter()
                .map(|(module, outputs)| self.nf4(module, [*outputs, inputs]))
                .collect::<Result<Vec<_>>>()?;
            let parts: Vec<&Nf4> = parts.iter().collect();
            return Nf4::concat(&parts).map(Weight::Nf4).map_err(failed);
        }
        let part = |module: &Module<'_>| {
            let shape = [module.1, inputs];
            match quantised(module) {
                false => self.tensor(&weight_of(module.0), &shape),
                true => {
                    let stored = self.nf4(module.0, shape)?;
                    stored.dequantize(self.kind).map_err(failed)
                }
            }
        };
        let parts = modules.iter().map(part).collect::<Result<_>>()?;
        joined(parts).map(Weight::Dense).map_err(failed)
    }

    fn nf4(&self, module: &str, shape: [i64; 2]) -> Result<Nf4> {
        let name = weight_of(module);
        if self.architecture.nf4 {
            return Nf4::read(self.checkpoint, &name, shape, self.device);
        }
        let weight = self.checkpoint.tensor(&name, &shape, self.device)?;
        Nf4::quantize(&weight, true).map_err(failed)
    }

    fn adaptation(&self, modules: &[Module<'_>], inputs: i64) -> Result<Option<Adaptation>> {
        let Some(adapter) = self.adapter else {
            return Ok(None);
        };
        let merged = self.merges(modules);
        let parts = modules
            .iter()
            .map(|(module, outputs)| {
                let part = adapter.module(module, inputs, *outputs, self.device)?;
                let part = part.map(|part| self.in_kind(part, merged)).transpose();
                Ok((*outputs, part.map_err(failed)?))
            })
            .collect::<Result<Vec<_>>>()?;
        Adaptation::side_by_side(&parts).map_err(failed)
    }

    /// An adapter that is going to be merged stays as it is stored, usually in f32.
    fn in_kind(&self, part: LowRank, merged: bool) -> Result<LowRank, TchError> {
        if merged {
            return Ok(part);
        }
        Ok(LowRank {
            a: part.a.f_to_kind(self.kind)?,
            b: part.b.f_to_kind(self.kind)?,
            scale: part.scale,
        })
    }
}

fn weight_of(module: &str) -> String {
    format!("{module}.weight")
}

fn joined(mut parts: Vec<Tensor>) -> Result<Tensor, TchError> {
    match parts.len() {
        1 => Ok(parts.swap_remove(0)),
        _ => Tensor::f_cat(&parts, 0),
    }
}

fn failed(error: TchError) -> gloss_core::Error {
    torch_error("load the model")(error)
}
