//! Times tokenising and retrieval: `cargo bench -p gloss-bm25 -- CATALOGUE QUERIES K`, both files
//! one text a line. Prints one JSON line, as `tests/bench/bm25s_retrieve.py` does.

use std::time::Instant;

use gloss_bm25::Bm25;
use gloss_core::{
    Catalogue, Context, Error, Index, Item, QueryContent, Request, Result, Retriever,
};

fn lines(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| {
        eprintln!("cannot read {path}: {error}");
        std::process::exit(2)
    });
    text.lines().map(str::to_string).collect()
}

fn open(texts: Vec<String>) -> Result<Box<dyn Index>> {
    let item = |(text, id): (String, u32)| Item {
        id: id.to_string(),
        text,
        ..Item::default()
    };
    let items = texts.into_iter().zip(0..).map(item).collect();
    let catalogue = Catalogue::new(items, Vec::new())?;
    let folder = std::env::temp_dir().join(format!("gloss-bm25-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let options = Bm25::default();
    let context = Context::default();
    options.build(&catalogue, &folder, &context)?;
    let index = options.open(&catalogue, &folder, &context);
    std::fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
    index
}

fn main() -> Result<()> {
    let given: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    let [catalogue, queries, k] = given.as_slice() else {
        println!(
            "skipped: give a catalogue, queries and k (cargo bench -p gloss-bm25 -- CATALOGUE QUERIES K)"
        );
        return Ok(());
    };
    let k = k
        .parse()
        .map_err(|_| Error::Usage(format!("k is a number, not {k}")))?;
    let index = open(lines(catalogue))?;
    let contents: Vec<_> = lines(queries).into_iter().map(QueryContent::Text).collect();
    let requests: Vec<_> = contents.iter().map(|query| Request { query, k }).collect();
    index.search(&requests)?;
    let times = (0..10).map(|_| {
        let start = Instant::now();
        index
            .search(&requests)
            .map(|_| start.elapsed().as_secs_f64())
    });
    let best = times
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .fold(f64::INFINITY, f64::min);
    println!(
        r#"{{"peer":"gloss","task":"retrieve","queries":{},"seconds":{best}}}"#,
        requests.len()
    );
    Ok(())
}
