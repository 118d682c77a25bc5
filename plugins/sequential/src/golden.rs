//! The models beside modules of PyTorch; see `tests/golden/models.py` and `losses.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gloss_core::{Catalogue, Context, Data, Example, Histories, Item, QueryContent};
use gloss_torch::Checkpoint;
use gloss_training::Trainee;
use serde::Deserialize;
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

use crate::loss::{Loss, Negatives, Objective, gbce_power};
use crate::network::Model;
use crate::train::{SequenceTrainee, session};
use crate::{Bert4Rec, Fdsa, Gru4Rec, Hstu, Sasrec};

#[derive(Deserialize)]
struct Golden {
    users: Vec<Vec<u32>>,
    times: Vec<Vec<i64>>,
    words: Vec<Vec<u32>>,
    scores: Vec<Vec<f64>>,
    losses: Vec<f64>,
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

impl Golden {
    fn read(name: &str) -> (Self, Checkpoint) {
        let file = |end: &str| path(&format!("models/{name}.{end}"));
        let golden = serde_json::from_slice(&std::fs::read(file("json")).unwrap()).unwrap();
        (golden, Checkpoint::open_file(file("safetensors")).unwrap())
    }

    /// All users as training examples.
    fn data(&self) -> Data {
        let item = |(number, words): (usize, &Vec<u32>)| Item {
            id: format!("i{number}"),
            text: words.iter().map(|word| format!("w{word} ")).collect(),
            fields: Vec::new(),
        };
        let items = self.words.iter().enumerate().map(item).collect();
        let mut histories = Histories::new();
        let mut data = Data {
            catalogue: Catalogue::new(items, Vec::new()).unwrap(),
            ..Data::default()
        };
        for (user, (items, times)) in (0..).zip(self.users.iter().zip(&self.times)) {
            let events = items
                .iter()
                .zip(times)
                .map(|(&item, &time)| (item, time, 1.0));
            histories.push(format!("u{user}"), events);
            data.splits.train.push(Example {
                user,
                history: items.len() as u32,
                targets: 0,
            });
        }
        data.histories = histories;
        data
    }
}

/// The options of the models in `models.py`.
fn options(layers: Option<&str>, others: Value) -> Value {
    let mut options = json!({
        "device": "cpu", "max_length": 6, "hidden_size": 8, "count": 13,
        "training": {
            "loss": "cross-entropy", "adam_beta2": 0.999, "learning_rate": 3e-3,
            "per_device_train_batch_size": 6, "num_train_epochs": 50,
            "metric_for_best_model": "last",
        },
    });
    let mut add = |values: Value| {
        for (key, value) in values.as_object().unwrap() {
            options[key] = value.clone();
        }
    };
    if layers.is_some() {
        add(json!({
            "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12,
            "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
        }));
    }
    add(others);
    options
}

fn model<M: Model + for<'de> Deserialize<'de>>(options: Value) -> M {
    serde_json::from_value(options).unwrap()
}

fn start(trainee: &SequenceTrainee<'_>, checkpoint: &Checkpoint) {
    for parameter in &trainee.parameters.list {
        let name = format!("before.{}", parameter.name);
        let value = checkpoint
            .tensor(&name, &parameter.shape, Device::Cpu)
            .unwrap();
        let mut place = parameter.of(&trainee.parameters.values).unwrap();
        place.copy_(&value);
    }
}

/// Compares the scores before training; the losses of all steps; and the weights after them.
fn compare<M: Model>(name: &str, model: M) {
    tch::set_num_threads(1);
    let (golden, checkpoint) = Golden::read(name);
    let data = golden.data();
    let (folder, context) = (tempfile::tempdir().unwrap(), Context::default());
    let trainee = SequenceTrainee::new(&model, &data, None).unwrap();
    start(&trainee, &checkpoint);
    trainee.write(folder.path()).unwrap();
    let trained = model.with_weights(folder.path().to_path_buf());
    let far = scores(&trained, &data, &golden);
    assert!(far < 1e-4, "{name}: scores differ by {far}");

    let mut losses = 0_f64;
    let options = model.shared().training.clone();
    let mut session = session(trainee, &options, folder.path(), &context).unwrap();
    for (step, expected) in (0..).zip(&golden.losses) {
        let all: Vec<usize> = (0..golden.users.len()).collect();
        let gradient = session.trainee.gradient(&all, step).unwrap();
        let parameters = &session.trainee.parameters;
        session
            .optimizer
            .step(parameters, options.learning_rate, step + 1)
            .unwrap();
        losses = losses.max((gradient.loss - expected).abs());
    }
    let mut weights = 0_f64;
    // A bias of keys moves all scores of a place alike: its gradient is 0 but for rounding, which
    // Adam makes a step of.
    let parameters = &session.trainee.parameters.list;
    for parameter in parameters.iter().filter(|p| !p.name.ends_with("key.bias")) {
        let name = format!("after.{}", parameter.name);
        let expected = checkpoint
            .tensor(&name, &parameter.shape, Device::Cpu)
            .unwrap();
        let ours = parameter.of(&session.trainee.parameters.values).unwrap();
        weights = weights.max((ours - expected).abs().max().double_value(&[]));
    }
    println!("{name}: scores {far:.1e}, losses {losses:.1e}, weights {weights:.1e}");
    assert!(losses < 1e-4, "{name}: losses differ by {losses}");
    assert!(weights < 1e-4, "{name}: weights differ by {weights}");
}

/// The greatest difference of log-probabilities of items.
fn scores<M: Model>(model: &M, data: &Data, golden: &Golden) -> f64 {
    let context = Context::default();
    let mut generator = model.open(data, &context).unwrap();
    let histories: Vec<_> = (0..golden.users.len() as u32)
        .map(|user| data.histories.history(user))
        .collect();
    let queries = generator.generate(&histories).unwrap();
    let mut far = 0_f64;
    for (queries, expected) in queries.iter().zip(&golden.scores) {
        let QueryContent::Items(ranking) = &queries[0].content else {
            panic!("{queries:?} is no ranking");
        };
        assert_eq!(ranking.len(), expected.len());
        let expected = Tensor::from_slice(expected).log_softmax(-1, tch::Kind::Double);
        for &(item, score) in ranking {
            far = far.max((f64::from(score) - expected.double_value(&[i64::from(item)])).abs());
        }
    }
    far
}

#[test]
fn scores_and_fifty_steps_are_those_of_pytorch() {
    let layers = Some("");
    compare("sasrec", model::<Sasrec>(options(layers, json!({}))));
    let post = json!({"block": "post-norm", "hidden_act": "gelu", "layer_norm_eps": 1e-12});
    compare("original", model::<Sasrec>(options(layers, post)));
    compare(
        "esasrec",
        model::<Sasrec>(options(layers, json!({"block": "ligr"}))),
    );
    let all = json!({"mlm_probability": 1.0});
    compare("bert4rec", model::<Bert4Rec>(options(layers, all)));
    let words = json!({"features": {"min_items": 1}});
    compare("fdsa", model::<Fdsa>(options(layers, words)));
    let mut gru = options(
        None,
        json!({"embedding_size": 8, "hidden_size": 12, "dropout": 0.0}),
    );
    gru["max_length"] = 6.into();
    compare("gru4rec", model::<Gru4Rec>(gru));
    let hstu = json!({"num_hidden_layers": 2, "num_attention_heads": 2, "dropout": 0.0});
    compare("hstu", model::<Hstu>(options(None, hstu)));
}

#[derive(Deserialize)]
struct Losses {
    shape: [i64; 4],
    hidden: Vec<f32>,
    items: Vec<f32>,
    targets: Vec<i64>,
    shared: Vec<i64>,
    own: Vec<i64>,
    log_q: Vec<f32>,
    power: f64,
    losses: BTreeMap<String, Expected>,
}

#[derive(Deserialize)]
struct Expected {
    sum: f64,
    by_hidden: Vec<f32>,
    by_items: Vec<f32>,
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    let golden: Losses =
        serde_json::from_slice(&std::fs::read(path("losses.json")).unwrap()).unwrap();
    let [predictions, items, width, count] = golden.shape;
    let hidden = Tensor::from_slice(&golden.hidden).view([predictions, width]);
    let matrix = Tensor::from_slice(&golden.items).view([items, width]);
    let targets = Tensor::from_slice(&golden.targets);
    let shared = || Negatives::Shared(Tensor::from_slice(&golden.shared));
    let own = || Negatives::Own(Tensor::from_slice(&golden.own).view([predictions, count]));
    let power = gbce_power(count as usize, items as usize, 0.6);
    assert!((power - golden.power).abs() < 1e-12);
    // With more items than are compared, their gradients are those of the compared ones alone.
    for (others, (name, expected)) in [0, 800]
        .into_iter()
        .flat_map(|n| golden.losses.iter().map(move |e| (n, e)))
    {
        if others > 0 && name == "cross-entropy" {
            continue;
        }
        let padding = Tensor::zeros([others, width], (Kind::Float, Device::Cpu));
        let matrix = Tensor::cat(&[&matrix, &padding], 0);
        let (loss, negatives) = match name.as_str() {
            "cross-entropy" => (Loss::CrossEntropy, Negatives::All),
            "sampled-softmax shared" => (Loss::SampledSoftmax, shared()),
            "sampled-softmax own" => (Loss::SampledSoftmax, own()),
            "binary-cross-entropy own" => (Loss::BinaryCrossEntropy, own()),
            "gbce shared" => (Loss::Gbce, shared()),
            other => panic!("no loss {other}"),
        };
        let corrected = name == "sampled-softmax shared";
        let objective = Objective {
            loss,
            negatives,
            power: if loss == Loss::Gbce { power } else { 1.0 },
            log_q: corrected.then(|| Tensor::from_slice(&golden.log_q)),
        };
        let parts = objective.parts(&hidden, &matrix, &targets).unwrap();
        let far = |ours: &Tensor, theirs: &[f32]| {
            let difference = ours.reshape([-1]) - Tensor::from_slice(theirs);
            difference.abs().max().double_value(&[])
        };
        let sum = (parts.sum.double_value(&[]) - expected.sum).abs();
        assert!(sum < 1e-4, "{name}: {sum}");
        assert!(far(&parts.by_hidden, &expected.by_hidden) < 1e-5, "{name}");
        let all = match &parts.places {
            None => parts.by_items,
            Some(places) => matrix.zeros_like().index_add(0, places, &parts.by_items),
        };
        let by_items = all.narrow(0, 0, items);
        assert!(far(&by_items, &expected.by_items) < 1e-5, "{name}");
    }
}
