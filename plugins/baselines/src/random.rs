//! Items that chance gives.

use gloss_core::{Context, Data, Generator, History, Query, QueryGenerator, QueryKind, Result};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha12Rng;

use crate::Random;
use crate::amount::amount;

impl QueryGenerator for Random {
    fn produces(&self) -> QueryKind {
        QueryKind::Items
    }

    fn open<'a>(&'a self, data: &'a Data, _: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        let catalogue = data.catalogue.len();
        Ok(Box::new(move |histories: &[History<'_>]| {
            Ok(histories
                .iter()
                .map(|history| self.draw(history, catalogue))
                .collect())
        }))
    }
}

impl Random {
    fn draw(&self, history: &History<'_>, catalogue: usize) -> Vec<Query> {
        let amount = amount(self.count, history, catalogue);
        let drawn = index::sample(&mut self.generator_of(history.user), catalogue, amount);
        let ranking = drawn
            .into_iter()
            .zip(1_u32..)
            .map(|(item, rank)| (item as u32, f64::from(rank).recip().ln() as f32));
        vec![Query::items(ranking.collect())]
    }

    /// A generator for one user, so that batches and their order do not matter.
    fn generator_of(&self, user: &str) -> ChaCha12Rng {
        let hash = blake3::Hasher::new()
            .update(&self.seed.to_le_bytes())
            .update(user.as_bytes())
            .finalize();
        ChaCha12Rng::from_seed(hash.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::tests::{generate, histories, items};
    use proptest::prelude::*;

    #[test]
    fn every_item_is_about_as_likely_at_every_rank() {
        const ITEMS: usize = 8;
        const USERS: usize = 4000;
        let data = Data::of_histories(ITEMS, &vec![vec![]; USERS]).unwrap();
        let random = Random {
            count: ITEMS,
            ..Random::default()
        };
        let mut counts = [[0_u32; ITEMS]; ITEMS];
        for queries in generate(&random, &data, 512) {
            for (rank, item) in items(&queries).into_iter().enumerate() {
                counts[rank][item as usize] += 1;
            }
        }
        let expected = (USERS / ITEMS) as f64;
        let deviation = 6.0 * expected.sqrt();
        for count in counts.as_flattened() {
            assert!(
                (f64::from(*count) - expected).abs() < deviation,
                "{counts:?}"
            );
        }
    }

    #[test]
    fn another_seed_gives_other_items() {
        let data = Data::of_histories(1000, &[vec![]]).unwrap();
        let draw = |seed| generate(&Random { count: 20, seed }, &data, 1);
        assert_ne!(draw(1), draw(2));
    }

    proptest! {
        #[test]
        fn draws_are_without_replacement_and_independent_of_batches(
            (items_in_catalogue, histories) in histories(),
            count in 1_usize..30,
            seed: u64,
            batch in 1_usize..9,
        ) {
            let data = Data::of_histories(items_in_catalogue, &histories).unwrap();
            let random = Random { count, seed };
            let queries = generate(&random, &data, batch);
            prop_assert_eq!(&queries, &generate(&random, &data, 1));
            for (queries, history) in queries.iter().zip(&histories) {
                let mut told = items(queries);
                let mut seen = history.clone();
                seen.sort_unstable();
                seen.dedup();
                prop_assert_eq!(told.len(), (count + seen.len()).min(items_in_catalogue));
                told.sort_unstable();
                told.dedup();
                prop_assert_eq!(told.len(), items(queries).len());
                prop_assert!(told.iter().all(|&item| (item as usize) < items_in_catalogue));
            }
        }
    }
}
