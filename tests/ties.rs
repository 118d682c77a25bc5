//! The values of metrics over the orders of equal scores.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::Place;
use serde_json::{Value, json};

#[test]
fn a_run_with_equal_scores_is_evaluated_with_its_range() {
    let place = Place::new();
    place.write(
        "run.trec",
        "u Q0 a 1 2 x\nu Q0 b 2 2 x\nv Q0 a 1 2 x\nv Q0 b 2 1 x\n",
    );
    place.write("qrels.trec", "u 0 b 1\nv 0 a 1\n");
    let line = [
        "evaluate",
        "run.trec",
        "qrels.trec",
        "--metric",
        "recall@1,mrr,recall@2",
    ];
    let told = place.gloss(&[&line[..], &["--json"]].concat()).json();
    let ties: Vec<&Value> = told["metrics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|metric| &metric["ties"])
        .collect();
    assert_eq!(
        ties,
        [
            &json!({"low": 0.5, "high": 1.0}),
            &json!({"low": 0.75, "high": 1.0}),
            &Value::Null
        ]
    );
    // Equal in single precision, in which trec_eval compares.
    place.write(
        "close.trec",
        "u Q0 a 1 2.00000001 x\nu Q0 b 2 2 x\nv Q0 a 1 2 x\n",
    );
    let ties = |rule: &str| {
        let line = [
            "evaluate",
            "close.trec",
            "qrels.trec",
            "--metric",
            "recall@1",
            "--json",
            "--ties",
            rule,
        ];
        place.gloss(&line).json()["metrics"][0]["ties"].clone()
    };
    assert_eq!(ties("file"), Value::Null);
    assert_eq!(ties("trec-eval"), json!({"low": 0.5, "high": 1.0}));
    let text = place.gloss(&line).stdout;
    assert!(
        text.contains(
            "over all orders of equal scores, recall@1 0.5000 to 1.0000, mrr 0.7500 to 1.0000"
        ),
        "{text}"
    );
}
