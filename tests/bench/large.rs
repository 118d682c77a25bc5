//! BM25 over a large catalogue of made-up titles, beside bm25s.

use std::path::Path;
use std::time::Instant;

use gloss_core::{
    AnyComponent, Catalogue, Context, Error, Item, Kind, QueryContent, Registry, Request, Result,
};
use gloss_engine::ExperimentConfig;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::peers::Peers;

const WORDS: f64 = 60_000.0;
const TITLE: usize = 9;
const K: usize = 10;

/// Retrieves `count` queries from `count` items; prints seconds and their ratio.
pub(crate) fn run(count: usize) -> Result<()> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-large");
    let index = folder.join("index");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&index).map_err(Error::io("make the folder", &index))?;
    let (titles, questions) = (titles(count, 1), titles(count, 2));
    let files = ["catalogue.txt", "queries.txt"].map(|name| folder.join(name));
    for (path, lines) in files.iter().zip([&titles, &questions]) {
        std::fs::write(path, lines.join("\n") + "\n").map_err(Error::io("write", path))?;
    }
    let items = titles.into_iter().enumerate().map(|(number, text)| Item {
        id: number.to_string(),
        text,
        ..Item::default()
    });
    let catalogue = Catalogue::new(items.collect(), Vec::new())?;
    let ours = ours(&catalogue, &questions, &index)?;
    let [catalogue, queries] = files.map(|path| path.to_string_lossy().into_owned());
    let arguments = vec![catalogue, queries, K.to_string(), "1".to_string()];
    let theirs = Peers::new()?.execute("retrieve", "bm25s_retrieve.py", &arguments)?;
    println!(
        "{count} queries in {count} items: gloss {ours:.1} s, bm25s {theirs:.1} s, {:.1}x",
        theirs / ours
    );
    Ok(())
}

fn ours(catalogue: &Catalogue, questions: &[String], index: &Path) -> Result<f64> {
    let config = ExperimentConfig::from_text(Path::new("benchmark"), "retriever = 'bm25'\n")?;
    let (retriever, _) = config.resolve_one(Kind::Retriever, &Registry::compiled_in()?)?;
    let AnyComponent::Retriever(retriever) = retriever else {
        return Err(Error::Internal("bm25 is a retriever".into()));
    };
    let context = Context::default();
    retriever.build(catalogue, index, &context)?;
    let index = retriever.open(catalogue, index, &context)?;
    let questions = questions.iter().cloned().map(QueryContent::Text);
    let questions: Vec<QueryContent> = questions.collect();
    let requests: Vec<Request<'_>> = questions
        .iter()
        .map(|query| Request { query, k: K })
        .collect();
    let once = || {
        let start = Instant::now();
        let hits = index.search(&requests)?;
        std::hint::black_box(hits);
        Ok(start.elapsed().as_secs_f64())
    };
    once().and_then(|first| Ok(once()?.min(first)))
}

/// Titles of words of which few are frequent and many are rare.
fn titles(count: usize, seed: u64) -> Vec<String> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut word = || format!("w{}", WORDS.powf(random.random::<f64>()) as u32);
    (0..count)
        .map(|_| (0..TITLE).map(|_| word()).collect::<Vec<_>>().join(" "))
        .collect()
}
