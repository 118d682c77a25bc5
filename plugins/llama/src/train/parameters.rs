//! The numbers that are trained, all in one vector, and the pieces of it that the network uses.

use tch::{Device, Kind, TchError, Tensor};

/// A tensor that is trained.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    /// Its name in the checkpoint that is written.
    pub(crate) name: String,
    /// Its shape there.
    pub(crate) shape: Vec<i64>,
    /// Where it begins in the vector.
    pub(crate) offset: i64,
    /// Whether weight decay applies: to matrices, not to norms and biases.
    pub(crate) decays: bool,
}

impl Parameter {
    /// How many numbers it has.
    pub(crate) fn len(&self) -> i64 {
        self.shape.iter().product()
    }

    /// Its part of a vector over all parameters, in its shape.
    pub(crate) fn of(&self, vector: &Tensor) -> Result<Tensor, TchError> {
        vector
            .f_narrow(0, self.offset, self.len())?
            .f_view(&*self.shape)
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
    /// Appends a parameter, and tells where it begins.
    pub(crate) fn add(&mut self, name: String, shape: &[i64]) -> i64 {
        let parameter = Parameter {
            name,
            shape: shape.to_vec(),
            offset: self.end,
            decays: shape.len() > 1,
        };
        self.end += parameter.len();
        let offset = parameter.offset;
        self.list.push(parameter);
        offset
    }
}

/// A tensor of the network whose gradient is wanted. It is made of blocks of the vector; what lies
/// between them is 0 and stays so.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) shape: Vec<i64>,
    pub(crate) blocks: Vec<Block>,
}

/// A part of a matrix that is a parameter, or a part of the vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) offset: i64,
    pub(crate) rows: (i64, i64),
    pub(crate) columns: (i64, i64),
}

impl Leaf {
    /// A leaf that is a part of the vector as it stands.
    pub(crate) fn whole(offset: i64, shape: &[i64]) -> Self {
        let columns = shape.get(1).copied().unwrap_or(1);
        let rows = shape.first().copied().unwrap_or(1);
        Leaf {
            shape: shape.to_vec(),
            blocks: vec![Block {
                offset,
                rows: (0, rows),
                columns: (0, columns),
            }],
        }
    }

    /// The leaf, from a vector over all parameters.
    pub(crate) fn tensor(&self, vector: &Tensor) -> Result<Tensor, TchError> {
        let leaf = match self.single() {
            Some(block) => block.of(vector)?.f_view(&*self.shape)?,
            None => {
                let leaf = Tensor::f_zeros(&*self.shape, (vector.f_kind()?, vector.device()))?;
                for block in &self.blocks {
                    block.within(&leaf)?.f_copy_(&block.of(vector)?)?;
                }
                leaf
            }
        };
        leaf.f_detach()?.f_set_requires_grad(true)
    }

    /// Adds the leaf's gradient to the gradient over all parameters.
    pub(crate) fn add(&self, gradient: &Tensor, sum: &Tensor) -> Result<(), TchError> {
        for block in &self.blocks {
            let part = match self.single() {
                Some(_) => gradient.f_reshape([block.height(), block.width()])?,
                None => block.within(gradient)?,
            };
            let _ = block.of(sum)?.f_add_(&part)?;
        }
        Ok(())
    }

    /// The only block, if it is all of the leaf.
    fn single(&self) -> Option<&Block> {
        let [block] = self.blocks.as_slice() else {
            return None;
        };
        let whole = block.height() * block.width() == self.shape.iter().product::<i64>();
        whole.then_some(block)
    }
}

impl Block {
    fn height(&self) -> i64 {
        self.rows.1 - self.rows.0
    }

    fn width(&self) -> i64 {
        self.columns.1 - self.columns.0
    }

    fn of(&self, vector: &Tensor) -> Result<Tensor, TchError> {
        let (height, width) = (self.height(), self.width());
        vector
            .f_narrow(0, self.offset, height * width)?
            .f_view([height, width])
    }

    fn within(&self, leaf: &Tensor) -> Result<Tensor, TchError> {
        leaf.f_narrow(0, self.rows.0, self.height())?
            .f_narrow(1, self.columns.0, self.width())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_from_the_vector_and_their_gradients_go_back() {
        let vector = Tensor::arange(10, (Kind::Float, Device::Cpu));
        let block = |offset, rows, columns| Block {
            offset,
            rows,
            columns,
        };
        let leaf = Leaf {
            shape: vec![3, 3],
            blocks: vec![block(2, (0, 2), (0, 1)), block(5, (2, 3), (1, 3))],
        };
        let tensor = leaf.tensor(&vector).unwrap();
        let expected = Tensor::from_slice(&[2_f32, 0., 0., 3., 0., 0., 0., 5., 6.]).view([3, 3]);
        assert_eq!(tensor.detach(), expected);
        let sum = Tensor::zeros([10], (Kind::Float, Device::Cpu));
        leaf.add(&Tensor::ones([3, 3], (Kind::Float, Device::Cpu)), &sum)
            .unwrap();
        let expected = [0_f32, 0., 1., 1., 0., 1., 1., 0., 0., 0.];
        assert_eq!(sum, Tensor::from_slice(&expected));
    }

    #[test]
    fn a_whole_leaf_may_have_one_dimension() {
        let vector = Tensor::arange(6, (Kind::Float, Device::Cpu));
        let leaf = Leaf::whole(1, &[4]);
        let tensor = leaf.tensor(&vector).unwrap();
        assert_eq!(tensor.size(), [4]);
        leaf.add(&tensor.ones_like(), &vector).unwrap();
        assert_eq!(vector, Tensor::from_slice(&[0_f32, 2., 3., 4., 5., 5.]));
    }
}
