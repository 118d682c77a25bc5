//! A stage: a name, what it is made from, how it is made, and how it is read.

use std::collections::BTreeMap;
use std::path::Path;

use gloss_core::{Code, Identity, InputFile, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::program::program_hash;
use crate::shard::Shard;

/// A stage of a run or a training, whose result is cached. The driver does everything else: keys,
/// locks, interrupted work, checksums, durability and the rows of the manifest.
pub(crate) trait Stage {
    /// The result in memory.
    type Output;

    /// The name: a folder of the cache, and a row of the manifest.
    fn name(&self) -> &'static str;

    /// The treatment of an interrupted attempt.
    fn on_partial(&self) -> OnPartial {
        OnPartial::Restart
    }

    /// Everything that decides the result.
    fn provenance(&self) -> Result<Provenance>;

    /// Writes the result into `folder`, and returns it if it is in memory anyway.
    fn make(&self, folder: &Path) -> Result<Option<Self::Output>>;

    /// Reads the result from `folder`.
    fn read(&self, folder: &Path) -> Result<Self::Output>;
}

/// The treatment of an interrupted attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnPartial {
    /// It is removed.
    Restart,
    /// It is resumed.
    Resume,
}

/// Everything that decides an artefact, in named parts. Equal parts give an equal artefact.
#[derive(Debug, Clone, Default)]
pub(crate) struct Provenance {
    parts: BTreeMap<String, Value>,
    /// The files among them.
    inputs: Vec<InputFile>,
    /// The files of code among them.
    code: Vec<InputFile>,
}

impl Provenance {
    /// The provenance of a stage whose code has this fingerprint; `None` is replaced by the hash of the
    /// program.
    pub(crate) fn of_stage(fingerprint: Option<&str>) -> Self {
        let code = fingerprint.map_or_else(program_hash, str::to_string);
        Provenance::default().with("stage code", json!(code))
    }

    /// Adds a part.
    pub(crate) fn with(mut self, name: impl Into<String>, value: Value) -> Self {
        self.parts.insert(name.into(), value);
        self
    }

    /// Adds the shard, if it is one.
    pub(crate) fn with_shard(self, shard: Option<Shard>) -> Self {
        match shard {
            Some(shard) => self.with("shard", shard.provenance()),
            None => self,
        }
    }

    /// Adds options, code and machine of a component, as parts whose names begin with `of`.
    pub(crate) fn with_identity(mut self, of: &str, identity: &Identity) -> Self {
        for file in &identity.code.files {
            if !self.code.contains(file) {
                self.code.push(file.clone());
            }
        }
        let options = serde_json::from_str(&identity.options);
        let options = options.unwrap_or_else(|_| json!(identity.options));
        self = self
            .with(format!("{of} options"), options)
            .with(format!("{of} code"), describe_code(&identity.code));
        match identity.machine.is_empty() {
            true => self,
            false => self.with(format!("{of} machine"), json!(identity.machine)),
        }
    }

    /// Adds the content of files as the part `name`.
    pub(crate) fn with_files(mut self, name: impl Into<String>, files: Vec<InputFile>) -> Self {
        let hashes = describe_files(&files);
        for file in files {
            if !self.inputs.contains(&file) {
                self.inputs.push(file);
            }
        }
        self.with(name, hashes)
    }

    /// Adds all parts of another provenance, with a prefix before their names.
    pub(crate) fn with_all(mut self, prefix: &str, other: &Provenance) -> Self {
        for (name, value) in &other.parts {
            self = self.with(format!("{prefix}{name}"), value.clone());
        }
        let files = [
            (&mut self.inputs, &other.inputs),
            (&mut self.code, &other.code),
        ];
        for (own, others) in files {
            let new: Vec<InputFile> = others
                .iter()
                .filter(|file| !own.contains(file))
                .cloned()
                .collect();
            own.extend(new);
        }
        self
    }

    /// All parts, by name.
    pub(crate) fn parts(&self) -> &BTreeMap<String, Value> {
        &self.parts
    }

    /// The files.
    pub(crate) fn inputs(&self) -> &[InputFile] {
        &self.inputs
    }

    /// The files of code that is not compiled in.
    pub(crate) fn code(&self) -> &[InputFile] {
        &self.code
    }

    /// The key: a hash of all parts, in hexadecimal.
    pub(crate) fn key(&self, stage: &str) -> String {
        let text = json!({ "stage": stage, "parts": self.parts }).to_string();
        blake3::hash(text.as_bytes()).to_hex()[..32].to_string()
    }
}

/// The fingerprints of crates and the hashes of files of code.
fn describe_code(code: &Code) -> Value {
    let crates = code.crates.iter();
    let crates: BTreeMap<&String, String> = crates
        .map(|(name, print)| (name, print.clone().unwrap_or_else(program_hash)))
        .collect();
    match code.files.is_empty() {
        true => json!(crates),
        false => json!({ "crates": crates, "files": describe_files(&code.files) }),
    }
}

/// The names and hashes of files, in their order.
fn describe_files(files: &[InputFile]) -> Value {
    let name = |file: &InputFile| {
        let name = file.path.file_name();
        name.map(|name| name.to_string_lossy().into_owned())
    };
    let described = files.iter().map(|file| json!([name(file), file.blake3]));
    described.collect()
}

/// A stage of a run or a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRow {
    /// The stage's name.
    pub stage: String,
    /// The method that it ran for; `None` if for all.
    pub method: Option<String>,
    /// The key of its artefact.
    pub artefact: String,
    /// True if the artefact was in the cache.
    pub reused: bool,
    /// The reason why it was not reused: what differs from the most similar artefact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The time that it took, in seconds.
    pub seconds: f64,
}
