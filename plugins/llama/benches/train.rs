//! Tokens per second of fine-tuning, beside PEFT on the same machine, in one go.
//!
//! `cargo bench -p gloss-llama --bench train -- --model FOLDER --data FOLDER --peer` trains an adapter
//! on the training texts of Amazon Beauty with the paper's recipe. The model needs a tokenizer.
//! `peer.py` beside this file makes models of random weights, `peer_train.py` is the peer.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Parser;
use gloss_core::{AnyComponent, Context, Data, Kind, Registry, Trainer};
use gloss_llama::{Llama, Prompts, Quantize, Tokenizer, Training, Truncation};
use gloss_torch::{DeviceName, memory_used};
use serde_json::{Value, json};

/// Compares tokens per second with PEFT.
#[derive(Parser)]
struct Arguments {
    /// The checkpoint.
    #[arg(long)]
    model: PathBuf,
    /// Quantises the checkpoint to NF4 on both sides.
    #[arg(long)]
    nf4: bool,
    /// The folder of Amazon's files of 2014.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// Steps of 16 texts; the first half, in which kernels are loaded and memory is taken, is not
    /// counted.
    #[arg(long, default_value_t = 160)]
    steps: u64,
    /// Tokens at once.
    #[arg(long, value_delimiter = ',', default_value = "8192")]
    tokens: Vec<usize>,
    /// Keeps the inside of layers for the backward pass.
    #[arg(long)]
    keep: bool,
    /// Adds gradients as they come, as the peer does.
    #[arg(long)]
    any_order: bool,
    /// Fills every text up to this many tokens, to see the memory of long ones.
    #[arg(long)]
    length: Option<usize>,
    /// Measures the peer, with gradient checkpointing and without.
    #[arg(long)]
    peer: bool,
    /// Steps of the peer, of which the first half is not counted either.
    #[arg(long, default_value_t = 60)]
    peer_steps: u64,
    /// The peer's script.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer_train.py"))]
    script: PathBuf,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    if std::env::args().len() <= 2 {
        println!("train: no `--model` is given; see `--help`");
        return;
    }
    let arguments = Arguments::parse();
    let data = data(&arguments);
    let mut peer = 0_f64;
    if arguments.peer {
        for checkpointing in [true, false] {
            let row = peer_row(&arguments, &data, checkpointing);
            println!("peer   {row}");
            peer = peer.max(row["tokens_per_s"].as_f64().unwrap_or_default());
        }
    }
    // libtorch keeps what it took: the memory of each row is the most of it and those above.
    let before = memory_used(DeviceName::Auto.open().unwrap()).unwrap_or_default();
    for &tokens in &arguments.tokens {
        let (rate, memory, loss) = ours(&arguments, &data, tokens);
        let gib = memory.saturating_sub(before) as f64 / f64::from(1 << 30);
        println!(
            "gloss  {rate:9.0} tokens/s, {gib:.2} GiB, loss {loss:.3}, {tokens} tokens at once"
        );
        if peer > 0.0 {
            println!("       {:.1} times the faster peer", rate / peer);
        }
    }
}

fn data(arguments: &Arguments) -> Data {
    gloss_amazon::register(&mut Registry::new()).unwrap();
    let registry = Registry::compiled_in().unwrap();
    let entry = registry.get(Kind::Dataset, "amazon", "").unwrap();
    let options = json!({"category": "Beauty", "folder": arguments.data});
    let AnyComponent::Dataset(dataset) = entry.parse(options).unwrap() else {
        unreachable!("amazon is a dataset");
    };
    let mut data = dataset.load(&Context::default()).unwrap();
    if let Some(length) = arguments.length {
        // Histories of so many items that every text is cut to the greatest length.
        let long = |example: &gloss_core::Example| example.history as usize > length / 20;
        data.splits.train.retain(long);
    }
    data
}

/// Tokens per second, bytes in use on the device, and the last loss.
fn ours(arguments: &Arguments, data: &Data, tokens: usize) -> (f64, u64, f64) {
    let llama = Llama {
        model: Some(arguments.model.display().to_string()),
        quantize: match arguments.nf4 {
            true => Quantize::Nf4,
            false => Quantize::None,
        },
        training: Some(Training {
            max_steps: Some(arguments.steps),
            packed_tokens: Some(tokens),
            gradient_checkpointing: !arguments.keep,
            deterministic: !arguments.any_order,
            eval_steps: Some(1 << 40),
            metric_for_best_model: "last".to_string(),
            ..Training::default()
        }),
        ..Llama::default()
    };
    let mut data = data.clone();
    data.splits.validation.clear();
    let folder = tempfile::tempdir().unwrap();
    let never = |_: &dyn gloss_core::QueryGenerator| unreachable!("no metric decides");
    llama
        .train(&data, folder.path(), &never, &Context::default())
        .unwrap();
    let lines = std::fs::read_to_string(folder.path().join("metrics.jsonl")).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (first, last) = (&lines[lines.len() / 2], lines.last().unwrap());
    let between = |key: &str| last[key].as_f64().unwrap() - first[key].as_f64().unwrap();
    let memory = last["memory"].as_u64().unwrap_or_default();
    (
        between("tokens") / between("time"),
        memory,
        last["loss"].as_f64().unwrap(),
    )
}

fn peer_row(arguments: &Arguments, data: &Data, checkpointing: bool) -> Value {
    let texts = std::env::temp_dir().join(format!("texts-{}.jsonl", std::process::id()));
    write_texts(arguments, data, &texts);
    let mut command = Command::new("python3");
    command.arg(&arguments.script);
    command.arg("--model").arg(&arguments.model);
    command.arg("--texts").arg(&texts);
    command.args(["--steps", &arguments.peer_steps.to_string()]);
    if arguments.nf4 {
        command.arg("--nf4");
    }
    if checkpointing {
        command.arg("--checkpointing");
    }
    let output = command.env_remove("LD_LIBRARY_PATH").output().unwrap();
    if !output.status.success() {
        return json!({ "failed": String::from_utf8_lossy(&output.stderr) });
    }
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The texts of training examples at even distances.
fn write_texts(arguments: &Arguments, data: &Data, path: &Path) {
    let tokenizer = Tokenizer::open(&arguments.model, 1 << 24).unwrap();
    let prompts = Prompts::new(&tokenizer, &data.catalogue, Truncation::Left, 1024).unwrap();
    let examples = &data.splits.train;
    let wanted = 16 * (arguments.peer_steps as usize + 1);
    let mut text = String::new();
    for number in 0..wanted {
        let example = examples[number * examples.len() / wanted];
        let history = data.histories.context(example).items;
        let tokens = prompts.training(history, data.histories.targets(example)[0]);
        writeln!(text, "{}", json!({ "tokens": tokens.unwrap() })).unwrap();
    }
    std::fs::write(path, text).unwrap();
}
