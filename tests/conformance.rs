//! The laws of all components, held against every one that is compiled in and can be made without
//! files, models and programs; those of files on the small shop.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use gloss as _;
use gloss_core::{Entry, Kind, Registry, assert_laws};
use serde_json::{Value, json};

/// The options with which a component is tried; none if it needs what a test does not have.
fn options(entry: &Entry) -> Option<Vec<Value>> {
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    Some(match (entry.kind, entry.name.as_str()) {
        (_, "command" | "precomputed" | "csv" | "jsonl" | "parquet" | "llama" | "e5") => {
            return None;
        }
        (_, "amazon") => vec![json!({"category": "Shop", "folder": shop})],
        (_, "lis") => vec![json!({}), json!({"items": 3})],
        (_, "bm25") => {
            let variants = ["lucene", "robertson", "atire", "bm25l", "bm25+"];
            variants
                .iter()
                .map(|variant| json!({"variant": variant}))
                .collect()
        }
        (_, "hybrid") => {
            vec![json!({"retrievers": ["bm25", {"type": "bm25", "variant": "atire"}]})]
        }
        (Kind::Metric, _) => vec![json!({"k": 1}), json!({"k": 5}), json!({})],
        _ => vec![json!({})],
    })
}

#[test]
fn every_component_keeps_the_laws() {
    let registry = Registry::compiled_in().unwrap();
    let mut broken = Vec::new();
    let mut tried = 0;
    for entry in registry.entries() {
        for options in options(entry).into_iter().flatten() {
            // Some metrics cannot do without a cut-off, and some have none.
            if !gloss_core::option_faults(&entry.schema, &options)
                .unwrap()
                .is_empty()
            {
                continue;
            }
            tried += 1;
            if let Err(error) = assert_laws(entry, &options.to_string()) {
                broken.push(format!("{options}: {error}"));
            }
        }
    }
    assert!(tried > 20, "{tried}");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
