//! gloss beside its peers, in one go, on Amazon Beauty: `cargo bench` prints a table of seconds and
//! ratios.
//!
//! - preparing the dataset, beside pandas;
//! - BM25 retrieval for every Last Item Search query, tokenising included, beside bm25s with numba;
//! - metrics over the rankings, beside ranx: of files, and of what is in memory.
//!
//! Each peer is a Python script in this folder, run in a virtual environment that the first
//! benchmark makes in `target/peers` (or by the Python that `GLOSS_PEERS_PYTHON` names). Both
//! sides are warmed up; each figure is the median of three rounds in turn, and a round's figure the
//! best of several repetitions. The data are looked for in `GLOSS_TEST_DATA/amazon2014`, by default
//! `../shared/data/amazon2014`, and in `data`.
//!
//! With `GLOSS_BENCH_ITEMS=300000` it instead times BM25 with so many made-up queries in as many
//! items, beside bm25s.

mod large;
mod peers;
mod tasks;

use std::path::PathBuf;

use gloss_core::Error;
use peers::Peers;
use tasks::Tasks;

/// How often the two sides take turns.
const ROUNDS: usize = 3;

/// A task as both sides did it.
struct Line {
    task: &'static str,
    peer: &'static str,
    ours: f64,
    theirs: f64,
}

fn main() -> gloss_core::Result<()> {
    if let Ok(count) = std::env::var("GLOSS_BENCH_ITEMS") {
        let wrong = |_| Error::Usage(format!("GLOSS_BENCH_ITEMS is `{count}`, no number"));
        return large::run(count.parse().map_err(wrong)?);
    }
    let Some(data) = data() else {
        let message = "no Amazon Beauty in ../shared/data/amazon2014 or data; get it by gloss fetch amazon \
                       --set category=Beauty";
        return Err(Error::Usage(message.into()));
    };
    let peers = Peers::new()?;
    let tasks = Tasks::new(data)?;
    let mut lines = Vec::new();
    for (task, peer, work) in tasks.all() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(work(&tasks)?);
            theirs.push(peers.run(task, &tasks)?);
        }
        lines.push(Line {
            task,
            peer,
            ours: median(ours),
            theirs: median(theirs),
        });
    }
    print(&lines);
    println!(
        "retrieval answers {:.0} queries a second",
        tasks.queries() as f64 / lines[1].ours
    );
    Ok(())
}

/// The folder of the data, if it is there.
fn data() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("GLOSS_TEST_DATA").map(PathBuf::from);
    let folders = [
        given
            .unwrap_or(root.join("../shared/data"))
            .join("amazon2014"),
        root.join("data"),
    ];
    folders
        .into_iter()
        .find(|folder| folder.join("reviews_Beauty_5.json.gz").is_file())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn print(lines: &[Line]) {
    println!(
        "{:<16} {:>10} {:>12} {:>12} {:>8}",
        "task", "peer", "gloss (s)", "peer (s)", "ratio"
    );
    for Line {
        task,
        peer,
        ours,
        theirs,
    } in lines
    {
        println!(
            "{task:<16} {peer:>10} {ours:>12.4} {theirs:>12.4} {:>7.1}x",
            theirs / ours
        );
    }
}
