//! The command line from outside: what it prints, and its exit codes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io;
use std::process::{Command, Stdio};

use serde_json::Value;

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gloss"));
    command
        .args(args)
        .env_remove("GLOSS_LOG")
        .env_remove("NO_COLOR");
    command
}

fn gloss(args: &[&str]) -> Run {
    let output = command(args).output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn list_shows_every_kind_and_can_be_narrowed_to_one() {
    let all = gloss(&["list", "--json"]).json();
    let all = all.as_array().unwrap();
    for kind in ["dataset", "generator", "retriever", "metric"] {
        let of_kind: Vec<&Value> = all.iter().filter(|row| row["kind"] == kind).collect();
        assert!(!of_kind.is_empty(), "{kind}");
        let narrowed = gloss(&["list", kind, "--json"]).json();
        assert_eq!(
            of_kind,
            narrowed.as_array().unwrap().iter().collect::<Vec<_>>()
        );
        let table = gloss(&["list", kind]);
        assert_eq!(table.code, 0);
        for row in of_kind {
            assert_ne!(row["summary"], "", "{row}");
            let name = row["name"].as_str().unwrap();
            assert!(
                table
                    .stdout
                    .lines()
                    .any(|line| line.contains(&format!(" {name} ")))
            );
        }
    }
}

#[test]
fn options_inside_a_table_are_explained_too() {
    let text = gloss(&["describe", "amazon"]).stdout;
    let line = |start: &str| {
        let mut lines = text.lines();
        lines.find(|line| line.trim_start().starts_with(start))
    };
    assert!(line("split.k_core").is_some_and(|line| line.contains("integer ≥ 0")));
    assert!(line("category").is_some_and(|line| line.contains("required")));
}

#[test]
fn every_metric_tells_its_formula() {
    let rows = gloss(&["list", "metric", "--json"]).json();
    let names = rows.as_array().unwrap().iter();
    let names = names.map(|row| row["name"].as_str().unwrap());
    // A program tells its formula, and none is named yet.
    let names: Vec<&str> = names.filter(|name| *name != "command").collect();
    let describe = [&["describe"][..], &names].concat();
    let text = gloss(&describe).stdout;
    let described = gloss(&[&describe[..], &["--json"]].concat()).json();
    let described = described.as_array().unwrap().iter();
    let metrics = described.filter(|component| component["kind"] == "metric");
    let formulas: Vec<&str> = metrics.map(|m| m["formula"].as_str().unwrap()).collect();
    assert_eq!(formulas.len(), names.len());
    for formula in formulas {
        assert!(!formula.is_empty() && text.contains(formula), "{formula}");
    }
    assert!(text.matches("is better").count() >= names.len());
}

#[test]
fn every_component_and_every_option_is_explained() {
    let rows = gloss(&["list", "--json"]).json();
    let names: BTreeSet<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap())
        .collect();
    let describe: Vec<&str> = ["describe"].into_iter().chain(names).collect();
    let text = gloss(&describe);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    let described = gloss(&[&describe[..], &["--json"]].concat()).json();
    let described = described.as_array().unwrap();
    assert_eq!(described.len(), rows.as_array().unwrap().len());
    let heading = |component: &Value| {
        let part = |key: &str| component[key].as_str().unwrap().to_string();
        format!(
            "{} {}, from {} ",
            part("kind"),
            part("name"),
            part("origin")
        )
    };
    let start = |component| text.stdout.find(&heading(component)).unwrap();
    let starts = described.iter().map(start).chain([text.stdout.len()]);
    let starts: Vec<usize> = starts.collect();
    for (component, part) in described.iter().zip(starts.windows(2)) {
        let name = component["name"].as_str().unwrap();
        let own = &text.stdout[part[0]..part[1]];
        let summary = component["summary"].as_str().unwrap();
        assert!(own.contains(summary.split(' ').next().unwrap()));
        for option in component["options"].as_array().unwrap() {
            assert_ne!(option["doc"], "", "{name}: {option}");
            assert_ne!(option["type"], "", "{name}: {option}");
            assert!(own.contains(option["name"].as_str().unwrap()));
        }
    }
}

#[test]
fn an_unknown_name_is_answered_with_the_nearest() {
    let run = gloss(&["describe", "populer"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    let (said, available) = run.stderr.split_once("available: ").unwrap();
    insta::assert_snapshot!(said, @r"
    error: there is no component `populer`
      did you mean: popular
    ");
    assert!(available.contains("popular") && available.contains("bm25"));

    let run = gloss(&["fetch", "amazn", "--set", "category=Beauty"]);
    assert_eq!(run.code, 2);
    insta::assert_snapshot!(run.stderr.split_once("available: ").unwrap().0, @r"
    error: gloss fetch amazn: dataset.type: there is no dataset `amazn`
      did you mean: amazon
    ");
}

#[test]
fn with_json_errors_are_json_too() {
    let run = gloss(&["--json", "describe", "populer"]);
    let error: Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!(error["error"]["exit_code"], 2);
    assert_eq!(error["error"]["diagnostics"][0]["nearest"], "popular");

    let run = gloss(&["list", "--json", "metrik"]);
    let error: Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!((run.code, &error["error"]["class"]), (2, &"user".into()));
}

#[test]
fn what_is_typed_wrong_is_the_users_mistake() {
    for args in [
        &["lst"][..],
        &["list", "metrik"],
        &["describe"],
        &["list", "--colour"],
        &[],
    ] {
        let run = gloss(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}");
        assert!(!run.stderr.is_empty());
    }
    insta::assert_snapshot!(gloss(&["list", "metrik"]).stderr, @r"
    error: invalid value 'metrik' for '[KIND]'
      [possible values: dataset, generator, retriever, metric]

      tip: a similar value exists: 'metric'

    For more information, try '--help'.
    ");
}

#[test]
fn a_dataset_without_downloads_says_so() {
    let files = ["--set", "interactions=a.jsonl", "--set", "items=b.jsonl"];
    let run = gloss(&[&["fetch", "jsonl"], &files[..]].concat());
    assert_eq!(run.code, 2);
    insta::assert_snapshot!(run.stderr, @r"error: the dataset jsonl names no files to download; `gloss describe jsonl` says where it reads its files from");
}

#[test]
fn all_faults_of_a_dataset_to_fetch_are_told_at_once() {
    let run = gloss(&[
        "fetch",
        "amazon",
        "--set",
        "categori=Beauty",
        "--set",
        "layout=7",
    ]);
    assert_eq!(run.code, 2);
    assert!(
        run.stderr.contains("category") && run.stderr.contains("layout"),
        "{}",
        run.stderr
    );
}

#[test]
fn help_and_version_are_results() {
    for args in [&["--help"][..], &["--version"], &["help", "list"]] {
        let run = gloss(args);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert!(!run.stdout.is_empty());
    }
}

#[test]
fn doctor_tells_build_machine_and_components() {
    let report = gloss(&["doctor", "--json"]).json();
    assert_eq!(report["gloss"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(report["machine"]["memory_bytes"].as_u64().unwrap() > 0);
    assert!(report["machine"]["usable_cores"].as_u64().unwrap() > 0);
    assert!(report["components"]["metric"].as_u64().unwrap() > 0);
    assert_eq!(report["terminal"]["stdout"], false);
    let threads = report["libraries"]["libtorch"]["threads"].as_u64();
    assert_eq!(threads.is_some(), cfg!(feature = "libtorch"));
    let text = gloss(&["doctor"]);
    assert_eq!((text.code, text.stderr.as_str()), (0, ""));
    assert!(text.stdout.contains("gloss-metrics"));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = gloss(&["completions", shell]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains("describe") && run.stdout.contains("doctor"));
    }
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    assert!(!gloss(&["list"]).stdout.contains('\u{1b}'));
    assert!(
        gloss(&["list", "--color", "always"])
            .stdout
            .contains('\u{1b}')
    );
    let never = gloss(&["describe", "populer", "--color", "never"]);
    assert!(!never.stderr.contains('\u{1b}'));
    let always = gloss(&["describe", "populer", "--color", "always"]);
    assert!(always.stderr.contains('\u{1b}'));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [
        &["list"][..],
        &["completions", "bash"],
        &["doctor", "--json"],
    ] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let child = command(args)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), output.stderr.as_slice()),
            (Some(0), &b""[..])
        );
    }
}
