//! Trainings by several processes.
#![cfg(feature = "libtorch")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Place, Ran};
use safetensors::SafeTensors;
use serde_json::Value;

const EXPERIMENT: &str = r#"
name = "together"
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
max_steps = 8
eval_steps = 4
lora_dropout = 0.0
metric_for_best_model = "recall@5"
"#;

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

/// A port that is free, as is the next one. Each is given out once, and all lie below those that
/// systems choose for connections.
fn port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 5_000) as u16 * 2;
    let is_free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    loop {
        let port = first + GIVEN.fetch_add(2, Ordering::Relaxed);
        if is_free(port) && is_free(port + 1) {
            return port;
        }
    }
}

fn start(place: &Place, ranks: usize, output: &str, cache: &str, set: &[&str]) -> Vec<Child> {
    let port = port();
    let start = |rank: usize| {
        let size = format!("generator.training.world_size={ranks}");
        let mut command = place.command(&["train", "e.toml", "--output", output, "--set", &size]);
        command.args(["--cache", cache]).args(set);
        command
            .env("OMP_NUM_THREADS", "1")
            .env("RANK", rank.to_string())
            .env("WORLD_SIZE", ranks.to_string())
            .env("MASTER_ADDR", "127.0.0.1")
            .env("MASTER_PORT", port.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    (0..ranks).map(start).collect()
}

fn train(place: &Place, ranks: usize, output: &str, cache: &str) {
    for child in start(place, ranks, output, cache, &[]) {
        Ran::from(child.wait_with_output().unwrap()).succeeds();
    }
}

fn weights(place: &Place, output: &str) -> Vec<(String, Vec<f32>)> {
    let bytes =
        fs::read(place.path(&format!("{output}/adapter/adapter_model.safetensors"))).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut weights: Vec<_> = tensors
        .tensors()
        .into_iter()
        .map(|(name, tensor)| {
            let (numbers, _) = tensor.data().as_chunks::<4>();
            (
                name,
                numbers
                    .iter()
                    .map(|bytes| f32::from_le_bytes(*bytes))
                    .collect(),
            )
        })
        .collect();
    weights.sort_by(|a: &(String, Vec<f32>), b| a.0.cmp(&b.0));
    weights
}

fn losses(place: &Place, output: &str) -> Vec<f64> {
    let lines = place.read(&format!("{output}/metrics.jsonl"));
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter_map(|line| line["loss"].as_f64()).collect()
}

#[test]
fn two_and_three_processes_train_what_one_trains() {
    let place = place();
    let alone = ["train", "e.toml", "--output", "one", "--cache", "c1"];
    let mut command = place.command(&alone);
    Ran::from(command.env("OMP_NUM_THREADS", "1").output().unwrap()).succeeds();
    for (ranks, output, cache) in [(2, "two", "c2"), (3, "three", "c3")] {
        train(&place, ranks, output, cache);
        for (one, many) in losses(&place, "one").iter().zip(losses(&place, output)) {
            assert!(
                (one - many).abs() < 1e-4 * one.abs(),
                "{ranks}: {one} {many}"
            );
        }
        for ((name, one), (other, many)) in
            weights(&place, "one").iter().zip(&weights(&place, output))
        {
            assert_eq!(name, other);
            for (one, many) in one.iter().zip(many) {
                assert!((one - many).abs() < 2e-4, "{ranks}: {name}: {one} {many}");
            }
        }
    }
    // The same processes leave the same bytes, and a run uses the training.
    train(&place, 2, "again", "c4");
    let bytes = |output: &str| {
        fs::read(place.path(&format!("{output}/adapter/adapter_model.safetensors"))).unwrap()
    };
    assert!(bytes("two") == bytes("again"));
    let run = [
        "run",
        "e.toml",
        "--output",
        "run",
        "--cache",
        "c2",
        "--set",
        "generator.training.world_size=2",
    ];
    place.gloss(&run).succeeds();
    let manifest: Value = serde_json::from_str(&place.read("run/manifest.json")).unwrap();
    let stages = manifest["stages"].as_array().unwrap();
    let training = stages
        .iter()
        .find(|stage| stage["stage"] == "train")
        .unwrap();
    assert_eq!(training["reused"], true);
}

#[test]
fn a_process_that_ends_ends_the_others_and_the_training_resumes() {
    let place = place();
    let long = [
        "--set",
        "generator.training.max_steps=40",
        "--set",
        "generator.training.save_steps=2",
        "--set",
        "generator.training.metric_for_best_model=last",
    ];
    let mut children = start(&place, 2, "t", "c", &long);
    let begun = Instant::now();
    let saved = || {
        let files = common::files(&place.path("c")).into_iter();
        files
            .filter(|name| name.ends_with("checkpoint.safetensors"))
            .count()
            > 0
    };
    while !saved() {
        let ended = |child: &mut Child| child.try_wait().unwrap().is_some();
        if let Some(at) = children.iter_mut().position(ended) {
            let ran = Ran::from(children.remove(at).wait_with_output().unwrap());
            panic!(
                "rank {at} ended before a checkpoint: {:?}, {}",
                ran.code, ran.stderr
            );
        }
        assert!(begun.elapsed() < Duration::from_secs(300), "no checkpoint");
        sleep(Duration::from_millis(10));
    }
    children[1].kill().unwrap();
    children.remove(1).wait().unwrap();
    let first = Ran::from(children.remove(0).wait_with_output().unwrap());
    first.fails(
        3,
        &[
            "the process of rank 1 of this training has ended",
            "at the last checkpoint",
        ],
    );
    for child in start(&place, 2, "t", "c", &long) {
        Ran::from(child.wait_with_output().unwrap()).succeeds();
    }
    for child in start(&place, 2, "whole", "other", &long) {
        Ran::from(child.wait_with_output().unwrap()).succeeds();
    }
    assert!(weights(&place, "t") == weights(&place, "whole"));
}

#[test]
fn the_number_of_processes_is_that_of_the_options() {
    let place = place();
    let alone = [
        "train",
        "e.toml",
        "--set",
        "generator.training.world_size=2",
    ];
    let parts = [
        "`training.world_size` is 2, and 1 processes were started",
        "torchrun --no-python",
    ];
    place.gloss(&alone).fails(2, &parts);
    let mut command = place.command(&["train", "e.toml"]);
    let ran = Ran::from(command.env("WORLD_SIZE", "2").output().unwrap());
    ran.fails(
        2,
        &["`training.world_size` is 1, and 2 processes were started"],
    );
    let mut command = place.command(&["run", "e.toml"]);
    let ran = Ran::from(command.env("RANK", "1").output().unwrap());
    ran.fails(2, &["`gloss run` is for one process", "`gloss train`"]);
}

/// By the torchrun of the libtorch that the build installed, or of the environment's PyTorch.
#[test]
#[ignore = "starts torchrun of PyTorch, which is slow"]
fn slow_torchrun_starts_the_processes() {
    let place = place();
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/libtorch");
    let mut command = Command::new("python3");
    command
        .args([
            "-m",
            "torch.distributed.run",
            "--no-python",
            "--nproc-per-node",
            "2",
        ])
        .args([
            "--master-port",
            &port().to_string(),
            env!("CARGO_BIN_EXE_gloss"),
        ])
        .args(["train", "e.toml", "--output", "t", "--cache", "c"])
        .args(["--set", "generator.training.world_size=2"])
        .current_dir(place.path("."))
        .env("OMP_NUM_THREADS", "1");
    if installed.join("torch").is_dir() {
        command.env("PYTHONPATH", installed);
    }
    let ran = Ran::from(command.output().unwrap());
    ran.succeeds();
    assert_eq!(losses(&place, "t").len(), 8);
}
