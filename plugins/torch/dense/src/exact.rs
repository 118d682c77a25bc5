//! Exact search: every item is scored.

use gloss_core::{Hit, rank};
use rayon::prelude::*;

use super::best::Best;
use super::dot::dot;
use super::matrix::Matrix;
use super::product::product;

/// Items and queries that are multiplied at once: their scores stay in the cache.
pub const ROWS: usize = 256;
const QUERIES: usize = 128;
/// Up to so many queries, reading the items takes longer than multiplying them.
pub const FEW: usize = 3;

/// All vectors, searched exactly by inner product.
#[derive(Debug)]
pub struct Exact {
    items: Matrix,
    largest_norm: f32,
}

impl Exact {
    /// Makes vectors searchable.
    pub fn new(items: Matrix) -> Self {
        let largest_norm = items.largest_norm();
        Exact {
            items,
            largest_norm,
        }
    }

    /// The vectors.
    pub fn items(&self) -> &Matrix {
        &self.items
    }

    /// The vectors, no longer searchable.
    pub fn into_items(self) -> Matrix {
        self.items
    }

    /// The best items of each query, at most `k` of it, by score descending and
    /// then by position. The scores do not depend on the other queries.
    pub fn search(&self, queries: &Matrix, k: &[usize]) -> Vec<Vec<Hit>> {
        assert_eq!(queries.len(), k.len());
        if self.items.is_empty() {
            return vec![Vec::new(); k.len()];
        }
        match queries.len() <= FEW {
            true => queries
                .rows()
                .zip(k)
                .map(|(query, k)| self.search_one(query, *k))
                .collect(),
            false => self.search_many(queries, k),
        }
    }

    /// Scores item by item; threads share the items.
    fn search_one(&self, query: &[f32], k: usize) -> Vec<Hit> {
        let k = k.min(self.items.len());
        if k == 0 {
            return Vec::new();
        }
        let share = self.items.len().div_ceil(rayon::current_num_threads());
        let width = self.items.dimensions();
        let best_of = |(part, rows): (usize, &[f32])| {
            let mut best = Best::new(k, 0.0);
            let mut scores = [0.0; ROWS];
            for (block, rows) in rows.chunks(ROWS * width).enumerate() {
                let scores = &mut scores[..rows.len() / width];
                for (score, row) in scores.iter_mut().zip(rows.chunks_exact(width)) {
                    *score = dot(query, row);
                }
                best.offer((part * share + block * ROWS) as u32, scores);
            }
            best.into_ranking()
        };
        let parts = self.items.values().par_chunks(share * width).enumerate();
        let mut hits: Vec<Hit> = parts.flat_map_iter(best_of).collect();
        rank(&mut hits, k);
        hits
    }

    /// Multiplies blocks of items with blocks of queries; threads share the queries.
    fn search_many(&self, queries: &Matrix, k: &[usize]) -> Vec<Vec<Hit>> {
        let share = queries.len().div_ceil(rayon::current_num_threads());
        let share = share.clamp(1, QUERIES);
        queries
            .values()
            .par_chunks(share * queries.dimensions())
            .zip(k.par_chunks(share))
            .flat_map_iter(|(queries, k)| self.search_block(queries, k))
            .collect()
    }

    fn search_block(&self, queries: &[f32], k: &[usize]) -> Vec<Vec<Hit>> {
        let width = self.items.dimensions();
        let mut best: Vec<Best> = queries
            .chunks_exact(width)
            .zip(k)
            .map(|(query, k)| {
                let margin = margin(query, self.largest_norm);
                Best::new((*k).clamp(1, self.items.len()), margin)
            })
            .collect();
        let mut scores = vec![0.0; ROWS * k.len()];
        for (block, rows) in self.items.values().chunks(ROWS * width).enumerate() {
            let height = rows.len() / width;
            let scores = &mut scores[..height * k.len()];
            product(rows, queries, width, scores);
            for (best, scores) in best.iter_mut().zip(scores.chunks_exact(height)) {
                best.offer((block * ROWS) as u32, scores);
            }
        }
        best.into_iter()
            .zip(queries.chunks_exact(width))
            .zip(k)
            .map(|((best, query), k)| self.score_again(query, best.into_candidates(), *k))
            .collect()
    }

    /// The best `k` of the candidates by the one true score, for the product's rounding depends on
    /// where in a block an item is.
    fn score_again(&self, query: &[f32], mut candidates: Vec<Hit>, k: usize) -> Vec<Hit> {
        for hit in &mut candidates {
            hit.score = dot(query, self.items.row(hit.item as usize));
        }
        rank(&mut candidates, k);
        candidates
    }
}

/// The error of the product's scores with items up to a length that can change the order of two:
/// four times the most by which a sum of so many products can be rounded.
pub fn margin(query: &[f32], largest_norm: f32) -> f32 {
    let norm = dot(query, query).sqrt();
    let margin = 2.0 * query.len() as f32 * f32::EPSILON * norm * largest_norm;
    // An unknown bound excludes nothing.
    margin.min(f32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every score, sorted.
    fn by_brute_force(items: &Matrix, query: &[f32], k: usize) -> Vec<Hit> {
        let score = |(item, row)| Hit {
            item,
            score: dot(query, row),
        };
        let mut hits: Vec<Hit> = (0..).zip(items.rows()).map(score).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        hits.truncate(k);
        hits
    }

    /// Small whole numbers collide often; thirds round.
    fn vectors(count: impl Into<prop::collection::SizeRange>, scale: f32) -> BoxedStrategy<Matrix> {
        let row = prop::collection::vec(-2i8..3, 5);
        prop::collection::vec(row, count)
            .prop_map(move |rows| {
                let values = rows.concat().into_iter().map(|x| f32::from(x) / scale);
                Matrix::new(values.collect(), 5)
            })
            .boxed()
    }

    proptest! {
        #[test]
        fn the_best_are_those_of_brute_force_in_any_batch(
            (items, queries, k) in prop::sample::select(vec![1.0f32, 3.0]).prop_flat_map(|scale| {
                (vectors(0..700, scale), vectors(0..9, scale), prop::collection::vec(0usize..40, 9))
            }),
        ) {
            let exact = Exact::new(items);
            let k = &k[..queries.len()];
            let found = exact.search(&queries, k);
            for ((query, k), found) in queries.rows().zip(k).zip(found) {
                let expected = by_brute_force(exact.items(), query, *k);
                prop_assert_eq!(&found, &expected);
                let alone = Matrix::new(query.to_vec(), 5);
                prop_assert_eq!(&exact.search(&alone, &[*k])[0], &expected);
            }
        }
    }

    #[test]
    fn a_thousand_equal_items_are_ranked_by_position() {
        let items = Matrix::new([0.1, 0.7, -0.3].repeat(1000), 3);
        let queries = Matrix::new([0.3, 0.2, 0.9].repeat(5), 3);
        for hits in Exact::new(items).search(&queries, &[7; 5]) {
            let found: Vec<u32> = hits.iter().map(|hit| hit.item).collect();
            assert_eq!(found, [0, 1, 2, 3, 4, 5, 6]);
        }
    }

    #[test]
    fn without_items_nothing_is_found() {
        let exact = Exact::new(Matrix::new(vec![], 3));
        let queries = Matrix::new(vec![1.0; 15], 3);
        assert_eq!(exact.search(&queries, &[4; 5]), vec![Vec::new(); 5]);
    }
}
