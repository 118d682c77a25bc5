//! Generative retrieval by semantic IDs, through the binary.
#![cfg(feature = "libtorch")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::{Place, Ran, files};
use serde_json::Value;

const EXPERIMENT: &str = r#"
name = "tiger"
metrics = ["recall@5"]

[dataset]
type = "amazon"
category = "Shop"
folder = "SHOP"

[dataset.split]
validation_share = 0.02

[ranking]
cutoff = 5
seen = "exclude"

[generator]
type = "tiger"
device = "cpu"
num_beams = 10
exclude_seen = true
max_length = 4
user_tokens = 7

[generator.tokenizer]
model = "MODEL"
prefix = "none"
device = "cpu"
codebook_size = 8

[generator.network]
d_model = 8
d_kv = 4
d_ff = 16
num_heads = 2
num_layers = 1
num_decoder_layers = 1

[generator.training]
per_device_train_batch_size = 64
learning_rate = 1e-2
warmup_steps = 2
max_steps = 8
eval_steps = 4
save_steps = 1
metric_for_best_model = "recall@5"
"#;

fn place() -> Place {
    let place = Place::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = root.join("plugins/torch/encoder/tests/golden/fixtures/bert");
    for name in files(&model) {
        place.write(
            &format!("encoder/{name}"),
            fs::read(model.join(&name)).unwrap(),
        );
    }
    let model = place.path("encoder");
    let shop = root.join("examples/shop");
    let experiment = EXPERIMENT.replace("SHOP", &shop.display().to_string());
    place.write(
        "e.toml",
        experiment.replace("MODEL", &model.display().to_string()),
    );
    place
}

fn command(place: &Place, args: &[&str]) -> std::process::Command {
    let mut command = place.command(args);
    command.env("OMP_NUM_THREADS", "1");
    command
}

#[track_caller]
fn gloss(place: &Place, args: &[&str]) -> Ran {
    let ran: Ran = command(place, args).output().unwrap().into();
    ran.succeeds();
    ran
}

#[test]
fn every_beam_is_a_new_item_and_every_user_gets_as_many() {
    let place = place();
    let ran = gloss(&place, &["run", "e.toml", "--output", "run", "--json"]);
    let method = &ran.json()["results"]["methods"][0];
    assert_eq!(method["users"], 1998);
    assert_eq!(method["users_without_ranking"], 0);
    assert_eq!(method["users_with_short_ranking"], 0);
    // The codes are made once, whatever the network is.
    let other = [
        "--set",
        "generator.network.d_ff=12",
        "--output",
        "other",
        "--explain",
    ];
    let ran = gloss(&place, &[&["run", "e.toml"][..], &other].concat());
    assert!(ran.stdout.contains("tokenize"), "{}", ran.stdout);
    let reused: Vec<Value> = serde_json::from_str::<Value>(&place.read("other/manifest.json"))
        .unwrap()["stages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|stage| stage["stage"] == "tokenize")
        .map(|stage| stage["reused"].clone())
        .collect();
    assert_eq!(reused, [Value::Bool(true)]);
    // Another encoder in the same folder makes other codes, and another training.
    let config = place.read("encoder/modules.json");
    place.write("encoder/modules.json", format!("{config}\n"));
    let args = ["run", "e.toml", "--output", "encoder-changed"];
    gloss(&place, &args);
    let manifest: Value =
        serde_json::from_str(&place.read("encoder-changed/manifest.json")).unwrap();
    let stages = manifest["stages"].as_array().unwrap();
    let trained = stages.iter().find(|stage| stage["stage"] == "train");
    assert_eq!(trained.unwrap()["reused"], false);
}

#[test]
fn a_training_leaves_codes_with_a_report_and_resumes_to_the_same_bytes() {
    let place = place();
    gloss(
        &place,
        &["train", "e.toml", "--output", "whole", "--cache", "c1"],
    );
    let left = files(&place.path("whole"));
    for file in [
        "config.json",
        "items.json",
        "model.safetensors",
        "codes.parquet",
        "codes.json",
    ] {
        let file = format!("model/{file}");
        assert!(left.contains(&file), "{file}: {left:?}");
    }
    let report: Value = serde_json::from_str(&place.read("whole/model/codes.json")).unwrap();
    assert_eq!(report["levels"].as_array().unwrap().len(), 4);
    assert_eq!(
        (&report["collisions"], &report["largest_collision"]),
        (&0.into(), &1.into())
    );
    let shared = |name: &str| report[name].as_f64().unwrap();
    assert!(
        shared("shared_by_neighbours") > shared("shared_by_others"),
        "{report}"
    );

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
    let weights = |folder: &str| fs::read(place.path(folder).join("model/model.safetensors"));
    assert!(weights("whole").unwrap() == weights("killed").unwrap());
}

#[test]
fn all_tokenizers_make_codes_of_the_shop() {
    let place = place();
    for (kind, collisions, levels) in [
        ("rq-kmeans", "reassign", 3),
        ("product-quantization", "keep", 3),
        ("rq-vae", "further-code", 4),
    ] {
        let kind_flag = format!("generator.tokenizer.type={kind}");
        let collisions = format!("generator.tokenizer.collisions={collisions}");
        let mut args = vec![
            "train",
            "e.toml",
            "--output",
            kind,
            "--set",
            &kind_flag,
            "--set",
            &collisions,
        ];
        let size = "generator.tokenizer.codebook_size=32";
        args.extend(["--set", size, "--set", "generator.training.max_steps=1"]);
        args.extend(["--set", "generator.training.metric_for_best_model=last"]);
        let levels_flag = match kind {
            "product-quantization" => "generator.tokenizer.levels=4",
            _ => "generator.tokenizer.levels=3",
        };
        args.extend(["--set", levels_flag]);
        if kind == "rq-vae" {
            args.extend([
                "--set",
                "generator.tokenizer.rq_vae={hidden_sizes=[8], latent_size=4, num_train_epochs=2}",
            ]);
        }
        gloss(&place, &args);
        let report = place.read(&format!("{kind}/model/codes.json"));
        let report: Value = serde_json::from_str(&report).unwrap();
        let expected = if kind == "product-quantization" {
            4
        } else {
            levels
        };
        assert_eq!(
            report["levels"].as_array().unwrap().len(),
            expected,
            "{kind}"
        );
        if kind != "product-quantization" {
            assert_eq!(report["collisions"], 0, "{kind}");
        }
    }
}

#[test]
fn mistakes_are_refused_before_anything_is_read() {
    let place = place();
    place.refuses(&[
        (
            "generator.tokenizer.rq_vae.latent_size=8",
            &["generator.tokenizer.rq_vae", "`type = \"rq-vae\"`"],
        ),
        ("generator.tokenizer.codebok_size=8", &["did you mean: codebook_size"]),
        ("generator.network.d_modle=8", &["did you mean: d_model"]),
        (
            "generator.tokenizer={type=\"product-quantization\", model=\"m\", collisions=\"reassign\"}",
            &["`reassign` is for codes from coarse to fine"],
        ),
    ]);
}

#[test]
fn action_piece_learns_tokens_and_averages_over_orders_of_codes() {
    let place = place();
    let experiment = place
        .read("e.toml")
        .replace("type = \"tiger\"", "type = \"action-piece\"")
        .replace(
            "user_tokens = 7",
            "vocabulary_size = 200\nsegmentations = 2",
        )
        .replace(
            "codebook_size = 8",
            "levels = 4\ncodebook_size = 8\nhash_buckets = 60",
        );
    place.write("a.toml", experiment);
    gloss(&place, &["train", "a.toml", "--output", "trained"]);
    let report: Value = serde_json::from_str(&place.read("trained/model/codes.json")).unwrap();
    let levels = report["levels"].as_array().unwrap();
    let sizes: Vec<i64> = levels
        .iter()
        .filter_map(|own| own["size"].as_i64())
        .collect();
    assert_eq!(sizes, [8, 8, 8, 8, 60]);
    let merges: Value = serde_json::from_str(&place.read("trained/model/merges.json")).unwrap();
    assert_eq!(merges["first"], 1 + 4 * 8 + 60);
    assert_eq!(merges["pairs"].as_array().unwrap().len(), 200 - 93);
    let run = |output: &str, more: &[&str]| {
        let args = ["run", "a.toml", "--json", "--output", output];
        let ran = gloss(&place, &[&args[..], more].concat());
        ran.json()["results"]["methods"][0].clone()
    };
    let two = run("two", &[]);
    assert_eq!(two["users_with_short_ranking"], 0);
    assert_eq!(
        two["metrics"],
        run("again", &["--set", "generator.model=trained/model"])["metrics"]
    );
    // One order of the codes finds other scores, by the same training.
    let rankings = |folder: &str| place.read(&format!("{folder}/run.trec"));
    run("one", &["--set", "generator.segmentations=1"]);
    assert_ne!(rankings("one"), rankings("two"));
    let few = [
        "train",
        "a.toml",
        "--output",
        "few",
        "--set",
        "generator.vocabulary_size=50",
    ];
    let ran: Ran = command(&place, &few).output().unwrap().into();
    ran.fails(
        2,
        &["`vocabulary_size` is 50, and single codes have 93 tokens already"],
    );
    let many = [
        "train",
        "a.toml",
        "--output",
        "many",
        "--set",
        "generator.vocabulary_size=1000000",
    ];
    let ran: Ran = command(&place, &many).output().unwrap().into();
    ran.succeeds();
    assert!(ran.stderr.contains("tokens, not 1000000"), "{}", ran.stderr);
    place.write("trained/model/merges.json", "{}");
    let args = [
        "run",
        "a.toml",
        "--output",
        "x",
        "--set",
        "generator.model=trained/model",
    ];
    let ran: Ran = command(&place, &args).output().unwrap().into();
    ran.fails(2, &["merges.json", "these are no pairs of tokens"]);
}

/// A recommender that is trained on the shop, whose item vectors become codes.
const RECOMMENDER: &str = r#"
[generator]
type = "gru4rec"
device = "cpu"
embedding_size = 8
hidden_size = 8
training.max_steps = 2
training.metric_for_best_model = "last"
"#;

#[test]
fn codes_are_made_from_the_item_vectors_of_a_recommender() {
    let place = place();
    let experiment = place.read("e.toml");
    let (start, _) = experiment.split_once("[generator]").unwrap();
    place.write("r.toml", format!("{start}{RECOMMENDER}"));
    gloss(&place, &["export", "r.toml", "--output", "recommender"]);
    let encoder = place.path("encoder").display().to_string();
    let recommender = place.path("recommender").display().to_string();
    let given = experiment.replace(&encoder, &recommender);
    place.write("given.toml", &given);
    let plain = given.replace("prefix = \"none\"\ndevice = \"cpu\"\n", "");
    place.write("plain.toml", plain);
    let train = |file: &str| -> Ran {
        let output = format!("from-{file}");
        let args = ["train", file, "--overwrite", "--output", &output];
        command(&place, &args).output().unwrap().into()
    };
    // The options of an encoder have no effect.
    train("given.toml").fails(2, &["tokenizer.prefix: is for an encoder"]);
    train("plain.toml").succeeds();
    train("e.toml").succeeds();
    let codes = |folder: &str| fs::read(place.path(folder).join("model/codes.parquet")).unwrap();
    assert_ne!(codes("from-plain.toml"), codes("from-e.toml"));
    // Vectors of another catalogue are refused.
    let items = place.read("recommender/items.json");
    place.write(
        "recommender/items.json",
        items.replacen("[", "[\n  \"other\",", 1),
    );
    train("plain.toml").fails(2, &["the model was trained on another catalogue"]);
}
