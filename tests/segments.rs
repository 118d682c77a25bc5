//! Groups of users that are judged by themselves, and intervals of confidence.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Place, real_data};
use serde_json::Value;

const GROUPS: &str = r#"
[bootstrap]
resamples = 200

[[segments]]
name = "few"
at_most = 5

[[segments]]
name = "many"
at_least = 6

[[segments]]
name = "nobody"
at_least = 1000
"#;

fn shop() -> Place {
    let place = Place::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shop");
    place.write(
        "e.toml",
        format!(
            "metrics = ['recall@5', 'mrr', 'coverage@5']\ngenerator = 'lis'\nretriever = 'bm25'\n\
             dataset = {{ type = 'amazon', category = 'Shop', folder = {folder:?} }}\n{GROUPS}"
        ),
    );
    place
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn segments_and_intervals_belong_to_the_figures() {
    let place = shop();
    let ran = place.gloss(&["run", "e.toml", "--json"]).json();
    let method = &ran["results"]["methods"][0];
    let segments = method["segments"].as_array().unwrap();
    let names: Vec<&str> = segments
        .iter()
        .map(|s| s["segment"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["few", "many", "nobody"]);
    let users = |segment: &Value| number(&segment["users"]);
    assert!(users(&segments[0]) > 0.0 && users(&segments[1]) > 0.0);
    assert_eq!(users(&segments[0]) + users(&segments[1]), users(method));
    assert_eq!(users(&segments[2]), 0.0);
    for metric in 0..2 {
        let value = |of: &Value| number(&of["metrics"][metric]["value"]);
        let parts: f64 = segments.iter().map(|part| users(part) * value(part)).sum();
        assert!((parts / users(method) - value(method)).abs() < 1e-12);
        for of in [method, &segments[0], &segments[1]] {
            let interval = &of["metrics"][metric]["interval"];
            let (low, high) = (number(&interval["low"]), number(&interval["high"]));
            assert!(low < value(of) && value(of) < high, "{of}");
        }
        assert!(segments[2]["metrics"][metric].get("interval").is_none());
    }
    // The share of the catalogue that is ever recommended is no mean over users.
    let coverage = |of: &Value| number(&of["metrics"][2]["value"]);
    assert!(coverage(&segments[0]) < coverage(method));
    assert!(method["metrics"][2].get("interval").is_none());

    let again = place
        .gloss(&["run", "e.toml", "--json", "--output", "again"])
        .json();
    assert_eq!(again["results"], ran["results"]);
    let table = place.gloss(&["run", "e.toml"]).stdout;
    for shown in ["segment", "few", "nobody", " ["] {
        assert!(table.contains(shown), "{table}");
    }
    let usual = ["--set", "segments=usual"];
    let usual = place.gloss(&[&["run", "e.toml"][..], &usual].concat());
    usual.fails(2, &["segments", "no segments are usual for this data set"]);
}

#[test]
fn what_is_wrong_with_segments_is_told_before_anything_is_read() {
    let place = shop();
    place.refuses(&[
        ("segments=unusual", &["segments"]),
        ("segments.1.name=few", &["`few` is given twice"]),
        ("segments.1.at_most=3", &["must be at least 6, `at_least`"]),
        ("segments.1.at_mots=3", &["at_most"]),
        ("bootstrap.resamples=1", &["bootstrap.resamples"]),
        ("bootstrap.confidence=95", &["bootstrap.confidence"]),
    ]);
}

#[test]
#[ignore = "needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn amazon_the_segments_of_the_paper_have_the_published_counts() {
    let data = real_data();
    let folder = data.join("amazon2014");
    let folder = format!("dataset.folder={:?}", folder.to_str().unwrap());
    let counts = |category: &str| -> Vec<u64> {
        let place = Place::new();
        let category = format!("dataset.category={category}");
        let ran = place.gloss(&[
            "run",
            "--json",
            "--dataset",
            "amazon",
            "--generator",
            "popular",
            "--metric",
            "recall@5",
            "--set",
            &folder,
            "--set",
            &category,
            "--set",
            "segments=usual",
        ]);
        let segments = ran.json()["results"]["methods"][0]["segments"].clone();
        let segments = segments.as_array().unwrap().iter();
        segments
            .map(|segment| segment["users"].as_u64().unwrap())
            .collect()
    };
    assert_eq!(counts("Beauty"), [7_180, 12_996, 2_187]);
    assert_eq!(counts("Toys_and_Games").iter().sum::<u64>(), 19_400);
}
