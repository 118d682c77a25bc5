//! Exact search beside faiss's flat index: `cargo bench -p gloss-e5 --bench search`. The Python
//! that has faiss and NumPy is that of `GLOSS_PEER_PYTHON`, by default `python3`; without faiss
//! only this crate is measured. Both read the same vectors, take turns, and use all cores.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use gloss_core::Hit;
use gloss_dense::{Exact, Matrix};

/// As many items as Amazon Beauty has, in the dimensions of MiniLM.
const ITEMS: usize = 12_094;
const DIMENSIONS: usize = 384;
const QUERIES: usize = 2_048;
const K: usize = 10;
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut items = random(ITEMS, 1);
    let mut queries = random(QUERIES, 2);
    items.normalize();
    queries.normalize();
    write(&folder.path().join("items.f32"), &items)?;
    write(&folder.path().join("queries.f32"), &queries)?;
    let exact = Exact::new(items);
    let mut found = Vec::new();
    println!("{ITEMS} items, {DIMENSIONS} dimensions, k {K}: queries per second");
    for round in 1..=ROUNDS {
        let (batched, hits) = batched(&exact, &queries);
        found = hits;
        println!(
            "gloss {round}: batched {batched:.0}, single {:.0}",
            single(&exact, &queries)
        );
        peer(folder.path(), round)?;
    }
    compare(folder.path(), &found)
}

fn batched(exact: &Exact, queries: &Matrix) -> (f64, Vec<Vec<Hit>>) {
    let start = Instant::now();
    let found = exact.search(queries, &[K; QUERIES]);
    (QUERIES as f64 / start.elapsed().as_secs_f64(), found)
}

fn single(exact: &Exact, queries: &Matrix) -> f64 {
    let count = QUERIES / 4;
    let queries: Vec<Matrix> = (0..count).map(|at| queries.select(&[at])).collect();
    let start = Instant::now();
    for query in &queries {
        assert_eq!(exact.search(query, &[K])[0].len(), K);
    }
    count as f64 / start.elapsed().as_secs_f64()
}

fn peer(folder: &Path, round: usize) -> std::io::Result<()> {
    let python = std::env::var("GLOSS_PEER_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/search_peer.py");
    Command::new(python)
        .arg(script)
        .arg(folder)
        .args([DIMENSIONS, K, round].map(|number| number.to_string()))
        .status()
        .map(|_| ())
}

/// Both must have found the same.
fn compare(folder: &Path, found: &[Vec<Hit>]) -> Result<(), Box<dyn std::error::Error>> {
    let Ok(bytes) = std::fs::read(folder.join("found.i64")) else {
        return Ok(());
    };
    let (numbers, _) = bytes.as_chunks::<8>();
    let theirs: Vec<i64> = numbers
        .iter()
        .map(|bytes| i64::from_le_bytes(*bytes))
        .collect();
    let ours = found.iter().flatten().map(|hit| i64::from(hit.item));
    let same = ours
        .zip(&theirs)
        .filter(|(ours, theirs)| ours == *theirs)
        .count();
    println!("{same} of {} hits are the same", theirs.len());
    Ok(())
}

/// Vectors of uniformly distributed numbers.
fn random(count: usize, seed: u64) -> Matrix {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    Matrix::new(
        (0..count * DIMENSIONS).map(|_| next()).collect(),
        DIMENSIONS,
    )
}

fn write(path: &Path, matrix: &Matrix) -> std::io::Result<()> {
    let bytes: Vec<u8> = matrix
        .values()
        .iter()
        .flat_map(|x| x.to_le_bytes())
        .collect();
    std::fs::write(path, bytes)
}
