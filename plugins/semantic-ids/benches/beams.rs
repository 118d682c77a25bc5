//! Users and examples per second of TIGER, beside T5 of Hugging Face with the same weights and inputs, in one go.
//!
//! `cargo bench -p gloss-semantic-ids --bench beams -- --python PYTHON` draws items and users, trains a step, and
//! generates; `peer.py` beside this file does the same. Rankings are compared first. PYTHON needs torch and
//! transformers.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use gloss_core::{
    Catalogue, Context, Data, Example, Histories, Item, QueryContent, QueryGenerator,
};
use gloss_item_tokenizer::{CODES, Codes};
use gloss_semantic_ids::{Shape, Tiger};
use gloss_torch::write_safetensors;
use gloss_training::{CONFIG, ITEMS, VECTORS, WEIGHTS, random_stream, write_json};
use rand::Rng;
use serde_json::{Value, json};
use tch::Tensor;

const WIDTH: i64 = 32;

/// Compares TIGER with T5 of Hugging Face.
#[derive(Parser)]
struct Arguments {
    /// The catalogue.
    #[arg(long, default_value_t = 12_094)]
    items: usize,
    /// Users whose next items are generated.
    #[arg(long, default_value_t = 512)]
    users: usize,
    /// Of these, the ones of the peer.
    #[arg(long, default_value_t = 64)]
    peer_users: usize,
    /// Items that a user has.
    #[arg(long, default_value_t = 8)]
    length: usize,
    /// Beams.
    #[arg(long, value_delimiter = ',', default_value = "30,256")]
    beams: Vec<usize>,
    /// Users at once, on both sides.
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Steps of training that are timed, of 256 examples each.
    #[arg(long, default_value_t = 4)]
    steps: usize,
    /// Threads of both sides on the CPU; 0 for all.
    #[arg(long, default_value_t = 0)]
    threads: i32,
    /// Python, with torch and transformers.
    #[arg(long, default_value = "python3")]
    python: String,
    /// Set by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn data(arguments: &Arguments) -> Data {
    let mut random = random_stream(0, 0);
    let item = |number| Item {
        id: format!("i{number}"),
        text: format!("item {number}"),
        fields: Vec::new(),
    };
    let items = (0..arguments.items).map(item).collect();
    let mut histories = Histories::new();
    let mut data = Data {
        catalogue: Catalogue::new(items, Vec::new()).unwrap(),
        ..Data::default()
    };
    for user in 0..arguments.users as u32 {
        let items = (0..=arguments.length).map(|_| random.random_range(0..arguments.items as u32));
        histories.push(format!("u{user}"), items.map(|item| (item, 0, 1.0)));
        data.splits.train.push(Example {
            user,
            history: arguments.length as u32,
            targets: 1,
        });
    }
    data.histories = histories;
    data
}

/// A folder with random item vectors, as a recommender exports them.
fn vectors(folder: &Path, data: &Data) {
    let mut random = random_stream(1, 0);
    let count = data.catalogue.len() as i64;
    let values: Vec<f32> = (0..count * WIDTH)
        .map(|_| random.random_range(-1.0..1.0))
        .collect();
    let tensor = Tensor::from_slice(&values).view([count, WIDTH]);
    fs::create_dir_all(folder).unwrap();
    write_safetensors(
        &folder.join(VECTORS),
        &[("item_vectors", tensor)],
        HashMap::new(),
    )
    .unwrap();
    let ids: Vec<&str> = data
        .catalogue
        .items()
        .iter()
        .map(|item| item.id.as_str())
        .collect();
    write_json(&folder.join(ITEMS), &json!(ids)).unwrap();
    write_json(&folder.join(CONFIG), &json!({})).unwrap();
}

fn tiger(vectors: &Path, arguments: &Arguments, beams: usize, steps: usize) -> Tiger {
    let options = json!({
        "tokenizer": {"model": vectors, "niter": 2},
        "num_beams": beams,
        "batch_size": arguments.batch,
        "training": {"max_steps": steps, "metric_for_best_model": "last"},
    });
    serde_json::from_value(options).unwrap()
}

/// Trains so many steps into a folder; returns the seconds.
fn train(tiger: &Tiger, data: &Data, folder: &Path) -> f64 {
    fs::create_dir_all(folder).unwrap();
    let begun = Instant::now();
    let trainer = tiger.trainer().unwrap();
    trainer
        .train(data, folder, &|_| Ok(0.0), &Context::default())
        .unwrap();
    begun.elapsed().as_secs_f64()
}

/// The items of all users by `beams` beams, and the users per second.
fn generate(trained: &Arc<dyn QueryGenerator>, data: &Data) -> (Vec<Vec<u32>>, f64) {
    let context = Context::default();
    let mut generator = trained.open(data, &context).unwrap();
    let all = data.splits.train.iter();
    let histories: Vec<_> = all
        .map(|example| data.histories.context(*example))
        .collect();
    generator
        .generate(&histories[..histories.len().min(8)])
        .unwrap();
    let begun = Instant::now();
    let queries = generator.generate(&histories).unwrap();
    let speed = histories.len() as f64 / begun.elapsed().as_secs_f64();
    let items = queries.iter().map(|queries| match &queries[0].content {
        QueryContent::Items(ranking) => ranking.iter().map(|(item, _)| *item).collect(),
        _ => Vec::new(),
    });
    (items.collect(), speed)
}

fn request(arguments: &Arguments, data: &Data, model: &Path) -> Value {
    let codes = Codes::read(&model.join(CODES), &data.catalogue).unwrap();
    let mut starts = vec![1];
    for size in &codes.sizes {
        starts.push(starts[starts.len() - 1] + size);
    }
    let tokens = |item: &u32| -> Vec<usize> {
        let codes = codes.of(*item).iter().zip(&starts);
        codes
            .map(|(code, start)| start + usize::from(*code))
            .collect()
    };
    let all = data
        .splits
        .train
        .iter()
        .map(|example| data.histories.context(*example));
    let users: Vec<Vec<usize>> = all
        .map(|own| own.items.iter().flat_map(tokens).collect())
        .collect();
    // As in training here: any of a user's items follows those before it.
    let mut random = random_stream(2, 0);
    let mut example = || {
        let own = data
            .histories
            .history(random.random_range(0..users.len() as u32));
        let end = random.random_range(1..=arguments.length);
        let inputs: Vec<usize> = own.items[..end].iter().flat_map(tokens).collect();
        (inputs, tokens(&own.items[end]))
    };
    let batches: Vec<Vec<_>> = (0..=arguments.steps)
        .map(|_| (0..256).map(|_| example()).collect())
        .collect();
    let items: Vec<Vec<usize>> = (0..codes.len() as u32).map(|item| tokens(&item)).collect();
    let network = serde_json::to_value(Shape::default()).unwrap();
    json!({
        "vocabulary": starts[starts.len() - 1], "network": network, "weights": model.join(WEIGHTS),
        "items": items, "users": users, "peer_users": arguments.peer_users,
        "beams": arguments.beams, "batch": arguments.batch, "threads": arguments.threads,
        "training": batches,
    })
}

/// The share of the peer's first ten items of each user that are ours at the same place.
fn agreement(request: &Value, ours: &[Vec<u32>], best: &Value) -> f64 {
    let items = request["items"].as_array().unwrap();
    let (mut same, mut count) = (0, 0);
    for (own, theirs) in ours.iter().zip(best.as_array().unwrap()) {
        for (own, theirs) in own.iter().zip(theirs.as_array().unwrap()) {
            same += usize::from(items[*own as usize] == *theirs);
            count += 1;
        }
    }
    same as f64 / f64::from(count.max(1))
}

fn main() {
    let arguments = Arguments::parse();
    if arguments.threads > 0 {
        tch::set_num_threads(arguments.threads);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let data = data(&arguments);
    vectors(&path("vectors"), &data);
    let build = |beams, steps| tiger(&path("vectors"), &arguments, beams, steps);
    let one = train(&build(30, 1), &data, &path("one"));
    let more = train(&build(30, 1 + arguments.steps), &data, &path("more"));
    let ours: Vec<(usize, Vec<Vec<u32>>, f64)> = arguments
        .beams
        .iter()
        .map(|beams| {
            let tiger = build(*beams, 1);
            let trained = tiger.trainer().unwrap().trained(&path("one"));
            let (items, speed) = generate(&trained, &data);
            (*beams, items, speed)
        })
        .collect();
    let request = request(&arguments, &data, &path("one/model"));
    fs::write(path("request.json"), request.to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer.py");
    let peer = Command::new(&arguments.python)
        .args([Path::new(script), &path("request.json")])
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(
        peer.status.success(),
        "{}",
        String::from_utf8_lossy(&peer.stderr)
    );
    let lines = String::from_utf8(peer.stdout).unwrap();
    let mut lines = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    for (beams, items, speed) in ours {
        let line = lines.next().unwrap();
        let [free, inside] = ["free", "inside"].map(|name| line[name].as_f64().unwrap());
        println!(
            "{beams} beams: {speed:.1} users/s; Hugging Face {free:.1} free ({:.1} times), {inside:.1} inside the \
             catalogue ({:.1} times), {:.1} % of its first ten equal",
            speed / free,
            speed / inside,
            100.0 * agreement(&request, &items, &line["best"])
        );
    }
    let theirs = lines.next().unwrap()["examples"].as_f64().unwrap();
    let speed = (256 * arguments.steps) as f64 / (more - one);
    println!(
        "training: {speed:.1} examples/s; Hugging Face {theirs:.1} ({:.1} times)",
        speed / theirs
    );
}
