//! Residual k-means and product quantization.

use gloss_core::{Context, Error, Result, Unit};
use gloss_dense::Matrix;

use crate::kmeans::{Capacity, Clusters, clusters};
use crate::options::ItemTokenizer;

/// The codes of a level, and what is left of the vectors after it.
pub(crate) struct Level {
    /// Of each item.
    pub(crate) codes: Vec<u16>,
    /// The vectors before this level; of the last level alone, and none of others.
    pub(crate) residuals: Matrix,
    /// The vector of each code.
    pub(crate) centroids: Matrix,
}

/// The levels of residual k-means: of the vectors, then of what each level leaves.
pub(crate) fn levels(
    vectors: Matrix,
    options: &ItemTokenizer,
    context: &Context,
) -> Result<Vec<Level>> {
    let task = context.task("Clustering items", Some(options.levels as u64), Unit::Count);
    let mut residuals = vectors;
    let mut levels = Vec::new();
    for number in 1..=options.levels {
        let Clusters { centroids, nearest } = cluster(&residuals, options, context)?;
        let none = Matrix::new(Vec::new(), residuals.dimensions());
        let before = match number == options.levels {
            true => std::mem::replace(&mut residuals, none),
            false => {
                residuals = minus(&residuals, &centroids, &nearest);
                none
            }
        };
        levels.push(Level {
            codes: nearest,
            residuals: before,
            centroids,
        });
        task.advance(1)?;
    }
    Ok(levels)
}

/// The levels of product quantization: one for each part of the dimensions.
pub(crate) fn products(
    vectors: &Matrix,
    options: &ItemTokenizer,
    context: &Context,
) -> Result<Vec<Level>> {
    let (width, parts) = (vectors.dimensions(), options.levels);
    if !width.is_multiple_of(parts) {
        return Err(Error::Usage(format!(
            "`tokenizer.levels` is {parts}, by which the {width} dimensions of the vectors cannot be divided"
        )));
    }
    let task = context.task("Clustering items", Some(parts as u64), Unit::Count);
    let part = width / parts;
    let mut levels = Vec::new();
    for number in 0..parts {
        let own = vectors
            .rows()
            .flat_map(|row| &row[number * part..][..part])
            .copied();
        let own = Matrix::new(own.collect(), part);
        let Clusters { centroids, nearest } = cluster(&own, options, context)?;
        levels.push(Level {
            codes: nearest,
            residuals: Matrix::new(Vec::new(), part),
            centroids,
        });
        task.advance(1)?;
    }
    Ok(levels)
}

fn cluster(vectors: &Matrix, options: &ItemTokenizer, context: &Context) -> Result<Clusters> {
    let capacity = match options.balanced {
        true => Capacity::Balanced,
        false => Capacity::Any,
    };
    clusters(
        vectors,
        options.codebook_size,
        options.niter,
        capacity,
        context,
    )
}

/// The difference of each vector from its centroid.
pub(crate) fn minus(vectors: &Matrix, centroids: &Matrix, nearest: &[u16]) -> Matrix {
    let rows = vectors.rows().zip(nearest).flat_map(|(row, code)| {
        let centroid = centroids.row(usize::from(*code));
        row.iter().zip(centroid).map(|(x, c)| x - c)
    });
    Matrix::new(rows.collect(), vectors.dimensions())
}
