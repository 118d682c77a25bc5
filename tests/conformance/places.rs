//! The files and models that components are tried with.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Where the files are, and a folder for those that are made here.
pub(crate) struct Places {
    folder: TempDir,
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

impl Places {
    pub(crate) fn new() -> Self {
        Places {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn shop(&self) -> Value {
        json!({"category": "Shop", "folder": repository("examples/shop")})
    }

    /// Ratings of 30 movies by 12 users.
    pub(crate) fn movies(&self) -> Value {
        let movies: String = (0..30)
            .map(|n| format!("{n}::Movie {n} (1999)::Drama|War\n"))
            .collect();
        let rating = |n: u32| format!("{}::{}::{}::{}\n", n % 12, n * 7 % 30, n % 5 + 1, n);
        let ratings: String = (0..150).map(rating).collect();
        let folder = self.folder.path();
        fs::write(folder.join("movies.dat"), movies).unwrap();
        fs::write(folder.join("ratings.dat"), ratings).unwrap();
        json!({"folder": folder, "layout": "1m"})
    }

    /// Reviews of 30 businesses by 12 users.
    pub(crate) fn businesses(&self) -> Value {
        let line = |value: Value| format!("{value}\n");
        let business = |n: u32| {
            line(
                json!({"business_id": n.to_string(), "name": format!("Place {n}"), "city": "Reno"}),
            )
        };
        let review = |n: u32| {
            line(json!({
                "user_id": (n % 12).to_string(), "business_id": (n * 7 % 30).to_string(),
                "stars": n % 5 + 1, "date": format!("2020-01-{:02} 10:00:{:02}", n / 10 + 1, n % 60),
            }))
        };
        let folder = self.folder.path().join("yelp");
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, lines: String| {
            fs::write(
                folder.join(format!("yelp_academic_dataset_{name}.json")),
                lines,
            )
            .unwrap();
        };
        write("business", (0..30).map(business).collect());
        write("review", (0..150).map(review).collect());
        json!({"folder": folder})
    }

    /// Queries for one of the users of the laws' data; none of the others is in the file.
    pub(crate) fn queries(&self) -> Value {
        let user = json!([{
            "reviewer_id": "user 3 Ж",
            "asin": "item 30",
            "seen_asins": ["item 9", "item 16", "item 23"],
            "generated_sequences": ["Title: rose soap", ""],
            "log_probabilities": [-0.5, -1.5],
        }]);
        let file = self.folder.path().join("queries.json");
        fs::write(&file, user.to_string()).unwrap();
        json!({"file": file, "missing": "skip", "mismatch": "skip"})
    }

    /// A tiny Llama that writes nonsense, in every way of writing.
    pub(crate) fn language_models(&self) -> Vec<Value> {
        let ways = [
            json!({"num_beams": 3, "batch_size": 2}),
            json!({"num_beams": 2, "constrained": true, "exclude_seen": true}),
            json!({"num_beams": 1, "format": "list", "truncation": "oldest-items"}),
            json!({"sampling": {"temperature": 1.0, "top_k": 20, "top_p": 0.9, "seed": 3}}),
            json!({"quantize": "nf4"}),
            json!({"quantize": "nf4", "dequantize": true}),
        ];
        let model = repository("plugins/llama/tests/fixtures/writer");
        let all = json!({"model": model, "max_length": 200, "max_new_tokens": 20, "device": "cpu"});
        let of_codes = json!({
            "model": model, "device": "cpu", "format": "semantic-ids", "num_beams": 40,
            "item_tokenizer": self.item_tokenizer(),
            "training": {"max_steps": 2, "metric_for_best_model": "last"},
        });
        let ways = ways.iter().map(|way| joined(&all, way));
        ways.chain([of_codes]).collect()
    }

    fn item_tokenizer(&self) -> Value {
        let model = repository("plugins/torch/encoder/tests/golden/fixtures/bert");
        json!({"model": model, "prefix": "none", "device": "cpu", "codebook_size": 4})
    }

    /// Options of a tiny TIGER.
    pub(crate) fn semantic_ids(&self) -> Value {
        let network = json!({"d_model": 8, "d_kv": 4, "d_ff": 16, "num_heads": 2});
        json!({
            "device": "cpu", "num_beams": 40, "network": network,
            "tokenizer": self.item_tokenizer(),
            "training": {"num_train_epochs": 2, "metric_for_best_model": "last"},
        })
    }

    /// Tiny encoders of random weights.
    pub(crate) fn encoders(&self) -> Vec<Value> {
        let trees = json!({"trees": 5, "candidates": 30, "split_after": 3, "minimum_recall": 0.0});
        let ways = [
            ("bert", json!({})),
            ("xlm-r", json!({"similarity": "inner-product"})),
            ("bert", json!({"search": "arroy", "arroy": trees})),
        ];
        let options = |(fixture, way): (&str, Value)| {
            let model = repository("plugins/torch/encoder/tests/golden/fixtures").join(fixture);
            joined(
                &json!({"model": model, "prefix": "none", "device": "cpu"}),
                &way,
            )
        };
        ways.map(options).to_vec()
    }
}

/// The options of both.
pub(crate) fn joined(all: &Value, way: &Value) -> Value {
    let mut options = all.clone();
    let way = way.as_object().unwrap().clone();
    options.as_object_mut().unwrap().extend(way);
    options
}
