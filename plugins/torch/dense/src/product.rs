//! The matrix product.

use gemm::Parallelism;

/// Fills `scores` with the inner products of `rows` with `queries`: for each query, those with all
/// rows. Not rounded exactly, unlike [`dot`](super::dot::dot).
#[allow(unsafe_code, reason = "the library's only interface is by pointers")]
pub fn product(rows: &[f32], queries: &[f32], dimensions: usize, scores: &mut [f32]) {
    let (m, n) = (rows.len() / dimensions, queries.len() / dimensions);
    assert!(m * dimensions == rows.len() && n * dimensions == queries.len());
    assert!(m * n == scores.len());
    let (step, width) = (m as isize, dimensions as isize);
    // SAFETY: the assertions above check the sizes that are passed here: `scores` is an
    // m by n matrix in columns, `rows` one of m by `dimensions` in rows, and `queries` one of
    // `dimensions` by n in columns. Slices do not overlap where one of them is borrowed mutably.
    unsafe {
        gemm::gemm(
            m,
            n,
            dimensions,
            scores.as_mut_ptr(),
            step,
            1,
            false,
            rows.as_ptr(),
            1,
            width,
            queries.as_ptr(),
            width,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_by_hand() {
        let rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let queries = [1.0, 0.0, 10.0, 1.0];
        let mut scores = [f32::NAN; 6];
        product(&rows, &queries, 2, &mut scores);
        assert_eq!(scores, [1.0, 3.0, 5.0, 12.0, 34.0, 56.0]);
    }
}
