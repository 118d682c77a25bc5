//! Experiments with several seeds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::Place;

const EXPERIMENT: &str = r#"
name = "drawn"
seeds = [1, 2, 3]
metrics = ["recall@2"]
generator = "random"
[dataset]
type = "amazon"
category = "Tiny"
"#;

#[test]
fn each_seed_is_a_run_and_the_table_has_mean_and_deviation() {
    let place = Place::with_tiny_shop();
    place.write("drawn.toml", EXPERIMENT);
    let ran = place
        .gloss(&["run", "drawn.toml", "--output", "out", "--json"])
        .json();
    let runs = ran["runs"].as_array().unwrap();
    let values: Vec<f64> = runs
        .iter()
        .map(|run| {
            run["results"]["methods"][0]["metrics"][0]["value"]
                .as_f64()
                .unwrap()
        })
        .collect();
    let mean = values.iter().sum::<f64>() / 3.0;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let summary = &ran["summary"][0];
    assert!((summary["mean"].as_f64().unwrap() - mean).abs() < 1e-12);
    assert!((summary["deviation"].as_f64().unwrap() - (squares / 2.0).sqrt()).abs() < 1e-12);

    for (seed, run) in (1..).zip(runs) {
        let folder = format!("out/seed-{seed}");
        assert_eq!(run["folder"], folder);
        let single = place.gloss(&[
            "run",
            "drawn.toml",
            "--set",
            &format!("generator.seed={seed}"),
            "--set",
            "seeds=[]",
            "--output",
            &format!("single-{seed}"),
        ]);
        single.succeeds();
        let of = |folder: &str| place.read(&format!("{folder}/run.trec"));
        assert_eq!(of(&folder), of(&format!("single-{seed}")));
    }
    let table = place.gloss(&["run", "drawn.toml", "--output", "out"]);
    assert!(table.stdout.contains("deviation"), "{}", table.stdout);
    assert!(table.stdout.contains("3 seeds;"), "{}", table.stdout);
}

#[test]
fn draws_of_the_order_within_a_day_are_one_method_in_comparisons() {
    let place = Place::with_tiny_shop();
    let methods = EXPERIMENT.replace(
        "generator = \"random\"",
        "method = [{generator = \"random\"}, {generator = \"popular\"}]",
    );
    place.write("drawn.toml", methods);
    let shuffled = ["--set", "dataset.split.same_day=shuffle", "--output", "out"];
    place
        .gloss(&[&["run", "drawn.toml"], &shuffled[..]].concat())
        .succeeds();
    let compared = place.gloss(&["compare", "out", "--json"]).json();
    let rows = compared["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["seeds"] == 3), "{compared}");
}

#[test]
fn seeds_without_effect_or_given_twice_are_refused() {
    let place = Place::with_tiny_shop();
    place.write("drawn.toml", EXPERIMENT);
    let run = |more: &[&str], parts: &[&str]| {
        place
            .gloss(&[&["run", "drawn.toml"], more].concat())
            .fails(2, parts);
    };
    run(
        &["--generator", "popular"],
        &["drawn.toml:3:9: seeds:", "all runs would be equal"],
    );
    run(
        &["--set", "generator.seed=4"],
        &["generator.seed", "set by `seeds`"],
    );
    run(&["--set", "seeds=[1, 1]"], &["seeds"]);
    place
        .gloss(&["train", "drawn.toml"])
        .fails(2, &["`seeds` is for gloss run"]);
    assert!(!place.path("runs").exists());
}
