//! From tensors to NF4.

use tch::{Device, Kind, TchError, Tensor};

use super::blocks::{self, LEAST};
use super::double::Double;
use super::{Nf4, code};
use crate::dynamic_map::numbers;

const BLOCK: i64 = blocks::BLOCK as i64;
/// The number of weights are quantised at a time: whole blocks, so few that copies of them with 32 bits
/// a weight are small beside a model.
const CHUNK: i64 = 1 << 22;

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
        let device = weight.device();
        let weights = weight.f_contiguous()?.f_view([-1])?;
        let (packed, absmax) = match device {
            Device::Cpu => on_the_cpu(&weights)?,
            _ => by_operations(&weights)?,
        };
        let double = double.then(|| Double::quantize(&absmax)).transpose()?;
        let absmax = match &double {
            Some(double) => double.absmax()?.f_to_device(device)?,
            None => absmax,
        };
        Ok(Nf4 {
            packed,
            absmax,
            double,
            pairs: code::pairs(device)?,
            shape: [rows, columns],
            block: BLOCK,
            kind,
        })
    }
}

/// A vector as parts of `CHUNK` numbers, the last one shorter, each with its place and length.
fn chunks(weights: &Tensor) -> Result<impl Iterator<Item = (i64, i64)> + use<>, TchError> {
    let count = weights.size1()?;
    let start = (0..count).step_by(CHUNK as usize);
    Ok(start.map(move |start| (start, CHUNK.min(count - start))))
}

/// The packed weights and the blocks' greatest magnitudes.
fn on_the_cpu(weights: &Tensor) -> Result<(Tensor, Tensor), TchError> {
    let (mut packed, mut absmax) = (Vec::new(), Vec::new());
    for (start, length) in chunks(weights)? {
        let chunk = weights.f_narrow(0, start, length)?.f_to_kind(Kind::Float)?;
        blocks::quantize(&numbers(&chunk)?, &mut packed, &mut absmax);
    }
    Ok((
        Tensor::f_from_slice(&packed)?,
        Tensor::f_from_slice(&absmax)?,
    ))
}

/// The same by libtorch's operations, on any device.
fn by_operations(weights: &Tensor) -> Result<(Tensor, Tensor), TchError> {
    let device = weights.device();
    let count = weights.size1()?;
    let bounds = Tensor::f_from_slice(&code::bounds())?.f_to_device(device)?;
    let packed = Tensor::f_empty([(count + 1) / 2], (Kind::Uint8, device))?;
    let absmax = Tensor::f_empty([(count + BLOCK - 1) / BLOCK], (Kind::Float, device))?;
    for (start, length) in chunks(weights)? {
        let chunk = weights.f_narrow(0, start, length)?.f_to_kind(Kind::Float)?;
        let (codes, greatest) = quantize_chunk(&chunk, &bounds)?;
        let mut place = packed.f_narrow(0, start / 2, (length + 1) / 2)?;
        place.f_copy_(&pack(&codes)?)?;
        let mut place = absmax.f_narrow(0, start / BLOCK, greatest.size1()?)?;
        place.f_copy_(&greatest)?;
    }
    Ok((packed, absmax))
}

/// The codes of numbers, and their blocks' greatest magnitudes; see [`blocks`].
fn quantize_chunk(numbers: &Tensor, bounds: &Tensor) -> Result<(Tensor, Tensor), TchError> {
    let least = f64::from(LEAST);
    let count = numbers.size1()?;
    let rest = count % BLOCK;
    let blocks = numbers.f_narrow(0, 0, count - rest)?.f_view([-1, BLOCK])?;
    let mut greatest = blocks.f_abs()?.f_amax(1, false)?;
    let factors = greatest.f_clamp_min(least)?.f_reciprocal()?;
    let mut scaled = blocks.f_mul(&factors.f_unsqueeze(1)?)?.f_view([-1])?;
    if rest > 0 {
        let last = numbers.f_narrow(0, count - rest, rest)?;
        let magnitude = last.f_abs()?.f_amax(0, true)?.f_clamp_min(least)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn operations_make_the_bytes_that_the_cpu_makes(
            numbers in proptest::collection::vec(-9.0_f32..9.0, 1..400),
            zeros in 0_usize..200,
        ) {
            let mut numbers = numbers;
            numbers.iter_mut().take(zeros).for_each(|number| *number = 0.0);
            let weights = Tensor::from_slice(&numbers);
            let first = on_the_cpu(&weights).unwrap();
            prop_assert_eq!(&first, &by_operations(&weights).unwrap());
            prop_assert_eq!(first.0.numel(), numbers.len().div_ceil(2));
        }
    }

    #[test]
    fn parts_of_a_large_matrix_meet() {
        let count = CHUNK + 100;
        let weights = Tensor::arange(count, (Kind::Float, Device::Cpu)).sin();
        let (packed, absmax) = on_the_cpu(&weights).unwrap();
        assert_eq!(
            by_operations(&weights).unwrap(),
            (packed.copy(), absmax.copy())
        );
        let tail = weights.narrow(0, CHUNK, 100);
        let (last, greatest) = on_the_cpu(&tail).unwrap();
        assert_eq!(packed.narrow(0, CHUNK / 2, 50), last);
        assert_eq!(absmax.narrow(0, CHUNK / BLOCK, 2), greatest);
    }
}
