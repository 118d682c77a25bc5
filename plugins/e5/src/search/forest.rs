//! Approximate search without an encoder.

use std::path::Path;

use gloss_core::{Context, Hit, Result};
use gloss_dense::Matrix;
use gloss_encoder::Similarity;

use super::trees::{Trees, build_trees, room_of_trees};
use crate::config::Trees as Options;
use crate::environment::Environment;

/// Vectors in trees on disk, searched approximately.
pub struct Forest {
    environment: Environment,
    similarity: Similarity,
}

impl Forest {
    /// Grows the trees of `items`, vectors that have length 1 where the similarity is the cosine,
    /// in the new file `path`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn grow(
        items: &Matrix,
        similarity: Similarity,
        options: &Options,
        path: &Path,
        context: &Context,
    ) -> Result<Self> {
        let room = room_of_trees(items.len(), items.dimensions(), options);
        let mut environment = Environment::create(path, room.saturating_mul(2).max(1 << 24))?;
        build_trees(&mut environment, items, similarity, options, context)?;
        Ok(Forest {
            environment,
            similarity,
        })
    }

    /// As [`Exact::search`](gloss_dense::Exact::search), of `candidates` items that the trees lead to.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn search(
        &self,
        queries: &Matrix,
        k: &[usize],
        candidates: usize,
    ) -> Result<Vec<Vec<Hit>>> {
        let trees = Trees {
            environment: &self.environment,
            similarity: self.similarity,
            candidates,
        };
        trees.search(queries, k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_dense::Exact;

    #[test]
    fn with_all_items_as_candidates_it_finds_what_exact_search_finds() {
        let mut numbers =
            (1u32..).map(|at| (at.wrapping_mul(2_654_435_761) >> 8) as f32 / 1e7 - 0.8);
        let mut matrix = |rows: usize| {
            let mut matrix = Matrix::new(numbers.by_ref().take(8 * rows).collect(), 8);
            matrix.normalize();
            matrix
        };
        let (items, queries) = (matrix(500), matrix(20));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trees");
        let (options, context) = (Options::default(), Context::default());
        let forest = Forest::grow(&items, Similarity::Cosine, &options, &path, &context).unwrap();
        let expected = Exact::new(items).search(&queries, &[10; 20]);
        let found = forest.search(&queries, &[10; 20], 1_000_000).unwrap();
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found.score - expected.score).abs() < 1e-5);
            }
        }
    }
}
