//! Tokenizers beside scikit-learn and PyTorch; see `tests/golden/make.py`.

use std::path::{Path, PathBuf};

use gloss_core::Context;
use gloss_dense::Matrix;
use gloss_torch::Checkpoint;
use gloss_training::{Adam, Optimizer, OptimizerName, Trainee};
use serde_json::{Value, json};
use tch::{Device, Tensor};

use crate::options::ItemTokenizer;
use crate::residual;
use crate::rq_vae::VaeTrainee;
use crate::tokenizer::standardized;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn read(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path(name)).unwrap()).unwrap()
}

fn options(value: Value) -> ItemTokenizer {
    serde_json::from_value(value).unwrap()
}

#[test]
fn residual_kmeans_has_the_clusters_of_scikit_learn() {
    let golden = read("kmeans.json");
    let rows: Vec<Vec<f32>> = serde_json::from_value(golden["vectors"].clone()).unwrap();
    let vectors = Matrix::new(rows.concat(), 6);
    let options = options(json!({"model": "m", "codebook_size": 8, "levels": 3}));
    let levels = residual::levels(vectors, &options, &Context::default()).unwrap();
    let expected: Vec<Vec<u16>> = serde_json::from_value(golden["levels"].clone()).unwrap();
    let found: Vec<Vec<u16>> = levels.into_iter().map(|level| level.codes).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_step_of_rq_vae_is_that_of_pytorch() {
    let golden = read("rq_vae.json");
    let weights = Checkpoint::open_file(path("rq_vae.safetensors")).unwrap();
    let vectors = weights.tensor("vectors", &[16, 6], Device::Cpu).unwrap();
    let values: Vec<f32> = Vec::try_from(vectors.view([-1])).unwrap();
    let vae = json!({"hidden_sizes": [10], "latent_size": 4, "learning_rate": 1e-2});
    let options = options(json!({
        "type": "rq-vae", "model": "m", "codebook_size": 5, "levels": 2, "rq_vae": vae,
    }));
    let vectors = Matrix::new(values, 6);
    let mut trainee =
        VaeTrainee::new(&vectors, &options, Device::Cpu, &Context::default()).unwrap();
    let of = |time: &str, name: &str, shape: &[i64]| {
        weights
            .tensor(&format!("{time}.{name}"), shape, Device::Cpu)
            .unwrap()
    };
    let parameters = trainee.parameters();
    tch::no_grad(|| {
        for parameter in &parameters.list {
            let mut place = parameter.of(&parameters.values).unwrap();
            place.copy_(&of("before", &parameter.name, &parameter.shape));
        }
    });
    let codes: Vec<Vec<u16>> = serde_json::from_value(golden["codes"].clone()).unwrap();
    let found = tch::no_grad(|| trainee.levels()).unwrap();
    assert_eq!(
        found
            .into_iter()
            .map(|level| level.codes)
            .collect::<Vec<_>>(),
        codes
    );
    let all: Vec<usize> = (0..16).collect();
    let gradient = trainee.gradient(&all, 0).unwrap();
    assert!((gradient.loss - golden["loss"].as_f64().unwrap()).abs() < 1e-6);
    let adam = Adam {
        weight_decay: 0.0,
        betas: (0.9, 0.999),
    };
    let parameters = trainee.parameters();
    let mut optimizer = Optimizer::new(parameters, OptimizerName::Adamw, adam).unwrap();
    tch::no_grad(|| optimizer.step(parameters, 1e-2, 1)).unwrap();
    for parameter in &parameters.list {
        let found = parameter.of(&parameters.values).unwrap();
        let expected = of("after", &parameter.name, &parameter.shape);
        let apart = Tensor::max(&(found - expected).abs()).double_value(&[]);
        assert!(apart < 1e-5, "{}: {apart}", parameter.name);
    }
    // Codebooks begin as clusters, so that every code is near some item.
    trainee = VaeTrainee::new(&vectors, &options, Device::Cpu, &Context::default()).unwrap();
    let levels = tch::no_grad(|| trainee.levels()).unwrap();
    let used: std::collections::BTreeSet<u16> = levels[0].codes.iter().copied().collect();
    assert_eq!(used.len(), 5);
}

#[test]
fn standardized_vectors_have_mean_0_and_deviation_1() {
    let vectors = Matrix::new(vec![1.0, 5.0, 3.0, 5.0, 5.0, 5.0], 2);
    let found = standardized(&vectors);
    let expected = [-1.224_744_9, 0.0, 0.0, 0.0, 1.224_744_9, 0.0];
    for (found, expected) in found.values().iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6);
    }
}
