//! Components that are programs: the examples, and whatever may go wrong with a program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod processes;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use common::{Place, Ran, files};
use serde_json::Value;

const EXPERIMENT: &str = r#"
metrics = ["recall@2"]
generator = "lis"
dataset = { type = "amazon", category = "Tiny" }

[retriever]
type = "command"
program = ["python3", "trouble.py"]
"#;

/// The tiny shop, the program in trouble, and its experiment.
fn in_trouble() -> Place {
    let place = Place::with_tiny_shop();
    let script = fs::read_to_string(repository("tests/fixtures/trouble.py")).unwrap();
    place.write("trouble.py", script);
    place.write("t.toml", EXPERIMENT);
    place
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs the program in trouble, with further settings.
fn run(place: &Place, trouble: &str, settings: &[&str]) -> Ran {
    let trouble = format!("retriever.options.trouble={trouble}");
    let mut args = vec![
        "run",
        "t.toml",
        "--output",
        "out",
        "--overwrite",
        "--json",
        "-v",
        "--set",
        &trouble,
    ];
    settings
        .iter()
        .for_each(|setting| args.extend(["--set", setting]));
    place.gloss(&args)
}

#[test]
fn a_program_that_ends_is_started_again_as_often_as_allowed() {
    let place = in_trouble();
    let ran = run(&place, "kill", &[]);
    ran.fails(
        70,
        &[
            "the program `python3 trouble.py`",
            "ended (signal: 9",
            "asked: {\\\"id\\\":",
        ],
    );
    assert_eq!(
        ran.stderr.matches("it is started again").count(),
        2,
        "{}",
        ran.stderr
    );
    let ran = run(&place, "kill", &["retriever.restarts=0"]);
    assert!(!ran.stderr.contains("it is started again"));
    assert_eq!(ran.code, Some(70));

    let healthy = run(&place, "none", &[]).json();
    let once = run(&place, "kill", &["retriever.options.marker=marker"]);
    assert_eq!(
        once.stderr.matches("it is started again").count(),
        1,
        "{}",
        once.stderr
    );
    let figures = |run: &Value| run["results"]["methods"][0]["metrics"].clone();
    assert_eq!(figures(&once.json()), figures(&healthy));
    assert!(place.path("marker").exists());
}

#[test]
fn a_program_that_hangs_is_ended() {
    let place = in_trouble();
    let start = Instant::now();
    run(
        &place,
        "hang",
        &["retriever.answer_limit=0.5", "retriever.restarts=0"],
    )
    .fails(70, &["gave no answer within 0.5 s", "asked: {"]);
    assert!(start.elapsed() < Duration::from_secs(20));
    let start = Instant::now();
    run(&place, "close", &["retriever.restarts=0"]).fails(
        70,
        &["closed its standard output, but went on instead of answering"],
    );
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_program_started_ends_with_it() {
    let place = in_trouble();
    let settings = ["retriever.answer_limit=0.5", "retriever.restarts=0"];
    run(&place, "helper", &settings).fails(70, &["gave no answer within 0.5 s"]);
    let state = || fs::read_to_string(format!("/proc/{}/stat", place.read("helper")));
    // Whoever inherits it may take a while to bury it.
    let gone = || state().is_err() || state().is_ok_and(|stat| stat.contains(") Z "));
    let start = Instant::now();
    while !gone() && start.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(gone(), "{:?}", state());
}

#[test]
fn what_breaks_the_protocol_is_told_with_the_exchange() {
    let place = in_trouble();
    for (trouble, told) in [
        ("garbage", "something else than JSON of the protocol"),
        ("garbage", "answered: hello, world"),
        ("half", "something else than JSON of the protocol"),
        ("number", "when asked question"),
        ("shape", "something else than was asked for"),
        ("few", "returned 0 answers to"),
        ("stranger", "returned the score 1 for item 1000000"),
        ("fault", "KeyError: 3"),
        ("fault", "Traceback: it broke"),
    ] {
        let ran = run(&place, trouble, &[]);
        ran.fails(70, &["the program `python3 trouble.py`", told]);
        assert!(
            !ran.stderr.contains("it is started again"),
            "{}",
            ran.stderr
        );
    }
    run(&place, "refuse", &[]).fails(2, &["`python3 trouble.py`: the moon is not full"]);
}

#[test]
fn a_flood_on_standard_error_is_read_and_not_kept() {
    let place = in_trouble();
    let ran = run(&place, "flood", &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let log = place.read("out/run.log");
    assert!(log.contains("a line of many") && log.contains("the rest is not logged"));
    assert!(log.len() < 2 << 20, "{}", log.len());
    let ran = run(&place, "endless-line", &[]);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn what_is_no_program_of_the_protocol_is_refused() {
    let place = in_trouble();
    run(&place, "none", &["retriever.program=[\"no-such-program\"]"]).fails(
        2,
        &["retriever.program: cannot start the program no-such-program"],
    );
    run(&place, "none", &["retriever.program=[\"true\"]"]).fails(
        2,
        &["retriever.program: the program `true`: ended (exit status: 0)"],
    );
    run(&place, "none", &["retriever.program=[\"echo\", \"hello\"]"])
        .fails(2, &["something else than JSON", "answered: hello"]);
    run(
        &place,
        "none",
        &[
            "retriever.start_limit=0.2",
            "retriever.program=[\"sleep\", \"9\"]",
        ],
    )
    .fails(2, &["gave no answer within 0.2 s", "hello"]);
    run(&place, "none", &["retriever.options.truble=1"])
        .fails(2, &["retriever.options.truble: unknown option", "trouble"]);
    let mut command = place.command(&["run", "t.toml"]);
    let ran: Ran = command
        .env("TROUBLE_PROTOCOL", "1")
        .output()
        .unwrap()
        .into();
    ran.fails(
        2,
        &["speaks version 1 of the protocol, and this gloss version 2"],
    );
    let generator = "generator={type=\"command\", program=[\"python3\", \"trouble.py\"]}";
    run(&place, "none", &[generator]).fails(2, &["is the retriever `trouble`, not a generator"]);
}

#[test]
fn a_changed_program_makes_another_index() {
    let place = in_trouble();
    let indexes = || {
        let made = files(&place.path(".gloss/index"));
        made.iter()
            .filter(|name| name.ends_with("artefact.json"))
            .count()
    };
    assert_eq!(run(&place, "none", &[]).code, Some(0));
    assert_eq!(run(&place, "none", &[]).code, Some(0));
    assert_eq!(indexes(), 1);
    place.write("trouble.py", place.read("trouble.py") + "\n");
    assert_eq!(run(&place, "none", &[]).code, Some(0));
    assert_eq!(indexes(), 2);
    let manifest: Value = serde_json::from_str(&place.read("out/manifest.json")).unwrap();
    let hash = blake3::hash(place.read("trouble.py").as_bytes());
    let mut code = manifest["code"].as_array().unwrap().iter();
    assert!(
        code.any(|file| file["blake3"] == hash.to_hex().as_str()),
        "{manifest}"
    );
}

/// A generator and a metric in Python, beside the helper of the examples.
const PYTHON: &str = r#"#!/usr/bin/env python3
import gloss

print("what is printed does not matter", flush=True)

class Last(gloss.Generator):
    """The text of the last items."""
    name = "last"
    needs_training = True
    items = gloss.option(1, "How many.", minimum=1)

    def open(self, catalogue, training):
        print("training cases:", len(training))
        self.texts = [item.text for item in catalogue.items]

    def generate(self, histories):
        for history in histories:
            newest = history.items[: -self.items - 1 : -1]
            yield [(self.texts[item], 0.0) for item in newest]

gloss.serve(Last)
"#;

const OVERALL: &str = r#"#!/usr/bin/env python3
import gloss

class Spread(gloss.Metric):
    """How many different items are recommended."""
    name = "spread"
    needs_catalogue = True
    range = (0, 1)

    def overall(self, users):
        found = {item for ranking, gains, ideal in users for item in ranking}
        return len(found) / len(self.catalogue.items)

gloss.serve(Spread)
"#;

#[test]
fn generators_and_metrics_in_python_do_what_ours_do() {
    let metric = fs::read_to_string(repository("examples/python/hit_metric.py")).unwrap();
    let place = Place::with_programs(&[
        ("last.py", PYTHON.to_string()),
        ("spread.py", OVERALL.to_string()),
        ("within.py", metric),
    ]);
    let settings = r#"
plugins = ["last.py", "spread.py", "within.py"]
metrics = ["recall@2", "within@2", "spread", { type = "coverage", k = 2 }]
retriever = "bm25"
dataset = { type = "amazon", category = "Tiny" }
[[method]]
generator = { type = "lis", items = 2 }
[[method]]
generator = { type = "last", items = 2 }
"#;
    place.write("p.toml", settings);
    let ran = place.gloss(&["run", "p.toml", "--json", "--output", "out"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let methods = ran.json()["results"]["methods"].clone();
    // The weights of `lis` differ, which Last Item Search by maximum does not show here.
    assert_eq!(methods[0]["metrics"], methods[1]["metrics"]);
    let value = |metric: usize| methods[1]["metrics"][metric]["value"].as_f64().unwrap();
    assert_eq!(value(0), value(1));
    assert_eq!(value(2), value(3));
    assert!(
        place.read("out/run.log").contains("training cases: 3"),
        "{}",
        place.read("out/run.log")
    );
}

#[test]
fn programs_run_the_conformance_tests() {
    let metric = fs::read_to_string(repository("examples/python/hit_metric.py")).unwrap();
    let place = Place::with_programs(&[("last.py", PYTHON.to_string()), ("within.py", metric)]);
    for program in ["last.py", "within.py"] {
        let checked = place.gloss(&["check", program, "--json"]);
        assert_eq!(checked.code, Some(0), "{}", checked.stdout);
        let invariants = checked.json()[0]["invariants"].clone();
        let passed = |invariant: &&Value| invariant["outcome"] == "pass";
        assert!(
            invariants.as_array().unwrap().iter().filter(passed).count() > 9,
            "{invariants}"
        );
    }
    let place = in_trouble();
    let check = |trouble: &str| {
        let program = "program=[\"python3\", \"trouble.py\"]";
        let trouble = format!("options.trouble={trouble}");
        let args = [
            "check",
            "command",
            "--kind",
            "retriever",
            "--set",
            program,
            "--set",
            &trouble,
        ];
        place.gloss(&args)
    };
    let checked = check("none");
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    let checked = check("few");
    checked.fails(70, &["command: fails", "invariants"]);
    assert!(
        checked.stdout.contains("returned 0 answers to"),
        "{}",
        checked.stdout
    );
}

#[test]
fn a_data_set_in_python_is_prepared() {
    let script = fs::read_to_string(repository("examples/python/movielens_dataset.py")).unwrap();
    let place = Place::with_programs(&[("movielens.py", script)]);
    let with_plugin = |args: &[&str]| place.gloss(&[&["--plugin", "movielens.py"], args].concat());
    let prepare = [
        "prepare",
        "ml-100k",
        "--output",
        "out",
        "--set",
        "folder=ml",
    ];
    with_plugin(&prepare).fails(2, &["there is no file ml/u.item; get ml-100k.zip"]);
    place.write(
        "ml/u.item",
        "1|Toy Story (1995)|01-Jan-1995||\n2|GoldenEye (1995)|||\n",
    );
    let row = |user: u32, item: u32, time: u32| format!("{user}\t{item}\t4\t{time}\n");
    // More than go over at once.
    let rows: String = (0..2000)
        .flat_map(|user| (1..4).map(move |item| row(user, item, item)))
        .collect();
    place.write("ml/u.data", rows);
    let ran = with_plugin(
        &[
            &prepare[..],
            &["--set", "split.minimum_interactions=2", "--json"],
        ]
        .concat(),
    );
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let counts = ran.json()["report"]["counts"].to_string();
    for part in [
        r#"["items",2]"#,
        r#"["interactions",6000]"#,
        r#"["interactions of unknown items",2000]"#,
        r#"["users evaluated",2000]"#,
    ] {
        assert!(counts.contains(part), "no {part} in {counts}");
    }
    let described = with_plugin(&["describe", "ml-100k"]).stdout;
    assert!(described.contains("split.k_core") && described.contains("least_rating"));
}

#[test]
fn an_annotated_data_set_is_the_same_but_for_the_texts() {
    let place = Place::new();
    let experiment = format!(
        r#"
plugins = [{:?}]
metrics = ["recall@5"]
generator = "sequential-rules"
retriever = "none"
dataset = {{ type = "amazon", category = "Shop", folder = {:?} }}
"#,
        repository("examples/python/annotated_dataset.py"),
        repository("examples/shop"),
    );
    place.write("shop.toml", experiment);
    for dataset in ["amazon", "annotated-amazon"] {
        let set = format!("dataset.type={dataset}");
        let ran = place.gloss(&["run", "shop.toml", "--output", dataset, "--set", &set]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }
    for file in ["run.trec", "qrels.trec"] {
        let of = |dataset: &str| place.read(&format!("{dataset}/{file}"));
        assert_eq!(of("amazon"), of("annotated-amazon"), "{file}");
    }
    let queries = place.read("annotated-amazon/generated.json");
    assert!(queries.contains("\"Known. Title: "), "{queries}");
}

#[test]
#[ignore = "needs bm25s in Python, and needs the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn bm25s_the_retriever_around_bm25s_ranks_as_bm25_does() {
    let data = common::real_data();
    let place = Place::new();
    let script = repository("examples/python/bm25s_retriever.py");
    let checked = place.gloss(&["check", script.to_str().unwrap()]);
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    place.write(
        "b.toml",
        format!(
            r#"
plugins = [{script:?}]
metrics = ["recall@10"]
generator = "lis"
ranking.cutoff = 10
dataset = {{ type = "amazon", category = "Beauty", folder = {:?} }}
[[method]]
retriever = "bm25"
[[method]]
retriever = "bm25s"
"#,
            data.join("amazon2014")
        ),
    );
    let ran = place.gloss(&["run", "b.toml", "--output", "out"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let ranking = |method: &str| -> Vec<String> {
        let run = place.read(&format!("out/{method}/run.trec"));
        let line = |line: &str| line.split(' ').take(4).collect::<Vec<_>>().join(" ");
        run.lines().map(line).collect()
    };
    let ours = ranking("lis+bm25");
    assert!(ours.len() > 200_000);
    assert!(ours == ranking("lis+bm25s"), "the rankings differ");
}
