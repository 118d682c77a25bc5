//! The numbers that are trained, all in one vector.

use tch::{Device, Kind, TchError, Tensor};

/// A tensor that is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name in the checkpoint that is written.
    pub name: String,
    /// Its shape there.
    pub shape: Vec<i64>,
    /// The offset in the vector.
    pub offset: i64,
    /// True if weight decay applies: to matrices, not to norms and biases.
    pub decays: bool,
}

impl Parameter {
    /// Returns the number of elements.
    pub fn numel(&self) -> i64 {
        self.shape.iter().product()
    }

    /// Its part of a vector over all parameters, in its shape.
    ///
    /// # Errors
    /// If the vector is shorter.
    pub fn of(&self, vector: &Tensor) -> Result<Tensor, TchError> {
        vector
            .f_narrow(0, self.offset, self.numel())?
            .f_view(&*self.shape)
    }

    /// Its part of a vector over all parameters, as a leaf of the network.
    ///
    /// # Errors
    /// If the vector is shorter.
    pub fn leaf(&self, vector: &Tensor) -> Result<Tensor, TchError> {
        self.of(vector)?.f_detach()?.f_set_requires_grad(true)
    }

    /// Adds its gradient, of its shape, to a vector over all parameters.
    ///
    /// # Errors
    /// If the vector is shorter or the gradient has another shape.
    pub fn add(&self, gradient: &Tensor, sum: &Tensor) -> Result<(), TchError> {
        self.of(sum)?.f_add_(gradient).map(drop)
    }
}

/// All parameters, as 32-bit numbers, and their gradient.
pub struct Parameters {
    /// Names, shapes and places.
    pub list: Vec<Parameter>,
    /// The numbers.
    pub values: Tensor,
    /// Their gradient, of the same shape.
    pub gradient: Tensor,
}

impl Parameters {
    /// Parameters that are 0.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn zeros(list: Vec<Parameter>, device: Device) -> Result<Self, TchError> {
        let count = list.iter().map(Parameter::numel).sum::<i64>();
        let zeros = || Tensor::f_zeros([count], (Kind::Float, device));
        Ok(Parameters {
            list,
            values: zeros()?,
            gradient: zeros()?,
        })
    }
}

/// Parameters, one after another.
#[derive(Debug, Default)]
pub struct ParameterList {
    /// Those that were appended.
    pub list: Vec<Parameter>,
    end: i64,
}

impl ParameterList {
    /// Appends a parameter.
    pub fn add(&mut self, name: String, shape: &[i64]) -> Parameter {
        let parameter = Parameter {
            name,
            shape: shape.to_vec(),
            offset: self.end,
            decays: shape.len() > 1,
        };
        self.end += parameter.numel();
        self.list.push(parameter.clone());
        parameter
    }
}
