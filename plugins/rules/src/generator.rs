//! From histories to what their items lead to.

use gloss_core::{Context, Data, Generator, History, Query, QueryGenerator, QueryKind, Result};
use rayon::prelude::*;

use crate::SequentialRules;
use crate::rules::Rules;

impl QueryGenerator for SequentialRules {
    fn produces(&self) -> QueryKind {
        QueryKind::Item
    }

    fn open<'a>(&'a self, data: &'a Data, _: &'a Context) -> Result<Box<dyn Generator + 'a>> {
        let counts = data.training_counts();
        let worth = |item: u32| (counts[item as usize] as f64).powf(-self.popularity_exponent);
        let rules = Rules::count(data, self.distance, worth);
        Ok(Box::new(move |histories: &[History<'_>]| {
            Ok(histories
                .par_iter()
                .map(|history| self.queries(history, &rules))
                .collect())
        }))
    }
}

impl SequentialRules {
    fn queries(&self, history: &History<'_>, rules: &Rules) -> Vec<Query> {
        let newest_first = history.items.iter().rev().take(self.items).copied();
        let scores = rules.scores(newest_first);
        let mut ranked: Vec<(u32, f64)> = scores.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let total: f64 = ranked.iter().map(|(_, score)| score).sum();
        let mut seen = history.items.to_vec();
        seen.sort_unstable();
        seen.dedup();
        ranked.truncate(self.count.saturating_add(seen.len()));
        ranked
            .into_iter()
            .map(|(item, score)| Query::item(item, (score / total).ln() as f32))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gloss_core::{Case, Catalogue, Histories, Item, QueryContent};
    use proptest::prelude::*;

    /// A data set of `items` items and the given histories, all of them training cases.
    fn data(items: usize, histories: &[Vec<u32>]) -> Data {
        let catalogue = (0..items)
            .map(|position| Item {
                id: format!("id{position}"),
                ..Item::default()
            })
            .collect();
        let mut data = Data {
            catalogue: Catalogue::new(catalogue, vec![]).unwrap(),
            histories: Histories::new(),
            ..Data::default()
        };
        for (user, history) in (0..).zip(histories) {
            let events = history.iter().map(|&item| (item, 0, f32::NAN));
            data.histories.push(format!("u{user}"), events);
            data.splits.train.push(Case {
                user,
                history: history.len() as u32,
                targets: 0,
            });
        }
        data
    }

    /// Items and their log-probabilities, for each history of the data.
    fn answers(component: &SequentialRules, data: &Data) -> Vec<Vec<(u32, f32)>> {
        let histories: Vec<History<'_>> = (0..data.histories.len() as u32)
            .map(|user| data.histories.history(user))
            .collect();
        let context = Context::default();
        let mut generator = component.open(data, &context).unwrap();
        let answers = generator.generate(&histories).unwrap();
        let pair = |query: Query| match query.content {
            QueryContent::Item(item) => (item, query.log_probability),
            other => panic!("{other:?} is not an item"),
        };
        let pairs = |queries: Vec<Query>| queries.into_iter().map(pair).collect();
        answers.into_iter().map(pairs).collect()
    }

    #[test]
    fn near_purchases_and_new_ones_count_most() {
        // Rules: 0→1 1, 0→2 1/2 + 1, 1→2 1; and 2→0 of the third.
        let data = data(4, &[vec![0, 1, 2], vec![0, 2], vec![2, 0]]);
        let told = &answers(&SequentialRules::default(), &data)[2];
        // From 0, the newest: 1 and 3/2; from 2, halved: 0 for 1/2.
        let shares = [(2, 1.5 / 3.0), (1, 1.0 / 3.0), (0, 0.5 / 3.0)];
        assert_eq!(told.len(), shares.len());
        for ((item, log), (expected, share)) in told.iter().zip(shares) {
            assert_eq!(*item, expected);
            assert!((log.exp() - share).abs() < 1e-6, "{told:?}");
        }
    }

    #[test]
    fn options_limit_what_is_looked_at() {
        let data = data(5, &[vec![0, 1, 2, 3], vec![3, 4], vec![3, 0]]);
        let near = SequentialRules {
            distance: 1,
            items: 1,
            ..SequentialRules::default()
        };
        let items = |answers: &[(u32, f32)]| -> Vec<u32> {
            answers.iter().map(|(item, _)| *item).collect()
        };
        let told = answers(&near, &data);
        assert_eq!(items(&told[0]), [0, 4], "ties in catalogue order");
        assert_eq!(items(&told[1]), [0; 0], "nothing follows 4");
        assert_eq!(items(&told[2]), [1]);
    }

    #[test]
    fn popularity_may_count_against_an_item() {
        let data = data(
            3,
            &[
                vec![0, 1],
                vec![0, 1],
                vec![0, 2],
                vec![1],
                vec![1],
                vec![1],
            ],
        );
        let first = |popularity_exponent| {
            let rules = SequentialRules {
                popularity_exponent,
                ..SequentialRules::default()
            };
            answers(&rules, &data)[2][0].0
        };
        assert_eq!([first(0.0), first(1.0)], [1, 2]);
    }

    proptest! {
        #[test]
        fn the_order_of_users_does_not_matter_and_scores_fall(
            mut histories in prop::collection::vec(prop::collection::vec(0_u32..12, 0..9), 1..9),
            count in 1_usize..15,
            popularity_exponent in 0.0..1.0,
        ) {
            let rules = SequentialRules { count, popularity_exponent, ..SequentialRules::default() };
            let mut told = answers(&rules, &data(12, &histories));
            for (answers, history) in told.iter().zip(&histories) {
                prop_assert!(answers.is_sorted_by(|a, b| a.1 > b.1 || (a.1 == b.1 && a.0 != b.0)));
                prop_assert!(answers.iter().all(|(_, log)| log.is_finite() && *log <= 1e-6));
                prop_assert!(answers.len() <= count + history.len());
            }
            histories.reverse();
            told.reverse();
            prop_assert_eq!(told, answers(&rules, &data(12, &histories)));
        }
    }
}
