//! Agreement with ranx and trec_eval on random runs; `golden/make.py` made the files and says what
//! is in them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use gloss_core::{AnyComponent, Evaluation, Kind, Metric, Registry, Scores};
use gloss_engine::trec::{Qrels, Run, Ties};
use gloss_metrics as _;
use serde_json::json;

const TOLERANCE: f64 = 1e-6;

fn golden(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden")).join(name)
}

/// The metric that is written `recall@5`, `recall` or `rbp.95`.
fn metric(registry: &Registry, label: &str) -> Arc<dyn Metric> {
    let (name, options) = match (label.split_once('@'), label.split_once('.')) {
        (Some((name, k)), _) => (name, json!({ "k": k.parse::<usize>().unwrap() })),
        (_, Some((name, p))) => (
            name,
            json!({ "p": format!("0.{p}").parse::<f64>().unwrap() }),
        ),
        _ => (label, json!({})),
    };
    let entry = registry.get(Kind::Metric, name, "").unwrap();
    match entry.parse(options).unwrap() {
        AnyComponent::Metric(metric) => metric,
        _ => panic!("{name} is no metric"),
    }
}

/// Compares all values of one golden set; returns the number of values of each peer.
fn compare(set: &str) -> BTreeMap<String, usize> {
    let registry = Registry::compiled_in().unwrap();
    let run = Run::read(&golden(&format!("{set}.run.trec"))).unwrap();
    let qrels = Qrels::read(&golden(&format!("{set}.qrels.trec"))).unwrap();
    let expected = fs::read_to_string(golden(&format!("{set}.expected.tsv"))).unwrap();
    let mut lines = expected.lines().map(|line| line.split('\t'));
    let users: Vec<&str> = lines.next().unwrap().skip(2).collect();
    assert_eq!(users, qrels.users().iter().collect::<Vec<_>>());
    let mut compared = BTreeMap::new();
    for mut line in lines {
        let (peer, label) = (line.next().unwrap(), line.next().unwrap());
        let ties = match peer {
            "ranx" => Ties::File,
            "trec_eval" => Ties::TrecEval,
            _ => panic!("unknown peer {peer}"),
        };
        let aligned = run.align(&qrels, ties);
        assert!(!aligned.missing.is_empty() && aligned.ignored > 0, "{set}");
        let evaluation = Evaluation::new(&aligned.rankings, qrels.grades()).unwrap();
        let scores = metric(&registry, label).score(&evaluation).unwrap();
        let Scores::PerUser(values) = &scores else {
            panic!("{label} has no value per user");
        };
        let expected: Vec<f64> = line.map(|value| value.parse().unwrap()).collect();
        assert_eq!(expected.len(), users.len() + 1, "{peer} {label}");
        let ours = values.iter().copied().chain([scores.value()]);
        for ((ours, theirs), user) in ours.zip(expected).zip(users.iter().chain(&["mean"])) {
            assert!(
                (ours - theirs).abs() < TOLERANCE,
                "{set}: {label} of {user} is {ours}, by {peer} {theirs}"
            );
            *compared.entry(peer.to_string()).or_default() += 1;
        }
    }
    compared
}

#[test]
fn short_rankings_with_ties_agree() {
    let compared = compare("short");
    assert!(
        compared["ranx"] > 2000 && compared["trec_eval"] > 1000,
        "{compared:?}"
    );
}

#[test]
fn long_rankings_agree() {
    let compared = compare("long");
    assert!(
        compared["ranx"] > 1000 && compared["trec_eval"] > 600,
        "{compared:?}"
    );
}
