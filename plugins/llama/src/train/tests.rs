//! Fifty steps beside those of PyTorch, PEFT and bitsandbytes; see `tests/golden/train.py`.

mod beauty;

use std::path::{Path, PathBuf};

use gloss_torch::{Checkpoint, DeviceName};
use gloss_training::{OptimizerName, clipped_gradient};
use serde::Deserialize;
use tch::Tensor;

use super::batch::Text;
use super::*;
use crate::config::{Batching, LossScope};

#[derive(Deserialize)]
struct Golden {
    fixture: String,
    training: Training,
    texts: Vec<(Vec<i64>, usize)>,
    /// Tokens that have rows of their own.
    #[serde(default)]
    tokens: Vec<i64>,
    losses: Vec<f64>,
    norms: Vec<f64>,
}

const CASES: [&str; 11] = [
    "lora",
    "target",
    "some",
    "untied",
    "eight-bit",
    "nf4",
    "rows",
    "rows-untied",
    "full",
    "full-untied",
    "full-biases",
];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

impl Golden {
    fn read(name: &str) -> (Self, Checkpoint) {
        let file = |end: &str| path(&format!("golden/train/{name}.{end}"));
        let golden = serde_json::from_slice(&std::fs::read(file("json")).unwrap()).unwrap();
        (golden, Checkpoint::open_file(file("safetensors")).unwrap())
    }

    fn texts(&self) -> Vec<Text> {
        let text = |(tokens, target): &(Vec<i64>, usize)| Text {
            from: match self.training.loss {
                LossScope::All => 1,
                LossScope::Target => tokens.len() - target,
            },
            tokens: tokens.clone(),
        };
        self.texts.iter().map(text).collect()
    }

    fn session<'a>(
        &self,
        training: &'a Training,
        folder: &'a Path,
        context: &'a Context,
    ) -> Session<'a, TextTraining<'a>> {
        tch::set_num_threads(1);
        let base = path("fixtures").join(&self.fixture);
        let llama = Llama {
            model: Some(base.display().to_string()),
            device: DeviceName::Cpu,
            max_length: 64,
            ..Llama::default()
        };
        let (network, parameters) = llama.network(training, &base, &self.tokens).unwrap();
        let texts = TextTraining {
            training,
            network,
            parameters,
            texts: self.texts(),
            validation: Vec::new(),
            base: (base, String::new()),
            written: None,
            packed_tokens: training.packed_tokens.unwrap_or(100),
        };
        session(texts, folder, context)
    }
}

/// A training of `texts` before its first step.
fn session<'a>(
    texts: TextTraining<'a>,
    folder: &'a Path,
    context: &'a Context,
) -> Session<'a, TextTraining<'a>> {
    let training = texts.training;
    let adam = Adam::new(training.weight_decay);
    Session {
        optimizer: Optimizer::new(&texts.parameters, training.optim, adam).unwrap(),
        settings: training.settings(),
        trainee: texts,
        folder,
        metric: None,
        world: None,
        context,
    }
}

/// Takes a step with the texts at `examples`; returns the loss, and the length of the gradient.
fn step(
    session: &mut Session<'_, TextTraining<'_>>,
    examples: &[usize],
    step: u64,
    steps: u64,
) -> (f64, f64) {
    let (texts, settings) = (&session.trainee, &session.settings);
    let (gradient, norm) = clipped_gradient(texts, examples, step, settings.max_grad_norm).unwrap();
    let rate = settings.learning_rate.at(step, steps);
    let parameters = &texts.parameters;
    session.optimizer.step(parameters, rate, step + 1).unwrap();
    (gradient.loss, norm)
}

/// Returns the distance of the weights from those after the peer's training: the greatest except for the
/// share `left_out` of the weights.
fn distance(parameters: &Parameters, checkpoint: &Checkpoint, left_out: f64) -> f64 {
    let distances = parameters.list.iter().map(|parameter| {
        let name = format!("after.{}", parameter.name);
        let expected = checkpoint.tensor(&name, &parameter.shape, tch::Device::Cpu);
        let ours = parameter.of(&parameters.values).unwrap();
        (ours - expected.unwrap()).abs().reshape([-1])
    });
    let all = Tensor::cat(&distances.collect::<Vec<_>>(), 0);
    all.quantile_scalar(1.0 - left_out, None, false, "higher")
        .double_value(&[])
}

fn start(parameters: &Parameters, checkpoint: &Checkpoint) {
    for parameter in &parameters.list {
        let name = format!("before.{}", parameter.name);
        if checkpoint.contains(&name) {
            let value = checkpoint.tensor(&name, &parameter.shape, tch::Device::Cpu);
            let mut place: Tensor = parameter.of(&parameters.values).unwrap();
            place.copy_(&value.unwrap());
        }
    }
}

/// Greatest differences of losses, gradients' lengths and final weights.
fn train(name: &str, change: impl FnOnce(&mut Training)) -> (f64, f64, f64) {
    let (golden, checkpoint) = Golden::read(name);
    let mut training = golden.training.clone();
    change(&mut training);
    let folder = tempfile::tempdir().unwrap();
    let context = Context::default();
    let mut session = golden.session(&training, folder.path(), &context);
    start(&session.trainee.parameters, &checkpoint);
    let texts: Vec<usize> = (0..golden.texts.len()).collect();
    let steps = golden.losses.len() as u64;
    let (mut losses, mut norms) = (0_f64, 0_f64);
    for (number, some) in (0..steps).zip(texts.chunks(training.texts_per_step())) {
        let (loss, norm) = step(&mut session, some, number, steps);
        losses = losses.max((loss - golden.losses[number as usize]).abs());
        norms = norms.max((norm - golden.norms[number as usize]).abs());
    }
    // Where 8 bits are rounded, the last bit of a gradient decides which way some states go.
    let left_out = match training.optim {
        OptimizerName::Adamw => 0.0,
        OptimizerName::Adamw8bit => 0.1,
    };
    let weights = distance(&session.trainee.parameters, &checkpoint, left_out);
    (losses, norms, weights)
}

#[test]
fn fifty_steps_are_those_of_the_peers_padded_and_packed() {
    for name in CASES {
        for batching in [Batching::Padded, Batching::Packed] {
            for checkpointing in [true, false] {
                let (losses, norms, weights) = train(name, |training| {
                    training.batching = batching;
                    training.gradient_checkpointing = checkpointing;
                });
                println!("{name} {batching:?}: {losses:.1e} {norms:.1e} {weights:.1e}");
                let all = losses.max(norms).max(weights);
                // bitsandbytes rounds what it dequantises to 16 bits here.
                let most = if name == "nf4" { 3e-3 } else { 1e-4 };
                assert!(all < most, "{name} {batching:?} {checkpointing}: {all}");
            }
        }
    }
}

#[test]
fn an_adapter_that_was_written_is_trained_further_and_one_of_another_scale_is_not() {
    let (golden, checkpoint) = Golden::read("lora");
    let training = golden.training.clone();
    let (folder, context) = (tempfile::tempdir().unwrap(), Context::default());
    let session = golden.session(&training, folder.path(), &context);
    let parameters = &session.trainee.parameters;
    start(parameters, &checkpoint);
    let adapter = folder.path().join("adapter");
    let plan = &session.trainee.network.plan;
    weights::write(
        &adapter,
        &training,
        (plan, parameters),
        Path::new(""),
        "gqa",
    )
    .unwrap();
    let base = path("fixtures/gqa");
    let network = |adapter: PathBuf, training: &Training| {
        let llama = Llama {
            model: Some(base.display().to_string()),
            adapter: Some(adapter),
            device: DeviceName::Cpu,
            ..Llama::default()
        };
        llama.network(training, &base, &[])
    };
    let (_, read) = network(adapter.clone(), &training).unwrap();
    assert_eq!(read.values, parameters.values);
    let other = Training {
        lora_alpha: 4.0,
        ..training
    };
    for (adapter, training) in [
        (adapter, &other),
        (path("fixtures/adapter"), &training_of_peft()),
    ] {
        let Err(error) = network(adapter, training) else {
            panic!("it was taken");
        };
        assert!(error.to_string().contains("the adapter's scale"), "{error}");
    }
}

/// As the adapter among the fixtures says, which has another scale in one module.
fn training_of_peft() -> Training {
    Training {
        r: 4,
        lora_alpha: 6.0,
        ..Training::default()
    }
}
