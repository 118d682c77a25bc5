//! The time and the memory of residual k-means for many items: `cargo bench --bench tokenize -- 1000000`.
//!
//! Vectors of 384 numbers around 4,000 centres, drawn with a fixed seed; three levels of 256 codes, at most 25 rounds
//! each.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

use std::time::Instant;

use gloss_core::{Catalogue, Context, process_memory};
use gloss_dense::Matrix;
use gloss_item_tokenizer::ItemTokenizer;
use gloss_training::random_stream;
use rand::Rng;
use rayon::prelude::*;
use serde_json::json;

const WIDTH: usize = 384;
const CENTRES: usize = 4000;

fn vectors(items: usize) -> Matrix {
    let mut random = random_stream(0, 0);
    let centres: Vec<f32> = (0..CENTRES * WIDTH)
        .map(|_| random.random_range(-1.0..1.0))
        .collect();
    let mut values = vec![0.0; items * WIDTH];
    values
        .par_chunks_exact_mut(WIDTH)
        .enumerate()
        .for_each(|(item, row)| {
            let mut random = random_stream(1, item as u64);
            let centre = random.random_range(0..CENTRES) * WIDTH;
            for (x, near) in row.iter_mut().zip(&centres[centre..]) {
                *x = near + random.random_range(-0.7..0.7);
            }
        });
    Matrix::new(values, WIDTH)
}

fn main() {
    let items = std::env::args().find_map(|argument| argument.parse::<usize>().ok());
    let items = items.unwrap_or(100_000);
    let options: ItemTokenizer =
        serde_json::from_value(json!({"model": "none", "niter": 25, "collisions": "further-code"}))
            .unwrap();
    let vectors = vectors(items);
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let codes = options
        .tokenize(
            vectors,
            &Catalogue::default(),
            folder.path(),
            &Context::default(),
        )
        .unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    let memory = process_memory().map_or(0.0, |memory| memory.peak as f64 / f64::from(1 << 30));
    let groups = codes.groups().len();
    println!(
        "{items} items, {:?} codes: {seconds:.1} s, {memory:.2} GiB at most; {groups} sequences",
        codes.sizes
    );
}
