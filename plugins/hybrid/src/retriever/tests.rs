use gloss_bm25 as _;
use gloss_core::{Item, Query, Registry, describe_component};
use serde_json::{Value, json};

use super::*;

fn hybrid(options: Value) -> Hybrid {
    serde_json::from_value(options).unwrap()
}

fn diagnostics(options: Value) -> Vec<String> {
    let diagnostics = hybrid(options).check();
    diagnostics.iter().map(Diagnostic::to_string).collect()
}

fn catalogue() -> Catalogue {
    let texts = [
        "red lip balm",
        "blue lip balm",
        "red shoe",
        "shoe lace",
        "lip",
    ];
    let item = |(at, text): (usize, &&str)| Item {
        id: at.to_string(),
        text: text.to_string(),
        fields: Vec::new(),
    };
    Catalogue::new(texts.iter().enumerate().map(item).collect(), Vec::new()).unwrap()
}

fn search(options: &dyn Retriever, text: &str, k: usize) -> Vec<u32> {
    let (catalogue, context) = (catalogue(), Context::default());
    let folder = tempfile::tempdir().unwrap();
    options.build(&catalogue, folder.path(), &context).unwrap();
    let index = options.open(&catalogue, folder.path(), &context).unwrap();
    let query = Query::text(text).content;
    let hits = index.search(&[Request { query: &query, k }]).unwrap();
    hits[0].iter().map(|hit| hit.item).collect()
}

#[test]
fn it_is_registered() {
    let registry = Registry::compiled_in().unwrap();
    let entry = registry
        .get(gloss_core::Kind::Retriever, "hybrid", "")
        .unwrap();
    let options: Vec<String> = entry
        .options()
        .into_iter()
        .map(|option| option.name)
        .collect();
    let expected = [
        "retrievers",
        "fusion",
        "reciprocal_rank_constant",
        "weights",
        "depth",
    ];
    assert_eq!(options, expected);
}

#[test]
fn a_retriever_with_itself_finds_what_it_finds_alone() {
    let alone = hybrid(json!({"retrievers": ["bm25", {"type": "bm25", "k1": 1.5}]}));
    assert_eq!(alone.check(), []);
    let bm25 = gloss_bm25::Bm25::default();
    for text in ["red lip", "shoe", "lip balm lip"] {
        for k in [1, 3, 9] {
            assert_eq!(search(&alone, text, k), search(&bm25, text, k), "{text}");
        }
    }
}

#[test]
fn hybrids_nest() {
    let inner = json!({"type": "hybrid", "retrievers": ["bm25", "bm25"]});
    let outer = hybrid(json!({"retrievers": [inner, "bm25"], "fusion": "score"}));
    assert_eq!(outer.check(), []);
    assert_eq!(search(&outer, "blue lip balm", 1), [1]);
}

#[test]
fn what_is_wrong_inside_is_told_by_its_place() {
    let told =
        diagnostics(json!({"retrievers": ["bm52", {"k1": 1.0}, {"type": "bm25", "k1": -1.0}]}));
    assert_eq!(told.len(), 3, "{told:?}");
    let expected = "retrievers.0.type: there is no retriever `bm52`; did you mean `bm25`? \
                    Available: bm25, hybrid.";
    assert_eq!(told[0], expected);
    assert!(
        told[1].starts_with("retrievers.1.type: is required"),
        "{}",
        told[1]
    );
    assert!(told[2].starts_with("retrievers.2.k1: is -1"), "{}", told[2]);
    let told = diagnostics(
        json!({"retrievers": ["bm25", {"type": "bm25", "analyser": {"pattern": "["}}]}),
    );
    assert!(
        told[0].starts_with("retrievers.1.analyser.pattern: "),
        "{told:?}"
    );
    let told = diagnostics(json!({"retrievers": ["bm25", {"type": "bm25", "k2": 1}]}));
    assert!(told[0].contains("k2"), "{told:?}");
}

#[test]
fn weights_must_fit() {
    let weights =
        |weights: Value| diagnostics(json!({"retrievers": ["bm25", "bm25"], "weights": weights}));
    assert_eq!(weights(json!([1, 0])), [""; 0]);
    assert_eq!(
        weights(json!([1])),
        ["weights: has 1 numbers for 2 retrievers"]
    );
    assert_eq!(weights(json!([0, 0])).len(), 1);
    assert_eq!(weights(json!([-1, 2])).len(), 1);
}

#[test]
fn all_options_are_written_also_those_inside() {
    let options = hybrid(json!({"retrievers": ["bm25", {"type": "bm25", "k1": 0.9}]}));
    let written = describe_component(&options).unwrap();
    assert_eq!(written["retrievers"][0]["k1"], 1.5);
    assert_eq!(written["retrievers"][1]["k1"], 0.9);
    assert_eq!(written["fusion"], "reciprocal-rank");
    assert!(written.get("accepts").is_none());
}
