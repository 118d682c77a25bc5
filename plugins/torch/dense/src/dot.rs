//! The inner product that scores are.

/// Sums that are kept side by side; as many as the widest registers hold.
const LANES: usize = 16;

/// The inner product of two vectors. Its additions have one order, so that equal vectors score
/// equally wherever they are and whatever is computed beside them.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    // Zero always has the same sign, since ties are found by comparing bits.
    sums.iter().sum::<f32>() + rest + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_has_one_sign() {
        assert!(dot(&[-0.0; 3], &[1.0; 3]).is_sign_positive());
        assert!(dot(&[], &[]).is_sign_positive());
    }

    proptest! {
        #[test]
        fn products_are_those_of_64_bits_but_for_rounding(
            pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 0..100),
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let exact: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((f64::from(dot(&a, &b)) - exact).abs() < 1e-5);
        }
    }
}
