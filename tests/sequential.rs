//! Sequential recommenders through the binary.
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

use common::{Place, Ran, files};
use serde_json::Value;

const EXPERIMENT: &str = r#"
name = "sequential"
metrics = ["recall@5"]

[dataset]
type = "amazon"
category = "Shop"
folder = "SHOP"

[ranking]
cutoff = 10
seen = "exclude"

[generator]
type = "sasrec"
settings = "original"
device = "cpu"
hidden_size = 8
intermediate_size = 16

[generator.training]
per_device_train_batch_size = 64
max_steps = 8
eval_steps = 4
save_steps = 1
"#;

fn place() -> Place {
    let place = Place::new();
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let experiment = EXPERIMENT.replace("SHOP", &shop.display().to_string());
    place.write("e.toml", experiment);
    place
}

/// One thread, for tiny models only lose by more.
fn command(place: &Place, args: &[&str]) -> Command {
    let mut command = place.command(args);
    command.env("OMP_NUM_THREADS", "1");
    command
}

#[track_caller]
fn gloss(place: &Place, args: &[&str]) -> Ran {
    let ran: Ran = command(place, args).output().unwrap().into();
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    ran
}

#[test]
fn a_training_leaves_a_model_and_one_that_was_killed_ends_in_the_same_bytes() {
    let place = place();
    gloss(
        &place,
        &["train", "e.toml", "--output", "whole", "--cache", "c1"],
    );
    let left = files(&place.path("whole"));
    for file in ["config.json", "items.json", "model.safetensors"] {
        let file = format!("model/{file}");
        assert!(left.contains(&file), "{file}: {left:?}");
    }
    let record = place.read("whole/metrics.jsonl");
    let values: Vec<Value> = record
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let validated = |line: &&Value| line["metric"][0] == "recall@10";
    assert_eq!(values.iter().filter(validated).count(), 2, "{record}");

    let args = ["train", "e.toml", "--output", "killed", "--cache", "c2"];
    let mut child = command(&place, &args)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..600 {
        let begun = files(&place.path("c2"))
            .iter()
            .any(|name| name.ends_with("checkpoint.safetensors"));
        if begun || child.try_wait().unwrap().is_some() {
            break;
        }
        sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    gloss(&place, &args);
    let weights = |folder: &str| std::fs::read(place.path(folder).join("model/model.safetensors"));
    assert!(weights("whole").unwrap() == weights("killed").unwrap());
}

#[test]
fn a_trained_model_is_used_and_given_out_and_refuses_another_catalogue() {
    let place = place();
    gloss(&place, &["export", "e.toml", "--output", "given"]);
    let ids: Vec<String> = serde_json::from_str(&place.read("given/items.json")).unwrap();
    assert!(ids.len() > 100);
    let vectors = fs::read(place.path("given/item_vectors.safetensors")).unwrap();
    let vectors = safetensors::SafeTensors::deserialize(&vectors).unwrap();
    let vectors = vectors.tensor("item_vectors").unwrap();
    assert_eq!(vectors.shape()[0], ids.len());
    let all = ["run", "e.toml", "--output", "trained", "--json"];
    let trained = gloss(&place, &all).json();
    let set = "generator.model=given";
    let again = ["run", "e.toml", "--output", "again", "--json", "--set", set];
    let again = gloss(&place, &again).json();
    assert_eq!(
        trained["methods"][0]["metrics"],
        again["methods"][0]["metrics"]
    );

    let kind = "generator.block=ligr";
    let other = [
        "run", "e.toml", "--output", "other", "--set", set, "--set", kind,
    ];
    let told = "given/config.json: the model was trained with `block` = \"post-norm\"";
    place.gloss(&other).fails(2, &[told]);
    let mut others = ids.clone();
    others[0] = "another".into();
    place.write("given/items.json", serde_json::to_string(&others).unwrap());
    let other = ["run", "e.toml", "--output", "other", "--set", set];
    place.gloss(&other).fails(
        2,
        &["given/items.json: the model was trained on another catalogue: it has item another"],
    );
}

#[test]
fn presets_are_described_and_wrong_options_named() {
    let place = place();
    let told = gloss(&place, &["describe", "sasrec", "--json"]).stdout;
    for value in [
        "`original`",
        "hidden_size = 64",
        "training.negatives = 1",
        "`esasrec`",
    ] {
        assert!(told.contains(value), "no {value} in\n{told}");
    }
    let wrong = |set: &str, told: &[&str]| {
        place
            .gloss(&["validate", "e.toml", "--set", set])
            .fails(2, told);
    };
    wrong("generator.settings=weak", &["generator.settings", "strong"]);
    wrong("generator.hidden_sise=8", &["hidden_sise", "hidden_size"]);
    wrong("generator.training.epochs=8", &["training.epochs"]);
    wrong(
        "generator.num_attention_heads=3",
        &[
            "generator.num_attention_heads",
            "`hidden_size`, 8, is no multiple of 3",
        ],
    );
    wrong(
        "generator.training.log_q_correction=true",
        &["generator.training.log_q_correction", "sampled-softmax"],
    );
    wrong(
        "generator.training.gbce_t=0.5",
        &["generator.training.gbce_t", "is for `loss = \"gbce\"`"],
    );
}

#[test]
fn a_field_without_values_is_a_warning() {
    let place = place();
    let args = [
        "train",
        "e.toml",
        "--output",
        "trained",
        "--set",
        "dataset.fields=[\"colour\"]",
        "--set",
        "generator.features={fields=[\"colour\"]}",
    ];
    let ran = gloss(&place, &args);
    let expected = "features.fields: no item has a value of `colour`";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
}
