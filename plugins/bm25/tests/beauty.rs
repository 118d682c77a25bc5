//! Agreement with bm25s on the real catalogues, and the Last Item Search figures that follow.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod common;

use std::path::{Path, PathBuf};

use common::{agrees, index, search};
use gloss_amazon as _;
use gloss_bm25::{Bm25, Variant};
use gloss_core::{AnyComponent, Context, Data, Kind, Registry};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Golden {
    items: usize,
    step: usize,
    examples: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    variant: Variant,
    answers: Vec<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<u32>,
    scores: Vec<f32>,
}

/// The category's data.
fn data(category: &str) -> Data {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let named = std::env::var_os("GLOSS_TEST_DATA").map(PathBuf::from);
    let folder = named.unwrap_or(default).join("amazon2014");
    let registry = Registry::compiled_in().unwrap();
    let entry = registry.get(Kind::Dataset, "amazon", "").unwrap();
    match entry.parse(json!({"category": category, "folder": folder})) {
        Ok(AnyComponent::Dataset(dataset)) => dataset.load(&Context::default()).unwrap(),
        _ => panic!("not a data set"),
    }
}

#[test]
#[ignore = "needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn amazon_the_best_ten_of_beauty_are_those_of_bm25s() {
    let data = data("Beauty");
    let golden: Golden = serde_json::from_str(include_str!("golden/beauty.json")).unwrap();
    assert_eq!(data.catalogue.len(), golden.items);
    let chosen = data.catalogue.items().iter().step_by(golden.step);
    let queries: Vec<_> = chosen.map(|item| item.text.as_str()).collect();
    for example in golden.examples {
        let options = Bm25 {
            variant: example.variant,
            ..Bm25::default()
        };
        let answers = search(&*index(&options, &data.catalogue), &queries, 10);
        assert_eq!(answers.len(), example.answers.len());
        for (found, expected) in answers.iter().zip(&example.answers) {
            let items: Vec<u32> = found.iter().map(|hit| hit.item).collect();
            assert_eq!(items, expected.items, "{:?}", example.variant);
            for (hit, &score) in found.iter().zip(&expected.scores) {
                assert!(
                    agrees(example.variant, hit.score, score),
                    "{:?}: {hit:?} {score}",
                    example.variant
                );
            }
        }
    }
}

/// Mean recall@5, ndcg@5 and mrr@5 of Last Item Search, seen items kept and left out.
fn last_item_search(data: &Data) -> [[f64; 3]; 2] {
    let seen = |example| data.histories.context(example).items;
    let examples = &data.splits.test;
    let queries: Vec<_> = examples
        .iter()
        .map(|&example| {
            data.catalogue
                .item(*seen(example).last().unwrap())
                .text
                .as_str()
        })
        .collect();
    let longest = examples
        .iter()
        .map(|&example| seen(example).len())
        .max()
        .unwrap();
    let answers = search(
        &*index(&Bm25::default(), &data.catalogue),
        &queries,
        5 + longest,
    );
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

fn assert_figures(category: &str, expected: [[f64; 3]; 2]) {
    let data = data(category);
    let found = last_item_search(&data);
    for (found, expected) in found.as_flattened().iter().zip(expected.as_flattened()) {
        assert!(
            (found - expected).abs() < 1e-6,
            "{category}: {found} {expected}"
        );
    }
}

#[test]
#[ignore = "needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn amazon_last_item_search_gives_the_reference_figures() {
    let beauty = [
        [0.043196, 0.023091, 0.016397],
        [0.049636, 0.036308, 0.031917],
    ];
    assert_figures("Beauty", beauty);
    let toys = [
        [0.051701, 0.026440, 0.018132],
        [0.062113, 0.042827, 0.036461],
    ];
    assert_figures("Toys_and_Games", toys);
}
