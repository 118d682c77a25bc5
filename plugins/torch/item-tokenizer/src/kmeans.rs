//! K-means by Lloyd's algorithm, as scikit-learn's from given centroids.

use gloss_core::{Context, Result};
use gloss_dense::{Matrix, product, sample};
use rayon::prelude::*;

/// Vectors whose distances are in memory at once.
const BLOCK: usize = 4096;

/// The centroids of some vectors, and the nearest of each vector.
pub(crate) struct Clusters {
    pub(crate) centroids: Matrix,
    pub(crate) nearest: Vec<u16>,
}

/// The most members of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Capacity {
    /// Any number.
    Any,
    /// As many as all others, but for the remainder.
    Balanced,
}

/// At most `count` clusters of `vectors`, from vectors that are spread evenly over their order, until no
/// vector changes its cluster or after `niter` rounds. A cluster that loses all of its members takes
/// the vector that is farthest from its own centroid, as in scikit-learn. Nothing is random.
///
/// # Errors
/// If the work is interrupted.
pub(crate) fn clusters(
    vectors: &Matrix,
    count: usize,
    niter: usize,
    capacity: Capacity,
    context: &Context,
) -> Result<Clusters> {
    let mut centroids = vectors.select(&sample(vectors.len(), count));
    let mut nearest = Vec::new();
    for _ in 0..niter.max(1) {
        context.check()?;
        let (assigned, distances) = assign(vectors, &centroids, capacity);
        let is_stable = assigned == nearest;
        nearest = assigned;
        if is_stable {
            break;
        }
        centroids = means(vectors, &nearest, &distances, &centroids);
    }
    let (nearest, _) = assign(vectors, &centroids, capacity);
    Ok(Clusters { centroids, nearest })
}

/// The nearest centroid of each vector, the first of equally near ones, and the square of its distance.
fn assign(vectors: &Matrix, centroids: &Matrix, capacity: Capacity) -> (Vec<u16>, Vec<f32>) {
    let squares: Vec<f32> = centroids.rows().map(square).collect();
    let count = centroids.len();
    let blocks: Vec<(Vec<u16>, Vec<f32>)> = vectors
        .values()
        .par_chunks(BLOCK * vectors.dimensions())
        .map(|block| {
            let rows = block.len() / vectors.dimensions();
            let mut products = vec![0.0; rows * count];
            product(
                centroids.values(),
                block,
                vectors.dimensions(),
                &mut products,
            );
            let distances = block
                .chunks_exact(vectors.dimensions())
                .zip(products.chunks_exact(count));
            let nearest = distances.map(|(vector, products)| {
                let distance = |at: usize| squares[at] - 2.0 * products[at];
                let best = (0..count).fold(0, |best, at| match distance(at) < distance(best) {
                    true => at,
                    false => best,
                });
                (best as u16, (square(vector) + distance(best)).max(0.0))
            });
            nearest.unzip()
        })
        .collect();
    let mut all = (Vec::new(), Vec::new());
    for (nearest, distances) in blocks {
        all.0.extend(nearest);
        all.1.extend(distances);
    }
    match capacity {
        Capacity::Any => all,
        Capacity::Balanced => balanced(vectors, centroids, &squares),
    }
}

/// The stable matching of vectors that want near centroids with centroids that want near vectors, of which
/// each takes its share (Gale and Shapley, 1962).
fn balanced(vectors: &Matrix, centroids: &Matrix, squares: &[f32]) -> (Vec<u16>, Vec<f32>) {
    let (items, count) = (vectors.len(), centroids.len());
    let share = items.div_ceil(count.max(1));
    let wishes: Vec<Vec<(f32, u16)>> = (0..items)
        .into_par_iter()
        .map(|item| {
            let mut products = vec![0.0; count];
            product(
                centroids.values(),
                vectors.row(item),
                vectors.dimensions(),
                &mut products,
            );
            let own = square(vectors.row(item));
            let distance = |at: usize| (own + squares[at] - 2.0 * products[at]).max(0.0);
            let mut wishes: Vec<(f32, u16)> =
                (0..count).map(|at| (distance(at), at as u16)).collect();
            wishes.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            wishes
        })
        .collect();
    let mut next = vec![0; items];
    let mut members: Vec<Vec<(f32, usize)>> = vec![Vec::new(); count];
    let mut free: Vec<usize> = (0..items).rev().collect();
    while let Some(item) = free.pop() {
        let (distance, centroid) = wishes[item][next[item]];
        next[item] += 1;
        let members = &mut members[usize::from(centroid)];
        let after = |other: &(f32, usize)| (other.0, other.1) <= (distance, item);
        members.insert(members.partition_point(after), (distance, item));
        if members.len() > share {
            free.extend(members.pop().map(|(_, item)| item));
        }
    }
    let mut assigned = (vec![0; items], vec![0.0; items]);
    for (centroid, members) in (0..).zip(members) {
        for (distance, item) in members {
            assigned.0[item] = centroid;
            assigned.1[item] = distance;
        }
    }
    assigned
}

/// The mean of each cluster's vectors.
fn means(vectors: &Matrix, nearest: &[u16], distances: &[f32], before: &Matrix) -> Matrix {
    let mut members = vec![Vec::new(); before.len()];
    for (item, cluster) in nearest.iter().enumerate() {
        members[usize::from(*cluster)].push(item);
    }
    let empty: Vec<usize> = (0..members.len())
        .filter(|at| members[*at].is_empty())
        .collect();
    let mut farthest: Vec<usize> = (0..nearest.len()).collect();
    if !empty.is_empty() {
        farthest.sort_by(|a, b| distances[*b].total_cmp(&distances[*a]).then(a.cmp(b)));
    }
    for (cluster, item) in empty.into_iter().zip(farthest) {
        members[usize::from(nearest[item])].retain(|member| *member != item);
        members[cluster].push(item);
    }
    let width = vectors.dimensions();
    let mean = |(cluster, members): (usize, &Vec<usize>)| {
        if members.is_empty() {
            return before.row(cluster).to_vec();
        }
        let mut sums = vec![0.0f64; width];
        for item in members {
            for (sum, x) in sums.iter_mut().zip(vectors.row(*item)) {
                *sum += f64::from(*x);
            }
        }
        let count = members.len() as f64;
        sums.iter().map(|sum| (sum / count) as f32).collect()
    };
    let rows: Vec<Vec<f32>> = members.par_iter().enumerate().map(mean).collect();
    Matrix::new(rows.concat(), width)
}

fn square(vector: &[f32]) -> f32 {
    vector.iter().map(|x| x * x).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Matrix {
        let point = |at: usize| [(at % 3) as f32 * 10.0, (at % 7) as f32 / 7.0];
        Matrix::new((0..90).flat_map(point).collect(), 2)
    }

    #[test]
    fn clusters_are_found() {
        let found = clusters(&points(), 3, 20, Capacity::Any, &Context::default()).unwrap();
        for (at, cluster) in found.nearest.iter().enumerate() {
            assert_eq!(*cluster, found.nearest[at % 3]);
        }
    }

    #[test]
    fn balanced_clusters_have_equal_shares() {
        for count in [4, 7, 90] {
            let found =
                clusters(&points(), count, 5, Capacity::Balanced, &Context::default()).unwrap();
            let mut sizes = vec![0; count];
            found
                .nearest
                .iter()
                .for_each(|at| sizes[usize::from(*at)] += 1);
            assert!(
                sizes.iter().all(|size| *size <= 90usize.div_ceil(count)),
                "{sizes:?}"
            );
        }
    }

    #[test]
    fn equal_vectors_are_one_cluster_and_no_number_is_lost() {
        let equal = Matrix::new(vec![1.0; 20], 2);
        let found = clusters(&equal, 4, 5, Capacity::Any, &Context::default()).unwrap();
        assert_eq!(found.centroids.first_not_finite(), None);
        assert_eq!(found.nearest, [found.nearest[0]; 10]);
    }
}
