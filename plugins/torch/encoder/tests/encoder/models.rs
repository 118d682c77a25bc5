//! Real encoders on awkward texts and on titles of Amazon Beauty.

use std::collections::HashMap;

use gloss_core::{AnyComponent, Context, Kind, Registry};
use gloss_encoder::{Given, Prefix};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::places::{data, golden, model};
use crate::{difference, encode, open};

#[derive(Deserialize)]
struct Golden {
    texts: Vec<Vec<(String, usize)>>,
    digests: Vec<String>,
    models: HashMap<String, Expected>,
}

#[derive(Deserialize)]
struct Expected {
    awkward: Vec<Vector>,
    beauty: Vec<[f32; 3]>,
}

/// The first numbers of a vector and the sum of all.
#[derive(Deserialize)]
struct Vector {
    first: Vec<f32>,
    sum: f32,
}

fn read() -> Golden {
    let text = std::fs::read_to_string(golden("encoder_models.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn digest(title: &str) -> String {
    let digest = Sha256::digest(title);
    let digits = digest.iter().take(6).map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// The titles of all items by their digests.
fn titles(folder: &std::path::Path) -> HashMap<String, String> {
    let _ = gloss_amazon::register;
    let registry = Registry::compiled_in().unwrap();
    let entry = registry.get(Kind::Dataset, "amazon", "").unwrap();
    let options = json!({"category": "Beauty", "folder": folder});
    let AnyComponent::Dataset(dataset) = entry.parse(options).unwrap() else {
        unreachable!("amazon is a dataset");
    };
    let catalogue = dataset.load(&Context::default()).unwrap().catalogue;
    let titles = catalogue
        .items()
        .iter()
        .map(|item| item.text.trim_start_matches("Title: ").to_string());
    titles.map(|title| (digest(&title), title)).collect()
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools"]
fn model_awkward_texts_have_the_vectors_of_sentence_transformers() {
    let golden = read();
    let text = |parts: &Vec<(String, usize)>| -> String {
        parts
            .iter()
            .map(|(part, times)| part.repeat(*times))
            .collect()
    };
    let texts: Vec<String> = golden.texts.iter().map(text).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert_eq!(golden.models.len(), 2);
    for (name, expected) in &golden.models {
        let folder = model(name);
        let found = encode(&open(&folder, &Given::default()), &texts);
        assert_eq!(found.len(), expected.awkward.len());
        for ((found, expected), text) in found.iter().zip(&expected.awkward).zip(&golden.texts) {
            let difference = difference(&found[..16], &expected.first);
            assert!(difference < 1e-4, "{name} {text:?}: {difference}");
            let sum: f32 = found.iter().sum();
            assert!((sum - expected.sum).abs() < 1e-3, "{name} {text:?}: {sum}");
            let length: f32 = found.iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-5, "{name} {text:?}: {length}");
        }
    }
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools"]
fn model_titles_have_the_vectors_of_sentence_transformers() {
    let golden = read();
    let data = data();
    let titles = titles(&data);
    let texts: Vec<&str> = golden.digests.iter().map(|d| titles[d].as_str()).collect();
    assert_eq!(texts.len(), 2000);
    for (name, expected) in &golden.models {
        let folder = model(name);
        let found = encode(&open(&folder, &Given::default()), &texts);
        for (rank, (found, expected)) in found.iter().zip(&expected.beauty).enumerate() {
            let places = [0, 1, 2].map(|place| found[(3 * rank + place) % 384]);
            let difference = difference(&places, expected);
            assert!(difference < 1e-4, "{name}, title {rank}: {difference}");
        }
    }
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools"]
fn model_the_prefix_matters_to_a_model_that_was_trained_with_one() {
    let folder = model("multilingual-e5-small");
    let given = Given {
        prefix: Some(Prefix::default()),
        ..Given::default()
    };
    let plain = encode(&open(&folder, &given), &["shampoo", "passage: shampoo"]);
    let known = encode(&open(&folder, &Given::default()), &["shampoo"]);
    assert!(difference(&known[0], &plain[1]) < 1e-5);
    assert!(difference(&known[0], &plain[0]) > 1e-3);
}
