//! What sequential rules promise, and the scores of session-rec, which defines them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a test fails by panicking"
)]

use gloss_core::{Context, Data, History, Query, QueryContent, QueryGenerator};
use gloss_rules::SequentialRules;
use proptest::prelude::*;
use serde::Deserialize;

fn data(items: usize, histories: &[Vec<u32>]) -> Data {
    Data::of_histories(items, histories).unwrap()
}

/// Items and their log-probabilities, for each history of the data.
fn answers(component: &SequentialRules, data: &Data) -> Vec<Vec<(u32, f32)>> {
    let histories: Vec<History<'_>> = (0..data.histories.len() as u32)
        .map(|user| data.histories.history(user))
        .collect();
    let context = Context::default();
    let mut generator = component.open(data, &context).unwrap();
    let answers = generator.generate(&histories).unwrap();
    let ranking = |queries: Vec<Query>| match queries.into_iter().next().map(|q| q.content) {
        Some(QueryContent::Items(ranking)) => ranking,
        Some(other) => panic!("{other:?} is no ranking"),
        None => Vec::new(),
    };
    answers.into_iter().map(ranking).collect()
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
    let items =
        |answers: &[(u32, f32)]| -> Vec<u32> { answers.iter().map(|(item, _)| *item).collect() };
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

#[derive(Deserialize)]
struct Golden {
    items: usize,
    histories: Vec<Vec<u32>>,
    cases: Vec<Options>,
}

#[derive(Deserialize)]
struct Options {
    distance: usize,
    items: usize,
    /// Of each history, the share of all items.
    shares: Vec<Vec<f64>>,
}

#[test]
fn shares_of_all_items_are_those_of_session_rec() {
    let golden: Golden = serde_json::from_str(include_str!("golden/session_rec.json")).unwrap();
    let data = data(golden.items, &golden.histories);
    for case in &golden.cases {
        let rules = SequentialRules {
            count: golden.items,
            distance: case.distance,
            items: case.items,
            popularity_exponent: 0.0,
        };
        for (answers, expected) in answers(&rules, &data).iter().zip(&case.shares) {
            let mut shares = vec![0.0; golden.items];
            for (item, log) in answers {
                shares[*item as usize] = f64::from(*log).exp();
            }
            for (share, expected) in shares.iter().zip(expected) {
                assert!((share - expected).abs() < 1e-6, "{share} and {expected}");
            }
        }
    }
}
