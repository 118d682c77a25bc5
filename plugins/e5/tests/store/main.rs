//! The whole retriever on Amazon Beauty and Toys: Last Item Search, and trees beside exact search.
//!
//! The tests whose names begin with `minutes_` take minutes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

#[path = "../../../torch/encoder/tests/encoder/places.rs"]
mod places;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Instant;

use gloss_amazon as _;
use gloss_core::{
    AnyComponent, ArtefactRequest, ArtefactStore, BuildArtefact, Context, Data, Hit, Index, Kind,
    Query, QueryContent, Registry, Request, Result, Retriever,
};
use gloss_e5::E5;
use serde_json::{Value, json};

/// The vectors of the catalogues, which all tests share. Those of an earlier run are removed.
#[derive(Default)]
struct Encoded(Mutex<HashMap<String, PathBuf>>);

impl ArtefactStore for Encoded {
    fn get_or_build(
        &self,
        request: &ArtefactRequest<'_>,
        build: &mut BuildArtefact<'_>,
    ) -> Result<PathBuf> {
        let mut folders = self.0.lock().unwrap();
        let key = format!("{request:?}");
        if let Some(folder) = folders.get(&key) {
            return Ok(folder.clone());
        }
        let name = format!("e5-encoded-{}", folders.len());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        build(&folder, None)?;
        folders.insert(key, folder.clone());
        Ok(folder)
    }
}

fn context() -> Context {
    static ENCODED: LazyLock<Arc<Encoded>> = LazyLock::new(Arc::default);
    Context::default().with_artefacts(ENCODED.clone())
}

fn data(category: &str) -> Data {
    let folder = places::data();
    let registry = Registry::compiled_in().unwrap();
    let entry = registry.get(Kind::Dataset, "amazon", "").unwrap();
    match entry.parse(json!({"category": category, "folder": folder})) {
        Ok(AnyComponent::Dataset(dataset)) => dataset.load(&Context::default()).unwrap(),
        _ => panic!("not a data set"),
    }
}

fn options(model: &Path, more: Value) -> E5 {
    let mut options = json!({"model": model, "device": "cpu"});
    let more = more.as_object().cloned().unwrap_or_default();
    options.as_object_mut().unwrap().extend(more);
    serde_json::from_value(options).unwrap()
}

fn search(index: &dyn Index, queries: &[QueryContent], k: usize) -> Vec<Vec<Hit>> {
    let requests: Vec<Request<'_>> = queries.iter().map(|query| Request { query, k }).collect();
    index.search(&requests).unwrap()
}

/// Mean recall@5, ndcg@5 and mrr@5 of Last Item Search, seen items kept and left out.
fn last_item_search(data: &Data, index: &dyn Index) -> [[f64; 3]; 2] {
    let seen = |example| data.histories.context(example).items;
    let examples = &data.splits.test;
    let text = |&example| {
        data.catalogue
            .item(*seen(example).last().unwrap())
            .text
            .as_str()
    };
    let queries: Vec<_> = examples
        .iter()
        .map(text)
        .map(|t| Query::text(t).content)
        .collect();
    let longest = examples
        .iter()
        .map(|&example| seen(example).len())
        .max()
        .unwrap();
    let answers = search(index, &queries, 5 + longest);
    let mut sums = [[0.0; 3]; 2];
    for (answer, &example) in answers.iter().zip(examples) {
        let target = data.histories.targets(example)[0];
        let kept = |item: &u32| !seen(example).contains(item);
        let items = || answer.iter().map(|hit| hit.item);
        let places = [
            items().take(5).position(|item| item == target),
            items().filter(kept).take(5).position(|item| item == target),
        ];
        for (sums, place) in sums.iter_mut().zip(places) {
            let Some(place) = place else { continue };
            let rank = place as f64 + 1.0;
            let gains = [1.0, 1.0 / (rank + 1.0).log2(), 1.0 / rank];
            sums.iter_mut()
                .zip(gains)
                .for_each(|(sum, gain)| *sum += gain);
        }
    }
    sums.map(|sums| sums.map(|sum| sum / examples.len() as f64))
}

fn assert_figures(category: &str, model: &str, expected: [[f64; 3]; 2]) {
    let data = data(category);
    let model = places::model(model);
    let (folder, context) = (tempfile::tempdir().unwrap(), context());
    let exact = options(&model, json!({"search": "exact"}));
    exact
        .build(&data.catalogue, folder.path(), &context)
        .unwrap();
    let index = exact
        .open(&data.catalogue, folder.path(), &context)
        .unwrap();
    let found = last_item_search(&data, &*index);
    println!("{category}, {}: {found:?}", model.display());
    for (found, expected) in found.as_flattened().iter().zip(expected.as_flattened()) {
        assert!((found - expected).abs() < 5e-4, "{found} {expected}");
    }
}

/// The figures of sentence-transformers, as `lis_figures.py` computed them.
fn golden(category: &str, model: &str) -> [[f64; 3]; 2] {
    let text = std::fs::read_to_string(places::golden("lis_figures.json")).unwrap();
    let figures: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(figures[category][model].clone()).unwrap()
}

fn assert_golden(category: &str, model: &str) {
    assert_figures(category, model, golden(category, model));
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools"]
fn model_last_item_search_with_minilm_gives_the_reference_figures() {
    let kept = [0.037562, 0.019680, 0.013762];
    let new = [0.042794, 0.030176, 0.026011];
    assert_figures("Beauty", "all-minilm-l6-v2", [kept, new]);
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools; takes minutes"]
fn minutes_last_item_search_with_minilm_on_toys_gives_the_reference_figures() {
    assert_golden("Toys_and_Games", "all-minilm-l6-v2");
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools; takes minutes"]
fn minutes_last_item_search_with_e5_gives_the_reference_figures() {
    let kept = [0.040782, 0.021943, 0.015658];
    let new = [0.048026, 0.034802, 0.030461];
    assert_figures("Beauty", "multilingual-e5-small", [kept, new]);
    assert_golden("Toys_and_Games", "multilingual-e5-small");
}

/// The items are encoded once for both searches.
#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools"]
fn model_trees_find_nearly_all_by_looking_at_less_than_a_quarter() {
    let data = data("Beauty");
    let model = places::model("all-minilm-l6-v2");
    let (folder, context) = (tempfile::tempdir().unwrap(), context());
    let [all, some] = ["exact", "arroy"].map(|name| folder.path().join(name));
    let exact = options(&model, json!({"search": "exact"}));
    let trees = options(
        &model,
        json!({"search": "arroy", "arroy": {"minimum_recall": 0.95}}),
    );
    for (options, folder) in [(&exact, &all), (&trees, &some)] {
        std::fs::create_dir(folder).unwrap();
        let start = Instant::now();
        options.build(&data.catalogue, folder, &context).unwrap();
        println!("built {:?} in {:?}", options.search, start.elapsed());
    }
    let exact = exact.open(&data.catalogue, &all, &context).unwrap();
    let trees = trees.open(&data.catalogue, &some, &context).unwrap();
    let items = data.catalogue.items().iter().step_by(25);
    let queries: Vec<_> = items.map(|item| Query::text(&item.text).content).collect();
    let expected = search(&*exact, &queries, 10);
    let found = search(&*trees, &queries, 10);
    let good = |(expected, found): (&Vec<Hit>, &Vec<Hit>)| {
        let last = expected[9].score - 1e-6;
        found.iter().filter(|hit| hit.score >= last).count().min(10)
    };
    let recall = expected.iter().zip(&found).map(good).sum::<usize>() as f64;
    let recall = recall / (10 * queries.len()) as f64;
    println!("recall@10 {recall:.4} of {} queries", queries.len());
    assert!(recall >= 0.95);
    let all = search(&*trees, &queries, data.catalogue.len());
    let scored = all.iter().map(Vec::len).sum::<usize>() / queries.len();
    println!(
        "{scored} of {} items are scored for a query",
        data.catalogue.len()
    );
    assert!(4 * scored < data.catalogue.len());
}
