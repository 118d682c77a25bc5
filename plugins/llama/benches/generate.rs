//! Users per second of beam search, beside Hugging Face generate on the same machine, in one go.
//!
//! `cargo bench -p gloss-llama --bench generate -- --model FOLDER --data FOLDER --peer-batch 64,256`
//! makes the prompts of Amazon Beauty's test users, or some of them; `--tokenizer` names a folder
//! with a tokenizer where the model has none. No token ends a beam, so that every user takes all
//! steps. `peer.py` beside this file makes models of random weights, and is the peer.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Parser;
use gloss_core::{AnyComponent, Context, Kind, Registry};
use gloss_llama::{
    BeamSearch, Decoding, EarlyStopping, Engine, Limits, LoadOptions, Model, Prompts, Tokenizer,
    Truncation,
};
use gloss_torch::{DeviceName, Precision};
use serde_json::{Value, json};

/// Compares users per second with Hugging Face generate.
#[derive(Parser)]
struct Arguments {
    /// The checkpoint.
    #[arg(long)]
    model: PathBuf,
    /// A LoRA adapter; the peer does not merge it.
    #[arg(long)]
    adapter: Option<PathBuf>,
    /// Quantises the checkpoint to NF4 on both sides.
    #[arg(long)]
    nf4: bool,
    /// The prompts, one a line: `{"tokens": [...]}`; if none are given, they are made from the data.
    #[arg(long)]
    prompts: Option<PathBuf>,
    /// The folder of Amazon's files of 2014.
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// The folder of the tokenizer, if it is not the model's.
    #[arg(long)]
    tokenizer: Option<PathBuf>,
    /// Users whose prompts are made, at even distances.
    #[arg(long, default_value_t = 2048)]
    users: usize,
    /// Batch sizes of ours, in users.
    #[arg(long, value_delimiter = ',', default_value = "256")]
    batch: Vec<usize>,
    /// Batch sizes of the peer, in users; none to leave it out.
    #[arg(long, value_delimiter = ',')]
    peer_batch: Vec<usize>,
    /// Seconds after which the peer begins no batch.
    #[arg(long, default_value_t = 60.0)]
    peer_seconds: f64,
    #[arg(long, default_value_t = 5)]
    beams: i64,
    #[arg(long, default_value_t = 50)]
    new_tokens: i64,
    /// GiB of keys and values.
    #[arg(long, default_value_t = 16.0)]
    cache: f64,
    #[arg(long, default_value = "bf16")]
    dtype: String,
    /// The peer.
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer.py"))]
    peer: PathBuf,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The room for a prompt in the paper.
const PROMPT_TOKENS: usize = 1024 - 50;

fn main() {
    if std::env::args().len() <= 2 {
        println!("generate: no `--model` is given; see `--help`");
        return;
    }
    let arguments = Arguments::parse();
    let file = match &arguments.prompts {
        Some(given) => given.clone(),
        None => make_prompts(&arguments),
    };
    let prompts = prompts(&file);
    let mut best = 0_f64;
    for &batch in &arguments.batch {
        let rate = ours(&arguments, batch, &prompts);
        println!("gloss  batch {batch:4}  {rate:8.2} users/s");
        best = best.max(rate);
    }
    let mut peer = 0_f64;
    for row in peers(&arguments, &file) {
        let rate = row["users_per_s"].as_f64();
        println!("peer   {row}");
        peer = peer.max(rate.unwrap_or_default());
    }
    if peer > 0.0 {
        println!(
            "best   gloss {best:.2}, peer {peer:.2}: {:.1} times",
            best / peer
        );
    }
}

/// Writes the prompts of test users of Beauty into a file.
fn make_prompts(arguments: &Arguments) -> PathBuf {
    gloss_amazon::register(&mut Registry::new()).unwrap();
    let registry = Registry::compiled_in().unwrap();
    let entry = registry.get(Kind::Dataset, "amazon", "").unwrap();
    let options = json!({"category": "Beauty", "folder": arguments.data});
    let AnyComponent::Dataset(dataset) = entry.parse(options).unwrap() else {
        unreachable!("amazon is a dataset");
    };
    let data = dataset.load(&Context::default()).unwrap();
    let folder = arguments.tokenizer.as_ref().unwrap_or(&arguments.model);
    let tokenizer = Tokenizer::open(folder, 1 << 24).unwrap();
    let prompts =
        Prompts::new(&tokenizer, &data.catalogue, Truncation::Left, PROMPT_TOKENS).unwrap();
    let examples = &data.splits.test;
    let mut text = String::new();
    for user in 0..arguments.users {
        let example = examples[user * examples.len() / arguments.users];
        let tokens = prompts
            .tokens(data.histories.context(example).items)
            .unwrap();
        writeln!(text, "{}", json!({ "tokens": tokens })).unwrap();
    }
    let file = std::env::temp_dir().join(format!("prompts-{}.jsonl", std::process::id()));
    std::fs::write(&file, text).unwrap();
    file
}

/// The prompts of the file, cut on the left, without what all begin with being left to the model.
fn prompts(path: &Path) -> Vec<Vec<i64>> {
    let text = std::fs::read_to_string(path).unwrap();
    let tokens = |line: &str| -> Vec<i64> {
        let row: Value = serde_json::from_str(line).unwrap();
        let tokens: Vec<i64> = serde_json::from_value(row["tokens"].clone()).unwrap();
        tokens[tokens.len().saturating_sub(PROMPT_TOKENS)..].to_vec()
    };
    text.lines().map(tokens).collect()
}

/// The common beginning of most prompts.
fn shared(prompts: &[Vec<i64>]) -> Vec<i64> {
    let mut sorted: Vec<&Vec<i64>> = prompts.iter().collect();
    sorted.sort_by_key(|prompt| prompt.len());
    let [first, second, ..] = sorted.as_slice() else {
        return Vec::new();
    };
    let same = first.iter().zip(*second).take_while(|(a, b)| a == b);
    same.map(|(token, _)| *token).collect()
}

fn ours(arguments: &Arguments, batch: usize, prompts: &[Vec<i64>]) -> f64 {
    let device = DeviceName::Auto.open().unwrap();
    let dtype: Precision = serde_json::from_value(Value::from(arguments.dtype.as_str())).unwrap();
    let options = LoadOptions {
        device,
        kind: dtype.kind(),
        quantize: arguments.nf4,
        merge: true,
    };
    let model = Model::load(&arguments.model, arguments.adapter.as_deref(), options).unwrap();
    let limits = Limits {
        users: batch,
        cache_bytes: (arguments.cache * f64::from(1 << 30)) as i64,
    };
    let engine = Engine::new(model, &shared(prompts), 1024, limits).unwrap();
    let search = |max_new_tokens| BeamSearch {
        beams: arguments.beams,
        length_penalty: 1.0,
        early_stopping: EarlyStopping::Heuristic,
        max_new_tokens,
        eos: Vec::new(),
    };
    let run = |prompts: &[Vec<i64>], tokens| {
        let search = search(tokens);
        let decoding = Decoding::BeamSearch(&search);
        let texts = engine.generate(prompts, &decoding, &Context::default());
        assert!(
            texts
                .unwrap()
                .iter()
                .flatten()
                .all(|text| text.tokens.len() as i64 == tokens)
        );
    };
    run(&prompts[..batch.min(prompts.len())], 4);
    let start = Instant::now();
    run(prompts, arguments.new_tokens);
    prompts.len() as f64 / start.elapsed().as_secs_f64()
}

fn peers(arguments: &Arguments, prompts: &Path) -> Vec<Value> {
    if arguments.peer_batch.is_empty() {
        return Vec::new();
    }
    let batches: Vec<String> = arguments.peer_batch.iter().map(usize::to_string).collect();
    let mut command = Command::new("python3");
    command.arg(&arguments.peer).arg("run");
    command.arg("--model").arg(&arguments.model);
    command.arg("--prompts").arg(prompts);
    command.args(["--batch", &batches.join(",")]);
    command.args(["--beams", &arguments.beams.to_string()]);
    command.args(["--new-tokens", &arguments.new_tokens.to_string()]);
    command.args(["--seconds", &arguments.peer_seconds.to_string()]);
    if arguments.nf4 {
        command.arg("--nf4");
    }
    if let Some(adapter) = &arguments.adapter {
        command.arg("--adapter").arg(adapter);
    }
    let output = command.env_remove("LD_LIBRARY_PATH").output().unwrap();
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
