//! Processes that are killed while they build, and others that read meanwhile.

use std::env;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::open::{FILE, open_any};
use super::*;

/// Tells a child its folder, and which of two catalogues to build, or 0 to read.
const FOLDER: &str = "GLOSS_E5_TEST_FOLDER";
const WORK: &str = "GLOSS_E5_TEST_WORK";

fn versions() -> [Catalogue; 2] {
    [catalogue(0..4000), catalogue(2000..5000)]
}

/// Returns which of the two catalogues the index in `folder` was built from; it must be complete.
fn version(folder: &Path) -> usize {
    let embed = Hashing::new(64);
    let stored = open_any(&folder.join(FILE)).unwrap();
    let vectors = stored.vectors().unwrap();
    let made_from = |catalogue: &Catalogue| {
        let same = stored.header.identity == source(catalogue, &embed).identity();
        same && vectors.len() == catalogue.len()
    };
    versions().iter().position(made_from).unwrap()
}

fn child(folder: &Path, work: usize) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "store::tests::killed::child_process",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .env(WORK, work.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The work of the child process; does nothing in a normal test run.
#[test]
fn child_process() {
    let (Ok(folder), Ok(work)) = (env::var(FOLDER), env::var(WORK)) else {
        return;
    };
    let (folder, work) = (Path::new(&folder), work.parse::<usize>().unwrap());
    let end = Instant::now() + Duration::from_secs(60);
    while Instant::now() < end {
        match work {
            0 => assert!(version(folder) < 2),
            _ => {
                let embed = Hashing::new(64);
                build_in(folder, &source(&versions()[work - 1], &embed)).unwrap();
            }
        }
    }
}

#[test]
fn a_killed_build_leaves_the_old_index_or_the_new_one() {
    let folder = Folder::new();
    let [old, _] = &versions();
    build_in(folder.path(), &source(old, &Hashing::new(64))).unwrap();
    let mut seen = [0; 2];
    for round in 0..20u64 {
        let mut child = child(folder.path(), 1 + round as usize % 2);
        // From before the first build ends to somewhere in one of the next.
        sleep(Duration::from_millis(5 + 17 * round % 190));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.stderr.is_empty(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        seen[version(folder.path())] += 1;
    }
    println!("old {}, new {}", seen[0], seen[1]);
    // The remains of a killed build are no obstacle.
    build_in(folder.path(), &source(old, &Hashing::new(64))).unwrap();
    assert_eq!(version(folder.path()), 0);
}

#[test]
fn readers_see_a_whole_index_while_it_is_built_again() {
    let folder = Folder::new();
    let [old, new] = &versions();
    build_in(folder.path(), &source(old, &Hashing::new(64))).unwrap();
    let readers = [child(folder.path(), 0), child(folder.path(), 0)];
    let end = Instant::now() + Duration::from_secs(3);
    let mut built = 0;
    while Instant::now() < end {
        for catalogue in [new, old] {
            build_in(folder.path(), &source(catalogue, &Hashing::new(64))).unwrap();
            built += 1;
        }
    }
    assert!(built > 4, "{built}");
    for mut reader in readers {
        let ended = reader.try_wait().unwrap();
        reader.kill().unwrap();
        let output = reader.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(ended.is_none(), "a reader failed: {told}");
    }
}
