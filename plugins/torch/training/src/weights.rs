//! The trained tensors of a network.

use std::ops::Index;

use crate::order::random_stream;
use crate::parameters::{Parameter, ParameterList, Parameters};
use rand::Rng;
use rand_distr::{Distribution, Normal};
use tch::{Device, TchError, Tensor};

/// A trained tensor of a network.
#[derive(Debug, Clone, Copy)]
pub struct Weight(usize);

/// The distribution of a tensor's numbers before training.
#[derive(Debug, Clone, Copy)]
pub enum Init {
    /// A normal distribution around 0 with this deviation.
    Normal(f64),
    /// A uniform distribution between this number and its negative.
    Uniform(f64),
    /// This number.
    Constant(f64),
}

impl Init {
    /// Glorot and Bengio's normal distribution for a matrix of this shape.
    pub fn xavier_normal(rows: i64, columns: i64) -> Self {
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
pub struct Builder {
    list: ParameterList,
    initial: Vec<Init>,
}

impl Builder {
    /// Adds a tensor of a name and a shape.
    pub fn add(&mut self, name: impl Into<String>, shape: &[i64], initial: Init) -> Weight {
        self.list.add(name.into(), shape);
        self.initial.push(initial);
        Weight(self.initial.len() - 1)
    }

    /// The parameters before training; the same for every device.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn draw(self, seed: u64, device: Device) -> Result<Parameters, TchError> {
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
pub struct Leaves(Vec<Tensor>);

impl Leaves {
    /// Leaves of which a gradient can be computed.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn trained(parameters: &Parameters) -> Result<Self, TchError> {
        let leaf = |parameter: &Parameter| parameter.leaf(&parameters.values);
        Ok(Leaves(
            parameters.list.iter().map(leaf).collect::<Result<_, _>>()?,
        ))
    }

    /// Leaves to compute with.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn fixed(parameters: &Parameters) -> Result<Self, TchError> {
        let part = |parameter: &Parameter| parameter.of(&parameters.values);
        Ok(Leaves(
            parameters.list.iter().map(part).collect::<Result<_, _>>()?,
        ))
    }
}

impl Leaves {
    /// All leaves, in the order in which they were added.
    pub fn all(&self) -> &[Tensor] {
        &self.0
    }

    /// Adds the gradients of `total` by all leaves to those of the parameters.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn backward(&self, total: &Tensor, parameters: &Parameters) -> Result<(), TchError> {
        let gradients = Tensor::f_run_backward(&[total], &self.0, false, false)?;
        for (parameter, gradient) in parameters.list.iter().zip(&gradients) {
            if gradient.defined() {
                parameter.add(gradient, &parameters.gradient)?;
            }
        }
        Ok(())
    }
}

impl Index<Weight> for Leaves {
    type Output = Tensor;

    fn index(&self, weight: Weight) -> &Tensor {
        &self.0[weight.0]
    }
}
