//! Dense retrieval through the binary, with a tiny encoder that comes with its tests.
#![cfg(feature = "libtorch")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::path::Path;

use common::Place;
use serde_json::{Value, json};

const EXPERIMENT: &str = r#"
metrics = ["recall@2"]
generator = "lis"

[dataset]
type = "amazon"
category = "Tiny"

[retriever]
type = "e5"
model = "MODEL"
device = "cpu"
prefix = { query = "query: ", passage = "passage: " }

[[method]]
name = "exact"

[[method]]
name = "trees"
retriever = { search = "arroy", prefix = "none" }

[[method]]
name = "both"
retriever = { type = "hybrid", retrievers = ["bm25", { type = "e5", model = "MODEL", device = "cpu", prefix = { query = "q: " } }] }

[[method]]
name = "lists"
retriever = { search = "ivf", ivf = { nlist = 2, nprobe = 2 } }
"#;

fn place() -> Place {
    let place = Place::with_tiny_shop();
    let model = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("plugins/torch/encoder/tests/golden/fixtures/bert");
    place.write(
        "e.toml",
        EXPERIMENT.replace("MODEL", model.to_str().unwrap()),
    );
    place
}

#[test]
fn prefixes_and_the_recall_of_an_approximate_search_are_shown_with_the_results() {
    let place = place();
    let ran = place.gloss(&["run", "e.toml", "--output", "out"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let metrics: Value = serde_json::from_str(&place.read("out/metrics.json")).unwrap();
    let told = |method: usize, name: &str| {
        let statistics = metrics["methods"][method]["index"].as_array().unwrap();
        let found = statistics
            .iter()
            .find(|statistic| statistic["name"] == name);
        found.map(|statistic| statistic["value"].clone())
    };
    let prefixes = json!("\"query: \" and \"passage: \"");
    let recall = "recall@10 against exact search";
    assert_eq!(told(0, "prefix"), Some(prefixes));
    assert_eq!(told(0, "similarity"), Some(json!("cosine")));
    assert_eq!(told(0, recall), None);
    assert_eq!(told(1, "prefix"), Some(json!("none")));
    assert_eq!(told(1, recall), Some(json!(1.0)));
    assert_eq!(told(2, "1-e5: prefix"), Some(json!("\"q: \" and \"\"")));
    assert_eq!(told(3, recall), Some(json!(1.0)));
    // With all lists an inverted file finds what an exact search does.
    let values = |method: usize| metrics["methods"][method]["metrics"].clone();
    assert_eq!(values(3), values(0));
    assert!(!values(0).is_null());
    for line in [
        "exact: prefix \"query: \" and \"passage: \"\n",
        "trees: prefix none\n",
        "trees: recall@10 against exact search 1.0000\n",
        "lists: recall@10 against exact search 1.0000\n",
        "both: 1-e5: prefix \"q: \" and \"\"\n",
    ] {
        assert!(ran.stdout.contains(line), "{line}{}", ran.stdout);
    }
}

#[test]
fn an_approximate_search_below_the_floor_is_refused() {
    let place = place();
    let one = [
        "run",
        "e.toml",
        "--set",
        "method.1.retriever.arroy.candidates=1",
    ];
    let ran = place.gloss(&one);
    ran.fails(2, &["the approximate search finds 0.250", "minimum_recall"]);
}
