//! Programs as processes: their starts, signals, and what they start themselves.

use std::fs;
use std::time::{Duration, Instant};

use super::{Place, Ran, in_trouble, run};

#[cfg(unix)]
#[test]
fn ctrl_c_ends_gloss_and_the_program() {
    let place = in_trouble();
    let args = ["run", "t.toml", "--set", "retriever.options.trouble=hang"];
    let marker = format!("retriever.options.marker={}", place.path("hangs").display());
    let mut command = place.command(&[&args[..], &["--set", &marker]].concat());
    let mut gloss = command.spawn().unwrap();
    while !place.path("hangs").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let signal = |pid: &str| {
        std::process::Command::new("kill")
            .args(["-INT", pid])
            .status()
    };
    assert!(signal(&gloss.id().to_string()).unwrap().success());
    let start = Instant::now();
    assert_eq!(gloss.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn validate_starts_each_program_once() {
    let text = r#"#!/usr/bin/env python3
open("starts", "a").write("x")
import gloss

class Nothing(gloss.Retriever):
    """Finds nothing."""
    name = "nothing"
    version = "1"

    def build(self, catalogue, folder):
        pass

    def open(self, catalogue, folder):
        pass

    def search(self, queries, ks):
        return [[] for _ in queries]

gloss.serve(Nothing)
"#;
    let place = Place::with_programs(&[("nothing.py", text.to_string())]);
    let args = [
        "--set",
        "plugins=[\"nothing.py\"]",
        "--set",
        "retriever=nothing",
    ];
    let ran = place.gloss(&[&["validate", "e.toml"][..], &args].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert_eq!(place.read("starts"), "x");
}

#[cfg(unix)]
#[test]
fn two_signals_at_once_are_one() {
    let place = in_trouble();
    let marker = format!("retriever.options.marker={}", place.path("hangs").display());
    let hangs = "retriever.options.trouble=hang";
    let mut command = place.command(&["run", "t.toml", "--set", hangs, "--set", &marker]);
    let gloss = command
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while !place.path("hangs").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut kill = std::process::Command::new("bash");
    kill.args(["-c", &format!("kill -TERM {0}; kill -TERM {0}", gloss.id())]);
    assert!(kill.status().unwrap().success());
    let ran = Ran::from(gloss.wait_with_output().unwrap());
    ran.fails(
        130,
        &["stopping; Ctrl-C again ends at once", "error: interrupted;"],
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_helper_in_a_session_of_its_own_ends_with_the_program() {
    let place = in_trouble();
    assert_eq!(run(&place, "session", &[]).code, Some(0));
    let helper = place.read("helper");
    let stat = fs::read_to_string(format!("/proc/{helper}/stat"));
    assert!(stat.is_err(), "{stat:?}");
}
