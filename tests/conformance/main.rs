//! The laws of all components, held against every one that is compiled in; and components that
//! break them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faulty;
mod places;

use gloss as _;
use gloss_core::*;
use places::Places;
use serde_json::{Value, json};

/// The options with which a component is tried. Programs are tried where they are run, in
/// `tests/programs.rs`; tables where they are made, in `plugins/tabular/tests`.
fn options(entry: &Entry, places: &Places) -> Vec<Value> {
    match (entry.kind, entry.name.as_str()) {
        (_, "command" | "csv" | "jsonl" | "parquet") => vec![],
        (_, "amazon") => vec![places.shop()],
        (_, "precomputed") => vec![places.queries()],
        (_, "lis") => vec![json!({}), json!({"items": 3})],
        (_, "llama") => places.language_models(),
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

#[test]
fn every_component_keeps_the_laws() {
    let registry = Registry::compiled_in().unwrap();
    let places = Places::new();
    let mut broken = Vec::new();
    let ours = ["faulty", "untidy"];
    for entry in registry
        .entries()
        .filter(|entry| !ours.contains(&entry.name.as_str()))
    {
        // Some metrics cannot do without a cut-off, and some have none.
        let valid = |options: &Value| option_faults(&entry.schema, options).unwrap().is_empty();
        let mut all = options(entry, &places);
        all.retain(|options| entry.kind != Kind::Metric || valid(options));
        let elsewhere = ["command", "csv", "jsonl", "parquet"].contains(&entry.name.as_str());
        assert_eq!(all.is_empty(), elsewhere, "{}", entry.name);
        for options in all {
            if let Err(error) = assert_laws(entry, &options.to_string()) {
                broken.push(format!("{options}: {error}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// The laws that a component breaks.
fn broken(kind: Kind, name: &str, options: Value) -> Vec<&'static str> {
    let mut registry = Registry::new();
    faulty::register(&mut registry).unwrap();
    let entry = registry.get(kind, name, "").unwrap();
    let verdicts = check_laws(entry, options.as_object().unwrap()).unwrap();
    let broken = |verdict: &Verdict| matches!(verdict.outcome, Outcome::Broken(_));
    let laws = verdicts.iter().filter(|verdict| broken(verdict));
    laws.map(|verdict| verdict.law).collect()
}

/// What is told to break a law breaks it; what is told to break none breaks none.
#[track_caller]
fn found(kind: Kind, laws: &[(&str, &str)]) {
    let broken = |breaks: &str| broken(kind, "faulty", json!({ "breaks": breaks }));
    assert_eq!(broken("none"), [""; 0]);
    for (breaks, law) in laws {
        let broken = broken(breaks);
        assert!(broken.contains(law), "{breaks}: {broken:?}");
    }
}

#[test]
fn what_is_wrong_with_a_data_set_is_found() {
    let cases = "every case is within its user's history";
    let laws = [
        ("determinism", "equal files give equal data"),
        ("inputs", "the files that are read are told"),
        ("times", "every history is in the order of its times"),
        ("items", "every history is in the order of its times"),
        ("within", cases),
        ("targets", cases),
        ("order", cases),
        ("no cases", cases),
        ("cancelling", "work that is cancelled stops"),
    ];
    found(Kind::Dataset, &laws);
}

#[test]
fn what_is_wrong_with_a_generator_is_found() {
    let batches = "queries do not depend on the other histories of their batch";
    let kinds = "queries are of the kind that is declared, items in the catalogue";
    let laws = [
        ("determinism", "equal histories get equal queries"),
        ("batches", batches),
        ("order", batches),
        ("few", batches),
        ("kinds", kinds),
        ("catalogue", kinds),
        ("finite", kinds),
        ("empty", "an empty batch and an empty history are answered"),
        ("long", "histories longer than the catalogue are answered"),
        (
            "untrained",
            "data without training cases will do, or are refused",
        ),
        ("cancelling", "work that is cancelled stops"),
    ];
    found(Kind::Generator, &laws);
}

#[test]
fn what_is_wrong_with_a_retriever_is_found() {
    let laws = [
        ("determinism", "equal indexes give equal answers"),
        (
            "order",
            "hits are in order, ties in catalogue order, each item once",
        ),
        (
            "prefix",
            "the answer for a smaller k begins that for a larger one",
        ),
        ("many", "more hits than items can be asked for"),
        (
            "batches",
            "an answer does not depend on the other queries of its batch",
        ),
        ("panic", "an empty batch and empty queries are answered"),
        ("unicode", "queries in any script are answered"),
        (
            "empty catalogue",
            "an empty catalogue and one of a single item can be searched",
        ),
        ("reopening", "an index can be opened again, and elsewhere"),
        ("threads", "several threads can search at once"),
        (
            "stale",
            "an index of another catalogue is refused, or not used",
        ),
        ("damage", "a damaged index is refused"),
        ("cancelling", "work that is cancelled stops"),
    ];
    found(Kind::Retriever, &laws);
}

#[test]
fn what_is_wrong_with_a_metric_is_found() {
    let relevance = "a metric of relevance is least without a hit and greatest for the ideal";
    let laws = [
        ("determinism", "equal rankings get equal values"),
        (
            "range",
            "values are finite and within the range that is declared",
        ),
        (
            "empty",
            "no users, empty rankings and no relevant items are judged",
        ),
        (
            "independence",
            "a user's value does not depend on the others",
        ),
        ("cutoff", "items below the cut-off do not count"),
        ("worst", relevance),
        ("ideal", relevance),
        ("label", "it has a label and a formula"),
        ("formula", "it has a label and a formula"),
    ];
    found(Kind::Metric, &laws);
}

#[test]
fn what_is_wrong_with_options_is_found() {
    let broken = broken(Kind::Metric, "untidy", json!({}));
    let laws = [
        "the component and each option have a description",
        "options that do not exist are refused",
        "the options can be written, and read again",
        "its check is deterministic",
    ];
    assert_eq!(broken, laws);
}
