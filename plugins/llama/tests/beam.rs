//! Beam search writes what transformers' writes, token for token.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{load, path};
use gloss_core::Context;
use gloss_llama::{BeamSearch, Decoding, EarlyStopping, Engine, Limits, Sequence};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Golden {
    prompts: Vec<Prompt>,
    examples: Vec<Example>,
}

#[derive(Deserialize)]
struct Prompt {
    tokens: Vec<i64>,
}

#[derive(Deserialize, Clone)]
struct Example {
    fixture: String,
    prompt: usize,
    beams: i64,
    length_penalty: f64,
    early_stopping: Value,
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
                Value::Bool(true) => EarlyStopping::Full,
                Value::Bool(false) => EarlyStopping::Heuristic,
                _ => EarlyStopping::Never,
            },
            max_new_tokens: self.max_new_tokens,
            eos: self.eos.clone(),
        }
    }

    #[track_caller]
    fn assert_equal(&self, found: &[Sequence]) {
        let tokens: Vec<_> = found
            .iter()
            .map(|sequence| sequence.tokens.clone())
            .collect();
        let about = format!("{:?} prompt {}", self.search(), self.prompt);
        assert_eq!(tokens, self.sequences, "{about}");
        for (found, expected) in found.iter().zip(&self.scores) {
            assert!(
                (found.score - expected).abs() < 1e-4,
                "{about}: {} {expected}",
                found.score
            );
        }
    }
}

fn engine(fixture: &str, users: usize, shared: &[i64]) -> Engine {
    let limits = Limits {
        users,
        cache_bytes: 1 << 30,
    };
    Engine::new(load(fixture), shared, 128, limits).unwrap()
}

#[test]
fn tiny_models_write_what_transformers_writes_with_every_setting() {
    let golden: Golden =
        serde_json::from_slice(&std::fs::read(path("golden/beam_tiny.json")).unwrap()).unwrap();
    let prompts: Vec<Vec<i64>> = golden.prompts.iter().map(|p| p.tokens.clone()).collect();
    let engines: BTreeMap<_, _> = ["gqa", "llama3-rope"]
        .map(|name| (name.to_string(), engine(name, 3, &[])))
        .into();
    let mut examples = golden.examples.as_slice();
    let mut compared = 0;
    while let Some(first) = examples.first() {
        let search = first.search();
        let same =
            |example: &&Example| example.search() == search && example.fixture == first.fixture;
        let (group, rest) = examples.split_at(examples.iter().take_while(same).count());
        examples = rest;
        let own: Vec<_> = group
            .iter()
            .map(|example| prompts[example.prompt].clone())
            .collect();
        let decoding = Decoding::BeamSearch(&search);
        let found = engines[&first.fixture].generate(&own, &decoding, &Context::default());
        for (example, found) in group.iter().zip(found.unwrap()) {
            example.assert_equal(&found);
            compared += 1;
        }
    }
    assert!(compared > 500);
}

#[test]
fn a_beginning_that_no_prompt_has_room_for_changes_nothing() {
    let golden: Golden =
        serde_json::from_slice(&std::fs::read(path("golden/beam_tiny.json")).unwrap()).unwrap();
    let example = golden.examples.first().unwrap();
    let prompts = [golden.prompts[example.prompt].tokens.clone()];
    let engine = engine(&example.fixture, 1, &[1; 200]);
    let search = example.search();
    let found = engine.generate(
        &prompts,
        &Decoding::BeamSearch(&search),
        &Context::default(),
    );
    example.assert_equal(&found.unwrap()[0]);
}
