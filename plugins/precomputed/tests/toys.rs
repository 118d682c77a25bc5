//! Queries that GLoSS published for validation users of Toys, on the data themselves. One of
//! the users of the sample has an interaction more in the published data than in ours.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::path::{Path, PathBuf};

use gloss_amazon as _;
use gloss_core::{AnyComponent, Context, Data, History, Kind, QueryContent, Registry};
use gloss_precomputed as _;
use serde_json::{Value, json};

/// The folder with the test data; none, said aloud, where it is absent and no folder was named.
fn test_data() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let named = std::env::var_os("GLOSS_TEST_DATA").map(PathBuf::from);
    let folder = named.unwrap_or(default);
    assert!(
        folder.join("golden").is_dir(),
        "no golden files in {}; set GLOSS_TEST_DATA",
        folder.display()
    );
    folder
}

fn component(kind: Kind, name: &str, options: Value) -> AnyComponent {
    let registry = Registry::compiled_in().unwrap();
    registry
        .get(kind, name, "")
        .unwrap()
        .parse(options)
        .unwrap()
}

fn toys(folder: &Path) -> Data {
    let options = json!({"category": "Toys_and_Games", "folder": folder.join("amazon2014")});
    match component(Kind::Dataset, "amazon", options) {
        AnyComponent::Dataset(dataset) => dataset.load(&Context::default()).unwrap(),
        _ => panic!("not a data set"),
    }
}

fn generate(
    file: &Path,
    missing: &str,
    mismatch: &str,
    data: &Data,
    histories: &[History<'_>],
) -> Result<Vec<Vec<gloss_core::Query>>, String> {
    let options = json!({"file": file, "missing": missing, "mismatch": mismatch});
    let AnyComponent::Generator(generator) = component(Kind::Generator, "precomputed", options)
    else {
        panic!("not a generator");
    };
    let context = Context::default();
    let mut generator = generator.open(data, &context).unwrap();
    generator
        .generate(histories)
        .map_err(|error| error.to_string())
}

#[test]
#[ignore = "needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn amazon_published_queries_belong_to_the_validation_histories() {
    let folder = test_data();
    let file = folder.join("golden/toys_generated_queries_sample.json");
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let data = toys(&folder);
    let examples = &data.splits.validation;
    let validation: Vec<_> = examples
        .iter()
        .map(|&example| data.histories.context(example))
        .collect();

    let queries = generate(&file, "skip", "skip", &data, &validation).unwrap();
    let mut found = 0;
    for (history, queries) in validation
        .iter()
        .zip(&queries)
        .filter(|(_, q)| !q.is_empty())
    {
        let row = rows
            .iter()
            .find(|row| row["reviewer_id"] == history.user)
            .unwrap();
        let expected = row["generated_sequences"].as_array().unwrap();
        assert_eq!(queries.len(), expected.len());
        for (query, expected) in queries.iter().zip(expected) {
            assert_eq!(
                query.content,
                QueryContent::Text(expected.as_str().unwrap().into())
            );
            assert_eq!(query.log_probability, 0.0);
        }
        found += 1;
    }
    assert_eq!((rows.len(), found), (200, 199));

    let error = generate(&file, "skip", "error", &data, &validation).unwrap_err();
    assert!(
        error.contains("3 seen items in the file and 2 in the data, and item 3"),
        "{error}"
    );
    let error = generate(&file, "error", "skip", &data, &validation).unwrap_err();
    assert!(
        error.contains("not in the file, which has 200 users"),
        "{error}"
    );
}

#[test]
#[ignore = "needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn amazon_the_test_split_is_refused() {
    let folder = test_data();
    let file = folder.join("golden/toys_generated_queries_sample.json");
    let data = toys(&folder);
    let examples = &data.splits.test;
    let test: Vec<_> = examples
        .iter()
        .map(|&example| data.histories.context(example))
        .collect();
    let error = generate(&file, "skip", "error", &data, &test).unwrap_err();
    assert!(
        error.contains("made from other data or another split"),
        "{error}"
    );
}
