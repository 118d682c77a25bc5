//! The binary as a person runs it, in a folder of its own.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared by several test binaries, which fail by panicking"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with experiment and data, where `gloss` is run.
pub struct Place {
    folder: TempDir,
}

/// What a command left.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("{}", self.stderr))
    }

    /// Asserts that the command succeeded.
    #[track_caller]
    pub fn succeeds(&self) {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
    }

    /// Asserts the exit code and that standard error has all `parts`.
    #[track_caller]
    pub fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        for part in parts {
            let flat = self.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(flat.contains(part), "no `{part}` in:\n{}", self.stderr);
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Place {
    /// An empty folder.
    pub fn new() -> Self {
        Place {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gloss"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_remove("GLOSS_LOG")
            .env_remove("GLOSS_CACHE")
            .env_remove("GLOSS_PLUGINS");
        command
    }

    pub fn gloss(&self, args: &[&str]) -> Ran {
        self.command(args).output().unwrap().into()
    }

    /// Asserts that the experiment `e.toml` is refused with each of the settings, by a message with all
    /// of its parts, before any data are looked for.
    #[track_caller]
    pub fn refuses(&self, settings: &[(&str, &[&str])]) {
        for (setting, told) in settings {
            let nowhere = ["--set", "dataset.folder=nowhere", "--set", setting];
            self.gloss(&[&["run", "e.toml"][..], &nowhere].concat())
                .fails(2, told);
        }
    }

    /// A tiny shop in the Amazon 2014 layout, and the experiment `e.toml` on it.
    pub fn with_tiny_shop() -> Self {
        let place = Place::new();
        place.write("data/reviews_Tiny_5.json", REVIEWS);
        place.write("data/meta_Tiny.json", METADATA);
        place.write("e.toml", EXPERIMENT);
        place
    }

    /// Writes a program in Python that can be executed, and the examples' module for it.
    pub fn write_program(&self, name: &str, text: &str) {
        let helper = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/python/gloss.py");
        self.write("gloss.py", fs::read(helper).unwrap());
        self.write(name, text);
        #[cfg(unix)]
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        #[cfg(unix)]
        fs::set_permissions(self.path(name), executable).unwrap();
    }

    /// The tiny shop with programs in Python that can be executed, each a name and its text, and the
    /// examples' module for them.
    pub fn with_programs(programs: &[(&str, String)]) -> Self {
        let place = Place::with_tiny_shop();
        for (name, text) in programs {
            place.write_program(name, text);
        }
        place
    }
}

/// The folder in which cargo built this test.
pub fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// The profiles of this workspace as a configuration of cargo. Crates that are built with it use the
/// dependencies that were built here.
pub fn profiles() -> String {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let (_, profiles) = manifest.split_once("\n[profile.dev]").unwrap();
    let (profiles, _) = profiles.split_once("\n[package]").unwrap();
    format!("[profile.dev]{profiles}")
}

/// The library that `cargo build` makes of the crate in `folder`, a folder of this repository that
/// is not in its workspace, as that of a stranger would be.
pub fn library(folder: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Not needed, but there is nothing to download then.
    fs::copy(
        root.join("Cargo.lock"),
        root.join(folder).join("Cargo.lock"),
    )
    .unwrap();
    let config = Path::new(env!("CARGO_TARGET_TMPDIR")).join("profiles.toml");
    fs::write(&config, profiles()).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .arg("--config")
        .arg(config)
        .args(["build", "--message-format=json", "--manifest-path"])
        .arg(root.join(folder).join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", target());
    let output = cargo.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let lines = String::from_utf8(output.stdout).unwrap();
    let artefacts = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let mut files = artefacts.filter_map(|artefact: Value| {
        let is_library = artefact["target"]["kind"][0] == "cdylib";
        is_library.then(|| PathBuf::from(artefact["filenames"][0].as_str().unwrap()))
    });
    files.next().unwrap()
}

/// The names of the files below `folder`, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return names;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        match path.is_dir() {
            true => names.extend(files(&path).iter().map(|below| format!("{name}/{below}"))),
            false => names.push(name),
        }
    }
    names.sort();
    names
}

/// Packs text as gzip does.
pub fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// The text of a gzip file.
pub fn gunzip(packed: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(packed);
    decoder.read_to_string(&mut text).unwrap();
    text
}

/// The folder of real data.
pub fn real_data() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("GLOSS_TEST_DATA").map_or(default, PathBuf::from);
    let amazon = folder.join("amazon2014");
    assert!(
        amazon.is_dir(),
        "no folder {}; set GLOSS_TEST_DATA",
        amazon.display()
    );
    folder
}

pub const EXPERIMENT: &str = r#"
name = "tiny"
metrics = ["recall@2", "mrr"]
generator = "lis"
retriever = "bm25"

[dataset]
type = "amazon"
category = "Tiny"

[ranking]
seen = "exclude"
"#;

pub const REVIEWS: &str = r#"{"reviewerID": "A_1", "asin": "p1", "unixReviewTime": 86400, "overall": 5.0}
{"reviewerID": "A_1", "asin": "p2", "unixReviewTime": 172800, "overall": 4.0}
{"reviewerID": "A_1", "asin": "p3", "unixReviewTime": 259200, "overall": 5.0}
{"reviewerID": "B", "asin": "p2", "unixReviewTime": 86400, "overall": 5.0}
{"reviewerID": "B", "asin": "p4", "unixReviewTime": 172800, "overall": 5.0}
{"reviewerID": "B", "asin": "p1", "unixReviewTime": 259200, "overall": 5.0}
{"reviewerID": "C", "asin": "p3", "unixReviewTime": 86400, "overall": 5.0}
{"reviewerID": "C", "asin": "p1", "unixReviewTime": 172800, "overall": 5.0}
{"reviewerID": "C", "asin": "p4", "unixReviewTime": 259200, "overall": 5.0}
"#;

pub const METADATA: &str = r#"{'asin': 'p1', 'title': 'Rose soap, 100 g'}
{'asin': 'p2', 'title': "Lily's soap, 100 g"}
{'asin': 'p3', 'title': 'Lily candle'}
{'asin': 'p4', 'title': 'Rose candle'}
"#;

/// Reads a request of HTTP/1.1: its head and its body.
pub fn read_request(stream: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(found) = line.to_lowercase().strip_prefix("content-length:") {
            length = found.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}
