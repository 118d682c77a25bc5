//! 4-bit weights, as bitsandbytes makes and writes them.

mod blocks;
mod code;
mod double;
mod layout;
mod quantize;

use tch::{Device, Kind, TchError, Tensor};

use double::Double;

/// A matrix in NF4: 4 bits a weight, which number one of 16 quantiles of the normal distribution,
/// times the greatest magnitude of its block of weights.
///
/// The bytes are those of bitsandbytes, made or read. (Dettmers et al., QLoRA, 2023.)
#[derive(Debug)]
pub struct Nf4 {
    /// Two weights a byte, the first in the high half.
    packed: Tensor,
    /// The greatest magnitude of each block, as 32-bit numbers.
    absmax: Tensor,
    /// Those magnitudes as they are written, if that is in 8 bits.
    double: Option<Double>,
    /// The two numbers that each byte encodes, on the device of the weights; see [`code::pairs`].
    pairs: Tensor,
    shape: [i64; 2],
    /// The number of weights are a block.
    block: i64,
    /// The type of the numbers that were quantised.
    kind: Kind,
}

impl Nf4 {
    /// The rows and columns of the matrix.
    pub fn shape(&self) -> [i64; 2] {
        self.shape
    }

    /// The type of the numbers that were quantised.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The device of the matrix.
    pub fn device(&self) -> Device {
        self.packed.device()
    }

    /// The matrix as numbers of a type, each rounded once from the exact 32-bit product.
    ///
    /// # Errors
    ///
    /// Memory that ran out.
    pub fn dequantize(&self, kind: Kind) -> Result<Tensor, TchError> {
        let count = self.shape[0] * self.shape[1];
        let indices = self.packed.f_to_kind(Kind::Int)?;
        let codes = self
            .pairs
            .f_index_select(0, &indices)?
            .f_view_dtype(Kind::Float)?;
        let numbers = Tensor::f_empty([count], (kind, self.device()))?;
        // One pass that reads 32-bit numbers and writes those of `kind`.
        let scale = |start: i64, rows: i64, columns: i64| {
            let part = |all: &Tensor| {
                all.f_narrow(0, start, rows * columns)?
                    .f_view([rows, columns])
            };
            let absmax = self
                .absmax
                .f_narrow(0, start / self.block, rows)?
                .f_unsqueeze(1)?;
            part(&codes)?.f_mul_out(&part(&numbers)?, &absmax).map(drop)
        };
        let rest = count % self.block;
        scale(0, count / self.block, self.block)?;
        if rest > 0 {
            scale(count - rest, 1, rest)?;
        }
        numbers.f_view(self.shape)
    }

    /// One matrix of the rows of all, in order; for products that share their input.
    ///
    /// The result computes the same numbers, but is not one that bitsandbytes would write.
    ///
    /// # Errors
    ///
    /// Parts of different widths, block sizes or devices, or with a block that is not full.
    pub fn concat(parts: &[&Nf4]) -> Result<Self, TchError> {
        let Some(first) = parts.first() else {
            return Err(TchError::Shape("no matrices to join".into()));
        };
        let fits = |part: &Nf4| {
            part.shape[1] == first.shape[1]
                && part.block == first.block
                && part.device() == first.device()
                && part.shape[0] * part.shape[1] % part.block == 0
        };
        if !parts.iter().all(|part| fits(part)) {
            let shapes: Vec<_> = parts.iter().map(|part| part.shape).collect();
            let message = format!("matrices of shapes {shapes:?} cannot be joined in 4 bits");
            return Err(TchError::Shape(message));
        }
        let joined = |tensor: fn(&Nf4) -> &Tensor| {
            let all: Vec<&Tensor> = parts.iter().map(|part| tensor(part)).collect();
            Tensor::f_cat(&all, 0)
        };
        Ok(Nf4 {
            packed: joined(|part| &part.packed)?,
            absmax: joined(|part| &part.absmax)?,
            double: None,
            pairs: code::pairs(first.device())?,
            shape: [parts.iter().map(|part| part.shape[0]).sum(), first.shape[1]],
            block: first.block,
            kind: first.kind,
        })
    }

    /// The same on another device.
    ///
    /// # Errors
    ///
    /// Memory that ran out.
    pub fn to_device(&self, device: Device) -> Result<Self, TchError> {
        Ok(Nf4 {
            packed: self.packed.f_to_device(device)?,
            absmax: self.absmax.f_to_device(device)?,
            double: self.double.clone(),
            pairs: self.pairs.f_to_device(device)?,
            ..*self
        })
    }
}
