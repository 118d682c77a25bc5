//! The items that occur most often in the training examples.

use gloss_core::{Context, Data, Generator, History, Query, QueryGenerator, QueryKind, Result};

use crate::Popular;
use crate::amount::amount;

impl QueryGenerator for Popular {
    fn produces(&self) -> QueryKind {
        QueryKind::Items
    }

    fn open<'a>(&'a self, data: &'a Data, _: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        let all = by_popularity(&data.training_counts());
        Ok(Box::new(move |histories: &[History<'_>]| {
            let first = |history: &History<'_>| {
                let ranking = &all[..amount(self.count, history, all.len())];
                vec![Query::items(ranking.to_vec())]
            };
            Ok(histories.iter().map(first).collect())
        }))
    }
}

/// All items, most frequent first, equally frequent ones in catalogue order.
fn by_popularity(counts: &[u64]) -> Vec<(u32, f32)> {
    let smoothed_total = counts.iter().sum::<u64>() as f64 + counts.len() as f64;
    let mut items: Vec<(u32, u64)> = (0..).zip(counts.iter().copied()).collect();
    items.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let scored = items.into_iter().map(|(item, count)| {
        let probability = (count as f64 + 1.0) / smoothed_total;
        (item, probability.ln() as f32)
    });
    scored.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::tests::{generate, histories, items, ranking};
    use proptest::prelude::*;

    #[test]
    fn frequent_items_come_first_and_ties_in_catalogue_order() {
        let data = Data::of_histories(5, &[vec![3, 1, 3], vec![1, 4, 3], vec![]]).unwrap();
        let popular = Popular { count: 2 };
        let queries = generate(&popular, &data, 2);
        let told: Vec<_> = queries.iter().map(|queries| items(queries)).collect();
        assert_eq!(told, [vec![3, 1, 4, 0], vec![3, 1, 4, 0, 2], vec![3, 1]]);
        let probability = ranking(&queries[0])[0].1.exp();
        assert!((probability - 4.0 / 11.0).abs() < 1e-6);
    }

    #[test]
    fn probabilities_sum_to_one() {
        let all = by_popularity(&[0, 7, 2, 0, 1]);
        let sum: f32 = all.iter().map(|(_, score)| score.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn counts_never_rise_and_enough_unseen_items_remain(
            (items_in_catalogue, histories) in histories(),
            count in 1_usize..30,
        ) {
            let data = Data::of_histories(items_in_catalogue, &histories).unwrap();
            let counts = data.training_counts();
            let queries = generate(&Popular { count }, &data, 3);
            for (queries, history) in queries.iter().zip(&histories) {
                let told = items(queries);
                let place = |item: &u32| (std::cmp::Reverse(counts[*item as usize]), *item);
                prop_assert!(told.is_sorted_by(|a, b| place(a) < place(b)));
                let unseen_in_catalogue =
                    (0..items_in_catalogue as u32).filter(|i| !history.contains(i)).count();
                let unseen = told.iter().filter(|i| !history.contains(i)).count();
                prop_assert!(unseen >= count.min(unseen_in_catalogue));
            }
        }
    }
}
