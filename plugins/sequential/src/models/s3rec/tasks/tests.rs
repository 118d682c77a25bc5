//! The losses beside those of PyTorch; see `tests/golden/s3rec.py`.

use std::path::Path;

use gloss_core::{Catalogue, Data, Item};
use gloss_torch::Checkpoint;
use serde::Deserialize;

use super::*;
use crate::features::Features;
use crate::layers::{Activation, BlockKind, BlockOptions};

#[derive(Deserialize)]
struct Golden {
    words: Vec<Vec<u32>>,
    length: usize,
    options: Pretraining,
    draws: Vec<Draw>,
    loss: f64,
}

fn tasks(builder: &mut Builder, golden: &Golden) -> Tasks {
    let item = |(number, words): (usize, &Vec<u32>)| Item {
        id: number.to_string(),
        text: words.iter().map(|word| format!("w{word} ")).collect(),
        fields: Vec::new(),
    };
    let items: Vec<Item> = golden.words.iter().enumerate().map(item).collect();
    let count = items.len();
    let catalogue = Catalogue::new(items, Vec::new()).unwrap();
    let features = Features {
        min_items: 1,
        ..Features::default()
    };
    let table = FeatureTable::new(&features, &catalogue).unwrap();
    let options = BlockOptions {
        kind: BlockKind::PostNorm,
        width: 8,
        heads: 2,
        inner: 12,
        activation: Activation::Gelu,
        dropout: 0.0,
        attention_dropout: 0.0,
        epsilon: 1e-12,
        init: Some(0.02),
    };
    let data = Data {
        catalogue,
        ..Data::default()
    };
    let causal = Causal::new(builder, &data, options, (2, golden.length), None).unwrap();
    Tasks::new(builder, causal, table, count, (golden.options.clone(), 8))
}

#[test]
fn the_loss_of_the_four_tasks_and_its_gradients_are_those_of_pytorch() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let golden = std::fs::read(folder.join("s3rec.json")).unwrap();
    let golden: Golden = serde_json::from_slice(&golden).unwrap();
    let checkpoint = Checkpoint::open_file(folder.join("s3rec.safetensors")).unwrap();
    let mut builder = Builder::default();
    let tasks = tasks(&mut builder, &golden);
    let parameters = builder.draw(1, Device::Cpu).unwrap();
    let read = |kind: &str, name: &str, shape: &[i64]| {
        let name = format!("{kind}.{name}");
        checkpoint.tensor(&name, shape, Device::Cpu).unwrap()
    };
    for parameter in &parameters.list {
        let value = read("value", &parameter.name, &parameter.shape);
        parameter.of(&parameters.values).unwrap().copy_(&value);
    }
    let leaves = Leaves::trained(&parameters).unwrap();
    let draws: Vec<&Draw> = golden.draws.iter().collect();
    let loss = tasks
        .loss(&leaves, &draws, golden.length, Device::Cpu)
        .unwrap();
    let difference = (loss.double_value(&[]) - golden.loss).abs();
    assert!(difference < 1e-3, "{difference}");
    leaves.backward(&loss, &parameters).unwrap();
    for parameter in &parameters.list {
        let ours = parameter.of(&parameters.gradient).unwrap();
        let theirs = read("gradient", &parameter.name, &parameter.shape);
        let difference = (ours - theirs).abs().max().double_value(&[]);
        assert!(difference < 1e-4, "{}: {difference}", parameter.name);
    }
}
