//! From numbers to NF4.

use tch::{Kind, TchError, Tensor};

use super::{Nf4, code, double::Double};

/// How many weights are a block.
const BLOCK: i64 = 64;
/// How many weights are quantised at a time: whole blocks, few enough to stay in a CPU's cache.
const CHUNK: i64 = 1 << 18;
/// Stands for the greatest magnitude of a block of zeros, where it divides.
const LEAST: f64 = 1e-38;

impl Nf4 {
    /// Quantises a matrix of 16 or 32-bit numbers in blocks of 64, on the device that it is on;
    /// with `double`, the blocks' magnitudes are kept in 8 bits.
    ///
    /// The bytes are those of bitsandbytes' CPU kernels.
    ///
    /// # Errors
    ///
    /// A tensor that is no matrix of floating-point numbers; memory that ran out.
    pub fn quantize(weight: &Tensor, double: bool) -> Result<Self, TchError> {
        let kind = weight.f_kind()?;
        if !matches!(kind, Kind::Float | Kind::BFloat16 | Kind::Half) {
            return Err(TchError::Kind(format!(
                "{kind:?} numbers cannot be quantised"
            )));
        }
        let (rows, columns) = weight.size2()?;
        let (packed, absmax) = quantize_blocks(&weight.f_contiguous()?.f_view([-1])?)?;
        let double = double.then(|| Double::quantize(&absmax)).transpose()?;
        let absmax = match &double {
            Some(double) => double.absmax()?.f_to_device(weight.device())?,
            None => absmax,
        };
        Ok(Nf4 {
            packed,
            absmax,
            double,
            pairs: code::pairs(weight.device())?,
            shape: [rows, columns],
            block: BLOCK,
            kind,
        })
    }
}

/// The packed weights and the blocks' greatest magnitudes.
fn quantize_blocks(weights: &Tensor) -> Result<(Tensor, Tensor), TchError> {
    let device = weights.device();
    let count = weights.size1()?;
    let bounds = code::bounds(device)?;
    let packed = Tensor::f_empty([(count + 1) / 2], (Kind::Uint8, device))?;
    let absmax = Tensor::f_empty([(count + BLOCK - 1) / BLOCK], (Kind::Float, device))?;
    let mut start = 0;
    while start < count {
        let length = CHUNK.min(count - start);
        let chunk = weights.f_narrow(0, start, length)?.f_to_kind(Kind::Float)?;
        let (codes, greatest) = quantize_chunk(&chunk, &bounds)?;
        let mut place = packed.f_narrow(0, start / 2, (length + 1) / 2)?;
        place.f_copy_(&pack(&codes)?)?;
        absmax
            .f_narrow(0, start / BLOCK, greatest.size1()?)?
            .f_copy_(&greatest)?;
        start += length;
    }
    Ok((packed, absmax))
}

/// The codes of numbers, and their blocks' greatest magnitudes.
fn quantize_chunk(numbers: &Tensor, bounds: &Tensor) -> Result<(Tensor, Tensor), TchError> {
    let count = numbers.size1()?;
    let rest = count % BLOCK;
    let blocks = numbers.f_narrow(0, 0, count - rest)?.f_view([-1, BLOCK])?;
    let mut greatest = blocks.f_abs()?.f_amax(1, false)?;
    let factors = greatest.f_clamp_min(LEAST)?.f_reciprocal()?;
    let mut scaled = blocks.f_mul(&factors.f_unsqueeze(1)?)?.f_view([-1])?;
    if rest > 0 {
        // As in bitsandbytes, the last block is divided where others are multiplied, which
        // rounds otherwise, and its magnitude is not 0.
        let last = numbers.f_narrow(0, count - rest, rest)?;
        let magnitude = last.f_abs()?.f_amax(0, true)?.f_clamp_min(LEAST)?;
        scaled = Tensor::f_cat(&[scaled, last.f_div(&magnitude)?], 0)?;
        greatest = Tensor::f_cat(&[greatest, magnitude], 0)?;
    }
    let codes = scaled
        .f_clamp(-1.0, 1.0)?
        .f_bucketize(bounds, true, false)?;
    Ok((codes.f_to_kind(Kind::Uint8)?, greatest))
}

/// Two codes a byte, the first in the high half; after an odd number of them, the code of 0.
fn pack(codes: &Tensor) -> Result<Tensor, TchError> {
    let even = match codes.size1()? % 2 {
        0 => codes.shallow_clone(),
        _ => Tensor::f_cat(
            &[
                codes,
                &codes.f_new_full([1], 7, (Kind::Uint8, codes.device()))?,
            ],
            0,
        )?,
    };
    let pairs = even.f_view([-1, 2])?;
    let high = pairs.f_select(1, 0)?.f_mul_scalar(16)?;
    high.f_add(&pairs.f_select(1, 1)?)
}
