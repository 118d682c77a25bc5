//! A real model and real texts; see `tests/golden/train_beauty.py`.

use gloss_core::{AnyComponent, Kind, Registry};
use serde_json::json;
use tch::Kind as Numbers;

use super::*;
use crate::prompt::{Prompts, Truncation};

#[derive(Deserialize)]
struct Beauty {
    users: Vec<String>,
    losses: Vec<f64>,
    sampled: usize,
    weights: std::collections::BTreeMap<String, Vec<f64>>,
}

/// The folder that a variable names, or the default below the repository.
fn folder(variable: &str, default: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os(variable).map_or(root.join(default), PathBuf::from);
    assert!(
        folder.is_dir(),
        "no folder {}; set {variable}",
        folder.display()
    );
    folder
}

fn data(folder: &Path) -> Data {
    let _ = gloss_amazon::register;
    let registry = Registry::compiled_in().unwrap();
    let entry = registry.get(Kind::Dataset, "amazon", "").unwrap();
    let options = json!({"category": "Beauty", "folder": folder.join("amazon2014")});
    let AnyComponent::Dataset(dataset) = entry.parse(options).unwrap() else {
        unreachable!("amazon is a dataset");
    };
    dataset.load(&Context::default()).unwrap()
}

/// The texts of users without their last purchase.
fn texts(data: &Data, base: &Path, users: &[String]) -> Vec<Text> {
    let tokenizer = Tokenizer::open(base, 49152).unwrap();
    let prompts = Prompts::new(&tokenizer, &data.catalogue, Truncation::Left, 1024).unwrap();
    let text = |user: &String| {
        let number = data.histories.users().iter().position(|own| own == user);
        let items = data.histories.history(number.unwrap() as u32).items;
        let (target, history) = items[..items.len() - 1].split_last().unwrap();
        Text {
            tokens: prompts.training(history, *target).unwrap(),
            from: 1,
        }
    };
    users.iter().map(text).collect()
}

fn first_factor(shape: &[i64]) -> Tensor {
    let count: i64 = shape.iter().product();
    let number = |place: i64| (place * 7919 % 401 - 200) as f32 / 4096.0;
    Tensor::from_slice(&(0..count).map(number).collect::<Vec<_>>()).view(shape)
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools; after the tests whose names begin with `model_`"]
fn minutes_steps_on_smollm2_are_those_of_peft() {
    let data_folder = folder("GLOSS_TEST_DATA", "../shared/data");
    let base = folder("GLOSS_TEST_MODELS", "target/tmp/models").join("smollm2-135m");
    let golden = std::fs::read(path("golden/train_beauty.json")).unwrap();
    let golden: Beauty = serde_json::from_slice(&golden).unwrap();
    let all = std::env::var_os("GLOSS_TEST_ALL").is_some();
    let steps = if all { golden.losses.len() } else { 2 };
    let training = Training {
        r: 4,
        lora_alpha: 8.0,
        optim: OptimizerName::Adamw,
        learning_rate: 1e-3,
        warmup_steps: 5,
        ..Training::default()
    };
    let llama = Llama {
        model: Some(base.display().to_string()),
        device: DeviceName::Cpu,
        ..Llama::default()
    };
    let (network, parameters) = llama.network(&training, &base, &[]).unwrap();
    for parameter in &parameters.list {
        let mut place = parameter.of(&parameters.values).unwrap();
        match parameter.name.contains("lora_A") {
            true => place.copy_(&first_factor(&parameter.shape)),
            false => drop(place.fill_(0.0)),
        }
    }
    let (folder, context) = (tempfile::tempdir().unwrap(), Context::default());
    let texts = texts(&data(&data_folder), &base, &golden.users);
    let count = texts.len();
    let texts = TextTraining {
        training: &training,
        network,
        parameters,
        texts,
        validation: Vec::new(),
        base: (base.clone(), String::new()),
        written: None,
        packed_tokens: 1024,
    };
    let mut session = session(texts, folder.path(), &context);
    let places: Vec<usize> = (0..count).collect();
    for (number, some) in places.chunks(2).take(steps).enumerate() {
        let all = golden.losses.len() as u64;
        let (loss, _) = step(&mut session, some, number as u64, all);
        let difference = (loss - golden.losses[number]).abs();
        assert!(difference < 1e-4, "step {number}: {loss}, {difference}");
    }
    if all {
        compare_weights(&session.trainee.parameters, &golden);
    }
}

fn compare_weights(parameters: &Parameters, golden: &Beauty) {
    for parameter in &parameters.list {
        let ours = parameter.of(&parameters.values).unwrap().reshape([-1]);
        let ours: Vec<f64> = Vec::try_from(ours.to_kind(Numbers::Double)).unwrap();
        let theirs = &golden.weights[&parameter.name];
        for (ours, theirs) in ours.iter().step_by(golden.sampled).zip(theirs) {
            let difference = (ours - theirs).abs();
            assert!(difference < 1e-4, "{}: {difference}", parameter.name);
        }
    }
}
