//! Scores equal those of session-rec, which defines the rules.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

use gloss_core::{
    Case, Catalogue, Context, Data, Histories, History, Item, QueryContent, QueryGenerator,
};
use gloss_rules::SequentialRules;
use serde::Deserialize;

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

fn data(golden: &Golden) -> Data {
    let item = |position| Item {
        id: format!("id{position}"),
        ..Item::default()
    };
    let catalogue = (0..golden.items).map(item).collect();
    let mut data = Data {
        catalogue: Catalogue::new(catalogue, vec![]).unwrap(),
        histories: Histories::new(),
        ..Data::default()
    };
    for (user, history) in (0..).zip(&golden.histories) {
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

#[test]
fn shares_of_all_items_are_those_of_session_rec() {
    let golden: Golden = serde_json::from_str(include_str!("golden/session_rec.json")).unwrap();
    let data = data(&golden);
    let histories: Vec<History<'_>> = (0..golden.histories.len() as u32)
        .map(|user| data.histories.history(user))
        .collect();
    for case in &golden.cases {
        let rules = SequentialRules {
            count: golden.items,
            distance: case.distance,
            items: case.items,
            popularity_exponent: 0.0,
        };
        let context = Context::default();
        let mut generator = rules.open(&data, &context).unwrap();
        let answers = generator.generate(&histories).unwrap();
        for (answers, expected) in answers.iter().zip(&case.shares) {
            let mut shares = vec![0.0; golden.items];
            for query in answers {
                let QueryContent::Item(item) = query.content else {
                    panic!("{query:?} is not an item");
                };
                shares[item as usize] = f64::from(query.log_probability).exp();
            }
            for (share, expected) in shares.iter().zip(expected) {
                assert!((share - expected).abs() < 1e-6, "{share} and {expected}");
            }
        }
    }
}
