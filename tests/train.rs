//! Training through the binary, with tiny models.
#![cfg(feature = "libtorch")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use common::{Place, files};
use rand::{Rng, SeedableRng};
use serde_json::Value;

const EXPERIMENT: &str = r#"
name = "trained"
metrics = ["recall@5"]
retriever = "bm25"

[dataset]
type = "amazon"
category = "Shop"
folder = "SHOP"

[dataset.split]
validation_share = 0.02

[generator]
type = "llama"
model = "model"
device = "cpu"
max_new_tokens = 6
num_beams = 2

[generator.training]
r = 2
learning_rate = 1e-2
warmup_steps = 2
max_steps = 6
eval_steps = 3
"#;

/// The shop that comes with gloss, and a tiny model with its tokenizer in the folder `model`.
fn place() -> Place {
    let place = Place::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let shop = root.join("examples/shop").display().to_string();
    place.write("e.toml", EXPERIMENT.replace("SHOP", &shop));
    for entry in fs::read_dir(root.join("plugins/llama/tests/fixtures/writer")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        place.write(&format!("model/{name}"), fs::read(&path).unwrap());
    }
    place
}

/// One thread, for tiny models only lose by more.
fn command(place: &Place, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command.env("OMP_NUM_THREADS", "1");
    command
}

#[track_caller]
fn gloss(place: &Place, args: &[&str]) -> common::Ran {
    let ran: common::Ran = command(place, args).output().unwrap().into();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran
}

fn lines(place: &Place, folder: &str) -> Vec<Value> {
    place
        .read(&format!("{folder}/metrics.jsonl"))
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_training_leaves_an_adapter_a_record_and_a_picture_and_a_run_uses_them() {
    let place = place();
    gloss(&place, &["train", "e.toml", "--output", "t"]);
    let left = files(&place.path("t"));
    for file in [
        "adapter/adapter_config.json",
        "adapter/adapter_model.safetensors",
        "events.out.tfevents.gloss",
        "loss.svg",
        "manifest.json",
        "metrics.jsonl",
    ] {
        assert!(left.iter().any(|name| name == file), "{file}: {left:?}");
    }
    let lines = lines(&place, "t");
    let losses: Vec<f64> = lines.iter().filter_map(|l| l["loss"].as_f64()).collect();
    assert_eq!(losses.len(), 6);
    assert!(losses[5] < losses[0], "{losses:?}");
    let validations = lines.iter().filter(|l| !l["validation_loss"].is_null());
    assert_eq!(validations.count(), 2);
    assert!(place.read("t/loss.svg").contains("validation"));
    let config: Value = serde_json::from_str(&place.read("t/adapter/adapter_config.json")).unwrap();
    assert_eq!(
        (&config["r"], &config["peft_type"]),
        (&2.into(), &"LORA".into())
    );

    let again = gloss(&place, &["train", "e.toml", "--output", "t", "--json"]);
    assert_eq!(again.json()["reused"], true);
    place.write("t/notes.txt", "mine");
    let other = ["train", "e.toml", "--output", "t", "--overwrite", "--set"];
    let other = [&other[..], &["generator.training.seed=9"]].concat();
    let told = ["t holds files that are not a training of gloss"];
    place.gloss(&other).fails(2, &told);
    fs::remove_file(place.path("t/notes.txt")).unwrap();
    gloss(&place, &["run", "e.toml", "--output", "r"]);
    let manifest: Value = serde_json::from_str(&place.read("r/manifest.json")).unwrap();
    let stages = manifest["stages"].as_array().unwrap();
    let train = stages
        .iter()
        .find(|stage| stage["stage"] == "train")
        .unwrap();
    assert_eq!(train["reused"], true);
    // The adapter by itself gives the same texts.
    let adapter = place.read("e.toml");
    let (head, _) = adapter.split_once("[generator.training]").unwrap();
    place.write("a.toml", format!("{head}adapter = \"t/adapter\"\n"));
    gloss(&place, &["run", "a.toml", "--output", "a"]);
    let texts = |folder: &str| place.read(&format!("{folder}/generated.json"));
    assert_eq!(texts("a"), texts("r"));
    // And so does the model with the adapter added.
    gloss(
        &place,
        &[
            "export",
            "e.toml",
            "--output",
            "whole",
            "--set",
            "generator.dtype=f32",
        ],
    );
    place.write("w.toml", head.replace("\"model\"", "\"whole\""));
    gloss(&place, &["run", "w.toml", "--output", "w"]);
    let sequences = |folder: &str| -> Vec<Value> {
        let rows: Vec<Value> = serde_json::from_str(&texts(folder)).unwrap();
        rows.iter()
            .map(|row| row["generated_sequences"].clone())
            .collect()
    };
    assert_eq!(sequences("w"), sequences("r"));
}

#[test]
fn the_tokens_of_a_text_are_shown_with_their_log_probabilities() {
    let place = place();
    gloss(&place, &["run", "e.toml", "--output", "r"]);
    let rows: Vec<Value> = serde_json::from_str(&place.read("r/generated.json")).unwrap();
    let mut whole = 0;
    for row in rows.iter().take(3) {
        let user = row["reviewer_id"].as_str().unwrap();
        let shown = gloss(&place, &["inspect", "r", user, "--tokens", "--json"]).json();
        for query in shown["methods"][0]["queries"].as_array().unwrap() {
            let tokens = query["tokens"].as_array().unwrap().iter();
            let scores: Vec<f64> = tokens.map(|t| t["score"].as_f64().unwrap()).collect();
            assert!(scores.len() > 1 && scores.iter().all(|score| *score < 0.0));
            // A text that six tokens did not end has no token for its end.
            let sums = [&scores[..], &scores[..scores.len() - 1]].map(|s| s.iter().sum::<f64>());
            let expected = query["log_probability"].as_f64().unwrap();
            whole += usize::from(sums.iter().any(|sum| (sum - expected).abs() < 1e-3));
        }
    }
    // Others are not what the tokenizer makes of their text.
    assert!(whole > 0);
    let user = rows[0]["reviewer_id"].as_str().unwrap();
    let text = gloss(&place, &["inspect", "r", user, "--tokens"]).stdout;
    assert!(text.contains("tokens"), "{text}");
    fs::remove_dir_all(place.path(".gloss/train")).unwrap();
    place
        .gloss(&["inspect", "r", user, "--tokens"])
        .fails(2, &["is not in the cache", "run the experiment again"]);
}

/// The most kills of one training; a fast machine is done before.
const KILLS: usize = 20;

#[test]
#[ignore = "slow: trains many times"]
fn slow_a_training_that_is_killed_again_and_again_ends_in_the_same_bytes() {
    let place = place();
    let more = ["save_steps=1", "max_steps=120", "eval_steps=40"];
    let more = more.map(|change| format!("generator.training.{change}"));
    let more: Vec<&str> = more.iter().flat_map(|change| ["--set", change]).collect();
    let train = |cache: &str, output: &str| {
        let fixed = ["train", "e.toml", "--cache", cache, "--output", output];
        command(&place, &[&fixed[..], &more].concat())
    };
    let whole = train("whole", "a").output().unwrap();
    assert!(whole.status.success());
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let mut killed = 0;
    for attempt in 0.. {
        let mut child = train("killed", "b")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let patience = match attempt < 60 && killed < KILLS {
            true => random.random_range(50..1000),
            false => 1_000_000,
        };
        let mut waited = 0;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if waited >= patience {
                break None;
            }
            sleep(Duration::from_millis(10));
            waited += 10;
        };
        match status {
            Some(status) => {
                assert!(status.success());
                break;
            }
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                killed += 1;
            }
        }
    }
    println!("killed {killed} times");
    assert!(killed > KILLS / 4, "killed {killed} times alone");
    let adapter = |folder: &str| {
        fs::read(place.path(folder).join("adapter/adapter_model.safetensors")).unwrap()
    };
    assert_eq!(adapter("b"), adapter("a"));
    let losses = |folder: &str| -> Vec<Value> {
        let lines = lines(&place, folder);
        lines.iter().map(|line| line["loss"].clone()).collect()
    };
    assert_eq!(losses("b"), losses("a"));
}

#[test]
fn the_best_weights_by_a_metric_are_kept_and_patience_ends() {
    let place = place();
    let set = |key: &str| format!("generator.training.{key}");
    let changes = [
        "metric_for_best_model=recall@5",
        "early_stopping_patience=2",
        "eval_steps=1",
        "max_steps=40",
    ];
    let changes: Vec<String> = changes.iter().map(|change| set(change)).collect();
    let mut args = vec!["train", "e.toml", "--output", "t"];
    for change in &changes {
        args.extend(["--set", change]);
    }
    gloss(&place, &args);
    let metrics: Vec<f64> = lines(&place, "t")
        .iter()
        .filter_map(|line| line["metric"][1].as_f64())
        .collect();
    let best = metrics.iter().copied().fold(f64::MIN, f64::max);
    let first = metrics.iter().position(|metric| *metric == best).unwrap();
    assert_eq!(metrics.len(), first + 3, "{metrics:?}");
}

#[test]
fn a_training_that_a_program_decides_depends_on_its_code() {
    let place = place();
    let metric = |value: &str| {
        format!(
            r#"#!/usr/bin/env python3
import gloss

class Decides(gloss.Metric):
    """A number."""
    name = "decides"

    def value(self, ranking, gains, ideal):
        return {value}

gloss.serve(Decides)
"#
        )
    };
    let settings = [
        "plugins=[\"decides.py\"]",
        "generator.training.metric_for_best_model=decides",
    ];
    let settings = settings.map(|setting| ["--set", setting]).concat();
    let reused = |value: &str, output: &str| {
        place.write_program("decides.py", &metric(value));
        let args = ["train", "e.toml", "--json", "--output", output];
        let trained = gloss(&place, &[&args[..], &settings].concat());
        let stages = trained.json()["stages"].as_array().unwrap().clone();
        let train = stages.iter().find(|row| row["stage"] == "train");
        train.unwrap()["reused"].clone()
    };
    assert_eq!(reused("1.0", "a"), false);
    assert_eq!(reused("1.0", "b"), true);
    assert_eq!(reused("0.5", "c"), false);
}

#[test]
fn a_model_without_knowledge_is_made_trained_in_full_and_used() {
    let place = place();
    let text = place.read("e.toml").replace(
        "model = \"model\"",
        "model = \"random\"\nformat = \"list\"\nrandom = { vocabulary = 400 }",
    );
    let text = text.replace("r = 2", "method = \"full\"\noptim = \"adamw\"");
    place.write("e.toml", text);
    gloss(&place, &["run", "e.toml", "--output", "r"]);
    gloss(&place, &["train", "e.toml", "--output", "t"]);
    let left = files(&place.path("t/model"));
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        assert!(left.iter().any(|name| name == file), "{left:?}");
    }
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_is_read() {
    let place = place();
    let refused = |changes: &[&str], parts: &[&str]| {
        let mut args = vec!["train", "e.toml"];
        for change in changes {
            args.extend(["--set", change]);
        }
        place.gloss(&args).fails(2, parts);
    };
    refused(
        &["generator.model=random"],
        &["training.method", "in full: `full`"],
    );
    refused(
        &["generator.training.method=full", "generator.quantize=nf4"],
        &["quantised weights cannot be trained in full"],
    );
    refused(
        &["generator.training.metric_for_best_model=recal@5"],
        &["recal", "recall"],
    );
    refused(
        &["generator.training.metric_for_best_model=recall@50"],
        &["cutoff"],
    );
    refused(&["generator.training.ranks=3"], &["ranks", "rank"]);
    refused(&["generator.dtype=f16"], &["too small a range"]);
    refused(
        &[
            "generator.training.learning_rate=1e9",
            "generator.training.warmup_steps=0",
        ],
        &["training stops", "learning_rate"],
    );
    place
        .gloss(&["train", "e.toml", "--generator", "lis"])
        .fails(2, &["no generator of this experiment is trained"]);
}

#[test]
fn what_could_not_be_written_is_told_before_the_training() {
    let place = place();
    let refused = |settings: &[&str], part: &str| {
        let settings = settings.iter().flat_map(|setting| ["--set", setting]);
        let args: Vec<&str> = ["train", "e.toml"].into_iter().chain(settings).collect();
        place.gloss(&args).fails(2, &[part]);
    };
    refused(&["generator.dequantize=true"], "is not quantised");
    refused(
        &["generator.constrained=true", "retriever=none"],
        "the longest item has",
    );
}
