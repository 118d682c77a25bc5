//! The tensors of a layer that gradients are computed by, and how they come from the vector of all
//! parameters: in few operations, as each costs a GPU's host as much as the GPU takes for a small
//! layer.

use std::ops::Range;

use tch::{Device, TchError, Tensor};

/// A matrix or vector that consists of parameters; the elements between them are 0 and stay 0.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) shape: Vec<i64>,
    pub(crate) blocks: Vec<Block>,
}

/// A block of a leaf, of the size that its parameter has there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// The offset of its numbers in the vector.
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

    fn len(&self) -> i64 {
        self.shape.iter().product()
    }
}

impl Block {
    /// The places of its numbers in a leaf with so many columns.
    fn places(self, columns: i64) -> impl Iterator<Item = i64> {
        (self.rows.0..self.rows.1).flat_map(move |row| {
            (self.columns.0..self.columns.1).map(move |column| row * columns + column)
        })
    }

    fn len(self) -> i64 {
        (self.rows.1 - self.rows.0) * (self.columns.1 - self.columns.0)
    }
}

/// The leaves of layers, all alike, that lie one after another in the vector.
pub(crate) struct LayerLeaves {
    layers: i64,
    /// The first parameter of the first layer, and how many numbers the parameters of a layer have.
    start: i64,
    count: i64,
    /// The leaves of a layer, and how many numbers they have.
    shapes: Vec<Vec<i64>>,
    length: i64,
    /// The place of each number of a layer's parameters among those of its leaves; `None` if these are the
    /// same.
    slots: Option<Tensor>,
}

impl LayerLeaves {
    /// For so many layers, of which the first has these leaves.
    pub(crate) fn new(first: &[Leaf], layers: usize, device: Device) -> Result<Self, TchError> {
        let blocks = || first.iter().flat_map(|leaf| &leaf.blocks);
        let start = blocks().map(|block| block.offset).min().unwrap_or(0);
        let count = blocks().map(|block| block.len()).sum::<i64>();
        let length = first.iter().map(Leaf::len).sum();
        let slots = match as_they_stand(first, start) {
            true => None,
            false => Some(Tensor::f_from_slice(&slots(first, start, count))?.f_to_device(device)?),
        };
        Ok(LayerLeaves {
            layers: layers as i64,
            start,
            count,
            shapes: first.iter().map(|leaf| leaf.shape.clone()).collect(),
            length,
            slots,
        })
    }

    /// The leaves of every layer, from a vector over all parameters.
    pub(crate) fn tensors(&self, vector: &Tensor) -> Result<Vec<Vec<Tensor>>, TchError> {
        let own = self.of(vector, 0, self.layers)?;
        let all = match &self.slots {
            None => own,
            Some(slots) => {
                let size = [self.layers, self.length];
                Tensor::f_zeros(size, (vector.f_kind()?, vector.device()))?
                    .f_index_copy_(1, slots, &own)?
            }
        };
        let layer = |layer: i64| {
            let mut start = layer * self.length;
            let mut leaf = |shape: &Vec<i64>| {
                let length = shape.iter().product();
                let leaf = all.f_view([-1])?.f_narrow(0, start, length)?;
                start += length;
                leaf.f_view(&**shape)?.f_detach()?.f_set_requires_grad(true)
            };
            self.shapes.iter().map(&mut leaf).collect()
        };
        (0..self.layers).map(layer).collect()
    }

    /// Adds the gradients of all leaves of some layers, in order, to a vector over all parameters; a
    /// layer at a time, which takes the memory of one.
    pub(crate) fn add(
        &self,
        layers: Range<usize>,
        gradients: &[Tensor],
        sum: &Tensor,
    ) -> Result<(), TchError> {
        let of_layers = gradients.chunks(self.shapes.len().max(1));
        for (layer, gradients) in layers.zip(of_layers) {
            let flat = gradients.iter().map(|gradient| gradient.f_reshape([-1]));
            let all = Tensor::f_cat(&flat.collect::<Result<Vec<_>, _>>()?, 0)?;
            let own = match &self.slots {
                None => all,
                Some(slots) => all.f_index_select(0, slots)?,
            };
            let _ = self.of(sum, layer, 1)?.f_add_(&own)?;
        }
        Ok(())
    }

    /// The part of a vector over all parameters that is about some layers, [layers, numbers].
    fn of(&self, vector: &Tensor, first: usize, layers: i64) -> Result<Tensor, TchError> {
        let start = self.start + first as i64 * self.count;
        vector
            .f_narrow(0, start, layers * self.count)?
            .f_view([layers, self.count])
    }
}

/// Returns `true` if the numbers of leaves, one leaf after another, are those of the vector from `start` on.
fn as_they_stand(leaves: &[Leaf], start: i64) -> bool {
    let mut end = start;
    leaves.iter().all(|leaf| {
        let begin = end;
        end += leaf.len();
        matches!(leaf.blocks[..], [block] if block.offset == begin && block.len() == leaf.len())
    })
}

/// Returns the place of each of `count` numbers of the vector from `start` on is among the numbers of leaves.
fn slots(leaves: &[Leaf], start: i64, count: i64) -> Vec<i64> {
    let mut slots = vec![0; count as usize];
    let mut begin = 0;
    for leaf in leaves {
        let columns = leaf.shape.get(1).copied().unwrap_or(1);
        for block in &leaf.blocks {
            let own = slots.iter_mut().skip((block.offset - start) as usize);
            for (slot, place) in own.zip(block.places(columns)) {
                *slot = begin + place;
            }
        }
        begin += leaf.len();
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Kind;

    fn float(numbers: &[f32]) -> Tensor {
        Tensor::from_slice(numbers)
    }

    #[test]
    fn blocks_come_from_the_vector_and_their_gradients_go_back() {
        let block = |offset, rows, columns| Block {
            offset,
            rows,
            columns,
        };
        let first = [
            Leaf::whole(1, &[2]),
            Leaf {
                shape: vec![2, 2],
                blocks: vec![block(3, (0, 1), (0, 1)), block(4, (1, 2), (1, 2))],
            },
        ];
        let leaves = LayerLeaves::new(&first, 2, Device::Cpu).unwrap();
        let vector = Tensor::arange(10, (Kind::Float, Device::Cpu));
        let tensors = leaves.tensors(&vector).unwrap();
        assert_eq!(tensors[1][0].detach(), float(&[5., 6.]));
        let expected = float(&[7., 0., 0., 8.]).view([2, 2]);
        assert_eq!(tensors[1][1].detach(), expected);
        let sum = Tensor::ones([10], (Kind::Float, Device::Cpu));
        let gradients = [float(&[1., 2.]), float(&[3., 9., 9., 4.]).view([2, 2])];
        leaves.add(1..2, &gradients, &sum).unwrap();
        assert_eq!(sum, float(&[1., 1., 1., 1., 1., 2., 3., 4., 5., 1.]));
        let gradients: Vec<Tensor> = gradients
            .iter()
            .chain(&gradients)
            .map(Tensor::shallow_clone)
            .collect();
        leaves.add(0..2, &gradients, &sum).unwrap();
        assert_eq!(sum, float(&[1., 2., 3., 4., 5., 3., 5., 7., 9., 1.]));
    }

    #[test]
    fn leaves_that_are_parts_as_they_stand_share_the_vector() {
        let first = [Leaf::whole(1, &[2]), Leaf::whole(3, &[1, 2])];
        let leaves = LayerLeaves::new(&first, 2, Device::Cpu).unwrap();
        let vector = Tensor::arange(9, (Kind::Float, Device::Cpu));
        let tensors = leaves.tensors(&vector).unwrap();
        let _ = vector.shallow_clone().fill_(3.0);
        assert_eq!(tensors[1][1].detach(), float(&[3., 3.]).view([1, 2]));
    }
}
