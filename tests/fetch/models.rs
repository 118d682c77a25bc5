//! Models, from a server that speaks as the Hugging Face hub does.

use std::fs;

use serde_json::{Value, json};

use super::{Folder, Run, content, starts};
use crate::server::{Behaviour, Server};

const API: &str = "/api/models/org/tiny/revision/main?blobs=true";
const API_V1: &str = "/api/models/org/tiny/revision/v1?blobs=true";
const COMMIT: &str = "c0ffee0123456789c0ffee0123456789c0ffee01";
const CONFIG: &str = "/org/tiny/resolve/c0ffee0123456789c0ffee0123456789c0ffee01/config.json";
const POOLING: &str =
    "/org/tiny/resolve/c0ffee0123456789c0ffee0123456789c0ffee01/1_Pooling/config.json";
const WEIGHTS: &str =
    "/org/tiny/resolve/c0ffee0123456789c0ffee0123456789c0ffee01/model.safetensors";

/// What the hub tells of a model with these files.
fn information(files: &[&str], gated: Value) -> Vec<u8> {
    let siblings: Vec<Value> = files
        .iter()
        .map(|file| json!({ "rfilename": file }))
        .collect();
    json!({ "id": "org/tiny", "sha": COMMIT, "gated": gated, "siblings": siblings })
        .to_string()
        .into_bytes()
}

/// A safetensors file of 200,000 bytes.
fn weights() -> Vec<u8> {
    let header = |end: usize| {
        let tensor = json!({ "dtype": "U8", "shape": [end], "data_offsets": [0, end] });
        json!({ "a": tensor }).to_string()
    };
    let length = header(100_000).len();
    let end = 200_000 - 8 - length;
    let header = header(end);
    assert_eq!(header.len(), length);
    let bytes = (length as u64).to_le_bytes();
    [&bytes[..], header.as_bytes(), &content(7, end)].concat()
}

fn hub() -> Behaviour {
    let files = [
        "README.md",
        "config.json",
        "model.safetensors",
        "model.bin",
        "1_Pooling/config.json",
    ];
    Behaviour::good([
        (API, information(&files, json!(false))),
        (API_V1, information(&files, json!(false))),
        (CONFIG, b"{}".to_vec()),
        (POOLING, b"{ }".to_vec()),
        (WEIGHTS, weights()),
    ])
}

fn gated_hub() -> Behaviour {
    let mut behaviour = hub();
    let files = ["config.json", "model.safetensors"];
    behaviour
        .files
        .insert(API.into(), information(&files, json!("manual")));
    behaviour.token = Some(("/org/tiny/resolve/", "secret"));
    behaviour
}

fn fetch(folder: &Folder, server: &Server, name: &str, token: Option<&str>) -> Run {
    let mut command = folder.gloss();
    command
        .args(["fetch", name, "--json"])
        .env("HF_ENDPOINT", server.url());
    command.envs(token.map(|token| ("HF_TOKEN", token)));
    Run::of(&mut command)
}

fn told(run: &Run, server: &Server) -> String {
    let error: Value = serde_json::from_str(run.stderr.trim()).unwrap();
    let message = error["error"]["message"]
        .as_str()
        .or(error["error"].as_str());
    message.unwrap_or(&run.stderr).replace(&server.url(), "HUB")
}

fn assert_complete(folder: &Folder) {
    let read = |name: &str| fs::read(folder.path("models/org/tiny").join(name)).unwrap();
    assert_eq!(read("config.json"), b"{}");
    assert_eq!(read("1_Pooling/config.json"), b"{ }");
    assert!(read("model.safetensors") == weights());
    let record: Value = serde_json::from_slice(&read("gloss-model.json")).unwrap();
    assert_eq!(
        record,
        json!({
            "name": "org/tiny", "revision": "main", "commit": COMMIT,
            "files": [
                { "path": "1_Pooling/config.json", "bytes": 3 },
                { "path": "config.json", "bytes": 2 },
                { "path": "model.safetensors", "bytes": 200_000 },
            ],
        })
    );
    let beside = fs::read_dir(folder.path("models/org")).unwrap().count();
    assert_eq!(beside, 1, "something was left beside the model");
}

#[test]
fn a_model_is_fetched_by_name_and_only_checked_from_then_on() {
    let (server, folder) = (Server::start(hub()), Folder::new());
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.outcomes(), ["downloaded"; 3]);
    assert!(
        run.stdout
            .contains("data/models/org/tiny/model.safetensors"),
        "{}",
        run.stdout
    );
    assert_complete(&folder);
    let paths: Vec<String> = server
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(paths, [API, POOLING, CONFIG, WEIGHTS]);

    for name in ["org/tiny", "org/tiny@main", &format!("org/tiny@{COMMIT}")] {
        assert_eq!(
            fetch(&folder, &server, name, None).outcomes(),
            ["unchanged"; 3]
        );
    }
    assert!(server.requests().is_empty(), "what is here needs no hub");

    let other = fetch(&folder, &server, "org/tiny@v1", None);
    assert_eq!(other.code, 2);
    insta::assert_snapshot!(told(&other, &server), @r"data/models/org/tiny: this is org/tiny at revision main, commit c0ffee0123456789c0ffee0123456789c0ffee01; move it away to fetch revision v1");
    fs::write(folder.path("models/org/tiny/config.json"), "{").unwrap();
    let damaged = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(damaged.code, 2);
    insta::assert_snapshot!(told(&damaged, &server), @r"data/models/org/tiny/config.json: it is missing or not whole: it has 1 bytes, but 2 were fetched; delete the folder and run `gloss fetch org/tiny` again");
}

#[test]
fn half_a_model_has_no_name_and_is_gone_on_with() {
    let mut behaviour = hub();
    behaviour.cut = Some(30_000);
    let (server, folder) = (Server::start(behaviour), Folder::new());
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.code, 3);
    assert!(!folder.path("models/org/tiny").exists());
    server.requests();
    server.change(|behaviour| behaviour.cut = None);
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.outcomes(), ["unchanged", "unchanged", "downloaded"]);
    let requests = server.requests();
    assert_eq!(starts(&requests), [(API, None), (WEIGHTS, Some(120_000))]);
    assert_complete(&folder);
}

#[test]
fn a_token_is_shown_to_the_hub_and_not_to_the_store_that_it_refers_to() {
    let store = Server::start(hub());
    let mut behaviour = gated_hub();
    // Another host, as far as names tell.
    behaviour.redirect = Some((WEIGHTS, store.url().replace("127.0.0.1", "localhost")));
    let (server, folder) = (Server::start(behaviour), Folder::new());
    let run = fetch(&folder, &server, "org/tiny", Some("secret"));
    assert_eq!(run.outcomes(), ["downloaded"; 2]);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(request.headers["authorization"], "Bearer secret");
    }
    let requests = store.requests();
    assert_eq!(starts(&requests), [(WEIGHTS, None)]);
    assert!(!requests[0].headers.contains_key("authorization"));
}

#[test]
fn a_gated_model_is_told_with_what_to_do() {
    let (server, folder) = (Server::start(gated_hub()), Folder::new());
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.code, 3);
    insta::assert_snapshot!(told(&run, &server), @r"
    cannot download HUB/org/tiny/resolve/c0ffee0123456789c0ffee0123456789c0ffee01/config.json: the server answers 401 Unauthorized. If it asks for it, accept the model's licence at HUB/org/tiny, and run `hf auth login`, or set HF_TOKEN to a token of an account that may read it (made at HUB/settings/tokens)
    The files can come from elsewhere too; put config.json, tokenizer.json, all other .json files and all .safetensors files where they belong, or name a mirror with --from:
      HUB/org/tiny/tree/main
        -> data/models/org/tiny
    ");
    let run = fetch(&folder, &server, "org/tiny", Some("another"));
    assert!(
        told(&run, &server)
            .contains("403 Forbidden. If it asks for it, accept the model's licence")
    );

    server.change(|behaviour| behaviour.token = Some(("/api/", "secret")));
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.code, 3);
    insta::assert_snapshot!(told(&run, &server), @r"
    HUB shows no model org/tiny without a token (it answers 401 Unauthorized): the name is wrong, or the model is private or gated. If it asks for it, accept the model's licence at HUB/org/tiny, and run `hf auth login`, or set HF_TOKEN to a token of an account that may read it (made at HUB/settings/tokens)
    The files can come from elsewhere too; put config.json, tokenizer.json, all other .json files and all .safetensors files where they belong, or name a mirror with --from:
      HUB/org/tiny/tree/main
        -> data/models/org/tiny
    ");
}

#[test]
fn a_model_or_revision_that_the_hub_lacks_is_named() {
    let (server, folder) = (Server::start(hub()), Folder::new());
    let run = fetch(&folder, &server, "org/tiny@v9", None);
    assert_eq!(run.code, 2);
    insta::assert_snapshot!(told(&run, &server), @r"HUB has no model org/tiny with a revision v9; a model is named as organisation/name, or organisation/name@revision");
    server.change(|behaviour| {
        let files = ["config.json", "pytorch_model.bin"];
        behaviour
            .files
            .insert(API.into(), information(&files, json!(false)));
    });
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.code, 2);
    insta::assert_snapshot!(told(&run, &server), @r"the model org/tiny has no weights in the format safetensors, which is the one that gloss reads; see HUB/org/tiny");
    let run = fetch(&folder, &server, "org/../tiny", None);
    assert_eq!(run.code, 2);
    assert!(told(&run, &server).starts_with("`org/../tiny` is not the name of a model"));
}

#[test]
fn without_the_hub_it_says_which_files_to_put_where() {
    let folder = Folder::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut command = folder.gloss();
    command.args(["fetch", "org/tiny", "--from", &url]);
    let run = Run::of(&mut command);
    assert_eq!(run.code, 3);
    insta::assert_snapshot!(run.stderr.replace(&url, "HUB"), @r"
    error: cannot ask HUB: Connection refused (os error 111)
    The files can come from elsewhere too; put config.json, tokenizer.json, all other .json files and all .safetensors files where they belong, or name a mirror with --from:
      HUB/org/tiny/tree/main
        -> data/models/org/tiny
    ");
    assert!(!folder.path("models").exists());
}

#[test]
fn a_folder_that_was_put_there_by_hand_is_left_as_it_is() {
    let (server, folder) = (Server::start(hub()), Folder::new());
    fs::create_dir_all(folder.path("models/org/tiny")).unwrap();
    fs::write(folder.path("models/org/tiny/config.json"), "mine").unwrap();
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.code, 2);
    assert!(
        told(&run, &server).contains("is not one that was fetched"),
        "{}",
        run.stderr
    );
    assert_eq!(
        fs::read(folder.path("models/org/tiny/config.json")).unwrap(),
        b"mine"
    );
}

/// The description of a hub that knows the size and the hash of its weights.
fn described(size: usize, sha256: &str) -> Vec<u8> {
    let files = json!([
        { "rfilename": "config.json", "size": 2 },
        { "rfilename": "model.safetensors", "lfs": { "sha256": sha256, "size": size } },
    ]);
    json!({ "sha": COMMIT, "gated": false, "siblings": files })
        .to_string()
        .into_bytes()
}

#[test]
fn a_page_in_the_place_of_a_file_is_never_a_model() {
    let (server, folder) = (Server::start(hub()), Folder::new());
    server.change(|behaviour| {
        let page = b"<html>please log in</html>".to_vec();
        behaviour.files.insert(WEIGHTS.into(), page);
    });
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.code, 3);
    let message = told(&run, &server);
    assert!(
        message.contains("it is a web page, such as one to log in"),
        "{message}"
    );
    assert!(!folder.path("models/org/tiny").exists());
    server.change(|behaviour| *behaviour = hub());
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.outcomes(), ["unchanged", "unchanged", "downloaded"]);
    assert_complete(&folder);
}

#[test]
fn a_broken_file_of_a_model_that_is_here_is_not_called_unchanged() {
    let (server, folder) = (Server::start(hub()), Folder::new());
    assert_eq!(fetch(&folder, &server, "org/tiny", None).code, 0);
    // As a version without checks would have kept it.
    let (weights, record) = (
        folder.path("models/org/tiny/model.safetensors"),
        "gloss-model.json",
    );
    fs::write(&weights, "<html>").unwrap();
    let hash = blake3::hash(b"<html>").to_hex();
    fs::write(
        weights.with_extension("safetensors.blake3"),
        format!("{hash}  x\n"),
    )
    .unwrap();
    let record = folder.path("models/org/tiny").join(record);
    let text = fs::read_to_string(&record).unwrap().replace("200000", "6");
    fs::write(&record, text).unwrap();
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.code, 2);
    assert!(
        told(&run, &server).contains("it is a web page"),
        "{}",
        run.stderr
    );
}

#[test]
fn sizes_and_hashes_that_the_hub_states_are_checked() {
    let hash = "0".repeat(64);
    for (size, message) in [
        (199_999, "it has 200000 bytes, but the server says 199999"),
        (200_000, "but the server says 0000"),
    ] {
        let (server, folder) = (Server::start(hub()), Folder::new());
        server.change(|behaviour| {
            behaviour.files.insert(API.into(), described(size, &hash));
        });
        let run = fetch(&folder, &server, "org/tiny", None);
        assert_eq!(run.code, 3);
        assert!(told(&run, &server).contains(message), "{}", run.stderr);
        assert!(!folder.path("models/org/tiny").exists());
    }
}

#[test]
fn a_busy_hub_is_asked_again() {
    for head in [
        "429 Too Many Requests\r\nRetry-After: 1",
        "503 Service Unavailable",
    ] {
        let mut behaviour = hub();
        behaviour.busy_head = head;
        behaviour.busy.store(2, std::sync::atomic::Ordering::SeqCst);
        let (server, folder) = (Server::start(behaviour), Folder::new());
        assert_eq!(
            fetch(&folder, &server, "org/tiny", None).outcomes(),
            ["downloaded"; 3]
        );
        assert_eq!(server.requests().len(), 6);
        assert_complete(&folder);
    }
    let mut behaviour = hub();
    behaviour.busy_head = "429 Too Many Requests\r\nRetry-After: 4000";
    behaviour.busy.store(1, std::sync::atomic::Ordering::SeqCst);
    let (server, folder) = (Server::start(behaviour), Folder::new());
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.code, 3);
    assert!(
        told(&run, &server).contains("429 Too Many Requests"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_token_of_a_login_is_used_and_trimmed() {
    let (server, folder) = (Server::start(gated_hub()), Folder::new());
    fs::create_dir_all(folder.path("../hf")).unwrap();
    fs::write(folder.path("../hf/token"), "secret\n").unwrap();
    assert_eq!(
        fetch(&folder, &server, "org/tiny", None).outcomes(),
        ["downloaded"; 2]
    );
    let folder = Folder::new();
    let run = fetch(&folder, &server, "org/tiny", Some(" secret\n"));
    assert_eq!(run.outcomes(), ["downloaded"; 2]);
    let run = fetch(&Folder::new(), &server, "org/tiny", Some("secr\u{e9}t"));
    assert_eq!(run.code, 2);
    assert!(
        told(&run, &server).contains("the token in HF_TOKEN holds 'é'"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_commit_that_is_none_is_refused() {
    let (server, folder) = (Server::start(hub()), Folder::new());
    server.change(|behaviour| {
        let text = information(&["config.json", "model.safetensors"], json!(false));
        let text = String::from_utf8(text)
            .unwrap()
            .replace(COMMIT, "../../../../etc");
        behaviour.files.insert(API.into(), text.into_bytes());
    });
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.code, 3);
    assert!(
        told(&run, &server).contains("expected 40 hexadecimal digits"),
        "{}",
        run.stderr
    );
}

#[test]
fn files_in_the_shared_cache_are_copied() {
    let (server, folder) = (Server::start(hub()), Folder::new());
    let snapshot = folder.path(&format!("../hf/hub/models--org--tiny/snapshots/{COMMIT}"));
    fs::create_dir_all(&snapshot).unwrap();
    fs::write(snapshot.join("model.safetensors"), weights()).unwrap();
    let run = fetch(&folder, &server, "org/tiny", None);
    assert_eq!(run.outcomes(), ["downloaded", "downloaded", "copied"]);
    assert_complete(&folder);
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.path != WEIGHTS)
    );
}

const TREE: &str = "/api/datasets/org/shop/tree/v1?recursive=true";
const SHOP: &str = "/datasets/org/shop/resolve/v1/tables/";

/// A data set of the example shop, as the hub lists it.
fn dataset_hub() -> Behaviour {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/shop");
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let (items, reviews) = (read("meta_Shop.json.gz"), read("reviews_Shop_5.json.gz"));
    let sha256 = <sha2::Sha256 as sha2::Digest>::digest(&items);
    let sha256: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    let tree = json!([
        {"type": "directory", "path": "tables", "oid": "0"},
        {"type": "file", "path": "README.md", "size": 7, "oid": "1"},
        {"type": "file", "path": "tables/meta_Shop.json.gz", "size": items.len(), "oid": "2",
            "lfs": {"oid": sha256, "size": items.len(), "pointerSize": 130}},
        {"type": "file", "path": "tables/reviews_Shop_5.json.gz", "size": reviews.len(), "oid": "3"},
    ]);
    let mut behaviour = Behaviour::good([(TREE, tree.to_string().into_bytes())]);
    for (name, body) in [
        ("meta_Shop.json.gz", items),
        ("reviews_Shop_5.json.gz", reviews),
    ] {
        behaviour.files.insert(format!("{SHOP}{name}"), body);
    }
    behaviour
}

#[test]
fn an_experiment_reads_a_dataset_of_the_hub() {
    let (server, folder) = (Server::start(dataset_hub()), Folder::new());
    let run = |address: &str, output: &str| {
        let mut command = folder.gloss();
        command.args([
            "run",
            "--dataset",
            "amazon",
            "--generator",
            "lis",
            "--retriever",
            "bm25",
        ]);
        command.args([
            "--set",
            "dataset.category=Shop",
            "--metric",
            "recall@5",
            "--json",
        ]);
        command.args([
            "--set",
            &format!("dataset.folder={address}"),
            "--output",
            output,
        ]);
        Run::of(command.env("HF_ENDPOINT", server.url()))
    };
    let first = run("hf://datasets/org/shop@v1/tables", "out");
    assert_eq!(first.code, 0, "{}", first.stderr);
    let asked = server.requests();
    assert_eq!(
        asked.len(),
        3,
        "what is not below the path is not asked for"
    );
    let again = run("hf://datasets/org/shop@v1/tables", "again");
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(server.requests().len(), 1, "what is here is verified");

    let other = run("hf://datasets/org/shop@v1/others", "others");
    assert_eq!(other.code, 2);
    assert!(told(&other, &server).contains("has no file or folder `others` at revision v1"));
    server.change(|behaviour| {
        behaviour
            .files
            .insert(format!("{SHOP}meta_Shop.json.gz"), content(3, 500));
    });
    let misplaced = run("hf://datasets/org/shop@v1/tables", "hf://datasets/org/out");
    assert_eq!(misplaced.code, 2);
    assert!(told(&misplaced, &server).contains("is an address of the hub"));
    let fresh = Folder::new();
    let mut command = fresh.gloss();
    command.args([
        "prepare",
        "amazon",
        "--output",
        "x",
        "--set",
        "category=Shop",
        "--json",
        "--set",
    ]);
    command.arg("folder=hf://datasets/org/shop@v1/tables");
    let damaged = Run::of(command.env("HF_ENDPOINT", server.url()));
    assert_eq!(damaged.code, 3);
    assert!(told(&damaged, &server).contains("it has 500 bytes, but the server says"));
}
