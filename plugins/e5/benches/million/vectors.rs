//! Vectors like those of texts: in clusters, and with more spread in some directions than in others.

use std::path::Path;

use gloss_dense::Matrix;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

/// Items in a cluster, on average.
const CLUSTER: usize = 500;
/// The distance of items from their cluster's centre, relative to the spread of the centres.
const WIDTH: f32 = 0.7;

/// So many items and queries of length 1, of the same clusters.
pub(crate) fn clustered(items: usize, queries: usize, dimensions: usize) -> (Matrix, Matrix) {
    let scales: Vec<f32> = (0..dimensions)
        .map(|at| (1.0 + at as f32 / 8.0).powf(-0.5))
        .collect();
    let count = (items / CLUSTER).max(1);
    let centres: Vec<Vec<f32>> = (0..count)
        .map(|centre| normal(centre as u64, &scales))
        .collect();
    let vector = |at: usize| {
        let seed = (count + at) as u64;
        let centre = &centres[ChaCha8Rng::seed_from_u64(!seed).next_u32() as usize % count];
        let own = normal(seed, &scales);
        centre.iter().zip(own).map(|(x, y)| x + WIDTH * y).collect()
    };
    let matrix = |range: std::ops::Range<usize>| {
        let rows: Vec<Vec<f32>> = range.into_par_iter().map(vector).collect();
        let mut matrix = Matrix::new(rows.concat(), dimensions);
        matrix.normalize();
        matrix
    };
    (matrix(0..items), matrix(items..items + queries))
}

/// Normally distributed numbers, each with its own spread (the method of Box and Muller).
fn normal(seed: u64, scales: &[f32]) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut uniform = || (random.next_u32() as f32 + 0.5) / 2f32.powi(32);
    let mut number = |scale: &f32| {
        let (radius, angle) = (uniform().ln(), uniform() * std::f32::consts::TAU);
        scale * (-2.0 * radius).max(0.0).sqrt() * angle.cos()
    };
    scales.iter().map(&mut number).collect()
}

pub(crate) fn write(path: &Path, matrix: &Matrix) {
    let numbers = matrix.values().iter();
    let bytes: Vec<u8> = numbers.flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(path, bytes).unwrap();
}

pub(crate) fn read(path: &Path, dimensions: usize) -> Matrix {
    let bytes = std::fs::read(path).unwrap();
    let (numbers, _) = bytes.as_chunks::<4>();
    let values = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
    Matrix::new(values.collect(), dimensions)
}
