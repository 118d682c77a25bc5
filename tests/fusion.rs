//! Methods that are made of other methods' rankings.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashMap;

use common::{Place, files};

const METHODS: &str = r#"
metrics = ["recall@5", "mrr"]

[ranking]
cutoff = 20
seen = "exclude"

[[method]]
name = "last"
generator = "lis"
retriever = "bm25"

[[method]]
name = "popular"
generator = "popular"

[[fusion]]
name = "both"
methods = ["last", "popular"]
weights = [2.0, 1.0]
cutoff = 7
"#;

fn shop() -> Place {
    let place = Place::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shop");
    let dataset =
        format!("dataset = {{ type = 'amazon', category = 'Shop', folder = {folder:?} }}");
    place.write("e.toml", format!("{dataset}\n{METHODS}"));
    place
}

/// Each user's ranking, from a file in TREC's format.
fn rankings(place: &Place, file: &str) -> HashMap<String, Vec<String>> {
    let mut rankings: HashMap<String, Vec<String>> = HashMap::new();
    for line in place.read(file).lines() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        rankings
            .entry(columns[0].into())
            .or_default()
            .push(columns[2].into());
    }
    rankings
}

#[test]
fn a_fused_method_ranks_by_weighted_reciprocal_ranks() {
    let place = shop();
    let ran = place.gloss(&["run", "e.toml", "--json", "--output", "out"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let methods = ran.json()["results"]["methods"].clone();
    let names: Vec<_> = methods
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m["method"].clone())
        .collect();
    assert_eq!(names, ["last", "popular", "both"]);
    assert_eq!(methods[2]["ranking"]["seen"], "exclude");
    assert!(files(&place.path("out")).contains(&"both/per-user.parquet".to_string()));
    let parts = ["last", "popular"].map(|name| rankings(&place, &format!("out/{name}/run.trec")));
    let fused = rankings(&place, "out/both/run.trec");
    assert!(fused.len() > 1000);
    for (user, found) in &fused {
        let mut scores: HashMap<&str, f64> = HashMap::new();
        for (part, weight) in parts.iter().zip([2.0, 1.0]) {
            let ranking = part.get(user).into_iter().flatten();
            for (rank, item) in ranking.enumerate() {
                *scores.entry(item).or_default() += weight / (61.0 + rank as f64);
            }
        }
        assert_eq!(found.len(), 7.min(scores.len()));
        let mut best: Vec<f64> = scores.values().copied().collect();
        best.sort_by(|a, b| b.total_cmp(a));
        for (item, best) in found.iter().zip(best) {
            assert!(
                (scores[item.as_str()] - best).abs() < 1e-12,
                "{user} {item}"
            );
        }
    }
    let again = place
        .gloss(&["run", "e.toml", "--json", "--output", "out"])
        .json();
    assert_eq!(again["reused"], true);
}

#[test]
fn what_is_wrong_with_a_fusion_is_told_with_its_place() {
    let place = shop();
    place.refuses(&[
        (
            "fusion.0.methods.1=poplar",
            &["no method `poplar`", "popular"],
        ),
        ("fusion.0.methods.1=last", &["`last` is given twice"]),
        (
            "fusion.0.weights=[1.0]",
            &["fusion.0.weights", "1 weights for 2 methods"],
        ),
        ("fusion.0.weights=[1.0,-2.0]", &["must be above 0"]),
        ("fusion.0.name=Last", &["too much like `last`"]),
        ("fusion.0.name=run.log", &["the name of a run's own file"]),
        ("fusion.0.methods=[\"last\"]", &["fusion.0.methods"]),
        ("fusion.0.cutoff=3", &["is 3, but recall@5 looks deeper"]),
        ("method.0.ranking.seen=keep", &["must be the same for all"]),
    ]);
}
