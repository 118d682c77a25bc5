//! Approximate search by arroy's trees.

use std::num::NonZeroUsize;

use arroy::distances::{Cosine, DotProduct};
use arroy::{Distance, Reader, Writer};
use gloss_core::{Context, Hit, Result, rank};
use gloss_dense::Matrix;
use gloss_encoder::Similarity;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rayon::prelude::*;

use crate::config::Trees as Options;
use crate::environment::Environment;

/// The one index in arroy's database.
const INDEX: u16 = 0;
/// Queries that one thread takes at once.
const QUERIES: usize = 32;
/// Items that are written in one transaction.
const ITEMS_AT_ONCE: usize = 1 << 15;

/// Trees in an environment, searched by inner product.
pub(crate) struct Trees<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) similarity: Similarity,
    /// Items that are scored for each query.
    pub(crate) candidates: usize,
}

/// Grows the trees of `items`, vectors that have length 1 where the similarity is the cosine.
pub(crate) fn build_trees(
    environment: &mut Environment,
    items: &Matrix,
    similarity: Similarity,
    options: &Options,
    context: &Context,
) -> Result<()> {
    match similarity {
        Similarity::Cosine => build::<Cosine>(environment, items, options, context),
        Similarity::InnerProduct => build::<DotProduct>(environment, items, options, context),
    }
}

/// The bytes that the trees of so many items may take, the items' own vectors among them.
pub(crate) fn room_of_trees(items: usize, dimensions: usize, options: &Options) -> usize {
    let vector = 4 * dimensions + 64;
    // Every split is a plane, and leaves are about half full.
    let splits = options
        .trees
        .saturating_mul(2 * items / options.split_after.max(1) + 1);
    let leaves = options.trees.saturating_mul(4 * items);
    items
        .saturating_add(splits)
        .saturating_mul(vector)
        .saturating_add(leaves)
}

fn build<D: Distance>(
    environment: &mut Environment,
    items: &Matrix,
    options: &Options,
    context: &Context,
) -> Result<()> {
    let mut writer = Writer::<D>::new(environment.create_trees()?, INDEX, items.dimensions());
    if let Some(folder) = environment.path().parent() {
        writer.set_tmpdir(folder);
    }
    // The vector of zeros has no direction, and arroy would find it near to everything.
    let rows: Vec<(u32, &[f32])> = (0..)
        .zip(items.rows())
        .filter(|(_, row)| row.iter().any(|x| *x != 0.0))
        .collect();
    for rows in rows.chunks(ITEMS_AT_ONCE) {
        context.check()?;
        environment.write(|txn| {
            rows.iter()
                .try_for_each(|(item, row)| writer.add_item(txn, *item, row))
        })?;
    }
    environment.write(|txn| {
        let mut random = ChaCha8Rng::seed_from_u64(options.seed);
        let mut builder = writer.builder(&mut random);
        builder
            .n_trees(options.trees)
            .split_after(options.split_after)
            .available_memory((options.memory * f64::from(1 << 30)) as usize)
            .cancel(|| context.check().is_err());
        builder.build(txn)
    })
}

impl Trees<'_> {
    /// As [`Exact::search`](gloss_dense::Exact::search), of the items that the trees lead to. How many
    /// are looked at does not depend on `k`, so that fewer hits are the first of more.
    pub(crate) fn search(&self, queries: &Matrix, k: &[usize]) -> Result<Vec<Vec<Hit>>> {
        match self.similarity {
            Similarity::Cosine => self.search_by::<Cosine>(queries, k, |d| 1.0 - 2.0 * d),
            Similarity::InnerProduct => self.search_by::<DotProduct>(queries, k, |d| d),
        }
    }

    fn search_by<D: Distance>(
        &self,
        queries: &Matrix,
        k: &[usize],
        score: fn(f32) -> f32,
    ) -> Result<Vec<Vec<Hit>>> {
        let database = self.environment.trees::<D>()?;
        let width = queries.dimensions();
        let answers: Result<Vec<Vec<Vec<Hit>>>> = queries
            .values()
            .par_chunks(QUERIES * width)
            .zip(k.par_chunks(QUERIES))
            .map(|(queries, k)| {
                self.environment.read(|txn| {
                    let reader = Reader::<D>::open(txn, INDEX, database)?;
                    let answers = queries.chunks_exact(width).zip(k);
                    answers
                        .map(|(query, k)| self.answer(&reader, txn, query, *k, score))
                        .collect()
                })
            })
            .collect();
        Ok(answers?.into_iter().flatten().collect())
    }

    fn answer<D: Distance>(
        &self,
        reader: &Reader<'_, D>,
        txn: &heed::RoTxn<'_, heed::WithoutTls>,
        query: &[f32],
        k: usize,
        score: fn(f32) -> f32,
    ) -> arroy::Result<Vec<Hit>> {
        if query.iter().all(|x| *x == 0.0) {
            let first = reader.item_ids().iter().take(k.min(self.candidates));
            return Ok(first.map(|item| Hit { item, score: 0.0 }).collect());
        }
        let mut search = reader.nns(self.candidates);
        if let Some(candidates) = NonZeroUsize::new(self.candidates) {
            search.search_k(candidates);
        }
        let found = search.by_vector(txn, query)?;
        let hits = found.into_iter().map(|(item, distance)| Hit {
            item,
            score: score(distance) + 0.0,
        });
        let mut hits: Vec<Hit> = hits.collect();
        rank(&mut hits, k);
        Ok(hits)
    }
}
