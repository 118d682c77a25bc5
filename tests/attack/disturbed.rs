//! Runs that are killed, and runs on a disk that fills up: the run after them ends in the right
//! results, and no file has other bytes than an undisturbed run's.
#![cfg(unix)]

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::common::{Place, Ran};
use crate::results;

/// The number of kills, and of limits, unless `GLOSS_FAULTS` says otherwise.
const DISTURBANCES: usize = 10;
const RUN: [&str; 5] = ["run", "e.toml", "--output", "out", "--json"];

fn disturbances() -> usize {
    std::env::var("GLOSS_FAULTS").map_or(DISTURBANCES, |count| count.parse().unwrap())
}

/// The results and the rankings of a finished run.
fn outcome(place: &Place, ran: &Ran) -> (serde_json::Value, String) {
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let trec = crate::files(&place.path("out"))
        .into_iter()
        .filter(|name| name.ends_with("run.trec"))
        .map(|name| place.read(&format!("out/{name}")));
    (results(ran), trec.collect())
}

fn undisturbed() -> ((serde_json::Value, String), Duration) {
    let place = Place::with_tiny_shop();
    let clock = Instant::now();
    let ran = place.gloss(&RUN);
    let duration = clock.elapsed();
    (outcome(&place, &ran), duration)
}

#[test]
#[ignore = "slow: kills runs"]
fn slow_runs_that_were_killed_end_in_the_same_results() {
    let (expected, duration) = undisturbed();
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut killed = 0;
    for _ in 0..disturbances() {
        let place = Place::with_tiny_shop();
        // Several kills of one run, so that what was left is killed again.
        for _ in 0..3 {
            let mut command = place.command(&RUN);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            sleep(duration.mul_f64(random.random_range(0.0..1.0)));
            killed += usize::from(child.try_wait().unwrap().is_none());
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let last = [&RUN[..], &["--overwrite"]].concat();
        assert!(outcome(&place, &place.gloss(&last)) == expected);
    }
    println!("{killed} kills before the end");
}

/// Runs gloss so that no file can be larger than `blocks` of 1,024 bytes: a write beyond that fails
/// as one to a full disk does.
fn run_with_limit(place: &Place, blocks: u64) -> Ran {
    let gloss = env!("CARGO_BIN_EXE_gloss");
    let script = format!(
        "trap '' XFSZ; ulimit -f {blocks}; exec {gloss} {}",
        RUN.join(" ")
    );
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).current_dir(place.path(""));
    bash.output().unwrap().into()
}

#[test]
#[ignore = "slow: fills the disk"]
fn slow_a_full_disk_is_an_error_of_the_machine_and_harms_nothing() {
    let (expected, _) = undisturbed();
    let mut full = 0;
    for number in 0..disturbances() as u64 {
        let place = Place::with_tiny_shop();
        let blocks = number * number / 4;
        let ran = run_with_limit(&place, blocks);
        match ran.code {
            Some(0) => {}
            Some(3) => full += 1,
            other => panic!("with {blocks} KiB: {other:?}\n{}", ran.stderr),
        }
        let last = [&RUN[..], &["--overwrite"]].concat();
        assert!(outcome(&place, &place.gloss(&last)) == expected, "{blocks}");
    }
    println!("{full} runs ended on a full disk");
    assert!(full > 3, "{full}");
}
