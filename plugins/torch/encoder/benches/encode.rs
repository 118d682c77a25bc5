//! Texts per second, beside sentence-transformers on the same machine, in one go.
//!
//! `cargo bench -p gloss-encoder --bench encode -- --model FOLDER --texts FILE`, where FILE has a text a
//! line. `peer.py` beside this file is the peer. Both sides get the same texts with the prefixes of
//! passages, warm up, and take turns; the best of each side's turns counts. "times" is against the
//! fastest peer, "same 10" the share of a text's 10 nearest that are those of our first `--dtype`.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use clap::Parser;
use gloss_encoder::{Encoder, Given, Role, Settings};
use gloss_torch::{DeviceName, Precision};
use serde_json::{Value, json};
use tch::Tensor;

/// Compares texts per second with sentence-transformers.
#[derive(Parser)]
struct Arguments {
    /// The models.
    #[arg(long, required = true)]
    model: Vec<PathBuf>,
    /// The texts, one a line.
    #[arg(long)]
    texts: PathBuf,
    /// The number of texts, evenly spread; 0 for all.
    #[arg(long, default_value_t = 0)]
    count: usize,
    /// Turns of each side.
    #[arg(long, default_value_t = 3)]
    turns: usize,
    #[arg(long, default_value = "auto")]
    device: DeviceName,
    /// Numbers of our side.
    #[arg(long, value_delimiter = ',', default_value = "f32")]
    dtype: Vec<String>,
    /// Numbers of the peer; nothing after it to leave the peer out.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_value = "f32")]
    peer_dtype: Vec<String>,
    /// Batch sizes of the peer; its own default is 32.
    #[arg(long, value_delimiter = ',', default_value = "32")]
    peer_batch: Vec<usize>,
    /// The Python that has sentence-transformers.
    #[arg(long, default_value = "python3")]
    python: PathBuf,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// One side of the comparison, set up.
enum Side {
    Gloss(Box<Encoder>),
    Peer(Peer),
}

fn main() {
    if std::env::args().len() <= 2 {
        println!("encode: no `--model` is given; see `--help`");
        return;
    }
    let arguments = Arguments::parse();
    let texts = texts(&arguments);
    println!(
        "{:24} {:30} {:>10} {:>8}",
        "model", "side", "texts/s", "times"
    );
    for model in &arguments.model {
        compare(&arguments, model, &texts);
    }
}

fn texts(arguments: &Arguments) -> Vec<String> {
    let text = std::fs::read_to_string(&arguments.texts).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let count = match arguments.count {
        0 => lines.len(),
        count => count.min(lines.len()),
    };
    let at = |place: usize| lines[place * lines.len() / count].to_string();
    (0..count).map(at).collect()
}

fn compare(arguments: &Arguments, model: &Path, texts: &[String]) {
    let settings = Settings::resolve(&model.to_string_lossy(), model, &Given::default()).unwrap();
    let prefixed: Vec<String> = texts
        .iter()
        .map(|text| format!("{}{text}", settings.prefix.of(Role::Passage)))
        .collect();
    let mut sides = Vec::new();
    for dtype in &arguments.peer_dtype {
        for &batch in &arguments.peer_batch {
            let peer = Peer::start(arguments, model, dtype, batch, &prefixed);
            sides.push((format!("peer {dtype}, batch {batch}"), Side::Peer(peer)));
        }
    }
    for dtype in &arguments.dtype {
        let precision: Precision = serde_json::from_value(Value::from(dtype.as_str())).unwrap();
        let device = arguments.device.open().unwrap();
        let encoder = Encoder::open(model, settings.clone(), device, precision.kind()).unwrap();
        sides.push((format!("gloss {dtype}"), Side::Gloss(Box::new(encoder))));
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut seconds = vec![f64::INFINITY; sides.len()];
    for _ in 0..arguments.turns {
        for ((_, side), best) in sides.iter_mut().zip(&mut seconds) {
            *best = best.min(side.seconds(&texts));
        }
    }
    let of_peer = |(name, _): &&(String, Side)| name.starts_with("peer");
    let peers = sides.iter().filter(of_peer).count();
    let peer = seconds[..peers]
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    let mut exact = None;
    for ((name, side), seconds) in sides.iter().zip(&seconds) {
        let same = match side {
            Side::Peer(_) => String::new(),
            Side::Gloss(encoder) => {
                let found = nearest(encoder, &texts);
                format!(
                    "{:.4}",
                    same(&found, exact.get_or_insert_with(|| found.clone()))
                )
            }
        };
        let model = model.file_name().unwrap().to_string_lossy();
        let rate = texts.len() as f64 / seconds;
        println!(
            "{model:24} {name:20} {rate:10.1} {:8.2} {same:>8}",
            peer / seconds
        );
    }
}

/// For each of 500 texts, the places of the 10 that are most similar, by the inner product.
fn nearest(encoder: &Encoder, texts: &[&str]) -> Vec<HashSet<i64>> {
    let rows = encoder
        .encode(texts, Role::Passage, &mut |_| Ok(()))
        .unwrap();
    let rows = Tensor::from_slice(&rows).view([texts.len() as i64, -1]);
    let queries = rows.narrow(0, 0, rows.size()[0].min(500));
    let (_, places) = queries.matmul(&rows.tr()).topk(10, 1, true, true);
    let places = Vec::<Vec<i64>>::try_from(places).unwrap();
    places.into_iter().map(HashSet::from_iter).collect()
}

/// The share of two lists of neighbours that is the same.
fn same(a: &[HashSet<i64>], b: &[HashSet<i64>]) -> f64 {
    let shares = a
        .iter()
        .zip(b)
        .map(|(a, b)| a.intersection(b).count() as f64 / 10.0);
    shares.sum::<f64>() / a.len() as f64
}

impl Side {
    /// The seconds of a turn, after a part of it to warm up.
    fn seconds(&mut self, texts: &[&str]) -> f64 {
        match self {
            Side::Peer(peer) => peer.seconds(),
            Side::Gloss(encoder) => {
                let encode = |texts: &[&str]| {
                    let start = Instant::now();
                    let rows = encoder
                        .encode(texts, Role::Passage, &mut |_| Ok(()))
                        .unwrap();
                    assert_eq!(rows.len(), texts.len() * encoder.dimensions());
                    start.elapsed().as_secs_f64()
                };
                encode(&texts[..texts.len().min(64)]);
                encode(texts)
            }
        }
    }
}

/// sentence-transformers in a process of its own, which encodes the texts for every line it reads.
struct Peer {
    process: Child,
    ask: ChildStdin,
    answer: BufReader<ChildStdout>,
}

impl Peer {
    fn start(
        arguments: &Arguments,
        model: &Path,
        dtype: &str,
        batch: usize,
        texts: &[String],
    ) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer.py");
        let mut process = Command::new(&arguments.python)
            .arg(script)
            .env_remove("PYTHONPATH")
            .env_remove("LD_LIBRARY_PATH")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ask = process.stdin.take().unwrap();
        let device = match arguments.device.open().unwrap().is_cuda() {
            true => "cuda",
            false => "cpu",
        };
        let order = json!({
            "model": model, "device": device, "dtype": dtype, "batch": batch, "texts": texts,
        });
        writeln!(ask, "{order}").unwrap();
        let answer = BufReader::new(process.stdout.take().unwrap());
        Peer {
            process,
            ask,
            answer,
        }
    }

    fn seconds(&mut self) -> f64 {
        writeln!(self.ask, "go").unwrap();
        let mut line = String::new();
        self.answer.read_line(&mut line).unwrap();
        line.trim().parse().unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
