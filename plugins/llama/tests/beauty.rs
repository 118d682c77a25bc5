//! A real Llama on real prompts: SmolLM2-135M writes what it writes with transformers, and inside
//! the catalogue nothing but items.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::beauty::Beauty;
use common::path;
use gloss_core::Context;
use gloss_llama::{BeamSearch, Constraint, Decoding, EarlyStopping, Engine, Limits, trie_of_texts};
use serde::Deserialize;
use sha2::{Digest, Sha256};

#[derive(Deserialize)]
struct Golden {
    prompts: Vec<Prompt>,
    examples: Vec<Example>,
}

/// A prompt by its user's place among the test users, and a digest of its tokens.
#[derive(Deserialize)]
struct Prompt {
    user: usize,
    sha256: String,
}

#[derive(Deserialize, Clone)]
struct Example {
    prompt: usize,
    beams: i64,
    length_penalty: f64,
    early_stopping: bool,
    eos: Vec<i64>,
    max_new_tokens: i64,
    sequences: Vec<Vec<i64>>,
    scores: Vec<f32>,
}

impl Example {
    fn search(&self) -> BeamSearch {
        BeamSearch {
            beams: self.beams,
            length_penalty: self.length_penalty,
            early_stopping: match self.early_stopping {
                true => EarlyStopping::Full,
                false => EarlyStopping::Heuristic,
            },
            max_new_tokens: self.max_new_tokens,
            eos: self.eos.clone(),
        }
    }
}

fn digest(tokens: &[i64]) -> String {
    let mut digest = Sha256::new();
    for &token in tokens {
        digest.update(i32::try_from(token).unwrap().to_le_bytes());
    }
    digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn engine(beauty: &Beauty, users: usize) -> Engine {
    let limits = Limits {
        users,
        cache_bytes: 1 << 30,
    };
    Engine::new(beauty.model(), &beauty.prompts().shared(), 1024, limits).unwrap()
}

/// Compares all examples of a golden file; returns their number.
fn compare(file: &str, users: usize, every: usize) -> usize {
    let beauty = Beauty::open();
    let golden: Golden = serde_json::from_slice(&std::fs::read(path(file)).unwrap()).unwrap();
    let prompts = beauty.prompts();
    let tokens = |prompt: &Prompt| {
        let tokens = prompts.tokens(beauty.history(prompt.user)).unwrap();
        assert_eq!(digest(&tokens), prompt.sha256);
        tokens
    };
    let tokens: Vec<Vec<i64>> = golden.prompts.iter().map(tokens).collect();
    let engine = engine(&beauty, users);
    let mut groups: BTreeMap<String, Vec<&Example>> = BTreeMap::new();
    for example in golden.examples.iter().skip(every / 2).step_by(every) {
        groups
            .entry(format!("{:?}", example.search()))
            .or_default()
            .push(example);
    }
    for (about, examples) in &groups {
        let own: Vec<_> = examples
            .iter()
            .map(|example| tokens[example.prompt].clone())
            .collect();
        let search = examples[0].search();
        let decoding = Decoding::BeamSearch(&search);
        let found = engine
            .generate(&own, &decoding, &Context::default())
            .unwrap();
        for (example, found) in examples.iter().zip(found) {
            let texts: Vec<_> = found.iter().map(|text| text.tokens.clone()).collect();
            assert_eq!(
                texts, example.sequences,
                "{about}, prompt {}",
                example.prompt
            );
            for (found, expected) in found.iter().zip(&example.scores) {
                let error = (found.score - expected).abs();
                // Sums of twenty logarithms; processors without AVX-512 add in another order.
                assert!(error < 3e-4, "{about}: {} is not {expected}", found.score);
            }
        }
    }
    golden.examples.len()
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools"]
fn model_five_beams_write_what_transformers_writes() {
    assert!(compare("golden/beam_beauty.json", 8, one_of(16)) >= 200);
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools"]
fn model_every_setting_writes_what_transformers_writes() {
    assert!(compare("golden/beam_grid.json", 5, one_of(32)) >= 420);
}

/// All of them, which takes a quarter of an hour, if GLOSS_TEST_ALL is set; else one of `many`.
fn one_of(many: usize) -> usize {
    match std::env::var_os("GLOSS_TEST_ALL") {
        Some(_) => 1,
        None => many,
    }
}

#[test]
#[ignore = "needs real models, of GLOSS_TEST_MODELS or ../shared/tools"]
fn model_inside_the_catalogue_every_beam_is_an_item_that_is_new() {
    let beauty = Beauty::open();
    let prompts = beauty.prompts();
    let eos = prompts.tokenizer().end_of_text();
    let trie = trie_of_texts(&prompts, beauty.catalogue(), eos).unwrap();
    let search = BeamSearch {
        beams: 5,
        length_penalty: 1.0,
        early_stopping: EarlyStopping::Heuristic,
        max_new_tokens: trie.depth() as i64,
        eos: vec![eos],
    };
    let constraint = Constraint::new(trie, tch::Device::Cpu).unwrap();
    let engine = engine(&beauty, 16);
    let many = 1024 / one_of(128);
    let users = (0..many).map(|at| at * beauty.users() / many);
    let histories: Vec<&[u32]> = users.map(|user| beauty.history(user)).collect();
    let tokens = prompts.tokens_batch(&histories).unwrap();
    let blocked: Vec<_> = histories
        .iter()
        .map(|items| constraint.trie().blocked(items))
        .collect();
    let decoding = Decoding::Catalogue(&search, &constraint, &blocked);
    let found = engine
        .generate(&tokens, &decoding, &Context::default())
        .unwrap();
    for (history, texts) in histories.iter().zip(found) {
        assert_eq!(texts.len(), 5);
        let items: Vec<u32> = texts
            .iter()
            .map(|text| constraint.items(&text.tokens, history).next().unwrap())
            .collect();
        assert!(items.iter().all(|item| !history.contains(item)));
    }
}
