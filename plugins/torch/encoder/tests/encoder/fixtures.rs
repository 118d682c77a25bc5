//! Tiny encoders of random weights.

use std::collections::HashMap;
use std::path::PathBuf;

use gloss_core::Error;
use gloss_encoder::{Encoder, Given, Pooling, Prefix, Role, Settings, files};
use serde::Deserialize;
use tch::{Device, Kind};

use crate::places::golden;
use crate::{difference, encode, open};

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    /// By the way of pooling, or as the model asks for.
    #[serde(flatten)]
    vectors: HashMap<String, Vec<Vec<f32>>>,
}

fn fixture(name: &str) -> PathBuf {
    golden("fixtures").join(name)
}

/// Settings that no file of a fixture has.
fn without_prefix() -> Given {
    Given {
        prefix: Some(Prefix::default()),
        ..Given::default()
    }
}

fn golden_of(name: &str) -> Golden {
    let text = std::fs::read_to_string(fixture(name).join("golden.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_fixture_gives_the_vectors_of_sentence_transformers() {
    for name in ["bert", "bert-old", "xlm-r"] {
        let golden = golden_of(name);
        let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
        let ways = [
            ("own", None),
            ("mean", Some(Pooling::Mean)),
            ("cls", Some(Pooling::Cls)),
            ("max", Some(Pooling::Max)),
        ];
        for (way, pooling) in ways {
            let given = Given {
                pooling,
                ..without_prefix()
            };
            let found = encode(&open(&fixture(name), &given), &texts);
            assert_eq!(found.len(), golden.vectors[way].len());
            for ((found, expected), text) in found.iter().zip(&golden.vectors[way]).zip(&texts) {
                let difference = difference(found, expected);
                assert!(difference < 1e-5, "{name} {way} {text:?}: {difference}");
            }
        }
    }
}

#[test]
fn the_order_of_texts_and_their_repetition_change_nothing() {
    let encoder = open(&fixture("bert"), &without_prefix());
    let golden = golden_of("bert");
    let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
    let found = encode(&encoder, &texts);
    let twice: Vec<&str> = texts.iter().rev().chain(&texts).copied().collect();
    let again = encode(&encoder, &twice);
    assert!(again.iter().eq(found.iter().rev().chain(&found)));
    assert_eq!(encode(&encoder, &[]), Vec::<Vec<f32>>::new());
}

#[test]
fn many_batches_on_several_cores_give_what_one_text_gives() {
    let encoder = open(&fixture("xlm-r"), &without_prefix());
    let words = ["red ", "hair ", "cream ", "oil "];
    let texts: Vec<String> = (0..500)
        .map(|at| words[at % 4].repeat(1 + at % 9) + words[at / 7 % 4])
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let found = encode(&encoder, &texts);
    for (at, text) in texts.iter().enumerate().step_by(50) {
        assert!(difference(&encode(&encoder, &[text])[0], &found[at]) < 1e-5);
    }
}

#[test]
fn a_prefix_is_part_of_the_text() {
    let given = Given {
        prefix: Some(Prefix {
            query: "red ".to_string(),
            passage: "hair ".to_string(),
        }),
        ..Given::default()
    };
    let prefixed = open(&fixture("bert"), &given);
    let plain = open(&fixture("bert"), &without_prefix());
    let expected = encode(&plain, &["hair brush", "red brush"]);
    assert!(difference(&encode(&prefixed, &["brush"])[0], &expected[0]) < 1e-5);
    let query = prefixed.encode(&["brush"], Role::Query, &mut |_| Ok(()));
    assert!(difference(&query.unwrap(), &expected[1]) < 1e-5);
}

#[test]
fn whoever_is_told_of_progress_can_end_the_work() {
    let encoder = open(&fixture("bert"), &without_prefix());
    let texts: Vec<String> = (0..2000).map(|at| format!("red {at}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut told = 0;
    let outcome = encoder.encode(&texts, Role::Passage, &mut |_| {
        told += 1;
        Err(Error::Interrupted)
    });
    assert!(matches!(outcome, Err(Error::Interrupted)));
    assert_eq!(told, 1);
}

#[test]
fn sixteen_bits_are_near() {
    let folder = fixture("xlm-r");
    let settings = Settings::resolve("x", &folder, &without_prefix()).unwrap();
    let encoder = Encoder::open(&folder, settings, Device::Cpu, Kind::BFloat16).unwrap();
    let texts = ["shampoo", "red lipstick"];
    let exact = encode(&open(&folder, &without_prefix()), &texts);
    for (found, exact) in encode(&encoder, &texts).iter().zip(&exact) {
        let cosine: f32 = found.iter().zip(exact).map(|(a, b)| a * b).sum();
        assert!((0.995..1.001).contains(&cosine), "{cosine}");
        assert!(difference(found, exact) > 0.0);
    }
}

#[test]
fn texts_longer_than_the_positions_are_refused_when_it_opens() {
    let folder = fixture("xlm-r");
    let told = |max_length| {
        let settings = Settings {
            prefix: Prefix::default(),
            pooling: Pooling::Mean,
            normalise: true,
            max_length,
        };
        let opened = Encoder::open(&folder, settings, Device::Cpu, Kind::Float);
        opened.err().map(|error| error.to_string())
    };
    assert_eq!(told(32), None);
    assert!(told(33).unwrap().ends_with("has positions for 32 tokens"));
    assert!(told(2).unwrap().ends_with("give at least 3"));
}

#[test]
fn the_files_that_decide_vectors_are_told() {
    let folder = fixture("bert");
    let names = [
        "config.json",
        "tokenizer.json",
        "model.safetensors",
        "modules.json",
        "config_sentence_transformers.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
        "tokenizer_config.json",
    ];
    let expected = names.map(|name| folder.join(name));
    assert_eq!(files(&folder).unwrap(), expected);
    // Files that do not exist are not listed.
    let told = files(&fixture("bert-old")).unwrap();
    assert_eq!(told.len(), 7);
    assert!(files(&golden("fixtures")).is_err());
}
