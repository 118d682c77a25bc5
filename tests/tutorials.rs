//! The tutorials of `core/docs/plugins.md`, followed to the letter, and the skeletons of all kinds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{Place, Ran, profiles, target};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Held while a test builds: all crates are built in one folder.
fn building() -> MutexGuard<'static, ()> {
    static BUILDING: Mutex<()> = Mutex::new(());
    BUILDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a script in the place with `gloss` on the path, stopping at the first failure. A crate that is
/// entered is moved to one folder for all tests, with what gloss was built with: the build scripts of
/// the crates of gloss would run again for a lock file at another path or of a later time.
fn run(place: &Place, script: &str) -> Ran {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tutorials");
    fs::create_dir_all(folder.join(".cargo")).unwrap();
    fs::write(folder.join(".cargo/config.toml"), profiles()).unwrap();
    let [target, lock, its] = [
        target(),
        &repository().join("Cargo.lock"),
        &folder.join("crate"),
    ];
    let enter = |name: &str| {
        format!(
            "rm -rf {its:?}; mv {name} {its:?}; ln -s {its:?} {name}; cd {its:?}\n\
             [ -f Cargo.toml ] && ln -s {target:?} target && cp {lock:?} . && \
             cargo tree --offline > /dev/null && touch -r {lock:?} Cargo.lock || [ ! -f Cargo.toml ]\n"
        )
    };
    let lines = script.lines().map(|line| match line.strip_prefix("cd ") {
        Some(name) => enter(name),
        None => format!("{line}\n"),
    });
    shell(place, &lines.collect::<String>())
}

fn shell(place: &Place, script: &str) -> Ran {
    let commands = Path::new(env!("CARGO_BIN_EXE_gloss")).parent().unwrap();
    let folders = env::split_paths(&env::var_os("PATH").unwrap()).collect::<Vec<PathBuf>>();
    let path = env::join_paths([commands.to_path_buf()].into_iter().chain(folders)).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-e", "-c", script])
        .current_dir(place.path(""))
        .env("PATH", path)
        .env_remove("GLOSS_PLUGINS");
    bash.output().unwrap().into()
}

/// The commands of a tutorial.
fn tutorial(name: &str) -> String {
    let text = fs::read_to_string(repository().join("core/docs/plugins.md")).unwrap();
    let marker = format!("<!-- tutorial: {name} -->\n```sh\n");
    let (_, after) = text.split_once(&marker).unwrap();
    after.split_once("```").unwrap().0.to_string()
}

#[track_caller]
fn ends_in_a_result(ran: &Ran, names: &[&str]) {
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    for name in names {
        assert!(ran.stdout.contains(name), "no {name} in\n{}", ran.stdout);
    }
    assert!(
        ran.stdout.contains("the run is in runs/experiment-"),
        "{}",
        ran.stdout
    );
}

#[test]
#[ignore = "slow: builds crates"]
fn slow_the_tutorial_of_a_component_that_is_compiled_in() {
    let _building = building();
    let ran = run(&Place::new(), &tutorial("compiled in"));
    ends_in_a_result(
        &ran,
        &["retriever mine, from mine 0.1.0", "lis+mine", "pass"],
    );
}

/// The stages of a run of the experiment after the crate `edited` was edited: method, stage and
/// whether it was reused.
fn stages_after(place: &Place, output: &str, from: &str, to: &str) -> Vec<(String, String, bool)> {
    let source = place.read("edited/src/lib.rs");
    assert!(source.contains(from), "{source}");
    place.write("edited/src/lib.rs", source.replace(from, to));
    let script =
        format!("cd $(readlink edited)\ncargo run -- run experiment.toml --output {output}");
    let ran = shell(place, &script);
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    let manifest = place.read(&format!("edited/{output}/manifest.json"));
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let rows = manifest["stages"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("all").to_string();
    rows.map(|row| {
        (
            text(&row["method"]),
            text(&row["stage"]),
            row["reused"].as_bool().unwrap(),
        )
    })
    .collect()
}

#[test]
#[ignore = "slow: builds crates"]
fn slow_an_edit_in_a_retriever_redoes_its_index_and_its_retrieval_alone() {
    let _building = building();
    let place = Place::new();
    let begun = run(
        &place,
        "gloss new retriever edited\ncd edited\ncargo run -- run experiment.toml",
    );
    ends_in_a_result(&begun, &["lis+edited"]);
    let help = stages_after(
        &place,
        "help",
        "Letters in the shortest",
        "Characters of the shortest",
    );
    assert!(help.iter().all(|(_, _, reused)| *reused), "{help:?}");
    let code = stages_after(&place, "code", "count() as f32)", "count() as f32 * 2.0)");
    for (method, stage, reused) in &code {
        let own = method.contains("edited") && ["index", "retrieve"].contains(&stage.as_str());
        assert_eq!(*reused, !own, "{method} {stage} of {code:?}");
    }
    let redone = code.iter().filter(|(_, _, reused)| !reused).count();
    assert_eq!(redone, 2, "{code:?}");
}

#[test]
#[ignore = "slow: builds crates"]
fn slow_the_tutorial_of_a_library() {
    let _building = building();
    let ran = run(&Place::new(), &tutorial("library"));
    ends_in_a_result(
        &ran,
        &["retriever mine-too, from mine-too 0.1.0 (/", "lis+mine-too"],
    );
}

#[test]
fn the_tutorial_of_a_program() {
    let _building = building();
    let ran = run(&Place::new(), &tutorial("program"));
    ends_in_a_result(
        &ran,
        &[
            "retriever mine-again, from mine-again 0.1.0 (/",
            "lis+mine-again",
        ],
    );
}

#[test]
#[ignore = "slow: builds crates"]
fn slow_the_skeletons_of_all_kinds_work() {
    let _building = building();
    for kind in ["dataset", "generator", "metric", "retriever"] {
        for (route, build) in [("dylib", "cargo test\ncargo build\n"), ("python", "")] {
            let name = format!("a-{kind}-{route}");
            let script = format!(
                "gloss new {kind} {name} --{route}\ncd {name}\n{build}\
                 gloss check {name} --plugin $(grep -o 'plugins = .*' experiment.toml | cut -d'\"' -f2)\n\
                 gloss run experiment.toml"
            );
            ends_in_a_result(&run(&Place::new(), &script), &["pass"]);
        }
    }
}

#[test]
fn a_skeleton_harms_nothing_that_is_there() {
    let place = Place::new();
    place.write("mine/precious", "");
    place
        .gloss(&["new", "metric", "mine"])
        .fails(2, &["mine is not empty"]);
    place
        .gloss(&["new", "metric", "mrr"])
        .fails(2, &["a metric `mrr` already, in gloss-metrics"]);
    for name in ["Mine", "3d", "a b", "serde", ""] {
        assert_eq!(
            place.gloss(&["new", "metric", name]).code,
            Some(2),
            "{name}"
        );
    }
    assert_eq!(fs::read_dir(place.path("")).unwrap().count(), 1);
}
