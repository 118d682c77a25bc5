//! Data, models, cache and runs in an object store: a server of the S3 protocol, moto's. `.ci/servers` runs
//! these tests with the Python that has moto in `GLOSS_MOTO`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Place, Ran, files};
use serde_json::Value;

const EXPERIMENT: &str = r#"
name = "stored"
plugins = ["slow.py"]
metrics = ["recall@5", "ndcg@5"]

[dataset]
type = "amazon"
category = "Shop"
folder = "DATA"

[[method]]
generator = "slow"
retriever = "bm25"

[[method]]
name = "served"
generator = { type = "precomputed", file = "QUERIES", missing = "skip", mismatch = "skip" }
retriever = "bm25"
"#;

/// Repeats the last item, and takes its time.
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
        time.sleep(0.02)
        return [[(self.texts[history.items[-1]], -1.0)] for history in histories]


gloss.serve(Slow)
"#;

/// The server does not check signatures.
const AUTHORIZATION: &str = "Authorization: AWS4-HMAC-SHA256 \
    Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A server of S3, whose objects are gone when it ends.
struct Store {
    port: u16,
    process: Child,
}

impl Store {
    fn start() -> Self {
        let python = std::env::var("GLOSS_MOTO").expect("GLOSS_MOTO names a Python with moto");
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut command = Command::new(python);
        command.args([
            "-c",
            "from moto.server import main; main()",
            "-p",
            &port.to_string(),
        ]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let store = Store {
            port,
            process: command.spawn().unwrap(),
        };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no server");
            sleep(Duration::from_millis(50));
        }
        store.put("lab", b"", "");
        store.put("lab/queries/q.json", b"[]", "");
        for entry in fs::read_dir(repository("examples/shop")).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            store.put(
                &format!("lab/shop/{name}"),
                &fs::read(entry.path()).unwrap(),
                "",
            );
        }
        store
    }

    fn put(&self, path: &str, content: &[u8], head: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let length = content.len();
        let head = format!(
            "PUT /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{AUTHORIZATION}{head}Content-Length: {length}\r\nConnection: \
             close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(content).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }

    fn environment(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("AWS_ACCESS_KEY_ID", "key".to_string()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_string()),
            ("AWS_REGION", "us-east-1".to_string()),
            (
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", self.port),
            ),
            ("AWS_ALLOW_HTTP", "true".to_string()),
        ])
    }

    fn gloss(&self, place: &Place, args: &[&str]) -> Ran {
        let mut command = place.command(args);
        Ran::from(command.envs(self.environment()).output().unwrap())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn place(data: &str, queries: &str) -> Place {
    let place = Place::new();
    place.write(
        "e.toml",
        EXPERIMENT.replace("DATA", data).replace("QUERIES", queries),
    );
    place.write_program("slow.py", SLOW);
    place
}

fn stored() -> Place {
    place("s3://lab/shop", "s3://lab/queries/q.json")
}

/// The run on this machine alone.
fn local() -> BTreeMap<String, Vec<u8>> {
    let place = place(repository("examples/shop").to_str().unwrap(), "q.json");
    place.write("q.json", "[]");
    place
        .gloss(&["run", "e.toml", "--output", "one"])
        .succeeds();
    results(&place.path("one"))
}

/// The files of a run whose bytes depend on its results alone.
fn results(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = files(folder).into_iter();
    let names = names.filter(|name| name != "manifest.json" && name != "run.log");
    let read = |name: String| {
        let bytes = fs::read(folder.join(&name)).unwrap();
        (name, bytes)
    };
    let results: BTreeMap<_, _> = names.map(read).collect();
    assert!(results.len() > 5, "{results:?}");
    results
}

const RUN: [&str; 6] = [
    "run",
    "e.toml",
    "--output",
    "s3://lab/runs/x",
    "--cache",
    "s3://lab/cache",
];
const MIRROR: &str = ".gloss/objects/files/s3/lab/runs/x";

#[test]
#[ignore = "needs moto"]
fn an_experiment_in_a_store_gives_the_bytes_of_a_local_one() {
    let store = Store::start();
    let place = stored();
    let ran = store.gloss(&place, &RUN);
    ran.succeeds();
    assert!(
        ran.stdout.contains("the run is in s3://lab/runs/x"),
        "{}",
        ran.stdout
    );
    let expected = local();
    assert_eq!(results(&place.path(MIRROR)), expected);
    let manifest: Value =
        serde_json::from_str(&place.read(&format!("{MIRROR}/manifest.json"))).unwrap();
    assert_eq!(manifest["experiment"]["dataset"]["folder"], "s3://lab/shop");

    // Another machine: the run is there, its table is made of it, and all stages are in the cache.
    let other = stored();
    let again = store.gloss(&other, &RUN);
    again.succeeds();
    assert!(
        again.stdout.contains("it was there already"),
        "{}",
        again.stdout
    );
    assert_eq!(results(&other.path(MIRROR)), expected);
    let report = ["report", "s3://lab/runs/x", "--output", "report.html"];
    store.gloss(&stored(), &report).succeeds();
    let third = stored();
    let elsewhere = [
        "run",
        "e.toml",
        "--output",
        "out",
        "--cache",
        "s3://lab/cache",
    ];
    store.gloss(&third, &elsewhere).succeeds();
    assert_eq!(results(&third.path("out")), expected);
    let manifest: Value = serde_json::from_str(&third.read("out/manifest.json")).unwrap();
    for stage in manifest["stages"].as_array().unwrap() {
        assert_eq!(stage["reused"], true, "{stage}");
    }

    // Other data under the same name are other results; a run in the store is never replaced by them.
    let reviews = fs::read(repository("examples/shop/reviews_Shop_5.json.gz")).unwrap();
    let fewer = common::gzip(
        &common::gunzip(&reviews)
            .lines()
            .skip(500)
            .collect::<Vec<_>>()
            .join("\n"),
    );
    store.put("lab/shop/reviews_Shop_5.json.gz", &fewer, "");
    store
        .gloss(&third, &RUN)
        .fails(2, &["holds another run", "--overwrite"]);
    // One that replaces it leaves nothing of it.
    let other = stored();
    other.write(
        "e.toml",
        other
            .read("e.toml")
            .replace("name = \"served\"", "name = \"renamed\""),
    );
    store
        .gloss(&other, &[&RUN[..], &["--overwrite"]].concat())
        .succeeds();
    let fresh = stored();
    store
        .gloss(
            &fresh,
            &["report", "s3://lab/runs/x", "--output", "report.html"],
        )
        .succeeds();
    let names = files(&fresh.path(MIRROR));
    assert!(
        names.iter().any(|name| name.starts_with("renamed/")),
        "{names:?}"
    );
    assert!(
        !names.iter().any(|name| name.starts_with("served/")),
        "{names:?}"
    );
    let changed = [
        "run",
        "e.toml",
        "--output",
        "changed",
        "--cache",
        "s3://lab/cache",
    ];
    store.gloss(&third, &changed).succeeds();
    assert_ne!(results(&third.path("changed")), expected);
}

/// An encoder in the store has the rankings of the same one on this machine.
#[cfg(feature = "libtorch")]
#[test]
#[ignore = "needs moto"]
fn models_in_a_store_are_those_of_this_machine() {
    let store = Store::start();
    let model = repository("plugins/torch/encoder/tests/golden/fixtures/bert");
    for name in files(&model) {
        let content = fs::read(model.join(&name)).unwrap();
        store.put(&format!("lab/models/bert/{name}"), &content, "");
    }
    let place = stored();
    let run = |model: &str, output: &str| {
        let retriever = format!(
            "method.0={{ generator = \"lis\", retriever = {{ type = \"e5\", model = \"{model}\", prefix = \
             \"none\", device = \"cpu\" }} }}"
        );
        store
            .gloss(
                &place,
                &["run", "e.toml", "--set", &retriever, "--output", output],
            )
            .succeeds();
        results(&place.path(output))
    };
    let here = run(model.to_str().unwrap(), "here");
    assert_eq!(run("s3://lab/models/bert", "there"), here);
}

#[test]
#[ignore = "needs moto"]
fn a_killed_run_goes_on_and_leaves_the_same_bytes() {
    let store = Store::start();
    let place = stored();
    let mut command = place.command(&RUN);
    command
        .envs(store.environment())
        .stderr(Stdio::null())
        .stdout(Stdio::null());
    let mut process = command.spawn().unwrap();
    let begun = Instant::now();
    let partial = || {
        let files = files(&place.path(".gloss")).into_iter();
        files.filter(|name| name.contains(".partial/")).count() > 0
    };
    while !partial() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "nothing is generated"
        );
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_millis(500));
    process.kill().unwrap();
    assert!(!process.wait().unwrap().success());
    store.gloss(&place, &RUN).succeeds();
    assert_eq!(results(&place.path(MIRROR)), local());
}

#[test]
#[ignore = "needs moto"]
fn what_is_missing_or_damaged_in_a_store_is_named() {
    let store = Store::start();
    let set = |value: &str| {
        [
            "run".to_string(),
            "e.toml".into(),
            "--set".into(),
            value.into(),
        ]
    };
    for (value, parts) in [
        (
            "dataset.folder=s3://lab/nothing",
            ["there are no objects at", "s3://lab/nothing"],
        ),
        (
            "dataset.folder=s3://absent/shop",
            ["s3://absent/shop", "no such bucket"],
        ),
        (
            "dataset.folder=s3://",
            ["is not the address of objects", "expected s3://bucket/path"],
        ),
    ] {
        let args = set(value);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        store.gloss(&stored(), &args).fails(2, &parts);
    }
    store.put("lab/queries/q.json", b"[]", "x-amz-meta-blake3: 00\r\n");
    let damaged = store.gloss(&stored(), &["run", "e.toml"]);
    damaged.fails(
        3,
        &[
            "s3://lab/queries/q.json",
            "its content is not what its checksum says",
        ],
    );
    let place = stored();
    for args in [
        ["prepare", "amazon", "--output", "s3://lab/x"],
        ["report", "x", "--output", "s3://lab/x"],
    ] {
        store
            .gloss(&place, &args)
            .fails(2, &["an object store cannot be used here"]);
    }
}
