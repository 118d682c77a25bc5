//! `gloss log` as users run it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;

use common::{Place, files, read_request};
use serde_json::Value;

fn with_run() -> Place {
    let place = Place::with_tiny_shop();
    place
        .gloss(&["run", "e.toml", "--output", "out"])
        .succeeds();
    place
}

#[test]
fn a_run_is_logged_to_a_folder_once() {
    let place = with_run();
    let log = ["log", "out", "--uri", "tracked", "--json"];
    let told = place.gloss(&log).json();
    assert_eq!(told["runs"][0]["method"], "lis+bm25");
    let before = files(&place.path("tracked"));
    let value = |name: &str| {
        let found = before.iter().find(|file| file.ends_with(name));
        place.read(&format!(
            "tracked/{}",
            found.unwrap_or_else(|| panic!("no {name} in {before:?}"))
        ))
    };
    assert_eq!(value("params/retriever.type"), "bm25");
    let metrics: Value = serde_json::from_str(&place.read("out/metrics.json")).unwrap();
    let recall = metrics["methods"][0]["metrics"][0]["value"]
        .as_f64()
        .unwrap();
    let line = value("metrics/recall_at_2");
    assert_eq!(
        line.split(' ').nth(1).unwrap().parse::<f64>().unwrap(),
        recall
    );
    assert_eq!(place.gloss(&log).json(), told);
    assert_eq!(files(&place.path("tracked")), before);
    place
        .gloss(&["log", "out", "--uri", "ftp://x"])
        .fails(2, &["`ftp://x`", "http"]);
}

#[test]
fn a_run_is_logged_to_event_files_and_offline_runs_once() {
    let place = with_run();
    for (tracker, name, content) in [
        (
            "tensorboard",
            "tiny/lis+bm25/events.out.tfevents.gloss",
            "brain.Event:2",
        ),
        ("wandb", ".wandb", "retriever.type"),
    ] {
        let log = [
            "log",
            "out",
            "--tracker",
            tracker,
            "--uri",
            "tracked",
            "--json",
        ];
        let told = place.gloss(&log).json();
        let before = files(&place.path("tracked"));
        let path = before.iter().find(|file| file.ends_with(name));
        let path = path.unwrap_or_else(|| panic!("no {name} in {before:?}"));
        let bytes = std::fs::read(place.path(&format!("tracked/{path}"))).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.contains(content) && text.contains("recall_at_2"),
            "{text}"
        );
        assert_eq!(place.gloss(&log).json(), told);
        assert_eq!(files(&place.path("tracked")), before);
        std::fs::remove_dir_all(place.path("tracked")).unwrap();
    }
    let server = ["log", "out", "--tracker", "wandb", "--uri", "https://x"];
    place.gloss(&server).fails(2, &["give a folder"]);
}

/// `GLOSS_TRACKERS` is the Python that has wandb and tensorboard.
#[test]
#[ignore = "needs wandb and tensorboard"]
fn tracker_packages_themselves_read_what_is_logged() {
    let place = with_run();
    let python = std::env::var("GLOSS_TRACKERS").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/trackers.py");
    let read = |path: &str| -> Value {
        let mut command = Command::new(&python);
        let output = command
            .args([script, &place.path(path).display().to_string()])
            .output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    };
    for tracker in ["tensorboard", "wandb"] {
        let log = ["log", "out", "--tracker", tracker, "--uri", tracker];
        place.gloss(&log).succeeds();
    }
    let metrics: Value = serde_json::from_str(&place.read("out/metrics.json")).unwrap();
    let recall = metrics["methods"][0]["metrics"][0]["value"]
        .as_f64()
        .unwrap();
    let events = read("tensorboard");
    let written = events["scalars"]["recall_at_2"].as_f64().unwrap();
    assert!((written - recall).abs() < 1e-6);
    let log = files(&place.path("wandb"));
    let log = log.iter().find(|file| file.ends_with(".wandb")).unwrap();
    let run = read(&format!("wandb/{log}"));
    assert_eq!(run["name"], "lis+bm25");
    assert_eq!(run["config"]["retriever.type"], "bm25");
    for place in ["summary", "history"] {
        assert_eq!(run[place]["recall_at_2"].as_f64().unwrap(), recall);
    }
    assert_eq!(run["exit_code"], 0);
}

/// Answers each request with a status and a body, and returns what was asked.
fn server(answers: Vec<(u16, &'static str)>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let answer = |(status, body): (u16, &str)| {
            let (mut stream, _) = listener.accept().unwrap();
            let (head, sent) = read_request(&stream);
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 {status} x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
            .unwrap();
            format!(
                "{} {}",
                head.lines().next().unwrap(),
                String::from_utf8(sent).unwrap()
            )
        };
        answers.into_iter().map(answer).collect()
    });
    (uri, asked)
}

#[test]
fn a_servers_refusal_is_told_in_its_words() {
    let place = with_run();
    let (uri, asked) = server(vec![
        (404, "{}"),
        (500, r#"{"message": "the disk is full"}"#),
    ]);
    place
        .gloss(&["log", "out", "--uri", &uri])
        .fails(3, &["experiments/create with 500: the disk is full"]);
    let asked = asked.join().unwrap();
    assert!(
        asked[0].starts_with("GET /api/2.0/mlflow/experiments/get-by-name?experiment_name=tiny "),
        "{asked:?}"
    );
    assert!(asked[1].ends_with(r#"{"name":"tiny"}"#), "{asked:?}");
}

/// A real server and MLflow's own reader of its folders. `GLOSS_MLFLOW` is the Python that has it.
#[test]
#[ignore = "needs mlflow"]
fn mlflow_itself_reads_what_is_logged() {
    let place = with_run();
    let python = std::env::var("GLOSS_MLFLOW").unwrap_or_else(|_| "python3".into());
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
        .to_string();
    let uri = format!("http://127.0.0.1:{port}");
    let mut server = Command::new(&python)
        .args([
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--port",
            &port,
        ])
        .args([
            "--backend-store-uri",
            "sqlite:///server.db",
            "--workers",
            "1",
        ])
        .current_dir(place.path("."))
        .process_group(0)
        .spawn()
        .unwrap();
    let up = (0..600).any(|_| {
        thread::sleep(std::time::Duration::from_millis(200));
        std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok()
    });
    assert!(up, "the server did not start");
    let read = |uri: &str| {
        let script = "import mlflow, sys, json; mlflow.set_tracking_uri(sys.argv[1]); \
                      runs = mlflow.search_runs(experiment_names=['tiny']); print(runs.to_json(orient='records'))";
        let output = Command::new(&python)
            .args(["-c", script, uri])
            .env("MLFLOW_ALLOW_FILE_STORE", "true")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let rows: Value = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        rows[0].clone()
    };
    let logged = place.gloss(&["log", "out", "--uri", &uri]);
    let of_server = (logged.code == Some(0)).then(|| read(&uri));
    // The server has workers of its own.
    let group = format!("-{}", server.id());
    Command::new("kill")
        .args(["-KILL", "--", &group])
        .status()
        .unwrap();
    let _ = server.wait();
    let of_server = of_server.unwrap_or_else(|| panic!("{}", logged.stderr));
    place.gloss(&["log", "out", "--uri", "tracked"]).succeeds();
    let of_folder = read(place.path("tracked").to_str().unwrap());
    for row in [of_server, of_folder] {
        assert_eq!(row["params.retriever.type"], "bm25", "{row}");
        assert_eq!(row["status"], "FINISHED");
        assert!(row["metrics.recall_at_2"].is_number(), "{row}");
        assert_eq!(row["tags.mlflow.runName"], "lis+bm25");
    }
}
