//! Approximate search by inverted lists.
//!
//! Queries that look at the same list are multiplied with its items together, so that a batch of
//! queries reads each list once and the work is that of matrix products.

use gloss_core::{Context, Hit, Result, Unit, rank};
use gloss_dense::{Best, Exact, FEW, Matrix, ROWS, dot, margin, product};
use rayon::prelude::*;

use super::kmeans::{assign, centroids};
use crate::config::Ivf;

/// The most queries of one thread that share the reading of lists.
const QUERIES: usize = 1024;

/// The list that each item is in, and the centroids of the lists.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Partition {
    pub(crate) centroids: Matrix,
    /// By position of the item.
    pub(crate) list: Vec<u32>,
}

impl Partition {
    /// Divides items into lists by k-means.
    ///
    /// # Errors
    /// If the work is interrupted.
    pub(crate) fn of(items: &Matrix, options: &Ivf, context: &Context) -> Result<Self> {
        let exact = Exact::new(centroids(items, options, context)?);
        let task = context.task("Filling the lists", Some(items.len() as u64), Unit::Count);
        let list = assign(items, &exact, |count| task.advance(count as u64))?;
        Ok(Partition {
            centroids: exact.into_items(),
            list,
        })
    }
}

/// Vectors in lists in memory, searched approximately by inner product.
#[derive(Debug)]
pub struct InvertedLists {
    centroids: Exact,
    /// The vectors, list by list.
    items: Matrix,
    /// The positions of these vectors in the catalogue.
    positions: Vec<u32>,
    /// The first vector of each list, and the end of the last.
    starts: Vec<usize>,
    largest_norm: f32,
}

impl InvertedLists {
    /// Divides `items`, vectors that have length 1 where the similarity is the cosine, into lists.
    ///
    /// # Errors
    /// If the work is interrupted.
    pub fn build(items: &Matrix, options: &Ivf, context: &Context) -> Result<Self> {
        Ok(Self::new(items, Partition::of(items, options, context)?))
    }

    /// Makes lists searchable, in which every item has a list that there is.
    pub(crate) fn new(items: &Matrix, partition: Partition) -> Self {
        let mut starts = vec![0; partition.centroids.len() + 1];
        for list in &partition.list {
            starts[*list as usize + 1] += 1;
        }
        for list in 1..starts.len() {
            starts[list] += starts[list - 1];
        }
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|position| partition.list[*position]);
        InvertedLists {
            centroids: Exact::new(partition.centroids),
            items: items.select(&order),
            positions: order.into_iter().map(|position| position as u32).collect(),
            starts,
            largest_norm: items.largest_norm(),
        }
    }

    /// As [`Exact::search`], of the items in the `nprobe` lists that are nearest to a query. They do
    /// not depend on `k`, so that fewer hits are the first of more.
    pub fn search(&self, queries: &Matrix, k: &[usize], nprobe: usize) -> Vec<Vec<Hit>> {
        assert_eq!(queries.len(), k.len());
        let share = queries.len().div_ceil(rayon::current_num_threads());
        let share = share.clamp(1, QUERIES);
        let width = queries.dimensions();
        let blocks = queries.values().par_chunks(share * width);
        let answers = blocks
            .zip(k.par_chunks(share))
            .flat_map_iter(|(queries, k)| {
                let queries = Matrix::new(queries.to_vec(), width);
                self.search_block(&queries, k, nprobe)
            });
        answers.collect()
    }

    fn search_block(&self, queries: &Matrix, k: &[usize], nprobe: usize) -> Vec<Vec<Hit>> {
        let most = self.items.len().max(1);
        let mut best: Vec<Best> = queries
            .rows()
            .zip(k)
            .map(|(query, k)| Best::new((*k).clamp(1, most), margin(query, self.largest_norm)))
            .collect();
        let nearest = self.centroids.search(queries, &vec![nprobe; k.len()]);
        let mut visits: Vec<(u32, usize)> = (0..)
            .zip(&nearest)
            .flat_map(|(query, lists)| lists.iter().map(move |list| (list.item, query)))
            .collect();
        visits.sort_unstable();
        for visits in visits.chunk_by(|a, b| a.0 == b.0) {
            self.visit(visits, queries, &mut best);
        }
        best.into_iter()
            .zip(queries.rows())
            .zip(k)
            .map(|((best, query), k)| self.answer(query, best.into_candidates(), *k))
            .collect()
    }

    /// Scores the items of one list for all queries that look at it.
    fn visit(&self, visits: &[(u32, usize)], queries: &Matrix, best: &mut [Best]) {
        let list = visits[0].0 as usize;
        let (start, end) = (self.starts[list], self.starts[list + 1]);
        let width = self.items.dimensions();
        let asked: Vec<f32> = match visits.len() <= FEW {
            true => Vec::new(),
            false => visits
                .iter()
                .flat_map(|(_, query)| queries.row(*query))
                .copied()
                .collect(),
        };
        let mut scores = vec![0.0; ROWS * visits.len()];
        let rows = &self.items.values()[start * width..end * width];
        for (block, rows) in (start..).step_by(ROWS).zip(rows.chunks(ROWS * width)) {
            let height = rows.len() / width;
            let scores = &mut scores[..height * visits.len()];
            match asked.is_empty() {
                true => {
                    for (scores, visit) in scores.chunks_exact_mut(height).zip(visits) {
                        let query = queries.row(visit.1);
                        for (score, row) in scores.iter_mut().zip(rows.chunks_exact(width)) {
                            *score = dot(query, row);
                        }
                    }
                }
                false => product(rows, &asked, width, scores),
            }
            for (scores, visit) in scores.chunks_exact(height).zip(visits) {
                best[visit.1].offer(block as u32, scores);
            }
        }
    }

    /// The best `k` of the candidates by the one true score, as positions in the catalogue.
    fn answer(&self, query: &[f32], mut candidates: Vec<Hit>, k: usize) -> Vec<Hit> {
        if query.iter().all(|x| *x == 0.0) {
            // Everything is as far from a query without direction: the first items are found.
            let first = 0..self.items.len().min(k) as u32;
            return first.map(|item| Hit { item, score: 0.0 }).collect();
        }
        for hit in &mut candidates {
            let at = hit.item as usize;
            hit.item = self.positions[at];
            hit.score = dot(query, self.items.row(at));
        }
        rank(&mut candidates, k);
        candidates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vectors(count: impl Into<prop::collection::SizeRange>) -> BoxedStrategy<Matrix> {
        let row = prop::collection::vec(-2i8..3, 5);
        prop::collection::vec(row, count)
            .prop_map(|rows| {
                let values = rows.concat().into_iter().map(|x| f32::from(x) / 3.0);
                Matrix::new(values.collect(), 5)
            })
            .boxed()
    }

    fn build(items: &Matrix, nlist: usize) -> InvertedLists {
        let options = Ivf {
            nlist: Some(nlist),
            ..Ivf::default()
        };
        InvertedLists::build(items, &options, &Context::default()).unwrap()
    }

    proptest! {
        #[test]
        fn with_all_lists_it_finds_what_exact_search_finds(
            (items, queries) in (vectors(0..400), vectors(0..9)), nlist in 1usize..30, k in 0usize..40,
        ) {
            let k = vec![k; queries.len()];
            let found = build(&items, nlist).search(&queries, &k, 30);
            prop_assert_eq!(found, Exact::new(items).search(&queries, &k));
        }

        #[test]
        fn an_answer_depends_on_its_query_alone_and_fewer_hits_are_the_first_of_more(
            (items, queries) in (vectors(1..400), vectors(1..30)), nlist in 1usize..30, nprobe in 1usize..9,
        ) {
            let lists = build(&items, nlist);
            let together = lists.search(&queries, &vec![20; queries.len()], nprobe);
            for (query, found) in queries.rows().zip(&together) {
                let alone = Matrix::new(query.to_vec(), 5);
                let few = &lists.search(&alone, &[7], nprobe)[0];
                prop_assert_eq!(&found[..found.len().min(7)], &few[..]);
            }
        }
    }

    #[test]
    fn without_items_or_queries_nothing_is_found() {
        let none = Matrix::new(Vec::new(), 3);
        let some = Matrix::new(vec![1.0; 6], 3);
        assert_eq!(build(&none, 4).search(&some, &[4; 2], 2), [[], []]);
        assert!(build(&some, 4).search(&none, &[], 2).is_empty());
    }

    #[test]
    fn the_nearest_lists_alone_are_looked_at() {
        let items = Matrix::new([[1.0, 0.0], [0.0, 1.0]].repeat(50).concat(), 2);
        let query = Matrix::new(vec![0.9, 0.1], 2);
        let lists = build(&items, 2);
        let found = &lists.search(&query, &[80], 1)[0];
        assert_eq!(found.len(), 50);
        assert!(found.iter().all(|hit| hit.item % 2 == 0));
        assert_eq!(lists.search(&query, &[80], 2)[0].len(), 80);
    }
}
