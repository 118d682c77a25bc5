//! The 16 numbers that NF4 can represent.

use tch::{Device, Kind, TchError, Tensor};

/// Quantiles of the normal distribution, scaled to [-1, 1], with an exact 0 (QLoRA, appendix E).
pub(super) const CODE: [f32; 16] = [
    -1.0,
    -0.696_192_8,
    -0.525_073_05,
    -0.394_917_5,
    -0.284_441_38,
    -0.184_773_43,
    -0.091_050_036,
    0.0,
    0.079_580_3,
    0.160_930_2,
    0.246_112_3,
    0.337_915_24,
    0.440_709_83,
    0.562_617,
    0.722_956_84,
    1.0,
];

/// The values of each byte: a table of 256 entries, each the bits of two 32-bit numbers. As one
/// 64-bit number, which nobody computes with, they are copied in one go.
pub(super) fn pairs(device: Device) -> Result<Tensor, TchError> {
    let pair = |byte: usize| [CODE[byte >> 4], CODE[byte & 15]];
    let pairs: Vec<f32> = (0..256).flat_map(pair).collect();
    let pairs = Tensor::f_from_slice(&pairs)?.f_view_dtype(Kind::Double)?;
    pairs.f_to_device(device)
}

/// The middles between neighbours; a number on one belongs to the lower neighbour.
pub(super) fn bounds() -> [f32; 15] {
    std::array::from_fn(|lower| (CODE[lower] + CODE[lower + 1]) / 2.0)
}
