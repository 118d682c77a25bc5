//! A Llama that reads and writes semantic IDs, through the binary.
#![cfg(feature = "libtorch")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::fs;
use std::path::Path;

use common::{Place, Ran, files};
use serde_json::Value;

const EXPERIMENT: &str = r#"
name = "codes"
metrics = ["recall@5"]

[dataset]
type = "amazon"
category = "Shop"
folder = "SHOP"

[dataset.split]
validation_share = 0.02

[ranking]
cutoff = 5
seen = "exclude"

[generator]
type = "llama"
model = "WRITER"
device = "cpu"
format = "semantic-ids"
max_length = 64
num_beams = 10
exclude_seen = true

[generator.item_tokenizer]
model = "MODEL"
prefix = "none"
device = "cpu"
codebook_size = 8
collisions = "COLLISIONS"

[generator.training]
max_steps = 3
learning_rate = 1e-3
warmup_steps = 0
metric_for_best_model = "last"
"#;

fn place(collisions: &str) -> Place {
    let place = Place::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = |name: &str| root.join(name).display().to_string();
    let encoder = "plugins/torch/encoder/tests/golden/fixtures/bert";
    let experiment = EXPERIMENT
        .replace("SHOP", &path("examples/shop"))
        .replace("WRITER", &path("plugins/llama/tests/fixtures/writer"))
        .replace("MODEL", &path(encoder))
        .replace("COLLISIONS", collisions);
    place.write("e.toml", experiment);
    place
}

fn ran(place: &Place, args: &[&str]) -> Ran {
    let mut command = place.command(args);
    command.env("OMP_NUM_THREADS", "1");
    command.output().unwrap().into()
}

#[track_caller]
fn gloss(place: &Place, args: &[&str]) -> Ran {
    let ran = ran(place, args);
    ran.succeeds();
    ran
}

fn json(place: &Place, file: &str) -> Value {
    serde_json::from_str(&place.read(file)).unwrap()
}

/// The experiment with a model in place of a training.
fn with_model(place: &Place, folder: &str) -> String {
    let experiment = place.read("e.toml");
    let start = experiment.find("[generator.item_tokenizer]").unwrap();
    let lines = experiment[..start]
        .lines()
        .map(|line| match line.starts_with("model = ") {
            true => format!("model = \"{}\"", place.path(folder).display()),
            false => line.to_string(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_adapter_has_the_rows_of_its_codes_and_is_exported_with_them() {
    let place = place("further-code");
    let run = gloss(&place, &["run", "e.toml", "--output", "run", "--json"]);
    let method = run.json()["results"]["methods"][0].clone();
    assert_eq!(method["users"], 1998);
    assert_eq!(method["users_without_ranking"], 0);
    assert_eq!(method["users_with_short_ranking"], 0);

    gloss(&place, &["train", "e.toml", "--output", "trained"]);
    let left = files(&place.path("trained"));
    for file in [
        "codes.parquet",
        "codes.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ] {
        let file = format!("adapter/{file}");
        assert!(left.contains(&file), "{file}: {left:?}");
    }
    let levels = json(&place, "trained/adapter/codes.json")["levels"].clone();
    let sizes = levels
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["size"].as_i64().unwrap());
    let count: i64 = sizes.sum();
    let config = json(&place, "trained/adapter/adapter_config.json");
    let tokens: Vec<i64> = (768..768 + count).collect();
    let written: Vec<i64> =
        serde_json::from_value(config["trainable_token_indices"]["embed_tokens"].clone()).unwrap();
    assert_eq!(written, tokens);
    let tokenizer = json(&place, "trained/adapter/tokenizer.json");
    let added = tokenizer["added_tokens"].as_array().unwrap();
    let first = added
        .iter()
        .find(|token| token["content"] == "<a_0>")
        .unwrap();
    assert_eq!(first["id"], 768);

    // A whole checkpoint finds the same items.
    gloss(
        &place,
        &[
            "export",
            "e.toml",
            "--output",
            "model",
            "--set",
            "generator.dtype=f32",
        ],
    );
    assert_eq!(json(&place, "model/config.json")["vocab_size"], 768 + count);
    place.write("model.toml", with_model(&place, "model"));
    let again = gloss(
        &place,
        &["run", "model.toml", "--output", "again", "--json"],
    );
    assert_eq!(
        again.json()["results"]["methods"][0]["metrics"],
        method["metrics"]
    );
    // It is trained further on the codes that it has.
    let training = "\n[generator.training]\nmax_steps = 1\nmetric_for_best_model = \"last\"\n";
    place.write("more.toml", with_model(&place, "model") + training);
    gloss(&place, &["train", "more.toml", "--output", "more"]);
    let codes = |file: &str| fs::read(place.path(file)).unwrap();
    assert!(codes("more/adapter/codes.parquet") == codes("model/codes.parquet"));
    // A damaged table of codes is named.
    place.write("model/codes.parquet", "codes");
    ran(&place, &["run", "model.toml", "--output", "x"])
        .fails(2, &["codes.parquet", "is no table of codes"]);
    // The parts of a score are those of the codes.
    let qrels = place.read("run/qrels.trec");
    let user = qrels.split(' ').next().unwrap();
    let shown = gloss(&place, &["inspect", "run", user, "--tokens"]);
    for level in ["<a_", "<b_", "<c_", "<d_"] {
        assert!(shown.stdout.contains(level), "{level}: {}", shown.stdout);
    }
}

#[test]
fn all_weights_are_trained_and_items_of_the_same_codes_all_found() {
    let place = place("keep");
    let full = [
        "--set",
        "generator.model=random",
        "--set",
        "generator.training.method=full",
    ];
    let args = ["run", "e.toml", "--output", "run", "--json"];
    let ran = gloss(&place, &[&args[..], &full].concat());
    let method = &ran.json()["results"]["methods"][0];
    assert_eq!(method["users_with_short_ranking"], 0);
    let args = ["train", "e.toml", "--output", "trained"];
    gloss(&place, &[&args[..], &full].concat());
    let report = json(&place, "trained/model/codes.json");
    assert!(report["collisions"].as_i64().unwrap() > 0, "{report}");
    let size = json(&place, "trained/model/config.json")["vocab_size"].as_i64();
    let tokenizer = json(&place, "trained/model/tokenizer.json");
    let texts = tokenizer["model"]["vocab"].as_object().unwrap().len() as i64;
    assert_eq!(size, Some(texts + 3 * 8));
}

#[test]
fn mistakes_are_named() {
    let place = place("further-code");
    place.refuses(&[
        (
            "generator.max_new_tokens=4",
            &["generator.max_new_tokens", "as many tokens as codes"],
        ),
        (
            "generator.length_penalty=1.0",
            &["generator.length_penalty", "is for texts"],
        ),
        (
            "generator.early_stopping=true",
            &["generator.early_stopping", "is for texts"],
        ),
        (
            "generator.format=list",
            &[
                "generator.item_tokenizer",
                "is for `format = \"semantic-ids\"`",
            ],
        ),
        (
            "generator.item_tokenizer.codebok_size=4",
            &["did you mean: codebook_size"],
        ),
        (
            "generator.item_tokenizer={type=\"rq-vae\", model=\"m\", balanced=true}",
            &["generator.item_tokenizer.balanced", "is for k-means"],
        ),
    ]);
    let experiment = place.read("e.toml");
    let start = experiment.find("[generator.item_tokenizer]").unwrap();
    let end = experiment.find("[generator.training]").unwrap();
    let without = [&experiment[..start], &experiment[end..]].concat();
    place.write("without.toml", without);
    ran(&place, &["run", "without.toml", "--output", "x"]).fails(
        2,
        &[
            "generator.item_tokenizer",
            "is needed, to make the codes of items",
        ],
    );
    let untrained = &experiment[..start];
    place.write("untrained.toml", untrained);
    ran(&place, &["run", "untrained.toml", "--output", "x"])
        .fails(2, &["the model was not trained on semantic IDs"]);
}
