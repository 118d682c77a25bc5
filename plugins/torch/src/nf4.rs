//! 4-bit weights, as bitsandbytes makes and writes them.

use gloss_core::Result;
use tch::{Device, Kind, TchError, Tensor};

use crate::checkpoint::Checkpoint;

/// A matrix in NF4: 4 bits a weight, which number one of 16 quantiles of the normal distribution,
/// times the greatest magnitude of a block of weights that follow each other.
#[derive(Debug)]
pub struct Nf4 {}

impl Nf4 {
    /// Quantises a matrix of 16 or 32-bit numbers, in blocks of 64; with `double`, the blocks'
    /// magnitudes are kept in 8 bits.
    pub fn quantize(_weight: &Tensor, _double: bool) -> Result<Self, TchError> {
        Err(TchError::Shape("unfinished".into()))
    }

    /// Reads the matrix `name` of a checkpoint written by bitsandbytes.
    pub fn read(_: &Checkpoint, _name: &str, _shape: [i64; 2], _device: Device) -> Result<Self> {
        Err(gloss_core::Error::Usage("unfinished".into()))
    }

    /// Whether the matrix `name` of a checkpoint is one written by bitsandbytes in 4 bits.
    pub fn is_in(_checkpoint: &Checkpoint, _name: &str) -> bool {
        false
    }

    /// The rows and columns of the matrix.
    pub fn shape(&self) -> [i64; 2] {
        [0, 0]
    }

    /// The matrix as numbers of a type.
    pub fn dequantize(&self, _kind: Kind) -> Result<Tensor, TchError> {
        Err(TchError::Shape("unfinished".into()))
    }

    /// One matrix of the rows of all.
    pub fn concat(_parts: &[&Nf4]) -> Result<Self, TchError> {
        Err(TchError::Shape("unfinished".into()))
    }

    /// The same on another device.
    pub fn to_device(&self, _device: Device) -> Result<Self, TchError> {
        Err(TchError::Shape("unfinished".into()))
    }
}
