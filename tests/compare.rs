//! `gloss compare` as users run it: on folders of runs, and on other tools' files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::Place;

/// Two methods on three users, in three layouts.
const QRELS: &str = "u1 0 a 1\nu2 0 b 1\nu3 0 c 1\n";
const RUN: &str = "u1 Q0 a 1 3 x\nu2 Q0 b 1 3 x\nu3 Q0 a 1 3 x\n";
const OTHER_JSON: &str =
    r#"{"u1": {"a": 2.0, "b": 1.0}, "u2": {"a": 2.0, "b": 1.0}, "u3": {"b": 0.5}}"#;
const LINES: &str = r#"{"reviewer_id": "u3", "recall@2": 1.0}
{"reviewer_id": "u1", "recall@2": 0.0}
{"reviewer_id": "u2", "recall@2": 0.0}
"#;

fn with_files() -> Place {
    let place = Place::new();
    place.write("qrels.trec", QRELS);
    place.write("one.trec", RUN);
    place.write("two.json", OTHER_JSON);
    place.write("three.jsonl", LINES);
    place
}

const LINE: [&str; 8] = [
    "compare",
    "one.trec",
    "two.json",
    "three.jsonl",
    "--qrels",
    "qrels.trec",
    "--metric",
    "recall@2",
];

#[test]
fn every_pair_is_tested_if_asked_for() {
    let place = with_files();
    let text = place.gloss(&[&LINE[..], &["--all-pairs"]].concat()).stdout;
    for pair in ["one − two", "one − three", "two − three"] {
        assert!(text.contains(pair), "no {pair} in\n{text}");
    }
    let latex = [&LINE[..], &["--all-pairs", "--format", "latex"]].concat();
    place
        .gloss(&latex)
        .fails(2, &["--all-pairs is for --format text"]);
}

#[test]
fn runs_of_other_tools_are_compared() {
    let place = with_files();
    let result = place.gloss(&[&LINE[..], &["--json"]].concat()).json();
    assert_eq!(
        (&result["baseline"], &result["users"]),
        (&"one".into(), &3.into())
    );
    let rows = result["rows"].as_array().unwrap();
    let means: Vec<f64> = rows
        .iter()
        .map(|row| row["values"][0]["mean"].as_f64().unwrap())
        .collect();
    assert_eq!(means, [2.0 / 3.0, 2.0 / 3.0, 1.0 / 3.0]);
    let difference = &rows[2]["values"][0]["difference"];
    assert_eq!(
        (&difference["wins"], &difference["losses"]),
        (&1.into(), &2.into())
    );
    // Of eight assignments of signs to three equal differences, all are at least as extreme.
    assert_eq!(difference["p"]["randomization"], 1.0);
}

#[test]
fn every_format_is_written() {
    let place = with_files();
    let of = |format: &str| {
        place
            .gloss(&[&LINE[..], &["--format", format]].concat())
            .stdout
    };
    insta::assert_snapshot!(of("markdown"), @r#"
    | method | recall@2 |
    | --- | --- |
    | one | **0.6667** |
    | two | **0.6667** |
    | three | <u>0.3333</u> |

    \* differs from one (randomisation test, Holm-corrected, p < 0.05); 3 users
    "#);
    insta::assert_snapshot!(of("latex"), @r#"
    % \usepackage{booktabs}
    \begin{tabular}{lr}
    \toprule
    method & recall@2 \\
    \midrule
    one & \textbf{0.6667} \\
    two & \textbf{0.6667} \\
    three & \underline{0.3333} \\
    \bottomrule
    \end{tabular}
    % * differs from one (randomisation test, Holm-corrected, p < 0.05); 3 users
    "#);
    insta::assert_snapshot!(of("text"), @r#"
     method   recall@2
    ───────────────────
     one        0.6667
     two        0.6667
     three      0.3333

     method   users   metric                     difference   effect   wins   losses        p
    ──────────────────────────────────────────────────────────────────────────────────────────
     two      all     recall@2    0.0000 [+0.0000, +0.0000]    0.000      0        0   1.0000
     three    all     recall@2   -0.3333 [-1.0000, +1.0000]   -0.289      1        2   1.0000

    * differs from one (randomisation test, Holm-corrected, p < 0.05); 3 users
    95 % intervals and effect sizes (Cohen's d) of the paired differences from one
    "#);
    let csv = of("csv");
    assert_eq!(csv.lines().count(), 4);
    assert!(
        csv.starts_with("method,segment,users,seen,seeds,metric,mean,"),
        "{csv}"
    );
}

const METHODS: &str = r#"
name = "both"
metrics = ["recall@2", "mrr"]
segments = [{name = "few", at_most = 3}]
[dataset]
type = "amazon"
category = "Tiny"
[[method]]
name = "A & B"
generator = "lis"
retriever = "bm25"
ranking.seen = "exclude"
[[method]]
name = "popular"
generator = "popular"
ranking.seen = "exclude"
"#;

#[test]
fn a_runs_methods_and_single_methods_are_compared() {
    let place = Place::with_tiny_shop();
    place.write("both.toml", METHODS);
    place
        .gloss(&["run", "both.toml", "--output", "both"])
        .succeeds();
    let of_run = place.gloss(&["compare", "both", "--json"]).json();
    assert_eq!(of_run["rows"][0]["seen"], "exclude");
    assert_eq!(of_run["segments"][0][0], "few");
    let of_methods = place
        .gloss(&["compare", "both/a-b", "both/popular", "--json"])
        .json();
    assert_eq!(of_run, of_methods);
    let latex = place
        .gloss(&["compare", "both", "--format", "latex"])
        .stdout;
    assert!(latex.contains("A \\& B"), "{latex}");
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let place = Place::with_tiny_shop();
    place.write("both.toml", METHODS);
    let run = |name: &str, settings: &[&str]| {
        let mut line = vec!["run", "both.toml", "--output", name];
        for setting in settings {
            line.extend(["--set", setting]);
        }
        place.gloss(&line).succeeds();
    };
    run("both", &[]);
    run("again", &[]);
    run("id", &["dataset.split.same_day=id"]);
    run(
        "validation",
        &["split=validation", "dataset.split.validation_share=1.0"],
    );
    let compare = |runs: &[&str], parts: &[&str]| {
        place.gloss(&[&["compare"], runs].concat()).fails(2, parts);
    };
    let equal = place.gloss(&["compare", "both", "again", "--json"]).json();
    assert_eq!(equal["rows"].as_array().unwrap().len(), 2);
    assert_eq!(equal["rows"][0]["seeds"], 1);
    compare(&["both/popular"], &["there is one method to compare"]);
    compare(&["both", "both"], &["is given twice"]);
    compare(
        &["both", "id"],
        &["the order of items at one time is `file` and `id`"],
    );
    compare(
        &["both/popular", "validation/popular"],
        &["cannot be compared"],
    );
    compare(&["nowhere"], &["nowhere"]);
    compare(&["both", "--baseline", "lis"], &["`A & B`, `popular`"]);
    compare(
        &["both", "--metric", "recall@9"],
        &["recall@9", "recall@2, mrr"],
    );
    compare(
        &["both", "--qrels", "both/qrels.trec"],
        &["--qrels is for runs in TREC format"],
    );
    compare(&["both/a-b/run.trec"], &["name them by --qrels"]);

    let metrics = place
        .read("both/metrics.json")
        .replace("\"value\": 0.", "\"value\": 1.");
    place.write("both/metrics.json", metrics);
    compare(
        &["both"],
        &["metrics.json does not have the content that was written"],
    );
}

/// The README's table of comparisons, by the command that stands above it.
#[test]
fn the_readme_has_the_table_that_its_command_prints() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let place = Place::new();
    std::os::unix::fs::symlink(root.join("examples"), place.path("examples")).unwrap();
    let line = |start: &str| {
        let found = readme.lines().find(|line| line.starts_with(start)).unwrap();
        found
            .split(' ')
            .skip(1)
            .map(str::to_string)
            .collect::<Vec<_>>()
    };
    let run = |line: Vec<String>| place.gloss(&line.iter().map(String::as_str).collect::<Vec<_>>());
    let ran = run(line("gloss run examples/shop.toml"));
    ran.succeeds();
    let compared = run(line("gloss compare shop/"));
    compared.succeeds();
    assert!(compared.stdout.lines().count() > 5);
    assert!(readme.contains(&compared.stdout), "{}", compared.stdout);

    let metrics: serde_json::Value =
        serde_json::from_str(&place.read("shop/metrics.json")).unwrap();
    let mrr = &metrics["methods"][4]["metrics"][2];
    let of = |key: &str| mrr["ties"][key].as_f64().unwrap();
    let value = mrr["value"].as_f64().unwrap();
    assert!(
        of("low") < value && value < of("high"),
        "BM25 gives equal titles equal scores: {mrr}"
    );
}
