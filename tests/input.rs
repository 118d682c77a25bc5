//! Faulty input: what is told, the exit code, and that nothing is lost.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{METADATA, Place, REVIEWS, files, gzip};

/// Runs the tiny shop with faulty files, and asserts that it fails and leaves no run.
#[track_caller]
fn refuses(reviews: &[u8], metadata: &[u8], parts: &[&str]) {
    let place = Place::with_tiny_shop();
    place.write("data/reviews_Tiny_5.json", reviews);
    place.write("data/meta_Tiny.json", metadata);
    place.gloss(&["run", "e.toml"]).fails(2, parts);
    assert!(!place.path("runs").exists() || files(&place.path("runs")).is_empty());
}

/// The reviews with line 5 replaced.
fn fifth(line: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = REVIEWS.as_bytes().split(|byte| *byte == b'\n').collect();
    lines[4] = line;
    lines.join(&b'\n')
}

#[test]
fn broken_files_are_told_with_their_lines() {
    let metadata = METADATA.as_bytes();
    let truncated = gzip(&REVIEWS.repeat(200));
    let half = &truncated[..truncated.len() / 2];
    refuses(half, metadata, &["reviews_Tiny_5.json", "gzip"]);
    refuses(
        &fifth(b"{\"reviewerID\": \"B\", "),
        metadata,
        &["reviews_Tiny_5.json:5:"],
    );
    refuses(
        &fifth(b"\xff\xfe"),
        metadata,
        &["reviews_Tiny_5.json:5:", "UTF-8"],
    );
    refuses(&fifth(b"\0\0\0"), metadata, &["reviews_Tiny_5.json:5:"]);
    let text = br#"{"reviewerID": "B", "asin": "p4", "unixReviewTime": "172800"}"#;
    refuses(
        &fifth(text),
        metadata,
        &["reviews_Tiny_5.json:5:", "unixReviewTime"],
    );
    let negative = br#"{"reviewerID": "B", "asin": "p4", "unixReviewTime": -5}"#;
    refuses(
        &fifth(negative),
        metadata,
        &["reviews_Tiny_5.json:5:", "-5"],
    );
    refuses(b"", metadata, &["reviews_Tiny_5.json", "empty"]);
    refuses(REVIEWS.as_bytes(), b"", &["meta_Tiny.json", "empty"]);
}

#[test]
fn metadata_of_another_layout_is_recognised() {
    let json = r#"{"asin": "p1", "title": "Rose soap", "verified": true}"#;
    refuses(
        REVIEWS.as_bytes(),
        json.as_bytes(),
        &["meta_Tiny.json", "JSON", "layout"],
    );
    let place = Place::with_tiny_shop();
    place.write("data/Tiny_5.json", REVIEWS);
    let ran = place.gloss(&["run", "e.toml", "--set", "dataset.layout=2018"]);
    ran.fails(2, &["meta_Tiny.json", "Python", "layout"]);
}

#[test]
fn users_with_too_little_are_told() {
    let two: Vec<&str> = REVIEWS
        .lines()
        .filter(|line| !line.contains("259200"))
        .collect();
    refuses(
        two.join("\n").as_bytes(),
        METADATA.as_bytes(),
        &["no user", "3"],
    );
}

#[test]
fn what_can_be_read_is_read_and_what_is_dropped_is_counted() {
    let place = Place::with_tiny_shop();
    let title = "soap ".repeat(2_000_000);
    let metadata = METADATA.replace("Rose soap, 100 g", &title);
    place.write("data/meta_Tiny.json", gzip(&metadata));
    let unknown = r#"{"reviewerID": "B", "asin": "nowhere", "unixReviewTime": 1}"#;
    let reviews = format!("{REVIEWS}{unknown}\n{}", REVIEWS.lines().next().unwrap());
    place.write("data/reviews_Tiny_5.json", reviews);
    let ran = place.gloss(&["run", "e.toml", "--json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let counts = ran.json()["results"]["data"]["counts"].to_string();
    assert!(counts.contains("interactions kept\",10"), "{counts}");
    let queries = files(&place.path(".gloss"));
    let queries = queries
        .iter()
        .find(|name| name.ends_with("queries.jsonl"))
        .unwrap();
    assert!(
        place.read(&format!(".gloss/{queries}")).len() < 1000,
        "a title has 25 words"
    );
}

#[test]
fn a_missing_file_is_told_with_how_to_get_it() {
    let place = Place::with_tiny_shop();
    std::fs::remove_file(place.path("data/meta_Tiny.json")).unwrap();
    let ran = place.gloss(&["run", "e.toml"]);
    ran.fails(2, &["meta_Tiny.json", "data", "gloss fetch amazon"]);
}

#[test]
fn all_faults_of_an_experiment_are_told_before_anything_is_read() {
    let place = Place::new();
    place.write("e.toml", "metrics = ['recal@5', 'ndcg@0']\ngenerator = 'list'\nretriever = 'bm52'\n\
        outpt = 'x'\n[dataset]\ntype = 'amazon'\ncategry = 'Beauty'\nsplit = {validation_share = 2.0}\n\
        [ranking]\nseen = 'excluded'\n");
    let ran = place.gloss(&["run", "e.toml", "--set", "ranking.depth=0"]);
    ran.fails(
        2,
        &[
            "e.toml:1:12",
            "did you mean: recall",
            "e.toml:1:23",
            "expected integer ≥ 1",
            "e.toml:2:13",
            "did you mean: lis",
            "e.toml:3:13",
            "did you mean: bm25",
            "e.toml:4:1",
            "did you mean: output",
            "e.toml:7:1",
            "did you mean: category",
            "dataset.category: is required",
            "e.toml:8:29",
            "dataset.split.validation_share",
            "e.toml:10:8",
            "did you mean: exclude",
            "--set ranking.depth=0",
        ],
    );
    assert_eq!(files(&place.path("")), ["e.toml"]);
}

#[test]
fn components_that_do_not_fit_are_refused() {
    let place = Place::with_tiny_shop();
    let popular = place.gloss(&["validate", "e.toml", "--generator", "popular"]);
    popular.fails(
        2,
        &["generator `popular` names items itself", "retriever `bm25`"],
    );
    let sound = place.gloss(&[
        "validate",
        "e.toml",
        "--generator",
        "popular",
        "--retriever",
        "none",
    ]);
    assert_eq!(sound.code, Some(0), "{}", sound.stderr);
}

#[test]
fn files_to_evaluate_are_told_apart_and_their_faults_are_located() {
    let place = Place::new();
    place.write("run", "u Q0 a 1 0.5 t\nu Q0 b 2 high t\n");
    place.write("qrels", "u 0 a 1\n");
    let metric = ["--metric", "recall@5"];
    let evaluate = |files: &[&str]| place.gloss(&[&["evaluate"], files, &metric].concat());
    evaluate(&["run", "qrels"]).fails(2, &["run:2", "high"]);
    evaluate(&["run"]).fails(2, &["run:1", "name its qrels too"]);
    evaluate(&["nowhere", "qrels"]).fails(2, &["nowhere"]);
    place.write(
        "lines",
        "{\"reviewer_id\":\"a\",\"mrr\":1.0}\n{\"reviewer_id\":\"b\",\"mrr\":\"x\"}\n",
    );
    place
        .gloss(&["evaluate", "lines"])
        .fails(2, &["lines:2", "mrr"]);
    place
        .gloss(&["evaluate", "run", "qrels"])
        .fails(2, &["name the metrics"]);
}

#[test]
fn a_file_of_metrics_has_each_user_once_in_plain_text() {
    let place = Place::new();
    let row = |user: &str| format!("{{\"reviewer_id\":\"{user}\",\"mrr\":1.0}}\n");
    place.write("twice", row("a") + &row("a"));
    place
        .gloss(&["evaluate", "twice"])
        .fails(2, &["twice:2", "as line 1 is already"]);
    place.write("bytes", b"{\"reviewer_id\":\"a\xff\",\"mrr\":1.0}\n");
    place.gloss(&["evaluate", "bytes"]).fails(2, &["bytes:1"]);
    place.write("once", row("a"));
    place
        .gloss(&["evaluate", "once", "--ties", "file"])
        .fails(2, &["--ties"]);
    assert_eq!(place.gloss(&["evaluate", "once"]).code, Some(0));
}

#[test]
fn a_huge_cutoff_reads_what_there_is_and_an_empty_split_is_told() {
    let place = Place::with_tiny_shop();
    for k in ["5000000000", "9223372036854775807"] {
        let metric = format!("recall@{k}");
        let ran = place.gloss(&["run", "e.toml", "--metric", &metric, "--json"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let value = &ran.json()["results"]["methods"][0]["metrics"][0]["value"];
        assert_eq!(*value, 1.0);
    }
    let empty = place.gloss(&["run", "e.toml", "--split", "validation"]);
    empty.fails(2, &["no validation examples", "validation_share"]);
}

#[test]
fn an_output_that_cannot_be_is_told_before_any_work() {
    let place = Place::with_tiny_shop();
    for output in [".", "e.toml"] {
        let run = place.gloss(&["run", "e.toml", "--output", output]);
        run.fails(2, &[output]);
        let line = [
            "prepare",
            "amazon",
            "--set",
            "category=Tiny",
            "--output",
            output,
        ];
        place.gloss(&line).fails(2, &[output]);
    }
    assert!(!place.path(".gloss/prepare").exists());
}
