//! The trained tensors of a network.

use std::ops::Index;

use gloss_training::{ParameterList, Parameters, random_stream};
use rand::Rng;
use rand_distr::{Distribution, Normal};
use tch::{Device, TchError, Tensor};

/// A trained tensor of a network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight(usize);

/// The distribution of a tensor's numbers before training.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Init {
    /// A normal distribution around 0 with this deviation.
    Normal(f64),
    /// A uniform distribution between this number and its negative.
    Uniform(f64),
    /// This number.
    Constant(f64),
}

impl Init {
    /// Glorot and Bengio's normal distribution for a matrix of this shape.
    pub(crate) fn xavier_normal(rows: i64, columns: i64) -> Self {
        Init::Normal((2.0 / (rows + columns) as f64).sqrt())
    }

    fn fill(self, values: &mut [f32], random: &mut impl Rng) {
        match self {
            Init::Constant(value) => values.fill(value as f32),
            Init::Uniform(bound) => {
                values.fill_with(|| random.random_range(-bound..bound) as f32);
            }
            Init::Normal(deviation) => {
                if let Ok(normal) = Normal::new(0.0, deviation) {
                    values.fill_with(|| normal.sample(random) as f32);
                }
            }
        }
    }
}

/// Collects the tensors of a network as it is built.
#[derive(Default)]
pub(crate) struct Builder {
    list: ParameterList,
    initial: Vec<Init>,
}

impl Builder {
    /// Adds a tensor.
    pub(crate) fn add(&mut self, name: impl Into<String>, shape: &[i64], initial: Init) -> Weight {
        self.list.add(name.into(), shape);
        self.initial.push(initial);
        Weight(self.initial.len() - 1)
    }

    /// The parameters before training; the same for every device.
    pub(crate) fn draw(self, seed: u64, device: Device) -> Result<Parameters, TchError> {
        let mut values = Vec::new();
        for ((number, parameter), initial) in (0..).zip(&self.list.list).zip(self.initial) {
            let start = values.len();
            values.resize(start + parameter.numel() as usize, 0.0);
            initial.fill(&mut values[start..], &mut random_stream(seed, number));
        }
        let mut parameters = Parameters::zeros(self.list.list, device)?;
        parameters.values.f_copy_(&Tensor::f_from_slice(&values)?)?;
        Ok(parameters)
    }
}

/// The values of all weights, as leaves of a computation.
pub(crate) struct Leaves(pub(crate) Vec<Tensor>);

impl Leaves {
    /// Leaves of which a gradient can be computed.
    pub(crate) fn trained(parameters: &Parameters) -> Result<Self, TchError> {
        let leaf = |parameter: &gloss_training::Parameter| parameter.leaf(&parameters.values);
        Ok(Leaves(
            parameters.list.iter().map(leaf).collect::<Result<_, _>>()?,
        ))
    }

    /// Leaves to compute with.
    pub(crate) fn fixed(parameters: &Parameters) -> Result<Self, TchError> {
        let part = |parameter: &gloss_training::Parameter| parameter.of(&parameters.values);
        Ok(Leaves(
            parameters.list.iter().map(part).collect::<Result<_, _>>()?,
        ))
    }
}

impl Index<Weight> for Leaves {
    type Output = Tensor;

    fn index(&self, weight: Weight) -> &Tensor {
        &self.0[weight.0]
    }
}
