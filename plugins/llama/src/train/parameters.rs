//! The numbers that are trained, all in one vector.

use tch::{Device, Kind, TchError, Tensor};

/// A tensor that is trained.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    /// Its name in the checkpoint that is written.
    pub(crate) name: String,
    /// Its shape there.
    pub(crate) shape: Vec<i64>,
    /// The offset in the vector.
    pub(crate) offset: i64,
    /// True if weight decay applies: to matrices, not to norms and biases.
    pub(crate) decays: bool,
}

impl Parameter {
    /// Returns the number of elements.
    pub(crate) fn len(&self) -> i64 {
        self.shape.iter().product()
    }

    /// Its part of a vector over all parameters, in its shape.
    pub(crate) fn of(&self, vector: &Tensor) -> Result<Tensor, TchError> {
        vector
            .f_narrow(0, self.offset, self.len())?
            .f_view(&*self.shape)
    }

    /// Its part of a vector over all parameters, as a leaf of the network.
    pub(crate) fn leaf(&self, vector: &Tensor) -> Result<Tensor, TchError> {
        self.of(vector)?.f_detach()?.f_set_requires_grad(true)
    }

    /// Adds its gradient, of its shape, to a vector over all parameters.
    pub(crate) fn add(&self, gradient: &Tensor, sum: &Tensor) -> Result<(), TchError> {
        self.of(sum)?.f_add_(gradient).map(drop)
    }
}

/// All parameters, as 32-bit numbers, and their gradient.
pub(crate) struct Parameters {
    pub(crate) list: Vec<Parameter>,
    pub(crate) values: Tensor,
    pub(crate) gradient: Tensor,
}

impl Parameters {
    pub(crate) fn zeros(list: Vec<Parameter>, device: Device) -> Result<Self, TchError> {
        let count = list.iter().map(Parameter::len).sum::<i64>();
        let zeros = || Tensor::f_zeros([count], (Kind::Float, device));
        Ok(Parameters {
            list,
            values: zeros()?,
            gradient: zeros()?,
        })
    }
}

/// Parameters, one after another.
#[derive(Default)]
pub(crate) struct ParameterList {
    pub(crate) list: Vec<Parameter>,
    end: i64,
}

impl ParameterList {
    /// Appends a parameter.
    pub(crate) fn add(&mut self, name: String, shape: &[i64]) -> Parameter {
        let parameter = Parameter {
            name,
            shape: shape.to_vec(),
            offset: self.end,
            decays: shape.len() > 1,
        };
        self.end += parameter.len();
        self.list.push(parameter.clone());
        parameter
    }
}
