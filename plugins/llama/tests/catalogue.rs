//! Search inside the catalogue finds the likeliest items, whichever way it is cut.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{fixture, load};
use gloss_core::{Catalogue, Context, Item};
use gloss_llama::{
    BeamSearch, Constraint, Decoding, EarlyStopping, Engine, Limits, Model, Prompts, Sampler,
    Tokenizer, Truncation, trie_of_texts,
};
use tch::{Device, Kind, Tensor};

const TITLES: [&str; 9] = [
    "Title: Lip balm",
    "Title: Lip balm, cherry",
    "Title: Lip gloss",
    "Title: Hand cream",
    "Title: Hand cream",
    "Title: Hand soap",
    "Title: Shampoo for dry hair",
    "Title: Shampoo",
    "Title: Eau de toilette",
];

fn catalogue() -> Catalogue {
    let item = |(at, title): (usize, &&str)| Item {
        id: format!("item{at}"),
        text: title.to_string(),
        ..Item::default()
    };
    let items = TITLES.iter().enumerate().map(item).collect();
    Catalogue::new(items, vec![]).unwrap()
}

fn engine(users: usize, shared: &[i64]) -> Engine {
    let limits = Limits {
        users,
        cache_bytes: 1 << 28,
    };
    Engine::new(load("writer"), shared, 256, limits).unwrap()
}

fn search(beams: i64, steps: usize, eos: i64) -> BeamSearch {
    BeamSearch {
        beams,
        length_penalty: 0.0,
        early_stopping: EarlyStopping::Heuristic,
        max_new_tokens: steps as i64,
        eos: vec![eos],
    }
}

/// The log-probability of `next` after `prompt`, one token after the other.
fn log_probability(model: &Model, prompt: &[i64], next: &[i64]) -> f64 {
    let all = [prompt, next].concat();
    let logits = model.logits_of(&all).unwrap().log_softmax(-1, Kind::Double);
    let before = prompt.len() as i64 - 1;
    let at = |(step, &token): (usize, &i64)| logits.double_value(&[before + step as i64, token]);
    next.iter().enumerate().map(at).sum()
}

struct Example {
    catalogue: Catalogue,
    tokenizer: Tokenizer,
}

impl Example {
    fn new() -> Self {
        Example {
            catalogue: catalogue(),
            tokenizer: Tokenizer::open(&fixture("writer"), 768).unwrap(),
        }
    }

    fn prompts(&self) -> Prompts<'_> {
        Prompts::new(&self.tokenizer, &self.catalogue, Truncation::Left, 200).unwrap()
    }
}

const HISTORIES: [&[u32]; 4] = [&[0, 3], &[], &[8, 7, 6, 5, 4, 3, 2], &[1]];

#[test]
fn the_best_items_are_those_of_highest_probability() {
    let example = Example::new();
    let prompts = example.prompts();
    let eos = example.tokenizer.end_of_text();
    let model = load("writer");
    let trie = trie_of_texts(&prompts, &example.catalogue, eos).unwrap();
    let search = search(16, trie.depth(), eos);
    let constraint = Constraint::new(trie, Device::Cpu).unwrap();
    let tokens = prompts.tokens_batch(&HISTORIES).unwrap();
    for exclude in [false, true] {
        let seen = |items: &[u32]| if exclude { items.to_vec() } else { Vec::new() };
        let blocked: Vec<_> = HISTORIES
            .iter()
            .map(|items| constraint.trie().blocked(&seen(items)))
            .collect();
        let decoding = Decoding::Catalogue(&search, &constraint, &blocked);
        let found = engine(3, &prompts.shared()).generate(&tokens, &decoding, &Context::default());
        for ((prompt, history), texts) in tokens.iter().zip(HISTORIES).zip(found.unwrap()) {
            let seen = seen(history);
            let mut expected: Vec<(f64, u32)> = (0..TITLES.len() as u32)
                .filter(|item| !seen.contains(item))
                .map(|item| {
                    let text = prompts.continuation(TITLES[item as usize]).unwrap();
                    (
                        log_probability(&model, prompt, &[text, vec![eos]].concat()),
                        item,
                    )
                })
                .collect();
            expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            expected.dedup_by_key(|(_, item)| TITLES[*item as usize]);
            assert_eq!(texts.len(), expected.len());
            for (text, (log_probability, item)) in texts.iter().zip(&expected) {
                assert_eq!(constraint.items(&text.tokens, &seen).next(), Some(*item));
                assert!((f64::from(text.log_probability) - log_probability).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn who_has_everything_gets_nothing() {
    let example = Example::new();
    let prompts = example.prompts();
    let eos = example.tokenizer.end_of_text();
    let trie = trie_of_texts(&prompts, &example.catalogue, eos).unwrap();
    let search = search(3, trie.depth(), eos);
    let constraint = Constraint::new(trie, Device::Cpu).unwrap();
    let all: Vec<u32> = (0..TITLES.len() as u32).collect();
    let tokens = prompts.tokens_batch(&[&all, &[1]]).unwrap();
    let blocked = [&all[..], &all[1..]].map(|seen| constraint.trie().blocked(seen));
    let decoding = Decoding::Catalogue(&search, &constraint, &blocked);
    let found = engine(2, &[])
        .generate(&tokens, &decoding, &Context::default())
        .unwrap();
    let items = |texts: &[gloss_llama::Sequence]| -> Vec<_> {
        texts
            .iter()
            .map(|text| constraint.items(&text.tokens, &all[1..]).next())
            .collect()
    };
    assert_eq!(found[0], []);
    assert_eq!(items(&found[1]), [Some(0)]);
}

#[test]
fn neither_batches_nor_order_nor_what_is_shared_change_a_text() {
    let example = Example::new();
    let prompts = example.prompts();
    let mut tokens = prompts.tokens_batch(&HISTORIES).unwrap();
    let search = BeamSearch {
        length_penalty: 1.0,
        ..search(5, 12, example.tokenizer.end_of_text())
    };
    let sampler = Sampler {
        sequences: 3,
        temperature: 0.8,
        top_k: 20,
        top_p: 0.9,
        seed: 7,
        max_new_tokens: 12,
        eos: example.tokenizer.eos().to_vec(),
    };
    let shared = prompts.shared();
    assert!(shared.len() > 20);
    for decoding in [Decoding::BeamSearch(&search), Decoding::Sample(&sampler)] {
        let texts = |users, shared: &[i64], tokens: &[Vec<i64>]| -> Vec<Vec<Vec<i64>>> {
            let found = engine(users, shared).generate(tokens, &decoding, &Context::default());
            let of = |texts: Vec<gloss_llama::Sequence>| {
                texts.into_iter().map(|text| text.tokens).collect()
            };
            found.unwrap().into_iter().map(of).collect()
        };
        let expected = texts(1, &[], &tokens);
        assert!(expected.iter().flatten().all(|text| !text.is_empty()));
        assert_eq!(texts(4, &shared, &tokens), expected);
        tokens.reverse();
        let mut reversed = texts(3, &shared, &tokens);
        reversed.reverse();
        assert_eq!(reversed, expected);
        tokens.reverse();
    }
}

#[test]
fn samples_follow_the_models_distribution() {
    let model = load("writer");
    let prompt: Vec<i64> = (3..20).collect();
    let sampler = Sampler {
        sequences: 4000,
        temperature: 1.5,
        top_k: 0,
        top_p: 0.8,
        seed: 1,
        max_new_tokens: 1,
        eos: vec![2],
    };
    let found = engine(1, &[])
        .generate(
            std::slice::from_ref(&prompt),
            &Decoding::Sample(&sampler),
            &Context::default(),
        )
        .unwrap();
    let logits = model.logits_of(&prompt).unwrap();
    let probabilities = logits.narrow(0, logits.size()[0] - 1, 1).squeeze();
    let probabilities = (probabilities / 1.5).softmax(-1, Kind::Double);
    let (sorted, order): (Tensor, Tensor) = probabilities.sort(0, true);
    let before = sorted.cumsum(0, Kind::Double) - &sorted;
    let kept = before.lt(0.8).to_kind(Kind::Double) * &sorted;
    let expected = &kept / kept.sum(Kind::Double);
    let drawn: Vec<i64> = found[0].iter().map(|text| text.tokens[0]).collect();
    let mut largest = 0_f64;
    for rank in 0..768 {
        let token = order.int64_value(&[rank]);
        let share = drawn.iter().filter(|drawn| **drawn == token).count() as f64 / 4000.0;
        let probability = expected.double_value(&[rank]);
        assert!(probability > 0.0 || share == 0.0);
        largest = largest.max((share - probability).abs());
    }
    // Five standard deviations of the share of a token of probability one half.
    assert!(largest < 0.04, "{largest}");
}

/// Resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
#[cfg(target_os = "linux")]
fn two_thousand_steps_leave_memory_as_it_was() {
    let example = Example::new();
    let prompts = example.prompts();
    let tokens = prompts.tokens_batch(&HISTORIES).unwrap();
    let engine = engine(4, &prompts.shared());
    let search = BeamSearch {
        eos: Vec::new(),
        ..search(5, 40, 0)
    };
    let run = |batches| {
        for _ in 0..batches {
            let decoding = Decoding::BeamSearch(&search);
            engine
                .generate(&tokens, &decoding, &Context::default())
                .unwrap();
        }
    };
    run(10);
    let before = resident();
    run(50);
    let grown = resident().saturating_sub(before);
    assert!(grown < 16 << 20, "{grown} bytes more");
}
