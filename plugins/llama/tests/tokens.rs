//! Tokens, texts and prompts are those of transformers; see golden/tokens.py.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use gloss_core::{Catalogue, Item};
use gloss_llama::{Prompts, Tokenizer, Truncation, trie_of_texts};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<Text>,
    random: Vec<Tokens>,
    prompts: Vec<Prompt>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
    tokens: Vec<i64>,
    decoded: String,
}

#[derive(Deserialize)]
struct Tokens {
    tokens: Vec<i64>,
    decoded: String,
}

#[derive(Deserialize)]
struct Prompt {
    history: Vec<String>,
    target: String,
    whole: Vec<i64>,
    left_200: Vec<i64>,
    left_10: Vec<i64>,
    training_200: Vec<i64>,
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn golden() -> BTreeMap<String, Golden> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokens.json");
    let golden: BTreeMap<_, _> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(golden.len(), 3);
    golden
}

/// The catalogue of texts, each once, and the position of each.
fn catalogue<'t>(
    texts: impl IntoIterator<Item = &'t String>,
) -> (Catalogue, HashMap<&'t str, u32>) {
    let (mut items, mut positions) = (Vec::new(), HashMap::new());
    for text in texts {
        positions.entry(text.as_str()).or_insert_with(|| {
            items.push(Item {
                id: format!("item-{}", items.len()),
                text: text.clone(),
                fields: Vec::new(),
            });
            items.len() as u32 - 1
        });
    }
    (Catalogue::new(items, Vec::new()).unwrap(), positions)
}

#[test]
fn tokens_and_texts_are_those_of_transformers() {
    for (name, golden) in golden() {
        let tokenizer = Tokenizer::open(&folder(&name), 800).unwrap();
        let texts: Vec<&str> = golden.texts.iter().map(|t| t.text.as_str()).collect();
        let batch = tokenizer.encode_batch(&texts).unwrap();
        for (expected, batched) in golden.texts.iter().zip(batch) {
            let tokens = tokenizer.encode(&expected.text).unwrap();
            assert_eq!(tokens, expected.tokens, "{name}: {:?}", expected.text);
            assert_eq!(batched, tokens);
            assert_eq!(
                tokenizer.decode(&tokens).unwrap(),
                expected.decoded,
                "{name}"
            );
        }
        for expected in &golden.random {
            assert_eq!(
                tokenizer.decode(&expected.tokens).unwrap(),
                expected.decoded,
                "{name}"
            );
        }
    }
}

#[test]
fn prompts_are_truncated_as_transformers_does() {
    for (name, golden) in golden() {
        let tokenizer = Tokenizer::open(&folder(&name), 800).unwrap();
        let texts = golden
            .prompts
            .iter()
            .flat_map(|p| p.history.iter().chain([&p.target]));
        let (catalogue, positions) = catalogue(texts);
        let prompts = |most| Prompts::new(&tokenizer, &catalogue, Truncation::Left, most).unwrap();
        let (whole, at_200, at_10) = (prompts(2000), prompts(200), prompts(10));
        for expected in &golden.prompts {
            let history: Vec<u32> = expected
                .history
                .iter()
                .map(|t| positions[t.as_str()])
                .collect();
            let target = positions[expected.target.as_str()];
            assert_eq!(whole.tokens(&history).unwrap(), expected.whole, "{name}");
            assert_eq!(
                at_200.tokens(&history).unwrap(),
                expected.left_200,
                "{name}"
            );
            assert_eq!(at_10.tokens(&history).unwrap(), expected.left_10, "{name}");
            assert_eq!(
                at_200.training(&history, target).unwrap(),
                expected.training_200,
                "{name}"
            );
            assert!(expected.whole.starts_with(&whole.shared()), "{name}");
        }
        assert_eq!(whole.truncated(), 0);
        assert_eq!(at_10.truncated(), golden.prompts.len());
    }
}

#[test]
fn a_trie_writes_all_items_after_a_prompt() {
    for name in ["tokenizer", "tokenizer-marked-spaces"] {
        let golden = golden().remove(name).unwrap();
        let tokenizer = Tokenizer::open(&folder(name), 800).unwrap();
        let texts = golden.prompts.iter().flat_map(|p| p.history.iter());
        let (catalogue, _) = catalogue(texts);
        let prompts = Prompts::new(&tokenizer, &catalogue, Truncation::Left, 2000).unwrap();
        let trie = trie_of_texts(&prompts, &catalogue, tokenizer.end_of_text()).unwrap();
        let history = [0, 1, 2];
        let prompt = prompts.tokens(&history).unwrap();
        for item in 0..catalogue.len() as u32 {
            let whole = prompts.training(&history, item).unwrap();
            let nodes = whole
                .strip_prefix(&*prompt)
                .unwrap()
                .iter()
                .scan(0, |node, token| {
                    *node = trie.child(*node, *token).unwrap();
                    Some(*node)
                });
            let nodes: Vec<i64> = nodes.collect();
            assert_eq!(nodes, trie.path(item));
            assert_eq!(trie.items(nodes[nodes.len() - 1]), [item]);
        }
    }
}

#[test]
fn a_tokenizer_that_does_not_give_texts_back_makes_no_trie() {
    let golden = golden().remove("tokenizer-words").unwrap();
    let tokenizer = Tokenizer::open(&folder("tokenizer-words"), 800).unwrap();
    let (catalogue, _) = catalogue([&golden.prompts[0].target]);
    let prompts = Prompts::new(&tokenizer, &catalogue, Truncation::Left, 2000).unwrap();
    let error = trie_of_texts(&prompts, &catalogue, tokenizer.end_of_text()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("item item-0 cannot be written token by token: its text `Title: "),
        "{error}"
    );
}

#[test]
fn the_ends_of_a_text_are_those_that_the_checkpoint_says() {
    let open = |name: &str| Tokenizer::open(&folder(name), 800).unwrap();
    // generation_config.json goes before config.json, and that before tokenizer_config.json.
    assert_eq!(open("tokenizer").eos(), [0, 2]);
    assert_eq!(open("tokenizer").end_of_text(), 2);
    assert_eq!(open("tokenizer-marked-spaces").eos(), [2]);
    assert_eq!(open("tokenizer-words").eos(), [2]);
}
