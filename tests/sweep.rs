//! `gloss sweep` as users run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{EXPERIMENT, Place};
use serde_json::Value;

fn with(sweep: &str) -> Place {
    let place = Place::with_tiny_shop();
    let shares = "\n[dataset.split]\nvalidation_share = 1.0\n";
    place.write("s.toml", format!("{EXPERIMENT}{shares}{sweep}"));
    place
}

const GRID: &str = "[sweep]\nmetric = \"mrr\"\n[sweep.parameters]\nretriever.k1 = [0.5, 1.5]\nranking.seen = [\"keep\", \"exclude\"]\n";

#[test]
fn a_grid_shares_stages_chooses_on_validation_users_and_is_resumed() {
    let place = with(GRID);
    let sweep = ["sweep", "s.toml", "--output", "out", "--json"];
    let results = place.gloss(&sweep).json();
    let trials = results["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 4);
    assert_eq!(results["metric"], "mrr");
    let value = |trial: &Value| trial["value"].as_f64().unwrap();
    let best = trials.iter().map(value).fold(0.0, f64::max);
    assert_eq!(
        value(&trials[results["best"].as_u64().unwrap() as usize]),
        best
    );

    // One preparation for all, and one index for each k1.
    let cached = place.gloss(&["cache", "list", "--json"]).json();
    let count = |stage: &str| {
        let artefacts = cached
            .as_array()
            .unwrap_or_else(|| panic!("{cached}"))
            .iter();
        artefacts
            .filter(|artefact| artefact["stage"] == stage)
            .count()
    };
    assert_eq!(count("prepare"), 1, "{cached}");
    for (at, trial) in (1..).zip(trials) {
        let manifest: Value =
            serde_json::from_str(&place.read(&format!("out/trial-{at}/manifest.json"))).unwrap();
        assert_eq!(manifest["experiment"]["split"], "validation");
        assert_eq!(trial["folder"], format!("out/trial-{at}"));
    }
    assert!(place.read("out/sweep.svg").contains("retriever.k1"));

    // Without one trial, that one alone is run again.
    let before = place.read("out/trial-1/manifest.json");
    std::fs::remove_dir_all(place.path("out/trial-2")).unwrap();
    assert_eq!(place.gloss(&sweep).json(), results);
    assert_eq!(place.read("out/trial-1/manifest.json"), before);

    // The best settings are an experiment, on the test users.
    let run = place
        .gloss(&["run", "out/best.toml", "--output", "best", "--json"])
        .json();
    assert_eq!(run["results"]["split"], "test");
}

#[test]
fn halving_gives_the_best_more_epochs() {
    // The number of random items stands for epochs: a setting that takes part in the result.
    let sweep = "[sweep]\nsearch = \"halving\"\nepochs = \"generator.count\"\nfactor = 2\nfirst_epochs = 2\n\
                 [sweep.parameters]\ngenerator.seed = [1, 2, 3, 4]\n";
    let place = with(sweep);
    let text = place
        .read("s.toml")
        .replace("generator = \"lis\"", "generator = \"random\"");
    place.write("s.toml", text.replace("retriever = \"bm25\"\n", ""));
    let results = place
        .gloss(&["sweep", "s.toml", "--output", "out", "--json"])
        .json();
    let trials = results["trials"].as_array().unwrap();
    let rounds: Vec<u64> = trials
        .iter()
        .map(|trial| trial["round"].as_u64().unwrap())
        .collect();
    assert_eq!(rounds, [1, 1, 1, 1, 2, 2, 3]);
    let epochs = |trial: &Value| trial["settings"][1][1].as_u64().unwrap();
    assert_eq!(
        trials.iter().map(epochs).collect::<Vec<_>>(),
        [2, 2, 2, 2, 4, 4, 8]
    );
    assert_eq!(results["best"], 6);
}

#[test]
fn fusion_weights_are_fitted_without_running_anything_again() {
    let sweep = "[[fusion]]\nname = \"both\"\nmethods = [\"lis+bm25\", \"popular\"]\nweights = [1.0, 1.0]\n\
                 [sweep.parameters]\nfusion.0.weights = [[1.0, 0.1], [1.0, 1.0], [0.1, 1.0]]\n";
    let place = with(sweep);
    let methods = "\n[[method]]\ngenerator = \"lis\"\nretriever = \"bm25\"\n[[method]]\nname = \"popular\"\ngenerator = \"popular\"\n";
    let text = place
        .read("s.toml")
        .replace("generator = \"lis\"\nretriever = \"bm25\"\n", "");
    place.write(
        "s.toml",
        text.replace("[[fusion]]", &format!("{methods}[[fusion]]")),
    );
    let results = place
        .gloss(&["sweep", "s.toml", "--output", "out", "--json"])
        .json();
    assert_eq!(results["method"], "both");
    assert_eq!(results["trials"].as_array().unwrap().len(), 3);
    let cached = place.gloss(&["cache", "list", "--json"]).json();
    let artefacts = cached.as_array().unwrap().iter();
    assert_eq!(
        artefacts
            .filter(|artefact| artefact["stage"] == "retrieve")
            .count(),
        2,
        "{cached}"
    );
}

#[test]
fn faults_are_told_before_anything_is_run() {
    for (sweep, parts) in [
        ("[sweep]\nparameters = {}\n", &["sweep.parameters"][..]),
        (
            "[sweep]\nmetrics = 1\n[sweep.parameters]\nretriever.k1 = [1]\n",
            &["metrics", "metric"],
        ),
        (
            "[sweep.parameters]\nretriever.kl = [1]\n",
            &["retriever.kl", "k1"],
        ),
        (
            "[sweep]\nsearch = \"halving\"\n[sweep.parameters]\nretriever.k1 = [1]\n",
            &["sweep.epochs", "is required"],
        ),
        (
            "[sweep]\nmetric = \"ndcg@9\"\n[sweep.parameters]\nretriever.k1 = [1]\n",
            &["ndcg@9", "recall@2"],
        ),
    ] {
        let place = with(sweep);
        place.gloss(&["sweep", "s.toml"]).fails(2, parts);
        assert!(!place.path("runs").exists());
    }
    let place = with(GRID);
    place
        .gloss(&["run", "s.toml"])
        .fails(2, &["`gloss sweep` runs it"]);
    place
        .gloss(&["sweep", "s.toml", "--set", "split=test"])
        .fails(2, &["chooses on validation users"]);
    place.write("mine/best.toml", "precious");
    place
        .gloss(&["sweep", "s.toml", "--output", "mine"])
        .fails(2, &["holds `best.toml`", "not of a sweep"]);
    assert_eq!(place.read("mine/best.toml"), "precious");
    let plain = Place::with_tiny_shop();
    plain
        .gloss(&["sweep", "e.toml"])
        .fails(2, &["has no table `sweep`"]);
}
