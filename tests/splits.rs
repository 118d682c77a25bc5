//! Splits and the order at one time, on real data and through the command.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Place, real_data};
use serde::Deserialize;
use serde_json::Value;

/// A temporal split made with pandas, and Last Item Search on it by bm25s.
#[derive(Deserialize)]
struct Golden {
    category: String,
    drop: bool,
    unseen_items: u64,
    unseen_users: u64,
    /// The numbers of training, validation and test examples.
    examples: [u64; 3],
    items: u64,
    fingerprint: String,
    /// Recall@5 and nDCG@5.
    lis: [f64; 2],
}

fn run(place: &Place, category: &str, settings: &[&str]) -> Value {
    let folder = real_data().join("amazon2014");
    let base = [
        format!("dataset.category={category}"),
        format!("dataset.folder={:?}", folder.to_str().unwrap()),
        "ranking.seen=exclude".to_string(),
    ];
    let mut line = vec!["run", "--json", "--dataset", "amazon", "--generator", "lis"];
    line.extend(["--retriever", "bm25", "--metric", "recall@5,ndcg@5"]);
    for setting in base
        .iter()
        .map(String::as_str)
        .chain(settings.iter().copied())
    {
        line.extend(["--set", setting]);
    }
    place.gloss(&line).json()["results"].clone()
}

fn count(results: &Value, what: &str) -> u64 {
    let counts = results["data"]["counts"].as_array().unwrap();
    let found = counts.iter().find(|count| count[0] == what);
    found.unwrap_or_else(|| panic!("no count of {what}"))[1]
        .as_u64()
        .unwrap()
}

#[test]
#[ignore = "needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn amazon_temporal_splits_and_their_figures_are_those_of_pandas_and_bm25s() {
    let golden: Vec<Golden> = serde_json::from_str(include_str!("golden/temporal.json")).unwrap();
    assert_eq!(golden.len(), 4);
    for golden in golden {
        let place = Place::new();
        let choice = if golden.drop { "drop" } else { "keep" };
        let results = run(
            &place,
            &golden.category,
            &[
                "dataset.split.strategy=temporal",
                "dataset.split.test_share=0.1",
                &format!("dataset.split.unseen_users={choice}"),
                &format!("dataset.split.unseen_items={choice}"),
            ],
        );
        let audit = &results["audit"];
        assert_eq!(
            audit["fingerprint"], golden.fingerprint,
            "{} {choice}",
            golden.category
        );
        assert_eq!(audit["items"], golden.items);
        let [_, validation, test] = golden.examples;
        assert_eq!(count(&results, "validation users evaluated"), validation);
        assert_eq!(results["methods"][0]["users"], test);
        let items = "interactions to validate or test on with items that training does not have";
        assert_eq!(count(&results, items), golden.unseen_items);
        assert_eq!(
            count(&results, "users without an interaction to train on"),
            golden.unseen_users
        );
        for (metric, expected) in results["methods"][0]["metrics"]
            .as_array()
            .unwrap()
            .iter()
            .zip(golden.lis)
        {
            let value = metric["value"].as_f64().unwrap();
            assert!((value - expected).abs() < 1e-6, "{metric} {expected}");
        }
    }
}

/// In the files of Amazon 2014, the purchases of one day stand in the order of identifiers.
#[test]
#[ignore = "needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn amazon_order_within_a_day_is_that_of_identifiers_and_decides_figures() {
    let place = Place::new();
    let file = run(&place, "Beauty", &[]);
    let by_id = run(&place, "Beauty", &["dataset.split.same_day=id"]);
    let shuffled = run(&place, "Beauty", &["dataset.split.same_day=shuffle"]);
    assert_eq!(file["audit"], by_id["audit"]);
    assert_ne!(
        file["audit"]["fingerprint"],
        shuffled["audit"]["fingerprint"]
    );
    assert_eq!(file["audit"]["targets_at_the_time_before"], 9_721);
    assert_eq!(shuffled["audit"]["targets_at_the_time_before"], 9_721);
    let ndcg = |results: &Value| {
        results["methods"][0]["metrics"][1]["value"]
            .as_f64()
            .unwrap()
    };
    // Measured before with the lines of the file shuffled: 0.0319.
    assert!(
        (ndcg(&shuffled) - 0.0319).abs() < 0.0006,
        "{}",
        ndcg(&shuffled)
    );
    assert!((ndcg(&file) - 0.036308).abs() < 1e-6);
}

#[test]
fn options_of_another_strategy_are_refused_before_anything_is_read() {
    Place::with_tiny_shop().refuses(&[
        (
            "dataset.split.test_from=2014-01-01",
            &["dataset.split.test_from", "strategy = \"temporal\""],
        ),
        (
            "dataset.split.same_day_seed=3",
            &["dataset.split.same_day_seed", "same_day = \"shuffle\""],
        ),
        (
            "dataset.split.strategy=temporel",
            &["temporal", "dataset.split.strategy"],
        ),
    ]);
}
