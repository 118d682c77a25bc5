//! The generator `llama` through the binary, with a tiny model that comes with its tests.
#![cfg(feature = "libtorch")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::Place;
use serde_json::Value;

/// A folder of the generator's own tests.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("plugins/llama/tests/fixtures")
        .join(name)
}

const EXPERIMENT: &str = r#"
metrics = ["recall@5"]
retriever = "bm25"

[dataset]
type = "amazon"
category = "Tiny"

[generator]
type = "llama"
model = "model"
device = "cpu"
max_new_tokens = 8
"#;

/// A tiny shop, and a model in the folder `model`.
fn place() -> Place {
    let place = Place::with_tiny_shop();
    place.write("e.toml", EXPERIMENT);
    copy(&place, "writer", "model");
    place
}

fn copy(place: &Place, name: &str, to: &str) {
    for entry in fs::read_dir(fixture(name)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        place.write(&format!("{to}/{name}"), fs::read(&path).unwrap());
    }
}

/// Runs the experiment; what was generated for each user.
#[track_caller]
fn generated(place: &Place, folder: &str, more: &[&str]) -> Vec<Value> {
    let ran = place.gloss(&[&["run", "e.toml", "--output", folder][..], more].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    serde_json::from_str(&place.read(&format!("{folder}/generated.json"))).unwrap()
}

fn texts(row: &Value) -> &Vec<Value> {
    row["generated_sequences"].as_array().unwrap()
}

#[test]
fn five_texts_are_written_for_each_user_whatever_the_batches() {
    let place = place();
    let rows = generated(&place, "a", &[]);
    assert_eq!(rows.len(), 3);
    for row in &rows {
        assert_eq!(texts(row).len(), 5);
        let of = |value: &Value| value.as_f64().unwrap();
        let probabilities = row["log_probabilities"].as_array().unwrap();
        assert!(probabilities.iter().all(|p| of(p) < 0.0));
    }
    let again = generated(&place, "b", &["--set", "generator.batch_size=1"]);
    let of = |rows: &[Value]| {
        rows.iter()
            .map(|row| texts(row).clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&again), of(&rows));
    let two = generated(&place, "c", &["--set", "generator.num_return_sequences=2"]);
    assert_eq!(texts(&two[1])[..], texts(&rows[1])[..2]);
}

#[test]
fn inside_the_catalogue_only_items_are_written_and_new_ones_if_asked() {
    let place = place();
    let none = ["--retriever", "none", "--set", "generator.constrained=true"];
    let constrained = [&none[..], &["--set"]].concat();
    let room = "generator.max_new_tokens=40";
    let all = generated(&place, "a", &[&constrained[..], &[room]].concat());
    assert!(all.iter().all(|row| texts(row).len() == 4));
    let exclude = ["--set", "generator.exclude_seen=true"];
    let new = generated(&place, "b", &[&constrained[..], &[room], &exclude].concat());
    let mut left: Vec<_> = texts(&new[0]).clone();
    left.sort_by_key(Value::to_string);
    assert_eq!(left, ["Title: Lily candle", "Title: Rose candle"]);
    let short = [
        &["run", "e.toml"][..],
        &constrained,
        &["generator.max_new_tokens=2"],
    ]
    .concat();
    place
        .gloss(&short)
        .fails(2, &["the longest item has", "`max_new_tokens` is 2"]);
}

#[test]
fn dequantised_weights_write_what_quantised_ones_do() {
    let place = place();
    let quantize = ["--set", "generator.quantize=nf4"];
    let dequantize = ["--set", "generator.dequantize=true"];
    let four_bits = generated(&place, "a", &quantize);
    let numbers = generated(&place, "b", &[quantize, dequantize].concat());
    assert_eq!(numbers, four_bits);
    assert_ne!(numbers, generated(&place, "c", &[]));
    let refused = place.gloss(&[&["run", "e.toml"][..], &dequantize].concat());
    refused.fails(2, &["config.json", "is not quantised", "`dequantize`"]);
}

#[test]
fn drawn_texts_depend_on_the_seed_alone() {
    let place = place();
    let draw = |folder, seed: &str| {
        let sampling = format!("generator.sampling={{temperature=1.2, seed={seed}}}");
        generated(&place, folder, &["--set", &sampling])
    };
    let first = draw("a", "1");
    assert_ne!(draw("b", "2"), first);
    fs::remove_dir_all(place.path(".gloss")).unwrap();
    assert_eq!(draw("c", "1"), first);
}

/// The shop that comes with gloss has enough users to be killed among them.
fn on_the_shop(place: &Place) -> std::process::Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let mut command = place.command(&[
        "run",
        "e.toml",
        "--output",
        "out",
        "--set",
        "dataset.category=Shop",
        "--set",
        &format!("dataset.folder={folder:?}"),
        "--set",
        "generator.batch_size=4",
        "--set",
        "generator.max_new_tokens=2",
    ]);
    // A tiny model only loses by threads.
    command.env("OMP_NUM_THREADS", "1");
    command
}

#[test]
fn killed_while_it_writes_it_goes_on_at_the_next_user() {
    let undisturbed = place();
    let ran = on_the_shop(&undisturbed).output().unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let expected = undisturbed.read("out/generated.json");
    let place = place();
    let lines = |place: &Place| {
        let cache = common::files(&place.path(".gloss"));
        let queries = cache
            .into_iter()
            .find(|file| file.ends_with("queries.jsonl"));
        queries.map_or(0, |file| {
            place.read(&format!(".gloss/{file}")).lines().count()
        })
    };
    let mut before = 0;
    for _ in 0..3 {
        let mut child = on_the_shop(&place)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while lines(&place) <= before && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        before = lines(&place);
    }
    assert!(before > 0);
    assert!(on_the_shop(&place).status().unwrap().success());
    assert_eq!(place.read("out/generated.json"), expected);
}

#[test]
fn settings_that_contradict_each_other_are_told_before_anything_is_read() {
    let place = place();
    let examples: [(&[&str], &str); 7] = [
        (&["generator.num_beam=3"], "did you mean: num_beams"),
        (&["generator.num_return_sequences=9"], "fewer beams"),
        (&["generator.exclude_seen=true"], "constrained = true"),
        (&["generator.device=\"gpu\""], "generator.device"),
        (&["generator.num_beams=1025"], "generator.num_beams"),
        (
            &["generator.sampling={}", "generator.length_penalty=2.0"],
            "texts are drawn",
        ),
        (
            &[
                "generator.merge_adapter=true",
                "generator.adapter=\"x\"",
                "generator.quantize=\"nf4\"",
            ],
            "quantised weights",
        ),
    ];
    for (settings, part) in examples {
        let mut args = vec!["validate", "e.toml"];
        for setting in settings {
            args.extend(["--set", setting]);
        }
        place.gloss(&args).fails(2, &[part]);
    }
    let unlimited = EXPERIMENT.replace("max_new_tokens = 8\n", "");
    place.write("u.toml", unlimited);
    let short = ["validate", "u.toml", "--set", "generator.max_length=50"];
    place
        .gloss(&short)
        .fails(2, &["generator.max_length", "no room for a prompt"]);
    let args = ["run", "e.toml", "--set", "generator.model=\"no/where\""];
    place
        .gloss(&args)
        .fails(2, &["no/where", "gloss fetch no/where"]);
    if !Path::new("/dev/nvidia0").exists() {
        let args = ["run", "e.toml", "--set", "generator.device=\"cuda:0\""];
        place.gloss(&args).fails(2, &["cuda:0", "gloss doctor"]);
    }
}

/// Changes a key of the model's `config.json`.
fn configure(place: &Place, key: &str, value: Value) {
    let mut config: Value = serde_json::from_str(&place.read("model/config.json")).unwrap();
    config[key] = value;
    place.write("model/config.json", config.to_string());
}

#[test]
fn bad_checkpoints_are_told_by_file_and_tensor() {
    let fails = |change: &dyn Fn(&Place), parts: &[&str]| {
        let place = place();
        change(&place);
        place.gloss(&["run", "e.toml"]).fails(2, parts);
    };
    let weights = "model/model.safetensors";
    fails(
        &|place| configure(place, "num_hidden_layers", 2.into()),
        &[weights, "model.layers.1."],
    );
    fails(
        &|place| configure(place, "intermediate_size", 48.into()),
        &[weights, "model.layers.0.mlp.gate_proj.weight", "48"],
    );
    fails(
        &|place| configure(place, "vocab_size", 500.into()),
        &["model/tokenizer.json", "500"],
    );
    fails(
        &|place| configure(place, "model_type", "mamba".into()),
        &["model/config.json", "`mamba`"],
    );
    fails(
        &|place| {
            let bytes = fs::read(place.path(weights)).unwrap();
            place.write(weights, &bytes[..bytes.len() - 100]);
        },
        &[weights],
    );
    fails(
        &|place| {
            let mut bytes = fs::read(place.path(weights)).unwrap();
            let end = bytes.len() - 4;
            bytes[end..].copy_from_slice(&f32::NAN.to_le_bytes());
            place.write(weights, bytes);
        },
        &[weights, "NaN"],
    );
    fails(
        &|place| fs::remove_file(place.path("model/tokenizer.json")).unwrap(),
        &["tokenizer.json"],
    );
    let place = place();
    copy(&place, "adapter", "adapter");
    let args = ["run", "e.toml", "--set", "generator.adapter=\"adapter\""];
    place
        .gloss(&args)
        .fails(2, &["adapter/adapter_model.safetensors", "layers.1"]);
}

/// Gives all numbers of the last norm's weight in a checkpoint this value.
fn set_norm(place: &Place, value: f32) {
    let path = place.path("model/model.safetensors");
    let mut bytes = fs::read(&path).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let norm = &header["model.norm.weight"];
    assert_eq!(norm["dtype"], "F32");
    let offset = |at: usize| norm["data_offsets"][at].as_u64().unwrap() as usize;
    let (start, end) = (8 + length + offset(0), 8 + length + offset(1));
    for number in bytes[start..end].chunks_mut(4) {
        number.copy_from_slice(&value.to_le_bytes());
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn logits_that_are_not_finite_are_an_error_that_names_the_user() {
    let place = place();
    set_norm(&place, f32::MAX);
    let drawn = "generator.sampling={temperature=1.0}";
    for settings in [&[][..], &["--set", drawn]] {
        let ran = place.gloss(&[&["run", "e.toml"][..], settings].concat());
        ran.fails(
            70,
            &["generator llama: the model's logits for user", "not finite"],
        );
    }
}
