//! The cache from outside: why a stage was done again, what is in it, and how it gets smaller.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;

use common::{Place, files};
use serde_json::Value;

/// Runs `e.toml` and returns each stage with the reason why it was done, or "reused".
fn stages(place: &Place, output: &str, more: &[&str]) -> Vec<(String, String)> {
    let line = [&["run", "e.toml", "--json", "--output", output][..], more].concat();
    let ran = place.gloss(&line);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let rows = ran.json()["stages"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap_or("reused").to_string();
    rows.iter()
        .map(|row| (text(&row["stage"]), text(&row["reason"])))
        .collect()
}

fn expected(reasons: [&str; 4]) -> Vec<(String, String)> {
    let names = ["prepare", "generate", "index", "retrieve"];
    let pairs = names.into_iter().zip(reasons);
    pairs
        .map(|(name, reason)| (name.into(), reason.into()))
        .collect()
}

#[test]
fn a_stage_that_is_done_again_tells_what_changed() {
    let place = Place::with_tiny_shop();
    let new = "nothing like it in the cache";
    assert_eq!(stages(&place, "first", &[]), expected([new; 4]));
    let k1 = stages(&place, "k1", &["--set", "retriever.k1=0.9"]);
    let options = "retriever options changed (k1: 1.5 → 0.9)";
    assert_eq!(k1[..3], expected(["reused", "reused", options, ""])[..3]);
    assert!(k1[3].1.contains("index changed"), "{}", k1[3].1);
    let line = ["run", "e.toml", "--set", "retriever.k1=0.8", "--explain"];
    let table = place.gloss(&line).stdout;
    assert!(
        table.contains("options changed (k1: ") && table.contains("reused"),
        "{table}"
    );
}

#[test]
fn equal_bytes_of_a_stage_stop_the_work_after_it() {
    let place = Place::with_tiny_shop();
    stages(&place, "first", &[]);
    // Another file of the same content for the catalogue: only the reading is done again.
    place.write("data/meta_Tiny.json", format!("{}\n", common::METADATA));
    let again = stages(&place, "second", &[]);
    assert!(again[0].1.contains("files changed"), "{again:?}");
    let after: Vec<&str> = again[1..]
        .iter()
        .map(|(_, reason)| reason.as_str())
        .collect();
    assert_eq!(after, ["reused"; 3]);
}

#[test]
fn the_cache_is_listed_and_pruned_by_stage() {
    let place = Place::with_tiny_shop();
    stages(&place, "first", &[]);
    let listed = || {
        let rows = place.gloss(&["cache", "list", "--json"]).json();
        let rows = rows.as_array().unwrap().clone();
        let stage = |row: &Value| row["stage"].as_str().unwrap().to_string();
        let mut names: Vec<String> = rows.iter().map(stage).collect();
        names.sort();
        names
    };
    assert_eq!(listed(), ["generate", "index", "prepare", "retrieve"]);
    let table = place.gloss(&["cache", "list"]).stdout;
    assert!(table.contains("4 artefacts"), "{table}");
    place
        .gloss(&["cache", "prune"])
        .fails(2, &["--stage", "--unused-for", "--keep", "--all"]);
    assert_eq!(listed().len(), 4);
    let pruned = place
        .gloss(&["cache", "prune", "--stage", "index", "--json"])
        .json();
    assert_eq!(pruned["removed"][0]["stage"], "index");
    assert_eq!(listed(), ["generate", "prepare", "retrieve"]);
    let recent = place
        .gloss(&["cache", "prune", "--unused-for", "1", "--json"])
        .json();
    assert_eq!(recent["removed"].as_array().unwrap().len(), 0);
    assert_eq!(place.gloss(&["cache", "prune", "--all"]).code, Some(0));
    assert_eq!(listed(), [""; 0]);
    assert_eq!(
        stages(&place, "second", &[]),
        expected(["nothing like it in the cache"; 4])
    );
}

#[test]
fn a_manifest_has_the_fingerprint_of_the_code_of_each_component() {
    let place = Place::with_tiny_shop();
    stages(&place, "first", &[]);
    let manifest = place.read("first/manifest.json");
    for name in ["gloss-bm25", "gloss-lis", "gloss-amazon"] {
        let (_, after) = manifest
            .split_once(&format!("\"{name}\": \""))
            .unwrap_or_else(|| panic!("no {name} in {manifest}"));
        let digits = after.split('"').next().unwrap();
        assert_eq!(digits.len(), 32, "{name}: {digits}");
        assert!(
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{digits}"
        );
    }
}

#[test]
fn a_run_folder_that_was_changed_is_not_taken_for_the_run() {
    let place = Place::with_tiny_shop();
    stages(&place, "out", &[]);
    let whole = place.read("out/metrics.json");
    place.write("out/metrics.json", whole.replace("0.", "1."));
    let run = ["run", "e.toml", "--output", "out"];
    place
        .gloss(&run)
        .fails(2, &["out/metrics.json", "--overwrite"]);
    let replaced = place.gloss(&[&run[..], &["--overwrite"]].concat());
    assert_eq!(replaced.code, Some(0), "{}", replaced.stderr);
    assert_eq!(place.read("out/metrics.json"), whole);
}

#[test]
fn prepared_tables_are_replaced_only_if_that_is_asked_for() {
    let place = Place::with_tiny_shop();
    let prepare = |more: &[&str]| {
        let line = [
            "prepare",
            "amazon",
            "--set",
            "category=Tiny",
            "--output",
            "tables",
        ];
        place.gloss(&[&line[..], more].concat())
    };
    assert_eq!(prepare(&[]).code, Some(0));
    let first = fs::read(place.path("tables/items.parquet")).unwrap();
    let other = common::METADATA.replace("Rose", "Pine");
    place.write("data/meta_Tiny.json", other);
    prepare(&[]).fails(2, &["tables", "--overwrite"]);
    assert_eq!(fs::read(place.path("tables/items.parquet")).unwrap(), first);
    let replaced = prepare(&["--overwrite"]);
    assert_eq!(replaced.code, Some(0), "{}", replaced.stderr);
    assert_ne!(fs::read(place.path("tables/items.parquet")).unwrap(), first);
    assert_eq!(files(&place.path("tables")).len(), 7);
}

#[test]
fn a_former_name_of_an_option_is_refused_with_the_new_one() {
    let place = Place::with_tiny_shop();
    let setting = "dataset.protocol={validation_share=0.1}";
    place.refuses(&[(setting, &["dataset.protocol", "`split`"])]);
}
