//! The number of items per user.

use gloss_core::History;

/// As many as are needed for `count` items to remain once those of `history` are excluded, and no
/// more than the `catalogue` items that there are.
pub(crate) fn amount(count: usize, history: &History<'_>, catalogue: usize) -> usize {
    count
        .saturating_add(history.distinct_items().len())
        .min(catalogue)
}

/// Helpers for the tests of both generators.
#[cfg(test)]
pub(crate) mod tests {
    use gloss_core::{Context, Data, History, Query, QueryContent, QueryGenerator};
    use proptest::prelude::*;

    /// The queries for all histories of `data`, in batches of `batch` users.
    pub(crate) fn generate(
        component: &dyn QueryGenerator,
        data: &Data,
        batch: usize,
    ) -> Vec<Vec<Query>> {
        let histories: Vec<History<'_>> = (0..data.histories.len() as u32)
            .map(|user| data.histories.history(user))
            .collect();
        let context = Context::default();
        let mut generator = component.open(data, &context).unwrap();
        histories
            .chunks(batch)
            .flat_map(|batch| generator.generate(batch).unwrap())
            .collect()
    }

    /// A user's ranking, after checking that the scores are finite and never rise.
    pub(crate) fn ranking(queries: &[Query]) -> &[(u32, f32)] {
        let [query] = queries else {
            panic!("{} queries for one user", queries.len());
        };
        let QueryContent::Items(ranking) = &query.content else {
            panic!("{query:?} is no ranking");
        };
        assert!(ranking.iter().all(|(_, score)| score.is_finite()));
        assert!(ranking.is_sorted_by(|a, b| a.1 >= b.1));
        ranking
    }

    /// The items of a user's ranking.
    pub(crate) fn items(queries: &[Query]) -> Vec<u32> {
        ranking(queries).iter().map(|(item, _)| *item).collect()
    }

    /// Some histories over a small catalogue, whose size comes first.
    pub(crate) fn histories() -> impl Strategy<Value = (usize, Vec<Vec<u32>>)> {
        (1_usize..40).prop_flat_map(|items| {
            let history = prop::collection::vec(0..items as u32, 0..12);
            (Just(items), prop::collection::vec(history, 1..8))
        })
    }

    #[test]
    fn each_different_seen_item_adds_one() {
        let data = Data::of_histories(9, &[vec![3, 5, 3]]).unwrap();
        let amount = |count| super::amount(count, &data.histories.history(0), 9);
        assert_eq!([amount(2), amount(8), amount(usize::MAX)], [4, 9, 9]);
    }
}
