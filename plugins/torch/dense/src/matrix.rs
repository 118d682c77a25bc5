//! Vectors of one length, one after the other.

use super::dot::dot;

/// Vectors of one length, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    values: Vec<f32>,
    dimensions: usize,
}

impl Matrix {
    /// The vectors in `values`, each of `dimensions` numbers. What is left over is dropped.
    pub fn new(mut values: Vec<f32>, dimensions: usize) -> Self {
        let dimensions = dimensions.max(1);
        values.truncate(values.len() / dimensions * dimensions);
        Matrix { values, dimensions }
    }

    /// The numbers in each vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Returns the number of vectors.
    pub fn len(&self) -> usize {
        self.values.len() / self.dimensions
    }

    /// Returns `true` if there is no vector.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All numbers, vector by vector.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The vectors in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.dimensions)
    }

    /// The vector at `position`. Panics if there is none, as indexing does.
    pub fn row(&self, position: usize) -> &[f32] {
        &self.values[position * self.dimensions..][..self.dimensions]
    }

    /// The vectors at `positions`.
    pub fn select(&self, positions: &[usize]) -> Self {
        let values = positions.iter().flat_map(|at| self.row(*at)).copied();
        Matrix::new(values.collect(), self.dimensions)
    }

    /// Divides every vector by its length, so that inner products become cosines. The vector of
    /// zeros stays as it is, and so does one that has length 1 but for rounding.
    pub fn normalize(&mut self) {
        for row in self.values.chunks_exact_mut(self.dimensions) {
            let norm = norm(row);
            if norm > 0.0 && (norm - 1.0).abs() > 1e-6 {
                row.iter_mut()
                    .for_each(|x| *x = (f64::from(*x) / norm) as f32);
            }
        }
    }

    /// The position of the first vector with a number that is not finite.
    pub fn first_not_finite(&self) -> Option<usize> {
        self.rows()
            .position(|row| row.iter().any(|x| !x.is_finite()))
    }

    /// The length of the longest vector.
    pub fn largest_norm(&self) -> f32 {
        let squares = self.rows().map(|row| dot(row, row));
        squares.fold(0.0, f32::max).sqrt()
    }
}

/// The length of a vector, computed in 64 bits, in which no square of 32 overflows.
fn norm(row: &[f32]) -> f64 {
    row.iter()
        .map(|x| f64::from(*x).powi(2))
        .sum::<f64>()
        .sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_get_length_one_whatever_they_had() {
        let mut matrix = Matrix::new(vec![3.0, 4.0, 0.0, 0.0, 3e30, 4e30, 0.6, 0.8], 2);
        matrix.normalize();
        let expected = [0.6, 0.8, 0.0, 0.0, 0.6, 0.8, 0.6, 0.8];
        let close = |(found, expected): (&f32, f32)| (found - expected).abs() < 1e-6;
        assert!(
            matrix.values().iter().zip(expected).all(close),
            "{matrix:?}"
        );
        assert_eq!(matrix.len(), 4);
    }

    #[test]
    fn what_is_not_a_number_is_found() {
        let finite = Matrix::new(vec![1.0; 4], 2);
        assert_eq!(finite.first_not_finite(), None);
        let broken = Matrix::new(vec![1.0, 1.0, 1.0, f32::NAN], 2);
        assert_eq!(broken.first_not_finite(), Some(1));
    }
}
