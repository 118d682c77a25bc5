//! Damage to what gloss wrote: after each fault, a result is the right one, or there is an error that
//! names the file. `README.md` has the table.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../common/mod.rs"]
mod common;
mod disturbed;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Place, Ran, files};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The number of faults, unless `GLOSS_FAULTS` says otherwise.
const FAULTS: usize = 60;

/// A fault of one file.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Bit,
    Digit,
    Cut,
    Zeros,
    Append,
    Empty,
    Remove,
}

const KINDS: [Fault; 7] = [
    Fault::Bit,
    Fault::Digit,
    Fault::Cut,
    Fault::Zeros,
    Fault::Append,
    Fault::Empty,
    Fault::Remove,
];

impl Fault {
    /// Damages the file; `false` if it cannot be damaged so.
    fn apply(self, path: &Path, random: &mut ChaCha8Rng) -> bool {
        let mut bytes = fs::read(path).unwrap();
        let before = bytes.clone();
        let at = random.random_range(0..bytes.len().max(1));
        match self {
            Fault::Remove => {
                fs::remove_file(path).unwrap();
                return true;
            }
            Fault::Append => bytes.push(random.random()),
            Fault::Empty => bytes.clear(),
            _ if bytes.is_empty() => return false,
            Fault::Bit => bytes[at] ^= 1 << random.random_range(0..8),
            Fault::Digit => {
                let digits: Vec<usize> = (0..bytes.len())
                    .filter(|at| bytes[*at].is_ascii_digit())
                    .collect();
                if digits.is_empty() {
                    return false;
                }
                let at = digits[random.random_range(0..digits.len())];
                bytes[at] = b'0' + (bytes[at] - b'0' + random.random_range(1..10)) % 10;
            }
            Fault::Cut => bytes.truncate(at),
            Fault::Zeros => bytes[at..].iter_mut().take(64).for_each(|byte| *byte = 0),
        }
        fs::write(path, &bytes).unwrap();
        bytes != before
    }
}

fn copy(from: &Path, to: &Path) {
    for name in files(from) {
        let path = to.join(&name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(from.join(&name), path).unwrap();
    }
}

fn results(ran: &Ran) -> serde_json::Value {
    ran.json()["results"].clone()
}

/// The files that are damaged: of the cache, or of the finished run. The log is no result, and locks
/// are empty.
fn targets(place: &Place, folder: &str) -> Vec<PathBuf> {
    let names = files(&place.path(folder));
    let kept = names
        .iter()
        .filter(|name| !name.ends_with(".log") && !name.ends_with(".lock"));
    kept.map(|name| Path::new(folder).join(name)).collect()
}

/// Damages files below `folder` one at a time, and runs again with `args`. The counts by the kind of
/// fault: errors that name a file, right results, and others.
fn attack(folder: &str, args: &[&str], seed: u64) -> BTreeMap<String, [usize; 3]> {
    let whole = Place::with_tiny_shop();
    let first = whole.gloss(&["run", "e.toml", "--output", "out", "--json"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let expected = results(&first);
    let targets = targets(&whole, folder);
    assert!(!targets.is_empty());
    let faults = std::env::var("GLOSS_FAULTS").map_or(FAULTS, |count| count.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut counts = BTreeMap::<String, [usize; 3]>::new();
    let mut done = 0;
    while done < faults {
        let place = Place::new();
        copy(&whole.path(""), &place.path(""));
        let target = &targets[random.random_range(0..targets.len())];
        let kind = KINDS[random.random_range(0..KINDS.len())];
        if !kind.apply(&place.path(target.to_str().unwrap()), &mut random) {
            continue;
        }
        done += 1;
        let ran = place.gloss(args);
        let name = target.file_name().unwrap().to_str().unwrap();
        let outcome = match ran.code {
            Some(0) if results(&ran) == expected => 1,
            Some(2 | 3)
                if ran.stderr.contains(name) || ran.stderr.contains("the output folder out") =>
            {
                0
            }
            _ => {
                eprintln!(
                    "{kind:?} of {}: {:?}\n{}",
                    target.display(),
                    ran.code,
                    ran.stderr
                );
                2
            }
        };
        counts.entry(format!("{kind:?}")).or_default()[outcome] += 1;
    }
    eprintln!("{folder}: fault, errors, right results, others\n{counts:#?}");
    counts
}

#[track_caller]
fn none_is_silent(counts: &BTreeMap<String, [usize; 3]>) {
    let silent: usize = counts.values().map(|count| count[2]).sum();
    assert_eq!(silent, 0, "{counts:?}");
}

#[test]
#[ignore = "slow: damages files and runs again, many times"]
fn slow_damage_to_the_cache_never_changes_a_result() {
    let args = ["run", "e.toml", "--output", "again", "--json"];
    none_is_silent(&attack(".gloss", &args, 1));
}

#[test]
#[ignore = "slow: damages files and runs again, many times"]
fn slow_damage_to_a_finished_run_is_never_shown() {
    let args = ["run", "e.toml", "--output", "out", "--json"];
    none_is_silent(&attack("out", &args, 2));
}
