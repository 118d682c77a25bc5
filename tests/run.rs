//! Runs: their folders, what is reused and what is not, and what survives a kill.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::{METADATA, Place, files};
use serde_json::Value;

/// Which stages of a run were reused, by name.
fn reused(place: &Place, folder: &str) -> HashMap<String, bool> {
    let manifest: Value =
        serde_json::from_str(&place.read(&format!("{folder}/manifest.json"))).unwrap();
    manifest["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            (
                s["stage"].as_str().unwrap().to_string(),
                s["reused"].as_bool().unwrap(),
            )
        })
        .collect()
}

fn stages(flags: [bool; 4]) -> HashMap<String, bool> {
    let names = ["prepare", "generate", "index", "retrieve"];
    names.map(str::to_string).into_iter().zip(flags).collect()
}

#[test]
fn a_run_leaves_one_folder_and_an_equal_run_does_nothing() {
    let place = Place::with_tiny_shop();
    let first = place.gloss(&["run", "e.toml", "--json"]).json();
    assert_eq!(first["reused"], false);
    let folder = first["folder"].as_str().unwrap();
    assert_eq!(
        files(&place.path(folder)),
        [
            "generated.json",
            "manifest.json",
            "metrics.json",
            "per-user.jsonl",
            "per-user.parquet",
            "qrels.trec",
            "run.log",
            "run.trec"
        ]
    );
    // B's last item is the rose candle: the lily candle's title is shorter than the rose soap's.
    assert_eq!(
        place.read(&format!("{folder}/qrels.trec")),
        "A_1 0 p3 1\nB 0 p1 1\nC 0 p4 1\n"
    );
    assert_eq!(
        place.read(&format!("{folder}/per-user.jsonl")),
        "{\"reviewer_id\":\"A_1\",\"recall@2\":1.0,\"mrr\":1.0}\n\
         {\"reviewer_id\":\"B\",\"recall@2\":1.0,\"mrr\":0.5}\n\
         {\"reviewer_id\":\"C\",\"recall@2\":1.0,\"mrr\":0.5}\n"
    );
    let manifest = place.read(&format!("{folder}/manifest.json"));
    let again = place.gloss(&["run", "e.toml", "--json"]).json();
    assert_eq!(again["reused"], true);
    assert_eq!(again["results"], first["results"]);
    assert_eq!(place.read(&format!("{folder}/manifest.json")), manifest);
}

#[test]
fn generated_queries_are_written_as_gloss_does_and_read_back_with_the_same_results() {
    let place = Place::with_tiny_shop();
    let run = |more: &[&str]| {
        let ran = place.gloss(&[&["run", "e.toml", "--json"][..], more].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        ran.json()["results"]["methods"][0]["metrics"].clone()
    };
    let first = run(&["--set", "generator.items=2", "--output", "first"]);
    let written = place.read("first/generated.json");
    let rows: Value = serde_json::from_str(&written).unwrap();
    let half: Value = serde_json::from_str(&(0.5_f64.ln() as f32).to_string()).unwrap();
    assert_eq!(
        rows[0],
        serde_json::json!({
            "reviewer_id": "A_1", "asin": "p3", "seen_asins": ["p1", "p2"],
            "generated_sequences": ["Title: Lily's soap, 100 g", "Title: Rose soap, 100 g"],
            "log_probabilities": [0.0, half],
        })
    );
    assert_eq!(
        (rows.as_array().unwrap().len(), written.lines().count()),
        (3, 5)
    );
    let file = [
        "--generator",
        "precomputed",
        "--set",
        "generator.file=first/generated.json",
    ];
    let second = run(&[&file[..], &["--output", "second"]].concat());
    assert_eq!(second, first);
    assert_eq!(place.read("second/generated.json"), written);
    let without_tag = |run: &str| {
        place
            .read(run)
            .replace("precomputed", "")
            .replace("lis", "")
    };
    assert_eq!(
        without_tag("second/run.trec"),
        without_tag("first/run.trec")
    );
}

#[test]
fn a_stage_is_done_again_only_if_what_made_it_has_changed() {
    let place = Place::with_tiny_shop();
    let run = |name: &str, more: &[&str]| {
        let line = [&["run", "e.toml", "--json", "--output", name][..], more].concat();
        let ran = place.gloss(&line);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        reused(&place, name)
    };
    assert_eq!(run("first", &[]), stages([false, false, false, false]));
    let k1 = ["--set", "retriever.k1=0.9"];
    assert_eq!(run("k1", &k1), stages([true, true, false, false]));
    let depth = ["--set", "ranking.depth=1"];
    assert_eq!(run("depth", &depth), stages([true, true, true, false]));
    let metric = ["--metric", "recall@2,precision@2"];
    assert_eq!(run("metric", &metric), stages([true, true, true, true]));
    let split = [
        "--split",
        "validation",
        "--set",
        "dataset.split.validation_share=1.0",
    ];
    assert_eq!(run("split", &split), stages([false, false, true, false]));
    place.write(
        "data/meta_Tiny.json",
        METADATA.replace("Rose soap", "Pine soap"),
    );
    assert_eq!(run("other-data", &[]), stages([false, false, false, false]));
    place.write("data/meta_Tiny.json", METADATA);
    assert_eq!(run("same-data", &[]), stages([true, true, true, true]));
}

#[test]
fn a_folder_that_is_somebody_elses_is_left_as_it_is() {
    let place = Place::with_tiny_shop();
    place.write("mine/thesis.txt", "years of work");
    let refused = place.gloss(&["run", "e.toml", "--output", "mine", "--overwrite"]);
    refused.fails(
        2,
        &["mine holds files that are not a run of gloss", "--output"],
    );
    assert_eq!(files(&place.path("mine")), ["thesis.txt"]);

    assert_eq!(
        place.gloss(&["run", "e.toml", "--output", "out"]).code,
        Some(0)
    );
    let before = place.read("out/metrics.json");
    let other = [
        "run",
        "e.toml",
        "--output",
        "out",
        "--set",
        "ranking.seen=keep",
    ];
    place
        .gloss(&other)
        .fails(2, &["out holds another run", "--overwrite"]);
    assert_eq!(place.read("out/metrics.json"), before);
    let replaced = place.gloss(&[&other[..], &["--overwrite"]].concat());
    assert_eq!(replaced.code, Some(0), "{}", replaced.stderr);
    assert_ne!(place.read("out/metrics.json"), before);
    let here = place.gloss(&["run", "e.toml", "--output", "data"]);
    here.fails(2, &["data holds files that are not a run of gloss"]);
    let prepare = [
        "prepare",
        "amazon",
        "--set",
        "category=Tiny",
        "--output",
        "mine",
    ];
    place.gloss(&prepare).fails(2, &["mine holds other files"]);
}

#[test]
fn rankings_that_are_shorter_than_metrics_read_are_told() {
    let place = Place::with_tiny_shop();
    let set = ["generator={type=\"popular\", count=1}", "retriever=none"];
    let set = set.map(|setting| ["--set", setting]).concat();
    let short = [&["run", "e.toml"][..], &set].concat();
    let told = "users got fewer items than the deepest metric reads";
    let ran = place.gloss(&short);
    assert!(ran.stdout.contains(told), "{}{}", ran.stdout, ran.stderr);
    let whole = [&short[..], &["--metric", "recall@1"]].concat();
    let ran = place.gloss(&whole);
    assert!(!ran.stdout.contains(told), "{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn prepare_writes_tables_and_a_report() {
    let place = Place::with_tiny_shop();
    let prepare = [
        "prepare",
        "amazon",
        "--set",
        "category=Tiny",
        "--output",
        "tables",
        "--json",
    ];
    let ran = place.gloss(&prepare).json();
    assert_eq!(ran["folder"], "tables");
    assert_eq!(
        files(&place.path("tables")),
        [
            "README.md",
            "interactions.parquet",
            "items.parquet",
            "report.json",
            "test.parquet",
            "train.parquet",
            "validation.parquet"
        ]
    );
    let report: serde_json::Value =
        serde_json::from_str(&place.read("tables/report.json")).unwrap();
    assert_eq!(report["dataset"]["category"], "Tiny");
    assert!(
        report["report"]["counts"]
            .to_string()
            .contains("catalogue items")
    );
    assert_eq!(report["audit"]["fingerprint"], ran["audit"]["fingerprint"]);
}

#[test]
fn damage_in_the_cache_is_reported_and_never_used() {
    let place = Place::with_tiny_shop();
    assert_eq!(
        place.gloss(&["run", "e.toml", "--output", "a"]).code,
        Some(0)
    );
    let cached = files(&place.path(".gloss"));
    let items = cached
        .iter()
        .find(|name| name.ends_with("items.parquet"))
        .unwrap();
    let path = place.path(".gloss").join(items);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 9]).unwrap();
    let ran = place.gloss(&["run", "e.toml", "--output", "b"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let warning = "does not have the content that was written; the artefact is built again";
    assert!(
        ran.stderr.contains("items.parquet") && ran.stderr.contains(warning),
        "{}",
        ran.stderr
    );
    assert_eq!(place.read("a/metrics.json"), place.read("b/metrics.json"));
}

/// The shop that comes with gloss, as a folder of data.
fn shop() -> String {
    format!(
        "dataset.folder={:?}",
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop")
    )
}

fn shop_run(place: &Place) -> std::process::Command {
    let experiment = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop.toml");
    place.command(&[
        "run",
        experiment.to_str().unwrap(),
        "--output",
        "out",
        "--set",
        &shop(),
    ])
}

/// What a run's folder says, without what differs by nature (times, memory, log).
fn content(place: &Place) -> Vec<(String, Vec<u8>)> {
    files(&place.path("out"))
        .into_iter()
        .filter(|name| name != "manifest.json" && name != "run.log")
        .map(|name| {
            (
                name.clone(),
                fs::read(place.path("out").join(name)).unwrap(),
            )
        })
        .collect()
}

#[test]
#[ignore = "slow: kills 60 runs"]
fn slow_killed_at_any_moment_the_next_run_gives_the_same_bytes() {
    let undisturbed = Place::new();
    assert!(shop_run(&undisturbed).output().unwrap().status.success());
    let expected = content(&undisturbed);
    assert_eq!(expected.len(), 2 + 6 * 4);
    for round in 0..20 {
        let place = Place::new();
        for attempt in 0..3 {
            let mut child = shop_run(&place)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            sleep(Duration::from_millis(round * 17 + attempt * 41));
            match round % 2 {
                0 => child.kill().unwrap(),
                _ => interrupt(child.id()),
            }
            child.wait().unwrap();
        }
        let last = shop_run(&place).output().unwrap();
        assert!(
            last.status.success(),
            "{}",
            String::from_utf8_lossy(&last.stderr)
        );
        assert!(content(&place) == expected, "round {round}");
    }
}

fn interrupt(process: u32) {
    // The process may have ended already.
    let _ = std::process::Command::new("kill")
        .args(["-INT", &process.to_string()])
        .output();
}

#[test]
fn two_processes_that_want_the_same_run_both_get_it() {
    let place = Place::new();
    let run = |output: &str| {
        let experiment = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop.toml");
        let line = [
            "run",
            experiment.to_str().unwrap(),
            "--output",
            output,
            "--set",
            &shop(),
        ];
        place.command(&line).stdout(Stdio::null()).spawn().unwrap()
    };
    for child in &mut ["a", "b", "a", "b"].map(run) {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(place.read("a/metrics.json"), place.read("b/metrics.json"));
}

#[test]
#[ignore = "needs to mount a small file system"]
fn mount_a_full_disk_is_told_and_leaves_nothing_half() {
    let place = Place::new();
    fs::create_dir(place.path("disk")).unwrap();
    let experiment = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop.toml");
    // A file system of 64 KiB in a mount name space of its own.
    let script = "mount -t tmpfs -o size=64k tmpfs disk || exit 99; \
        \"$0\" run \"$1\" --set \"$2\" --output disk/out --cache disk/cache; code=$?; \
        ls disk >&2; test -e disk/out && exit 98; exit $code";
    let ran = std::process::Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .args([
            env!("CARGO_BIN_EXE_gloss"),
            experiment.to_str().unwrap(),
            &shop(),
        ])
        .current_dir(place.path(""))
        .output();
    common::Ran::from(ran.unwrap()).fails(3, &["cannot write", "No space left on device"]);
}

#[test]
fn replacing_a_run_never_takes_what_gloss_did_not_write() {
    let place = Place::with_tiny_shop();
    let run = ["run", "e.toml", "--output", "out"];
    assert_eq!(place.gloss(&run).code, Some(0));
    place.write("out/notes.txt", "mine");
    let again = place.gloss(&[&run[..], &["--overwrite"]].concat());
    again.fails(2, &["out holds files that are not a run of gloss"]);
    assert_eq!(place.read("out/notes.txt"), "mine");
    fs::remove_file(place.path("out/notes.txt")).unwrap();
    fs::remove_file(place.path("out/metrics.json")).unwrap();
    place
        .gloss(&run)
        .fails(2, &["out/metrics.json is missing", "--overwrite"]);
    let replaced = place.gloss(&[&run[..], &["--overwrite"]].concat());
    assert_eq!(replaced.code, Some(0), "{}", replaced.stderr);
    assert!(place.path("out/metrics.json").exists());
}

#[test]
fn item_queries_keep_their_order_under_every_fusion() {
    let place = Place::new();
    let ranked = |fusion: &str| {
        let (data, option) = (shop(), format!("ranking.fusion={fusion}"));
        let line = "run --dataset amazon --generator popular --metric recall@5 \
            --set dataset.category=Shop";
        let more = ["--output", fusion, "--set", &data, "--set", &option];
        let ran = place.gloss(&[line.split_whitespace().collect(), more.to_vec()].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let run = place.read(&format!("{fusion}/run.trec"));
        let item = |line: &str| line.split(' ').nth(2).unwrap().to_string();
        run.lines().map(item).collect::<Vec<_>>()
    };
    let expected = ranked("max");
    for fusion in ["sum", "reciprocal-rank", "log-probability"] {
        assert_eq!(ranked(fusion), expected, "{fusion}");
    }
}
