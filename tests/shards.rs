//! Runs in shards, and their jobs on Slurm.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "cluster/slurm.rs"]
mod cluster;
mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use cluster::Slurm;
use common::{Place, files};
use serde_json::Value;

const EXPERIMENT: &str = r#"
name = "shop"
metrics = ["recall@5", "ndcg@5"]

[dataset]
type = "amazon"
category = "Shop"
folder = "SHOP"

[ranking]
seen = "exclude"

[[method]]
generator = "lis"
retriever = "bm25"

[[method]]
name = "rules"
generator = "sequential-rules"
retriever = "none"

[[fusion]]
name = "both"
methods = ["lis+bm25", "rules"]
"#;

fn place() -> Place {
    let place = Place::new();
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    place.write(
        "e.toml",
        EXPERIMENT.replace("SHOP", &shop.display().to_string()),
    );
    place
}

/// The files of a run whose bytes depend on its results alone.
fn results(place: &Place, folder: &str) -> Vec<(String, Vec<u8>)> {
    let names = files(&place.path(folder)).into_iter();
    let mut names: Vec<String> = names
        .filter(|name| name != "manifest.json" && name != "run.log")
        .collect();
    names.sort();
    assert!(names.len() > 5, "{names:?}");
    let read = |name: String| {
        let bytes = fs::read(place.path(&format!("{folder}/{name}"))).unwrap();
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

#[test]
fn merged_shards_are_the_run_of_one_process() {
    let place = place();
    place
        .gloss(&["run", "e.toml", "--output", "one"])
        .succeeds();
    let shard = |shard: &str| {
        place.gloss(&[
            "run", "e.toml", "--shard", shard, "--cache", "parts", "--output", "all",
        ])
    };
    let merge = [
        "merge", "e.toml", "--shards", "3", "--cache", "parts", "--output", "all",
    ];
    shard("0/3").succeeds();
    for one in ["1/3", "3/3"] {
        shard(one).succeeds();
    }
    place.gloss(&merge).fails(
        2,
        &[
            "stage `generate` of method `lis+bm25` gives for shard 2/3",
            "--shard",
        ],
    );
    shard("2/3").succeeds();
    place.gloss(&merge).succeeds();
    assert_eq!(results(&place, "one"), results(&place, "all"));
    let again = place.gloss(&merge);
    assert!(
        again.stdout.contains("it was there already"),
        "{}",
        again.stdout
    );

    // Shards with other settings belong to another experiment.
    let other = [&merge[..], &["--set", "ranking.seen=keep", "--overwrite"]].concat();
    place.gloss(&other).fails(
        2,
        &[
            "stage `retrieve` of method `lis+bm25` gives for shard 1/3, 2/3, 3/3",
            "ranking",
        ],
    );
    assert_eq!(results(&place, "one"), results(&place, "all"));

    let status = place.gloss(&["status", "all", "--json"]).json();
    let states: Vec<_> = status.as_array().unwrap().iter().collect();
    assert_eq!(states.len(), 4);
    assert!(
        states.iter().all(|shard| shard["state"] == "done"),
        "{status}"
    );
    let users: u64 = states
        .iter()
        .map(|shard| shard["users"].as_u64().unwrap())
        .sum();
    assert_eq!(users, 1998);
    place
        .gloss(&["status", "nowhere"])
        .fails(2, &["no shard of nowhere was run"]);
    for wrong in ["4/3", "a", "1/0"] {
        place
            .gloss(&["run", "e.toml", "--shard", wrong])
            .fails(2, &["expected INDEX/COUNT"]);
    }
}

#[test]
fn shards_of_several_seeds_are_runs_of_several_seeds() {
    let place = place();
    place.write(
        "e.toml",
        format!("seeds = [1, 2]\n{}", place.read("e.toml")),
    );
    let random = "\n[[method]]\nname = \"random\"\ngenerator = \"random\"\nretriever = \"none\"\n";
    place.write("e.toml", place.read("e.toml") + random);
    place
        .gloss(&["run", "e.toml", "--output", "one"])
        .succeeds();
    let parts = ["--cache", "parts", "--output", "all"];
    for shard in ["1/2", "2/2"] {
        let run = [
            &["run", "e.toml", "--shard", shard, "--explain"],
            &parts[..],
        ]
        .concat();
        let told = place.gloss(&run);
        told.succeeds();
        assert!(told.stdout.contains("generate"), "{}", told.stdout);
    }
    let merge = [&["merge", "e.toml", "--shards", "2"], &parts[..]].concat();
    place.gloss(&merge).succeeds();
    for seed in [1, 2] {
        let [one, all] = ["one", "all"].map(|run| results(&place, &format!("{run}/seed-{seed}")));
        assert_eq!(one, all);
    }
    let status = place.gloss(&["status", "all", "--json"]).json();
    assert_eq!(status.as_array().unwrap().len(), 4);
    for show in [["compare", "all"], ["report", "all"]] {
        place.gloss(&show).succeeds();
    }
}

/// A generator that takes its time.
const SLOW: &str = r#"#!/usr/bin/env python3
import time
import gloss


class Slow(gloss.Generator):
    """Repeats the last item, and takes its time."""

    name = "slow"
    version = "0.1.0"
    batch_size = 20

    def open(self, catalogue, training):
        self.texts = [item.text for item in catalogue.items]

    def generate(self, histories):
        time.sleep(0.05)
        return [[(self.texts[history.items[-1]], -1.0)] for history in histories]


gloss.serve(Slow)
"#;

fn slow_place() -> Place {
    let place = place();
    let experiment = place
        .read("e.toml")
        .replace("generator = \"lis\"", "generator = \"slow\"");
    let experiment = experiment.replace("lis+bm25", "slow+bm25");
    place.write("e.toml", format!("plugins = [\"slow.py\"]\n{experiment}"));
    place.write_program("slow.py", SLOW);
    place
}

/// Waits until the first shard's status is that of `is_so`.
#[track_caller]
fn wait_for(place: &Place, run: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        let status = place.gloss(&["status", run, "--json"]);
        if status.code == Some(0) && is_so(&status.json()) {
            return status.json();
        }
        let told = format!("{}{}", status.stdout, status.stderr);
        assert!(begin.elapsed() < Duration::from_secs(120), "{told}");
        sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_shard_that_ended_early_is_told_and_goes_on_where_it_was() {
    let place = slow_place();
    place
        .gloss(&["run", "e.toml", "--output", "one", "--cache", "one-cache"])
        .succeeds();
    let shard = ["run", "e.toml", "--shard", "1/1", "--output", "all"];
    for (signal, state) in [("KILL", "killed"), ("USR1", "interrupted")] {
        let mut process = place.command(&shard).stderr(Stdio::null()).spawn().unwrap();
        let running = wait_for(&place, "all", |status| {
            status[0]["state"] == "running" && status[0]["users_generated"].as_u64() > Some(100)
        });
        assert_eq!(running[0]["users"], 1998);
        let kill = Command::new("kill")
            .args(["-s", signal, &process.id().to_string()])
            .status();
        assert!(kill.unwrap().success());
        let code = process.wait().unwrap().code();
        assert_eq!(code, if signal == "KILL" { None } else { Some(130) });
        let status = place.gloss(&["status", "all", "--json"]).json();
        assert_eq!(status[0]["state"], state);
    }
    let before = place.gloss(&["status", "all", "--json"]).json();
    let before = before[0]["users_generated"].as_u64().unwrap();
    assert!(before > 100 && before < 1998, "{before}");
    place.gloss(&shard).succeeds();
    place
        .gloss(&["merge", "e.toml", "--shards", "1", "--output", "all"])
        .succeeds();
    assert_eq!(results(&place, "one"), results(&place, "all"));
}

#[test]
fn the_scripts_of_slurm_are_printed() {
    let place = place();
    let args = [
        "slurm",
        "e.toml",
        "--array",
        "4",
        "--gpus",
        "1",
        "--time",
        "01:00:00",
        "--set",
        "name=my shop",
        "--sbatch=--account=lab",
        "--output",
        "all",
        "--dry-run",
    ];
    let told = place.gloss(&args);
    told.succeeds();
    for line in [
        "#SBATCH --array=1-4",
        "#SBATCH --gpus=1",
        "#SBATCH --time=01:00:00",
        "#SBATCH --account=lab",
        "#SBATCH --signal=B:USR1@120",
        "e.toml --set 'name=my shop' --output all --cache .gloss --shard 0/4",
        "--shard \"$SLURM_ARRAY_TASK_ID/4\"",
        "merge e.toml --set 'name=my shop' --output all --cache .gloss --shards 4",
        "report all --output all.shards/report.html",
    ] {
        assert!(told.stdout.contains(line), "no {line} in\n{}", told.stdout);
    }
    assert_eq!(files(&place.path(".")), ["e.toml"]);
    let without = place
        .command(&args[..args.len() - 1])
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    common::Ran::from(without).fails(2, &["cannot start sbatch", "--dry-run"]);
}

/// SIGKILL ends one shard, the node of a second one goes down, and a third one gets SIGUSR1.
#[test]
#[ignore = "needs slurm-wlm and munge"]
fn slurm_runs_shards_that_are_disturbed_to_the_same_bytes() {
    let place = slow_place();
    place.write("slow.py", SLOW.replace("0.05", "0.4"));
    place.write_program("slow.py", &SLOW.replace("0.05", "0.4"));
    place
        .gloss(&["run", "e.toml", "--output", "one", "--cache", "one-cache"])
        .succeeds();
    let slurm = Slurm::start(4);
    let mut submit = place.command(&[
        "slurm", "e.toml", "--array", "4", "--output", "all", "--json",
    ]);
    let told = common::Ran::from(submit.envs([slurm.environment()]).output().unwrap());
    told.succeeds();
    let array = told.json()["jobs"][1].as_str().unwrap().to_string();
    let status = || place.gloss(&["status", "all", "--json"]).stdout;
    slurm.wait_until("all shards generate", || {
        let status: Value = serde_json::from_str(&status()).unwrap_or_default();
        let shards = status.as_array().map_or(&[][..], Vec::as_slice);
        let at_work = |shard: &&Value| shard["users_generated"].as_u64() > Some(60);
        shards.iter().filter(at_work).count() == 4
    });

    let pattern = "gloss run .*--output all .*--shard 1/4";
    let killed = Command::new("pkill")
        .args(["-KILL", "-f", pattern])
        .status()
        .unwrap();
    assert!(killed.success(), "no process {pattern}");
    let task = format!("--jobs={array}_2");
    let node = slurm.run("squeue", &["--noheader", "--format=%N", &task]);
    let node = format!("nodename={}", node.trim());
    slurm.run("scontrol", &["update", &node, "state=down", "reason=test"]);
    slurm.run(
        "scancel",
        &["--batch", "--signal=USR1", &format!("{array}_3")],
    );
    slurm.wait_until("the third shard is interrupted or queued again", || {
        let status: Value = serde_json::from_str(&status()).unwrap_or_default();
        status[3]["state"] == "interrupted"
    });
    slurm.wait_until("the report is there", || {
        place.path("all.shards/report.html").is_file()
    });
    assert_eq!(results(&place, "one"), results(&place, "all"));
    let status: Value = serde_json::from_str(&status()).unwrap();
    let shards = status.as_array().unwrap();
    assert!(
        shards.iter().all(|shard| shard["state"] == "done"),
        "{status}"
    );
}

/// Submits the experiment in `shards` and waits for the report.
fn submitted(place: &Place, slurm: &Slurm, shards: &str, options: &[&str]) {
    let submit = ["slurm", "e.toml", "--array", shards, "--output", "all"];
    let mut submit = place.command(&[&submit, options].concat());
    let told = common::Ran::from(submit.envs([slurm.environment()]).output().unwrap());
    told.succeeds();
    slurm.wait_until("the report is there", || {
        place.path("all.shards/report.html").is_file()
    });
    assert_eq!(results(place, "one"), results(place, "all"));
}

/// Shards that take two minutes with a limit of one.
#[test]
#[ignore = "needs slurm-wlm and munge"]
fn slurm_queues_shards_again_that_reach_their_time_limit() {
    let place = slow_place();
    place
        .gloss(&["run", "e.toml", "--output", "one", "--cache", "one-cache"])
        .succeeds();
    place.write_program("slow.py", &SLOW.replace("0.05", "2.0"));
    let slurm = Slurm::start(2);
    let limit = ["--time", "00:01:00", "--sbatch=--signal=B:USR1@15"];
    submitted(&place, &slurm, "2", &limit);
    let again = fs::read_dir(place.path("all.shards")).unwrap().flatten();
    let again = again.map(|entry| fs::read_to_string(entry.path()).unwrap_or_default());
    let ended = again.filter(|log| log.contains("interrupted")).count();
    assert!(ended >= 2, "{ended} logs tell of an interruption");
}

#[test]
#[ignore = "needs slurm-wlm, munge and the Amazon data, of GLOSS_TEST_DATA or ../shared/data"]
fn slurm_runs_last_item_search_on_beauty_to_the_same_bytes() {
    let place = Place::new();
    let data = std::env::var_os("GLOSS_TEST_DATA").map(std::path::PathBuf::from);
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = data.unwrap_or(shared).join("amazon2014");
    let experiment = EXPERIMENT.replace("SHOP", &folder.display().to_string());
    place.write("e.toml", experiment.replace("\"Shop\"", "\"Beauty\""));
    place
        .gloss(&["run", "e.toml", "--output", "one", "--cache", "one-cache"])
        .succeeds();
    submitted(&place, &Slurm::start(4), "4", &[]);
}
