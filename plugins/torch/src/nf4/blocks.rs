//! From numbers in the CPU's memory to NF4.

use rayon::prelude::*;

use super::code;

/// The number of weights are a block.
pub(super) const BLOCK: usize = 64;
/// Stands for the greatest magnitude of a block of zeros, where it divides.
pub(super) const LEAST: f32 = 1e-38;
/// The number of blocks one thread takes at the least.
const SHARE: usize = 256;

/// Quantises `numbers` into two weights a byte, and returns the blocks' greatest magnitudes.
pub(super) fn quantize(numbers: &[f32], packed: &mut Vec<u8>, absmax: &mut Vec<f32>) {
    let bounds = code::bounds();
    let (bytes, blocks) = (packed.len(), absmax.len());
    packed.resize(bytes + numbers.len().div_ceil(2), 0);
    absmax.resize(blocks + numbers.len().div_ceil(BLOCK), 0.0);
    let packed = packed[bytes..].par_chunks_mut(BLOCK / 2);
    let absmax = absmax[blocks..].par_iter_mut();
    let blocks = numbers.par_chunks(BLOCK).zip(packed).zip(absmax);
    blocks
        .with_min_len(SHARE)
        .for_each(|((block, packed), absmax)| *absmax = quantize_block(block, packed, &bounds));
}

fn quantize_block(block: &[f32], packed: &mut [u8], bounds: &[f32; 15]) -> f32 {
    let mut greatest = block
        .iter()
        .fold(0.0_f32, |max, number| max.max(number.abs()));
    let mut scaled = [0.0; BLOCK];
    if block.len() == BLOCK {
        let factor = 1.0 / greatest.max(LEAST);
        for (scaled, number) in scaled.iter_mut().zip(block) {
            *scaled = (number * factor).clamp(-1.0, 1.0);
        }
    } else {
        // As in bitsandbytes, a last block that is not full is divided where others are
        // multiplied, which rounds otherwise, and its magnitude is not 0.
        greatest = greatest.max(LEAST);
        for (scaled, number) in scaled.iter_mut().zip(block) {
            *scaled = (number / greatest).clamp(-1.0, 1.0);
        }
    }
    // A code is the count of the bounds below a number. Bound by bound, this runs on vectors.
    let mut codes = [0_u8; BLOCK];
    for bound in bounds {
        for (code, number) in codes.iter_mut().zip(&scaled) {
            *code += u8::from(number > bound);
        }
    }
    for (byte, pair) in packed.iter_mut().zip(codes.chunks_exact(2)) {
        *byte = pair[0] << 4 | pair[1];
    }
    greatest
}
