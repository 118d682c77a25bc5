//! The trained tensors of a network.

use std::cell::RefCell;
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
pub struct Leaves {
    all: Vec<Tensor>,
    rows: RefCell<Vec<Rows>>,
}

/// Rows of a weight that were looked up, as a leaf of their own.
struct Rows {
    weight: usize,
    /// [rows]
    places: Tensor,
    /// [rows, width]
    vectors: Tensor,
}

impl Leaves {
    /// Leaves of which a gradient can be computed.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn trained(parameters: &Parameters) -> Result<Self, TchError> {
        let leaf = |parameter: &Parameter| parameter.leaf(&parameters.values);
        Leaves::new(parameters.list.iter().map(leaf))
    }

    /// Leaves to compute with.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn fixed(parameters: &Parameters) -> Result<Self, TchError> {
        let part = |parameter: &Parameter| parameter.of(&parameters.values);
        Leaves::new(parameters.list.iter().map(part))
    }

    fn new(all: impl Iterator<Item = Result<Tensor, TchError>>) -> Result<Self, TchError> {
        Ok(Leaves {
            all: all.collect::<Result<_, _>>()?,
            rows: RefCell::default(),
        })
    }

    /// The rows of `table` at `places`, of the shape of these and the table's width.
    ///
    /// Of a table that is a trained weight, the gradient of the rows alone is computed, and added to that of the weight
    /// by [`backward`](Leaves::backward).
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn rows(&self, table: &Tensor, places: &Tensor) -> Result<Tensor, TchError> {
        let Some(weight) = self.trained_weight(table) else {
            return Tensor::f_embedding(table, places, -1, false, false);
        };
        let mut shape = places.size();
        shape.extend(table.size().get(1));
        let places = places.f_reshape([-1])?;
        let vectors = table.f_detach()?.f_index_select(0, &places)?;
        let vectors = vectors.f_set_requires_grad(true)?;
        let looked_up = vectors.f_view(&*shape)?;
        self.rows.borrow_mut().push(Rows {
            weight,
            places,
            vectors,
        });
        Ok(looked_up)
    }

    /// Adds the gradient by `tensor` to that of the parameters if the tensor is a trained weight; returns whether it is.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn add(
        &self,
        tensor: &Tensor,
        gradient: &Tensor,
        parameters: &Parameters,
    ) -> Result<bool, TchError> {
        let weight = self.trained_weight(tensor);
        if let Some(weight) = weight {
            parameters.list[weight].add(gradient, &parameters.gradient)?;
        }
        Ok(weight.is_some())
    }

    /// The weight that `tensor` is, if it is one that is trained.
    fn trained_weight(&self, tensor: &Tensor) -> Option<usize> {
        let is_it =
            |leaf: &Tensor| leaf.data_ptr() == tensor.data_ptr() && leaf.size() == tensor.size();
        let is_trained = tensor.requires_grad() && tensor.is_leaf() && tensor.numel() > 0;
        is_trained.then(|| self.all.iter().position(is_it))?
    }

    /// Adds the gradients of `total` by all leaves, and by rows that were looked up, to those of the parameters.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn backward(&self, total: &Tensor, parameters: &Parameters) -> Result<(), TchError> {
        let rows = self.rows.take();
        let inputs = self.all.iter().chain(rows.iter().map(|rows| &rows.vectors));
        let inputs: Vec<&Tensor> = inputs.collect();
        let gradients = Tensor::f_run_backward(&[total], &inputs, false, false)?;
        let (of_all, of_rows) = gradients.split_at(self.all.len());
        for (parameter, gradient) in parameters.list.iter().zip(of_all) {
            if gradient.defined() {
                parameter.add(gradient, &parameters.gradient)?;
            }
        }
        for (rows, gradient) in rows.iter().zip(of_rows) {
            if gradient.defined() {
                let mut sum = parameters.list[rows.weight].of(&parameters.gradient)?;
                let _ = sum.f_index_add_(0, &rows.places, gradient)?;
            }
        }
        Ok(())
    }
}

impl Index<Weight> for Leaves {
    type Output = Tensor;

    fn index(&self, weight: Weight) -> &Tensor {
        &self.all[weight.0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_of_rows_are_those_of_the_whole_table() {
        let mut builder = Builder::default();
        let table = builder.add("table", &[5, 3], Init::Normal(1.0));
        let parameters = builder.draw(1, Device::Cpu).unwrap();
        let places = Tensor::from_slice(&[4_i64, 0, 4, 2]).view([2, 2]);
        let gradient = |look_up: &dyn Fn(&Leaves) -> Tensor| {
            let _ = parameters.gradient.shallow_clone().zero_();
            let leaves = Leaves::trained(&parameters).unwrap();
            let rows = look_up(&leaves);
            assert_eq!(rows.size(), [2, 2, 3]);
            let total = (&rows * &rows * &rows + leaves[table].sum(None)).sum(None);
            leaves.backward(&total, &parameters).unwrap();
            Vec::<f32>::try_from(&parameters.gradient).unwrap()
        };
        let rows = gradient(&|leaves| leaves.rows(&leaves[table], &places).unwrap());
        let whole =
            gradient(&|leaves| Tensor::embedding(&leaves[table], &places, -1, false, false));
        for (ours, theirs) in rows.iter().zip(&whole) {
            assert!((ours - theirs).abs() < 1e-4, "{rows:?} {whole:?}");
        }
    }
}
