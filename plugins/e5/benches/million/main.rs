//! Approximate search of a million vectors, beside faiss's HNSW and IVF on the same machine, in one
//! go: `cargo bench -p gloss-e5 --bench million -- --python PYTHON`, where PYTHON has faiss and
//! NumPy. `peer.py` beside this file is the peer.
//!
//! All sides get the same vectors and the same queries in one batch, use all cores, and are told
//! what an exact search finds. Building is timed from vectors in memory to an index that answers.
//! Beside the time on the clock stands the time of all cores together, which others who use the
//! machine disturb less.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark fails by panicking"
)]

mod plot;
mod vectors;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Parser;
use gloss_core::{Context, Hit};
use gloss_dense::{Exact, Matrix};
use gloss_e5::{Forest, InvertedLists, Ivf, Trees};
use gloss_encoder::Similarity;
use serde::Deserialize;

/// The items of a query that count.
const K: usize = 10;

/// Compares approximate searches.
#[derive(Parser)]
struct Arguments {
    /// Vectors that are searched.
    #[arg(long, default_value_t = 1_000_000)]
    items: usize,
    #[arg(long, default_value_t = 384)]
    dimensions: usize,
    /// Vectors that are searched for.
    #[arg(long, default_value_t = 1_000)]
    queries: usize,
    /// Trees of our side, an index for each number; none without a number.
    #[arg(long, value_delimiter = ',', num_args = 0.., default_value = "20")]
    trees: Vec<usize>,
    /// Most items in a leaf of our trees.
    #[arg(long, default_value_t = Trees::default().split_after)]
    split_after: usize,
    /// Candidates of our side.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "500,1000,3000,10000,30000"
    )]
    candidates: Vec<usize>,
    /// Lists of our side that are looked at.
    #[arg(long, value_delimiter = ',', default_value = "1,2,4,8,16,32,64")]
    nprobe: Vec<usize>,
    /// The Python that has faiss; none leaves the peer out.
    #[arg(long)]
    python: Option<PathBuf>,
    /// The file of the plot.
    #[arg(long, default_value = "million.svg")]
    plot: PathBuf,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

/// An index, and how it answers under several settings.
#[derive(Deserialize)]
struct Measured {
    index: String,
    build_seconds: f64,
    /// Of all cores together.
    build_cpu_seconds: f64,
    bytes: u64,
    points: Vec<Point>,
}

/// The measurements of an index with one setting.
#[derive(Deserialize)]
struct Point {
    setting: String,
    queries_per_second: f64,
    /// Of all cores together.
    queries_per_cpu_second: f64,
    recall: f64,
}

fn main() {
    if std::env::args().len() <= 2 {
        println!("million: it takes long, so nothing is done without options; see `--help`");
        return;
    }
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir().unwrap();
    let (items, queries) =
        vectors::clustered(arguments.items, arguments.queries, arguments.dimensions);
    vectors::write(&folder.path().join("items.f32"), &items);
    vectors::write(&folder.path().join("queries.f32"), &queries);
    println!(
        "{} items, {} queries, {} dimensions, {} cores",
        items.len(),
        queries.len(),
        items.dimensions(),
        std::thread::available_parallelism().unwrap()
    );
    heading();
    let (exact, truth) = exact(items, &queries);
    show(&exact);
    let mut all = vec![exact];
    let items = vectors::read(&folder.path().join("items.f32"), arguments.dimensions);
    for trees in &arguments.trees {
        all.push(forest(&arguments, *trees, &items, &queries, &truth));
        show(&all[all.len() - 1]);
    }
    all.push(lists(&arguments, &items, &queries, &truth));
    show(&all[all.len() - 1]);
    drop(items);
    if let Some(python) = &arguments.python {
        write_truth(&folder.path().join("truth.i64"), &truth);
        for measured in peers(python, folder.path(), arguments.dimensions) {
            show(&measured);
            all.push(measured);
        }
    }
    plot::draw(&arguments.plot, &all);
    println!("the trade-off is drawn in {}", arguments.plot.display());
}

fn heading() {
    println!(
        "{:22} {:>8} {:>8} {:>7}  {:17} {:>9} {:>9} {:>9}",
        "index", "build s", "CPU s", "MiB", "setting", "queries/s", "per CPU s", "recall@10"
    );
}

fn show(measured: &Measured) {
    for point in &measured.points {
        println!(
            "{:22} {:8.1} {:8.1} {:7.0}  {:17} {:9.1} {:9.1} {:9.4}",
            measured.index,
            measured.build_seconds,
            measured.build_cpu_seconds,
            measured.bytes as f64 / f64::from(1 << 20),
            point.setting,
            point.queries_per_second,
            point.queries_per_cpu_second,
            point.recall
        );
    }
}

/// The time that something takes, on the clock and of all cores together.
struct Clock {
    start: Instant,
    cpu: f64,
}

impl Clock {
    fn start() -> Self {
        Clock {
            start: Instant::now(),
            cpu: cpu_seconds(),
        }
    }

    fn seconds(&self) -> [f64; 2] {
        [self.start.elapsed().as_secs_f64(), cpu_seconds() - self.cpu]
    }
}

/// The CPU time of this process so far, from Linux, in hundredths of a second.
fn cpu_seconds() -> f64 {
    let status = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let numbers = status.rsplit(')').next().unwrap_or_default();
    let hundredths = numbers.split_whitespace().skip(11).take(2);
    hundredths
        .filter_map(|number| number.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// Answers all queries with one setting and measures the recall.
fn answer(
    setting: String,
    queries: &Matrix,
    search: impl Fn(&Matrix, &[usize]) -> Vec<Vec<Hit>>,
) -> (Point, Vec<Vec<Hit>>) {
    let depths = vec![K; queries.len()];
    search(&queries.select(&[0]), &[K]);
    let clock = Clock::start();
    let found = search(queries, &depths);
    let [queries_per_second, queries_per_cpu_second] = clock
        .seconds()
        .map(|seconds| queries.len() as f64 / seconds);
    let point = Point {
        setting,
        queries_per_second,
        queries_per_cpu_second,
        recall: 1.0,
    };
    (point, found)
}

fn exact(items: Matrix, queries: &Matrix) -> (Measured, Vec<Vec<Hit>>) {
    let bytes = items.values().len() as u64 * 4;
    let clock = Clock::start();
    let exact = Exact::new(items);
    let [build_seconds, build_cpu_seconds] = clock.seconds();
    let search = |queries: &Matrix, depths: &[usize]| exact.search(queries, depths);
    let (point, truth) = answer(String::new(), queries, search);
    let measured = Measured {
        index: "gloss exact".into(),
        build_seconds,
        build_cpu_seconds,
        bytes,
        points: vec![point],
    };
    (measured, truth)
}

fn forest(
    arguments: &Arguments,
    trees: usize,
    items: &Matrix,
    queries: &Matrix,
    truth: &[Vec<Hit>],
) -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trees");
    let options = Trees {
        trees,
        split_after: arguments.split_after,
        ..Trees::default()
    };
    let clock = Clock::start();
    let context = Context::default();
    let forest = Forest::grow(items, Similarity::Cosine, &options, &path, &context).unwrap();
    let [build_seconds, build_cpu_seconds] = clock.seconds();
    let point = |&candidates: &usize| {
        let search = |queries: &Matrix, depths: &[usize]| {
            forest.search(queries, depths, candidates).unwrap()
        };
        let (point, found) = answer(format!("candidates {candidates}"), queries, search);
        Point {
            recall: recall(&found, truth),
            ..point
        }
    };
    Measured {
        index: format!("gloss arroy, {trees} trees"),
        build_seconds,
        build_cpu_seconds,
        bytes: path.metadata().unwrap().len(),
        points: arguments.candidates.iter().map(point).collect(),
    }
}

fn lists(arguments: &Arguments, items: &Matrix, queries: &Matrix, truth: &[Vec<Hit>]) -> Measured {
    let options = Ivf::default();
    let clock = Clock::start();
    let lists = InvertedLists::build(items, &options, &Context::default()).unwrap();
    let [build_seconds, build_cpu_seconds] = clock.seconds();
    let count = options.lists(items.len());
    let point = |&nprobe: &usize| {
        let search = |queries: &Matrix, depths: &[usize]| lists.search(queries, depths, nprobe);
        let (point, found) = answer(format!("nprobe {nprobe}"), queries, search);
        Point {
            recall: recall(&found, truth),
            ..point
        }
    };
    let numbers = items.values().len() + count * items.dimensions() + items.len();
    Measured {
        index: format!("gloss IVF{count}"),
        build_seconds,
        build_cpu_seconds,
        bytes: 4 * numbers as u64,
        points: arguments.nprobe.iter().map(point).collect(),
    }
}

/// The share of the best items that were found.
fn recall(found: &[Vec<Hit>], truth: &[Vec<Hit>]) -> f64 {
    let shared = |(found, truth): (&Vec<Hit>, &Vec<Hit>)| {
        let is_true = |hit: &&Hit| truth.iter().any(|other| other.item == hit.item);
        found.iter().filter(is_true).count()
    };
    let hits: usize = found.iter().zip(truth).map(shared).sum();
    hits as f64 / (K * truth.len()) as f64
}

fn write_truth(path: &Path, truth: &[Vec<Hit>]) {
    let items = truth.iter().flatten().map(|hit| i64::from(hit.item));
    let bytes: Vec<u8> = items.flat_map(i64::to_le_bytes).collect();
    std::fs::write(path, bytes).unwrap();
}

/// The measurements of faiss: a line of JSON for each index.
fn peers(python: &Path, folder: &Path, dimensions: usize) -> Vec<Measured> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/million/peer.py");
    let output = Command::new(python)
        .arg(script)
        .arg(folder)
        .args([dimensions, K].map(|number| number.to_string()))
        .env_remove("PYTHONPATH")
        .env_remove("LD_LIBRARY_PATH")
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let measured = text.lines().map(|line| serde_json::from_str(line).unwrap());
    measured.collect()
}
