//! The retrievers of a Milvus server: what can be said without one, and, beside milvus-lite, that
//! their rankings are right when the server is killed. `.ci/servers` runs the latter with the Python
//! that has milvus-lite in `GLOSS_MILVUS`.
#![cfg(feature = "libtorch")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::env;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::Place;
use gloss as _;
use gloss_core::{Kind, Registry};
use gloss_engine::assert_invariants;
use serde_json::{Value, json};

const EXPERIMENT: &str = r#"
metrics = ["recall@5", "ndcg@10"]

[dataset]
type = "amazon"
category = "Shop"
folder = "SHOP"

[ranking]
cutoff = 20

[[method]]
name = "here"
generator = "lis"
retriever = { type = "e5", model = "MODEL", prefix = "none", device = "cpu" }

[[method]]
name = "there"
generator = "lis"

[method.retriever]
type = "milvus"
uri = "URI"
model = "MODEL"
prefix = "none"
device = "cpu"
load_batch = 5
search_batch = 7
concurrency = 2
"#;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn model() -> PathBuf {
    repository("plugins/torch/encoder/tests/golden/fixtures/bert")
}

fn place(uri: &str) -> Place {
    let place = Place::new();
    let experiment = EXPERIMENT
        .replace("SHOP", repository("examples/shop").to_str().unwrap())
        .replace("MODEL", model().to_str().unwrap())
        .replace("URI", uri);
    place.write("e.toml", experiment);
    place
}

#[test]
fn a_server_that_is_not_there_is_named_after_a_few_attempts() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let place = place(&format!("http://{closed}"));
    let few = ["run", "e.toml", "--set", "method.1.retriever.max_retries=1"];
    let parts = [
        &format!("http://{closed} (DescribeCollection)"),
        "refused",
        "after 2 attempts; once the server is there, the same command goes on",
    ];
    place.gloss(&few).fails(3, &parts);
    let wrong = [
        "run",
        "e.toml",
        "--set",
        "method.1.retriever.uri=localhost:19530",
    ];
    place.gloss(&wrong).fails(
        2,
        &["uri", "found `localhost:19530`", "http://127.0.0.1:19530"],
    );
}

/// A server of milvus-lite, which can be killed and started again.
struct Server {
    python: String,
    folder: PathBuf,
    port: u16,
    process: Child,
}

impl Server {
    fn start(folder: PathBuf) -> Self {
        let python =
            env::var("GLOSS_MILVUS").expect("GLOSS_MILVUS names a Python with milvus-lite");
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let process = Server::spawn(&python, &folder, port);
        Server {
            python,
            folder,
            port,
            process,
        }
    }

    fn spawn(python: &str, folder: &Path, port: u16) -> Child {
        let log = File::create(folder.with_extension("log")).unwrap();
        let mut command = Command::new(python);
        command
            .args(["-m", "milvus_lite.cmdline", "server", "--host", "127.0.0.1"])
            .args(["--port", &port.to_string(), "--data-dir"])
            .arg(folder)
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        let process = command.spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "no server");
            thread::sleep(Duration::from_millis(50));
        }
        process
    }

    /// Ends it without a chance to write anything, and starts it again on its data.
    fn restart(&mut self) {
        self.kill();
        thread::sleep(Duration::from_millis(700));
        self.process = Server::spawn(&self.python, &self.folder, self.port);
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Passes bytes on to a server, and once calls `at_limit` after so many that clients sent.
fn proxy(to: u16, limit: u64, at_limit: impl FnOnce() + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicU64::new(0));
    let act = Arc::new(Mutex::new(Some(at_limit)));
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            // A server that is away closes the connection.
            let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else {
                continue;
            };
            let (back, forth) = (
                (server.try_clone().unwrap(), client.try_clone().unwrap()),
                (client, server),
            );
            let (sent, act) = (sent.clone(), act.clone());
            thread::spawn(move || pass(back, |_| {}));
            thread::spawn(move || {
                pass(forth, |count| {
                    if sent.fetch_add(count, Ordering::SeqCst) + count >= limit
                        && let Some(act) = act.lock().unwrap().take()
                    {
                        act();
                    }
                });
            });
        }
    });
    uri
}

fn pass((mut from, mut to): (TcpStream, TcpStream), mut seen: impl FnMut(u64)) {
    let mut bytes = [0; 4096];
    while let Ok(count) = from.read(&mut bytes) {
        seen(count as u64);
        if count == 0 || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// The rankings of both methods are the same to the last digit.
fn agrees(place: &Place, run: &str) {
    let ranking = |method: &str| place.read(&format!("{run}/{method}/run.trec"));
    let (here, there) = (ranking("here"), ranking("there"));
    assert!(here.lines().count() > 100);
    let lines = here.lines().zip(there.lines());
    for (here, there) in lines {
        let own = |line: &str| line.rsplit_once(' ').unwrap().0.to_string();
        assert_eq!(own(here), own(there));
    }
    assert_eq!(here.lines().count(), there.lines().count());
}

#[test]
#[ignore = "needs milvus-lite"]
fn it_passes_the_conformance_tests_and_refuses_what_is_not_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path().join("data"));
    let registry = Registry::compiled_in().unwrap();
    let dense = json!({"uri": server.uri(), "model": model(), "prefix": "none", "device": "cpu"});
    for (name, options) in [
        ("milvus", dense.clone()),
        ("milvus-bm25", json!({"uri": server.uri()})),
    ] {
        let entry = registry.get(Kind::Retriever, name, "").unwrap();
        assert_invariants(entry, &options.to_string()).unwrap();
    }
    let place = place(&server.uri());
    let named = ["--set", "method.1.retriever.collection=mine"];
    place
        .gloss(&[&["run", "e.toml", "--output", "out"], &named[..]].concat())
        .succeeds();
    agrees(&place, "out");
    let metrics: Value = serde_json::from_str(&place.read("out/metrics.json")).unwrap();
    let statistics = metrics["methods"][1]["index"].to_string();
    for part in ["\"mine\"", "\"FLAT\"", "recall@10 against exact search"] {
        assert!(statistics.contains(part), "{statistics}");
    }
    let other = ["--set", "method.1.retriever.index_type=HNSW"];
    let ran = place.gloss(&[&["run", "e.toml"], &named[..], &other].concat());
    let parts = [
        "the collection `mine` is not the one that is needed here: its index_type is \"FLAT\" where \
         \"HNSW\" is needed",
        "give `collection` another name, or drop it",
    ];
    ran.fails(2, &parts);
}

#[test]
#[ignore = "needs milvus-lite"]
fn a_server_that_is_killed_while_it_loads_and_while_it_searches_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Arc::new(Mutex::new(Server::start(folder.path().join("data"))));
    let port = server.lock().unwrap().port;
    // The load of 144 items in batches of 5 sends some 30 kB, and the searches as much.
    for limit in [6_000, 20_000, 45_000, 60_000] {
        let killed = Arc::new(Mutex::new(false));
        let (at, mark) = (Arc::clone(&server), Arc::clone(&killed));
        let uri = proxy(port, limit, move || {
            at.lock().unwrap().restart();
            *mark.lock().unwrap() = true;
        });
        let place = place(&uri);
        let ran = place.gloss(&["run", "e.toml", "--output", "out"]);
        ran.succeeds();
        assert!(*killed.lock().unwrap(), "{limit} bytes were never sent");
        agrees(&place, "out");
    }
}

#[test]
#[ignore = "needs milvus-lite"]
fn a_run_that_lost_its_server_goes_on_when_it_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Arc::new(Mutex::new(Server::start(folder.path().join("data"))));
    let port = server.lock().unwrap().port;
    let at = Arc::clone(&server);
    let uri = proxy(port, 15_000, move || at.lock().unwrap().kill());
    let place = place(&uri);
    let run = ["run", "e.toml", "--output", "out"];
    let few = ["--set", "method.1.retriever.max_retries=1"];
    let lost = place.gloss(&[&run[..], &few].concat());
    lost.fails(
        3,
        &["after 2 attempts; once the server is there, the same command goes on"],
    );
    server.lock().unwrap().restart();
    place.gloss(&[&run[..], &few].concat()).succeeds();
    agrees(&place, "out");
}
