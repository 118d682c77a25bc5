//! Agreement with bm25s on a made-up corpus; `golden/make.py` made the golden file.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod common;

use common::{agrees, index, search};
use gloss_bm25::Bm25;
use gloss_core::{Catalogue, Hit, Item, rank};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    queries: Vec<String>,
    examples: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    options: Bm25,
    scores: Vec<Vec<f32>>,
}

/// A catalogue of `texts`.
fn catalogue(texts: &[String]) -> Catalogue {
    let items = texts.iter().enumerate().map(|(id, text)| Item {
        id: id.to_string(),
        text: text.clone(),
        ..Item::default()
    });
    Catalogue::new(items.collect(), Vec::new()).unwrap()
}

#[test]
fn scores_and_ranking_are_those_of_bm25s() {
    let golden: Golden = serde_json::from_str(include_str!("golden/synthetic.json")).unwrap();
    let catalogue = catalogue(&golden.texts);
    let mut scores = 0;
    for example in &golden.examples {
        let index = index(&example.options, &catalogue);
        let queries = &golden.queries[..example.scores.len()];
        let answers = search(&*index, queries, golden.texts.len());
        for ((found, row), query) in answers.iter().zip(&example.scores).zip(queries) {
            let at = || format!("{:?}, query {query:?}", example.options);
            let hits = row
                .iter()
                .zip(0..)
                .map(|(&score, item)| Hit { item, score });
            let mut expected: Vec<Hit> = hits.filter(|hit| hit.score > 0.0).collect();
            rank(&mut expected, golden.texts.len());
            let items = |hits: &[Hit]| hits.iter().map(|hit| hit.item).collect::<Vec<_>>();
            assert_eq!(items(found), items(&expected), "{}", at());
            for (hit, expected) in found.iter().zip(&expected) {
                assert!(
                    agrees(example.options.variant, hit.score, expected.score),
                    "{}: {hit:?} {expected:?}",
                    at()
                );
            }
            scores += found.len();
        }
    }
    assert!(scores > 10_000);
}
