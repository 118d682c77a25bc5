//! The numbers that bitsandbytes represents with 8 bits.

use tch::{Device, Kind, TchError, Tensor};

/// The dynamic map of 8 bits (Dettmers, 8-bit approximations, 2015): 256 numbers in rising order.
/// 0, 1, and for each power of ten from 1e-6 to 1 twice as many numbers as for the one below, of
/// either sign if it is `signed`.
///
/// # Errors
///
/// Whatever libtorch fails with.
pub fn dynamic_map(signed: bool) -> Result<Vec<f32>, TchError> {
    let mut map = vec![0.0, 1.0];
    let powers = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0];
    for (exponent, power) in powers.into_iter().enumerate() {
        let count = 1 << (exponent + usize::from(!signed));
        let edges = Tensor::f_linspace(0.1, 1.0, count + 1, (Kind::Float, Device::Cpu))?;
        let middles = edges
            .f_narrow(0, 0, count)?
            .f_add(&edges.f_narrow(0, 1, count)?)?;
        let positive = numbers(&middles.f_div_scalar(2.0)?.f_mul_scalar(power)?)?;
        if signed {
            map.extend(positive.iter().map(|number| -number));
        }
        map.extend(positive);
    }
    map.sort_by(f32::total_cmp);
    Ok(map)
}

/// The numbers of a one-dimensional tensor on the CPU.
pub(crate) fn numbers(tensor: &Tensor) -> Result<Vec<f32>, TchError> {
    let mut numbers = vec![0.0; tensor.numel()];
    tensor.f_copy_data(&mut numbers, tensor.numel())?;
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_have_256_numbers_and_the_known_ones_among_them() {
        let signed = dynamic_map(true).unwrap();
        let unsigned = dynamic_map(false).unwrap();
        assert_eq!((signed.len(), unsigned.len()), (256, 256));
        // To the rounding of f32, which another processor's `linspace` may do otherwise.
        let near = |found: &[f32], expected: &[f32]| {
            let mut pairs = found.iter().zip(expected);
            assert!(
                pairs.all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs()),
                "{found:?}"
            );
        };
        near(&signed[126..130], &[-5.5e-7, 0.0, 5.5e-7, 3.25e-6]);
        near(&unsigned[..5], &[0.0, 3.25e-7, 7.75e-7, 2.125e-6, 4.375e-6]);
        assert!(signed.is_sorted() && unsigned.is_sorted());
    }
}
