//! Conformance tests of every compiled-in component, and components that fail each of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faulty;
mod places;

use gloss as _;
use gloss_core::*;
use gloss_engine::{Outcome, Verdict, assert_invariants, check_invariants};
use gloss_schema::option_diagnostics;
use places::{Places, joined};
use serde_json::{Value, json};

/// Components that are tested where their programs, tables and servers are.
const ELSEWHERE: [&str; 7] = [
    "command",
    "csv",
    "jsonl",
    "milvus",
    "milvus-bm25",
    "openai",
    "parquet",
];

/// The options with which a component is tried.
fn options(entry: &Entry, places: &Places) -> Vec<Value> {
    match (entry.kind, entry.name.as_str()) {
        (_, name) if ELSEWHERE.contains(&name) => vec![],
        (_, "movielens") => vec![places.movies()],
        (_, "yelp") => vec![places.businesses()],
        (_, "amazon") => vec![places.shop()],
        (_, "precomputed") => vec![places.queries()],
        (_, "lis") => vec![json!({}), json!({"items": 3})],
        (_, "llama") => places.language_models(),
        (_, "sasrec") => ["strong", "original", "esasrec"].map(brief).to_vec(),
        (_, "bert4rec" | "hstu") => vec![brief("strong"), with_features("strong")],
        (_, "gru4rec") => vec![with_features("original")],
        (_, "fdsa") => vec![brief("original")],
        (_, "s3rec") => vec![joined(
            &brief("original"),
            &json!({"pretraining": {"num_train_epochs": 2}}),
        )],
        (_, "tiger") => vec![places.semantic_ids()],
        (_, "action-piece") => vec![joined(
            &places.semantic_ids(),
            &json!({"vocabulary_size": 120, "segmentations": 2}),
        )],
        (_, "e5") => places.encoders(),
        (_, "bm25") => {
            let variants = ["lucene", "robertson", "atire", "bm25l", "bm25+"];
            let options = |variant| json!({ "variant": variant });
            variants.map(options).to_vec()
        }
        (_, "hybrid") => {
            vec![json!({"retrievers": ["bm25", {"type": "bm25", "variant": "atire"}]})]
        }
        (Kind::Metric, _) => vec![json!({"k": 1}), json!({"k": 5}), json!({})],
        _ => vec![json!({})],
    }
}

/// A preset with a short training on the CPU.
fn brief(settings: &str) -> Value {
    json!({"settings": settings, "device": "cpu", "training": {"num_train_epochs": 3}})
}

/// The same with vectors of words and brands.
fn with_features(settings: &str) -> Value {
    joined(
        &brief(settings),
        &json!({"features": {"fields": ["brand"]}}),
    )
}

#[test]
fn every_component_passes() {
    let registry = Registry::compiled_in().unwrap();
    let places = Places::new();
    let mut failures = Vec::new();
    let ours = ["faulty", "untidy"];
    for entry in registry
        .entries()
        .filter(|entry| !ours.contains(&entry.name.as_str()))
    {
        // Some metrics cannot do without a cut-off, and some have none.
        let valid = |options: &Value| {
            option_diagnostics(&entry.schema, options)
                .unwrap()
                .is_empty()
        };
        let mut all = options(entry, &places);
        all.retain(|options| entry.kind != Kind::Metric || valid(options));
        let elsewhere = ELSEWHERE.contains(&entry.name.as_str());
        assert_eq!(all.is_empty(), elsewhere, "{}", entry.name);
        for options in all {
            if let Err(error) = assert_invariants(entry, &options.to_string()) {
                failures.push(format!("{options}: {error}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Returns the invariants that a component fails.
fn failing(kind: Kind, name: &str, options: Value) -> Vec<&'static str> {
    let mut registry = Registry::new();
    faulty::register(&mut registry).unwrap();
    let entry = registry.get(kind, name, "").unwrap();
    let verdicts = check_invariants(entry, options.as_object().unwrap()).unwrap();
    let failed = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Fail(_));
    let invariants = verdicts.iter().filter(|verdict| failed(verdict));
    invariants.map(|verdict| verdict.invariant).collect()
}

/// Asserts that a component with a fault fails the invariant of that fault, and none without it.
#[track_caller]
fn found(kind: Kind, invariants: &[(&str, &str)]) {
    let failing = |breaks: &str| failing(kind, "faulty", json!({ "breaks": breaks }));
    assert_eq!(failing("none"), [""; 0]);
    for (breaks, invariant) in invariants {
        let failing = failing(breaks);
        assert!(failing.contains(invariant), "{breaks}: {failing:?}");
    }
}

#[test]
fn what_is_wrong_with_a_data_set_is_found() {
    let cases = "every example is within its user's history";
    let invariants = [
        ("determinism", "equal files give equal data"),
        ("inputs", "all files that are read are listed as inputs"),
        ("times", "every history is ordered by time"),
        ("items", "every history is ordered by time"),
        ("within", cases),
        ("targets", cases),
        ("order", cases),
        ("no cases", cases),
        ("cancelling", "cancelled work stops"),
    ];
    found(Kind::Dataset, &invariants);
}

#[test]
fn what_is_wrong_with_a_generator_is_found() {
    let batches = "queries do not depend on the other histories of their batch";
    let kinds = "queries are of the declared kind, with items of the catalogue";
    let invariants = [
        ("determinism", "equal histories get equal queries"),
        ("batches", batches),
        ("order", batches),
        ("few", batches),
        ("kinds", kinds),
        ("rankings", kinds),
        ("catalogue", kinds),
        ("finite", kinds),
        ("empty", "an empty batch and an empty history are accepted"),
        ("long", "histories longer than the catalogue are accepted"),
        (
            "untrained",
            "data without training examples is accepted, or is a user error",
        ),
        ("cancelling", "cancelled work stops"),
    ];
    found(Kind::Generator, &invariants);
}

#[test]
fn what_is_wrong_with_a_retriever_is_found() {
    let invariants = [
        ("determinism", "equal indexes give equal answers"),
        (
            "order",
            "hits are in order, ties in catalogue order, each item once",
        ),
        (
            "prefix",
            "the answer for a smaller k is the beginning of that for a larger k",
        ),
        ("many", "more hits than there are items can be requested"),
        (
            "batches",
            "an answer does not depend on the other queries of its batch",
        ),
        ("panic", "an empty batch and empty queries are accepted"),
        ("unicode", "queries in any script are accepted"),
        (
            "empty catalogue",
            "an empty catalogue and one of a single item can be searched",
        ),
        (
            "reopening",
            "an index can be opened again, and after it was moved",
        ),
        ("threads", "several threads can search at once"),
        (
            "stale",
            "an index of another catalogue is rejected, or not used",
        ),
        ("damage", "a damaged index is rejected"),
        ("cancelling", "cancelled work stops"),
    ];
    found(Kind::Retriever, &invariants);
}

#[test]
fn what_is_wrong_with_a_metric_is_found() {
    let relevance = "a relevance metric is lowest without a hit and highest for the ideal ranking";
    let invariants = [
        ("determinism", "equal rankings get equal values"),
        ("range", "values are finite and within the declared range"),
        (
            "empty",
            "no users, empty rankings and no relevant items are accepted",
        ),
        (
            "independence",
            "a user's value does not depend on the others",
        ),
        ("cutoff", "items below the cut-off have no effect"),
        ("worst", relevance),
        ("ideal", relevance),
        ("label", "it has a label and a formula"),
        ("formula", "it has a label and a formula"),
    ];
    found(Kind::Metric, &invariants);
}

#[test]
fn what_is_wrong_with_options_is_found() {
    let failing = failing(Kind::Metric, "untidy", json!({}));
    let invariants = [
        "the component and each option have a description",
        "unknown options are rejected",
        "the options survive a round trip through JSON",
        "checking the options is deterministic",
        "an empty table has the same values as no table",
    ];
    assert_eq!(failing, invariants);
}
