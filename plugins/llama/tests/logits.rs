//! The network gives the logits of transformers, with those of bitsandbytes and PEFT where they are
//! in it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{F32, fixture, load};
use gloss_llama::{LoadOptions, Model};
use gloss_torch::Checkpoint;
use tch::Device;

/// The largest difference between the model's logits and those in the golden file beside `golden`.
fn difference(model: &Model, golden: &str) -> f64 {
    let golden = Checkpoint::open_file(fixture(golden).join("golden.safetensors")).unwrap();
    let read = |name: String| {
        let shape = golden.shape(&name).unwrap();
        golden.tensor(&name, &shape, Device::Cpu).unwrap()
    };
    let differences = [0, 1].map(|sequence| {
        let tokens: Vec<i64> = Vec::try_from(read(format!("input_ids_{sequence}"))).unwrap();
        let expected = read(format!("logits_{sequence}"));
        let found = model.logits_of(&tokens).unwrap();
        assert_eq!(found.size(), expected.size());
        (found - expected).abs().max().double_value(&[])
    });
    differences[0].max(differences[1])
}

#[track_caller]
fn assert_equal(model: &Model, golden: &str, tolerance: f64) {
    let difference = difference(model, golden);
    assert!(difference <= tolerance, "{golden}: {difference}");
}

#[test]
fn every_shape_of_llama_gives_the_logits_of_transformers() {
    for name in [
        "gqa",
        "mha",
        "llama3-rope",
        "llama3-rope-v4",
        "untied",
        "biases",
        "sharded",
        "head-dim",
        "bf16",
    ] {
        assert_equal(&load(name), name, 1e-4);
    }
}

#[test]
fn the_rotary_scaling_matters() {
    let scaled = load("llama3-rope");
    assert!(difference(&scaled, "gqa") > 1e-2);
}

#[test]
fn quantised_checkpoints_give_the_logits_of_bitsandbytes() {
    for name in ["nf4", "nf4-single"] {
        assert_equal(&load(name), name, 1e-3);
    }
}

#[test]
fn adapters_give_the_logits_of_peft_merged_or_not() {
    for (name, base) in [
        ("adapter", "gqa"),
        ("adapter-rslora", "gqa"),
        ("adapter-nf4", "nf4"),
        ("adapter-tokens", "gqa"),
        ("adapter-tokens-untied", "untied"),
    ] {
        for merge in [false, true] {
            let options = LoadOptions { merge, ..F32 };
            let adapter = fixture(name);
            let model = Model::load(&fixture(base), Some(&adapter), options).unwrap();
            assert_equal(&model, name, if base == "nf4" { 1e-3 } else { 1e-4 });
        }
    }
}

#[test]
fn a_checkpoint_that_is_quantised_on_loading_gives_those_of_one_that_was_stored_so() {
    let quantised = LoadOptions {
        quantize: true,
        ..F32
    };
    let model = |options| Model::load(&fixture("nf4-base"), None, options).unwrap();
    assert_equal(&model(quantised), "nf4-base", 1e-3);
    assert!(difference(&model(F32), "nf4-base") > 1e-2);
}
