//! What the three routes of a component cost: BM25 on the Last Item Search queries of Amazon Beauty,
//! compiled in and from a dynamic library, in turns; and a program that does not look, whose time
//! is that of the protocol alone. `cargo bench --bench routes`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use gloss as _;
use gloss_core::*;
use gloss_engine::load_library;
use serde_json::{Value, json};

/// How often each side is measured.
const ROUNDS: usize = 31;

fn main() {
    let data = beauty();
    let texts = data
        .splits
        .test
        .iter()
        .filter_map(|example| data.histories.context(*example).items.last());
    let texts = texts.map(|item| data.catalogue.item(*item).text.clone());
    let queries: Vec<QueryContent> = texts.map(QueryContent::Text).collect();
    println!(
        "{} queries of {} items, k = 10",
        queries.len(),
        data.catalogue.len()
    );

    load_library(&library()).unwrap();
    let compiled_in = Side::new("bm25", json!({}), data);
    let library = Side::new("bm25-library", json!({}), data);
    assert!(
        compiled_in.search(&queries).1 == library.search(&queries).1,
        "other answers"
    );
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..ROUNDS {
        let sides = [&compiled_in, &library];
        // Each goes first as often as the other.
        for at in [round % 2, 1 - round % 2] {
            times[at].push(sides[at].search(&queries).0);
        }
    }
    println!("                  best (ms)   median (ms)");
    let [compiled_in, library] = times.map(|times| (best(&times), median(times)));
    for (name, (best, median)) in [("compiled in", compiled_in), ("dynamic library", library)] {
        println!("{name:15} {:11.2} {:13.2}", best * 1e3, median * 1e3);
    }
    let more = |ours: f64, theirs: f64| (theirs / ours - 1.0) * 100.0;
    let best = more(compiled_in.0, library.0);
    println!(
        "the library's   {best:+10.2}% {:+12.2}%",
        more(compiled_in.1, library.1)
    );

    println!("\na program in Python that does not look, by queries in a batch:");
    println!("batch   in all (ms)   a query (µs)");
    for batch_size in [1, 4, 16, 64, 256, 1024] {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/routes/nothing.py");
        let options = json!({
            "program": ["python3", script],
            "options": {"size": batch_size},
        });
        let nothing = Side::new("command", options, data);
        nothing.search(&queries[..1]);
        let times = (0..5).map(|_| nothing.search(&queries).0).collect();
        let time = median(times);
        let each = time / queries.len() as f64;
        println!("{batch_size:5} {:13.1} {:14.1}", time * 1e3, each * 1e6);
    }
}

fn best(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// An index of a retriever.
struct Side(Box<dyn Index>);

impl Side {
    fn new(name: &str, options: Value, data: &'static Data) -> Self {
        let AnyComponent::Retriever(retriever) = component(Kind::Retriever, name, options) else {
            panic!("{name} is no retriever");
        };
        // The index borrows it, until the process ends.
        let retriever: &'static Arc<dyn Retriever> = Box::leak(Box::new(retriever));
        let (folder, context) = (tempfile::tempdir().unwrap(), Context::default());
        retriever
            .build(&data.catalogue, folder.path(), &context)
            .unwrap();
        Side(
            retriever
                .open(&data.catalogue, folder.path(), &context)
                .unwrap(),
        )
    }

    /// How long all queries take, in seconds, and what is found.
    fn search(&self, queries: &[QueryContent]) -> (f64, Vec<Vec<Hit>>) {
        let requests: Vec<_> = queries
            .iter()
            .map(|query| Request { query, k: 10 })
            .collect();
        let start = Instant::now();
        let hits = self.0.search(&requests).unwrap();
        (start.elapsed().as_secs_f64(), hits)
    }
}

fn component(kind: Kind, name: &str, options: Value) -> AnyComponent {
    let registry = Registry::known().unwrap();
    registry
        .get(kind, name, "")
        .unwrap()
        .parse(options)
        .unwrap()
}

/// Amazon Beauty.
fn beauty() -> &'static Data {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("GLOSS_TEST_DATA")
        .map_or(default, PathBuf::from)
        .join("amazon2014");
    assert!(
        folder.is_dir(),
        "no Amazon data in {}; set GLOSS_TEST_DATA",
        folder.display()
    );
    let options = json!({"category": "Beauty", "folder": folder});
    match component(Kind::Dataset, "amazon", options) {
        AnyComponent::Dataset(dataset) => {
            Box::leak(Box::new(dataset.load(&Context::default()).unwrap()))
        }
        _ => panic!("amazon is a dataset"),
    }
}

/// BM25 in a library, built now.
fn library() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("tests/fixtures/bm25_library");
    let target = root.join("target"); // What both need is built once.
    std::fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    // As the benchmark itself is built.
    let (profile, built_in) = match cfg!(debug_assertions) {
        true => ("dev", "debug"),
        false => ("release", "release"),
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--profile", profile, "--manifest-path"])
        .arg(folder.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .status();
    assert!(built.unwrap().success());
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    target.join(format!("{built_in}/{prefix}bm25_library{suffix}"))
}
