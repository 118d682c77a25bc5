//! K-means on the sphere: centroids of vectors by inner product (spherical k-means of Dhillon and
//! Modha, 2001).

use gloss_core::{Context, Result, Unit};
use gloss_dense::{Exact, Matrix, sample};
use rayon::prelude::*;

use crate::config::Ivf;

/// Vectors that are assigned at once.
const BLOCK: usize = 1 << 15;
/// The relative change of each number when a centroid is split in two.
const SPLIT: f32 = 1.0 / 1024.0;

/// The centroids of `items`, at most as many as there are items, each of length 1. They are learned
/// from items that are spread evenly, so nothing is random; equal input gives equal bytes whatever
/// the number of threads.
///
/// # Errors
/// If the work is interrupted.
pub(super) fn centroids(items: &Matrix, options: &Ivf, context: &Context) -> Result<Matrix> {
    let lists = options.lists(items.len());
    let points = lists.saturating_mul(options.max_points_per_centroid);
    let points = items.select(&sample(items.len(), points));
    let mut centroids = points.select(&sample(points.len(), lists));
    centroids.normalize();
    let work = (options.niter * points.len()) as u64;
    let task = context.task("Learning the lists", Some(work), Unit::Count);
    for _ in 0..options.niter {
        let exact = Exact::new(centroids);
        let nearest = assign(&points, &exact, |count| task.advance(count as u64))?;
        centroids = means(&points, &nearest, exact.items());
    }
    Ok(centroids)
}

/// The position of the centroid with the highest inner product for each vector; of equal ones the
/// first. `progress` gets the number of further vectors done.
///
/// # Errors
/// The error of `progress`.
pub(super) fn assign(
    vectors: &Matrix,
    centroids: &Exact,
    mut progress: impl FnMut(usize) -> Result<()>,
) -> Result<Vec<u32>> {
    let mut nearest = Vec::with_capacity(vectors.len());
    for block in vectors.values().chunks(BLOCK * vectors.dimensions()) {
        let block = Matrix::new(block.to_vec(), vectors.dimensions());
        let found = centroids.search(&block, &vec![1; block.len()]);
        nearest.extend(
            found
                .iter()
                .map(|hits| hits.first().map_or(0, |hit| hit.item)),
        );
        progress(block.len())?;
    }
    Ok(nearest)
}

/// The mean of each centroid's vectors, of length 1. A centroid without vectors takes half of those
/// of the one that has most: both move slightly apart.
fn means(points: &Matrix, nearest: &[u32], before: &Matrix) -> Matrix {
    let width = points.dimensions();
    let mut members = vec![Vec::new(); before.len()];
    for (point, &centroid) in nearest.iter().enumerate() {
        members[centroid as usize].push(point);
    }
    let mean = |members: &Vec<usize>| {
        let mut sum = vec![0.0f64; width];
        for &point in members {
            for (sum, x) in sum.iter_mut().zip(points.row(point)) {
                *sum += f64::from(*x);
            }
        }
        let count = members.len().max(1) as f64;
        sum.iter().map(|sum| (sum / count) as f32).collect()
    };
    let mut rows: Vec<Vec<f32>> = members.par_iter().map(mean).collect();
    let mut counts: Vec<usize> = members.iter().map(Vec::len).collect();
    for empty in 0..rows.len() {
        if counts[empty] == 0 {
            split_the_largest(&mut rows, &mut counts, empty);
        }
    }
    let mut means = Matrix::new(rows.concat(), width);
    means.normalize();
    means
}

fn split_the_largest(rows: &mut [Vec<f32>], counts: &mut [usize], empty: usize) {
    let largest = (0..counts.len()).rev().max_by_key(|at| counts[*at]);
    let largest = largest.unwrap_or(empty);
    let mut half = rows[largest].clone();
    for (at, (a, b)) in rows[largest].iter_mut().zip(&mut half).enumerate() {
        let (up, down) = (1.0 + SPLIT, 1.0 - SPLIT);
        let (of_a, of_b) = if at % 2 == 0 { (up, down) } else { (down, up) };
        *a *= of_a;
        *b *= of_b;
    }
    rows[empty] = half;
    counts[empty] = counts[largest] / 2;
    counts[largest] -= counts[empty];
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points around the three axes, a few degrees away from them.
    fn points() -> Matrix {
        let point = |at: usize| {
            let mut row = [0.0f32; 3];
            row[at % 3] = 1.0;
            row[(at + 1) % 3] = (at % 7) as f32 / 70.0;
            row[(at + 2) % 3] = (at % 5) as f32 / 70.0;
            row
        };
        let mut points = Matrix::new((0..90).flat_map(point).collect(), 3);
        points.normalize();
        points
    }

    #[test]
    fn clusters_are_found_and_a_centroid_is_the_mean_of_its_vectors() {
        let options = Ivf {
            nlist: Some(3),
            ..Ivf::default()
        };
        let points = points();
        let found = centroids(&points, &options, &Context::default()).unwrap();
        let exact = Exact::new(found.clone());
        let nearest = assign(&points, &exact, |_| Ok(())).unwrap();
        for (at, centroid) in nearest.iter().enumerate() {
            assert_eq!(*centroid, nearest[at % 3]);
        }
        assert_eq!(means(&points, &nearest, &found), found);
    }

    #[test]
    fn no_centroid_stays_without_vectors_where_there_are_different_ones() {
        let nearest = [0; 90];
        let before = Matrix::new([1.0, 0.0, 0.0].repeat(4), 3);
        let apart = Exact::new(means(&points(), &nearest, &before));
        let nearest = assign(&points(), &apart, |_| Ok(())).unwrap();
        let different: std::collections::BTreeSet<_> = nearest.iter().collect();
        assert!(different.len() > 1, "{nearest:?}");
    }
}
