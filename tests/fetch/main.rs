//! `gloss fetch` against servers that behave, and against servers that do not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod models;
mod server;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use server::{Behaviour, Request, Server};

const REVIEWS: &str = "/reviews_Tiny_5.json.gz";
const METADATA: &str = "/meta_Tiny.json.gz";
const NAMES: [&str; 2] = [REVIEWS, METADATA];

/// Bytes that repeat nowhere near, so that a seam in the wrong place shows.
fn content(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn files() -> [(&'static str, Vec<u8>); 2] {
    [
        (REVIEWS, content(1, 300_000)),
        (METADATA, content(2, 100_000)),
    ]
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What became of each file.
    fn outcomes(&self) -> Vec<String> {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""));
        let files: Value = serde_json::from_str(&self.stdout).unwrap();
        let outcome = |file: &Value| file["outcome"].as_str().unwrap().to_string();
        files.as_array().unwrap().iter().map(outcome).collect()
    }
}

/// A folder to fetch into.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0
            .path()
            .join("data")
            .join(name.trim_start_matches('/'))
    }

    fn command(&self, url: &str, flags: &[&str]) -> Command {
        let mut command = self.gloss();
        command
            .args(["fetch", "amazon", "--set", "category=Tiny", "--from", url])
            .args(flags);
        command
    }

    fn gloss(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gloss"));
        command
            .current_dir(self.0.path())
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("HF_HOME", self.0.path().join("hf"));
        let others = [
            "HF_TOKEN",
            "HUGGING_FACE_HUB_TOKEN",
            "HF_TOKEN_PATH",
            "HF_HUB_CACHE",
        ];
        let proxies = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
        for name in others.iter().chain(&proxies).chain(&["GLOSS_LOG"]) {
            command.env_remove(name);
        }
        command
    }

    fn fetch(&self, url: &str, flags: &[&str]) -> Run {
        Run::of(&mut self.command(url, flags))
    }

    /// All files are in place, with their checksums, and nothing besides.
    fn assert_complete(&self, files: &[(&'static str, Vec<u8>)]) {
        for (name, body) in files {
            assert!(
                fs::read(self.path(name)).unwrap() == *body,
                "{name} differs"
            );
            let record = fs::read_to_string(self.path(&format!("{name}.blake3"))).unwrap();
            let hash = blake3::hash(body);
            assert_eq!(
                record,
                format!("{hash}  {}\n", name.trim_start_matches('/'))
            );
        }
        assert_eq!(
            fs::read_dir(self.path("")).unwrap().count(),
            files.len() * 2
        );
    }
}

fn starts(requests: &[Request]) -> Vec<(&str, Option<usize>)> {
    requests
        .iter()
        .map(|r| (r.path.as_str(), r.start()))
        .collect()
}

#[test]
fn files_are_downloaded_once_and_only_checked_from_then_on() {
    let (server, folder) = (Server::start(Behaviour::good(files())), Folder::new());
    let first = folder.fetch(&server.url(), &["--json"]);
    assert_eq!(first.outcomes(), ["downloaded", "downloaded"]);
    folder.assert_complete(&files());
    assert_eq!(starts(&server.requests()), NAMES.map(|name| (name, None)));

    let second = folder.fetch(&server.url(), &["--json"]);
    assert_eq!(second.outcomes(), ["unchanged", "unchanged"]);
    folder.assert_complete(&files());
    assert!(server.requests().is_empty());

    let table = folder.fetch(&server.url(), &[]);
    assert!(table.stdout.contains("reviews_Tiny_5.json.gz") && table.stdout.contains("292.97 KiB"));
}

#[test]
fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let mut behaviour = Behaviour::good(files());
    (behaviour.cut, behaviour.cut_whole_only) = (Some(70_000), true);
    let (server, folder) = (Server::start(behaviour), Folder::new());
    assert_eq!(
        folder.fetch(&server.url(), &["--json"]).outcomes(),
        ["downloaded"; 2]
    );
    folder.assert_complete(&files());
    let requests = server.requests();
    let resumed = |name| [(name, None), (name, Some(70_000))];
    assert_eq!(starts(&requests), NAMES.map(resumed).concat());
    assert_eq!(requests[1].headers["if-range"], "\"first\"");
}

#[test]
fn a_download_that_failed_goes_on_at_the_next_command() {
    let mut behaviour = Behaviour::good(files());
    behaviour.cut = Some(20_000);
    let (server, folder) = (Server::start(behaviour), Folder::new());
    let run = folder.fetch(&server.url(), &[]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.contains("goes on from there"), "{}", run.stderr);
    assert!(!folder.path(REVIEWS).exists());
    server.requests();
    server.change(|behaviour| behaviour.cut = None);
    assert_eq!(
        folder.fetch(&server.url(), &["--json"]).outcomes(),
        ["downloaded"; 2]
    );
    assert_eq!(server.requests()[0].start(), Some(80_000));
    folder.assert_complete(&files());
}

#[test]
fn a_server_without_ranges_is_asked_for_the_whole_again() {
    let mut behaviour = Behaviour::good(files());
    (behaviour.cut, behaviour.ranges) = (Some(150_000), false);
    let (server, folder) = (Server::start(behaviour), Folder::new());
    assert_eq!(folder.fetch(&server.url(), &[]).code, 3);
    server.change(|behaviour| behaviour.cut = None);
    assert_eq!(
        folder.fetch(&server.url(), &["--json"]).outcomes(),
        ["downloaded"; 2]
    );
    folder.assert_complete(&files());
}

#[test]
fn parts_of_two_versions_are_never_glued_together() {
    let newer = [
        (REVIEWS, content(3, 300_000)),
        (METADATA, content(4, 100_000)),
    ];
    let fetch = |conditions: bool, etag: Option<&'static str>| {
        let mut behaviour = Behaviour::good(files());
        behaviour.cut = Some(50_000);
        let (server, folder) = (Server::start(behaviour), Folder::new());
        assert_eq!(folder.fetch(&server.url(), &[]).code, 3);
        server.change(|behaviour| {
            *behaviour = Behaviour::good(newer.clone());
            (behaviour.etag, behaviour.conditions) = (etag, conditions);
        });
        assert_eq!(
            folder.fetch(&server.url(), &["--json"]).outcomes(),
            ["downloaded"; 2]
        );
        folder.assert_complete(&newer);
    };
    // Side by side, for each waits between its attempts.
    std::thread::scope(|scope| {
        for conditions in [true, false] {
            for etag in [Some("\"second\""), None] {
                let fetch = &fetch;
                scope.spawn(move || fetch(conditions, etag));
            }
        }
    });
}

#[test]
fn a_file_that_the_server_lacks_is_named() {
    let (server, folder) = (Server::start(Behaviour::good([])), Folder::new());
    let run = folder.fetch(&server.url(), &[]);
    assert_eq!(run.code, 3);
    let said = run.stderr.replace(&server.url(), "http://SERVER");
    insta::assert_snapshot!(said, @r"
    error: cannot download http://SERVER/reviews_Tiny_5.json.gz: the server has no such file (it answers 404 Not Found)
    The files can come from elsewhere too; put them where they belong, or name a mirror with --from:
      http://snap.stanford.edu/data/amazon/productGraph/categoryFiles/reviews_Tiny_5.json.gz
        -> data/reviews_Tiny_5.json.gz
      http://snap.stanford.edu/data/amazon/productGraph/categoryFiles/meta_Tiny.json.gz
        -> data/meta_Tiny.json.gz
    ");
}

#[test]
fn without_a_network_it_says_which_file_to_put_where() {
    let (listener, folder) = (
        std::net::TcpListener::bind("127.0.0.1:0").unwrap(),
        Folder::new(),
    );
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let run = folder.fetch(&url, &[]);
    assert_eq!(run.code, 3);
    insta::assert_snapshot!(run.stderr.replace(&url, "http://SERVER"), @r"
    error: cannot download http://SERVER/reviews_Tiny_5.json.gz: Connection refused (os error 111)
    The files can come from elsewhere too; put them where they belong, or name a mirror with --from:
      http://snap.stanford.edu/data/amazon/productGraph/categoryFiles/reviews_Tiny_5.json.gz
        -> data/reviews_Tiny_5.json.gz
      http://snap.stanford.edu/data/amazon/productGraph/categoryFiles/meta_Tiny.json.gz
        -> data/meta_Tiny.json.gz
    ");
    assert!(!folder.path("meta_Tiny.json.gz.part").exists());
}

#[test]
fn a_file_that_changed_here_is_reported_and_left_alone() {
    let (server, folder) = (Server::start(Behaviour::good(files())), Folder::new());
    folder.fetch(&server.url(), &[]);
    fs::write(folder.path(REVIEWS), "my own").unwrap();
    let run = folder.fetch(&server.url(), &[]);
    assert_eq!(run.code, 2);
    insta::assert_snapshot!(run.stderr, @r"error: data/reviews_Tiny_5.json.gz: this is no longer the file that was downloaded (the checksum differs from that in data/reviews_Tiny_5.json.gz.blake3). It is left as it is: move it away to download it again, or delete data/reviews_Tiny_5.json.gz.blake3 to keep it");
    assert_eq!(fs::read_to_string(folder.path(REVIEWS)).unwrap(), "my own");
}

#[test]
fn a_file_that_changed_on_the_server_is_refused() {
    let (server, folder) = (Server::start(Behaviour::good(files())), Folder::new());
    folder.fetch(&server.url(), &[]);
    fs::remove_file(folder.path(METADATA)).unwrap();
    server.change(|behaviour| {
        behaviour
            .files
            .insert(METADATA.to_string(), content(9, 100_000));
    });
    let run = folder.fetch(&server.url(), &[]);
    assert_eq!(run.code, 2);
    insta::assert_snapshot!(run.stderr.replace(&server.url(), "http://SERVER"), @r"error: data/meta_Tiny.json.gz: http://SERVER/meta_Tiny.json.gz now has another file than the one that was downloaded before (the checksum differs from that in data/meta_Tiny.json.gz.blake3). The new one is not kept: delete data/meta_Tiny.json.gz.blake3 to accept it");
    assert!(!folder.path(METADATA).exists());
    server.change(|behaviour| *behaviour = Behaviour::good(files()));
    assert_eq!(
        folder.fetch(&server.url(), &["--json"]).outcomes(),
        ["unchanged", "downloaded"]
    );
    folder.assert_complete(&files());
}

#[test]
fn a_file_that_was_put_here_by_hand_is_taken_as_it_is() {
    let (server, folder) = (Server::start(Behaviour::good(files())), Folder::new());
    fs::create_dir(folder.path("")).unwrap();
    fs::write(folder.path(REVIEWS), &files()[0].1).unwrap();
    assert_eq!(
        folder.fetch(&server.url(), &["--json"]).outcomes(),
        ["recorded", "downloaded"]
    );
    assert_eq!(starts(&server.requests()), [(METADATA, None)]);
    folder.assert_complete(&files());
}

#[test]
#[cfg(unix)]
fn after_ctrl_c_what_has_arrived_is_kept() {
    let mut behaviour = Behaviour::good(files());
    behaviour.delay = Duration::from_millis(50);
    let (server, folder) = (Server::start(behaviour), Folder::new());
    let mut command = folder.command(&server.url(), &[]);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let part = folder.path("reviews_Tiny_5.json.gz.part");
    while fs::metadata(&part).map_or(0, |metadata| metadata.len()) == 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let arrived = fs::metadata(&part).unwrap().len() as usize;
    server.change(|behaviour| behaviour.delay = Duration::ZERO);
    server.requests();
    assert_eq!(
        folder.fetch(&server.url(), &["--json"]).outcomes(),
        ["downloaded"; 2]
    );
    assert_eq!(server.requests()[0].start(), Some(arrived));
    folder.assert_complete(&files());
}
