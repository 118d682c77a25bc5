//! Models, found by path or by their name on a hub.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, Result, read_limited};

/// The longest file of a model that is read whole, in bytes; weights are not.
const LONGEST: u64 = 1 << 30;
/// The folder of fetched models.
const MODELS: &str = "data/models";
/// The files that tell what a folder of a model holds: a whole model, or an adapter for one.
const CONFIGS: [&str; 2] = ["config.json", "adapter_config.json"];

/// The record of a fetched model in its folder. It is written last, so a model with a record is complete.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchedModel {
    /// The name on the hub: `organisation/name`.
    pub name: String,
    /// The revision that was asked for: a branch, a tag or a commit.
    pub revision: String,
    /// The commit that it was.
    pub commit: String,
    /// The files.
    pub files: Vec<ModelFile>,
}

/// A file of a fetched model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFile {
    /// Its path in the model's folder.
    pub path: String,
    /// Its length in bytes.
    pub bytes: u64,
}

impl FetchedModel {
    /// The name of the record file in a fetched model's folder.
    pub const FILE: &str = "gloss-model.json";

    /// Returns the record of the model that was fetched into `folder`; `None` if there is none.
    ///
    /// # Errors
    /// If the record cannot be read, or a file is not as long as it says.
    pub fn of(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(Self::FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("read", &path)(error)),
        };
        let model: FetchedModel = serde_json::from_slice(&bytes).map_err(|error| {
            Error::input(
                &path,
                format!(
                    "this is not a record of a fetched model ({error}); delete it to use the folder \
                     as it is"
                ),
            )
        })?;
        for file in &model.files {
            let path = folder.join(&file.path);
            let found = fs::metadata(&path).map_or(0, |metadata| metadata.len());
            if found != file.bytes {
                return Err(Error::Stale {
                    path,
                    message: format!(
                        "it is missing or not whole: it has {found} bytes, but {} were fetched; \
                         delete the folder and run `gloss fetch {}` again",
                        file.bytes, model.name
                    ),
                });
            }
        }
        Ok(Some(model))
    }

    /// Records what was fetched into `folder`.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join(Self::FILE);
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Error::Internal(error.to_string()))?;
        fs::write(&path, text + "\n").map_err(Error::io("write", &path))
    }
}

/// Reads a file of a model whole.
///
/// # Errors
/// If it cannot be read, has more than 1 GiB, or is a pointer of git-lfs in the place of the file.
pub fn read_model_file(path: &Path) -> Result<Vec<u8>> {
    let bytes = read_limited(path, LONGEST)?;
    match lfs_pointer(&bytes) {
        Some(message) => Err(Error::input(path, message)),
        None => Ok(bytes),
    }
}

/// The time that a tokenizer has for a short text, and the most tokens of it.
const PROBE: (Duration, usize) = (Duration::from_secs(10), 10_000);

/// Encodes a short text with the tokenizer of the file `path`, so that one that never ends, or makes
/// tokens without end, is an error before any work. `encode` returns the number of tokens.
///
/// # Errors
/// If it does not end in 10 seconds, or makes more than 10,000 tokens.
pub fn probe_tokenizer(
    path: &Path,
    encode: impl FnOnce(&str) -> usize + Send + 'static,
) -> Result<()> {
    let (sender, receiver) = mpsc::channel();
    // It cannot be stopped; the thread ends with the process.
    thread::spawn(move || sender.send(encode("Title: Lip balm, 2 x 30 ml\n")));
    let problem = match receiver.recv_timeout(PROBE.0) {
        Ok(tokens) if tokens <= PROBE.1 => return Ok(()),
        Ok(tokens) => format!("makes {tokens} tokens of a short text"),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            format!(
                "does not end within {} s on a short text",
                PROBE.0.as_secs()
            )
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => "panics on a short text".to_string(),
    };
    let message = format!("this is not a tokenizer that can be used: it {problem}");
    Err(Error::input(path, message))
}

/// An error message if the content of a file is a pointer of git-lfs: the text that a clone without
/// git-lfs has in the place of a large file.
pub fn lfs_pointer(content: &[u8]) -> Option<String> {
    const VERSION: &[u8] = b"version https://git-lfs.github.com/spec/";
    content.starts_with(VERSION).then(|| {
        "this is a pointer of git-lfs, not the file itself; run `git lfs install && git lfs pull` in \
         its folder, or get the model with `gloss fetch`"
            .to_string()
    })
}

/// Returns `true` if a text can be the name of a model on a hub: `organisation/name`, in letters, digits,
/// `-`, `_` and `.`, so that it is a safe path too.
pub fn is_hub_name(name: &str) -> bool {
    let safe = |part: &str| {
        let mut characters = part.chars();
        characters
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric() || first == '_')
            && characters.all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    name.split_once('/')
        .is_some_and(|(organisation, model)| safe(organisation) && safe(model))
}

/// Returns the folder of the fetched model of this name: `data/models/organisation/name`.
pub fn model_folder(name: &str) -> PathBuf {
    Path::new(MODELS).join(name)
}

/// The folder of a model: the folder itself if the text names one with a model in it, else that
/// of the fetched model of this name, else its latest version in the cache that the libraries of
/// Hugging Face share.
///
/// # Errors
/// If there is none: where it was looked for, and how to get it.
pub fn find_model(name_or_path: &str) -> Result<PathBuf> {
    find_below(Path::new(""), shared_cache().as_deref(), name_or_path)
}

/// The cache that the libraries of Hugging Face share, by the environment variables that they read:
/// `HF_HUB_CACHE`, else `hub` in `HF_HOME`, in `huggingface` in `XDG_CACHE_HOME`, or in
/// `~/.cache/huggingface`.
fn shared_cache() -> Option<PathBuf> {
    let variable = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    variable("HF_HUB_CACHE").or_else(|| {
        let home = variable("HF_HOME").or_else(|| {
            let caches = variable("XDG_CACHE_HOME")
                .or_else(|| variable("HOME").map(|home| home.join(".cache")));
            caches.map(|caches| caches.join("huggingface"))
        });
        home.map(|home| home.join("hub"))
    })
}

/// The folder of a model's version `main` in that cache, if it is there.
fn in_shared_cache(cache: &Path, name: &str) -> Option<PathBuf> {
    let model = cache.join(format!("models--{}", name.replace('/', "--")));
    let commit = fs::read_to_string(model.join("refs/main")).ok()?;
    let commit = commit.trim();
    let is_commit = !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| model.join("snapshots").join(commit))
}

fn find_below(base: &Path, cache: Option<&Path>, name_or_path: &str) -> Result<PathBuf> {
    let given = base.join(name_or_path);
    let fetched = base.join(model_folder(name_or_path));
    let hub = is_hub_name(name_or_path);
    let cached = cache
        .filter(|_| hub)
        .and_then(|cache| in_shared_cache(cache, name_or_path));
    for folder in [Some(&given), hub.then_some(&fetched), cached.as_ref()]
        .into_iter()
        .flatten()
    {
        if CONFIGS.iter().any(|name| folder.join(name).is_file()) {
            FetchedModel::of(folder)?;
            return Ok(folder.clone());
        }
    }
    let mut message = format!(
        "there is no model `{name_or_path}`: {} {}",
        given.display(),
        match given.is_dir() {
            true => "has neither a config.json nor an adapter_config.json",
            false => "is not a folder",
        }
    );
    message += &match hub {
        true => format!(
            ", it has not been fetched to {}, and the cache of Hugging Face does not have it; get it \
             by `gloss fetch {name_or_path}`",
            fetched.display()
        ),
        false => "; name a folder with a model, or a model of the hub as organisation/name".into(),
    };
    Err(Error::Usage(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn place(files: &[&str]) -> TempDir {
        let base = tempfile::tempdir().unwrap();
        for file in files {
            let path = base.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "{}").unwrap();
        }
        base
    }

    #[test]
    fn a_name_of_the_hub_is_a_safe_path() {
        for name in [
            "a/b",
            "HuggingFaceTB/SmolLM2-135M",
            "unsloth/Llama-3.2-1B_x",
        ] {
            assert!(is_hub_name(name), "{name}");
        }
        for name in [
            "a", "a/b/c", "../b", "a/..", "/b", "a/", "a/b c", "a\\b/c", ".a/b", "~/b",
        ] {
            assert!(!is_hub_name(name), "{name}");
        }
    }

    #[test]
    fn a_folder_goes_before_the_fetched_model_of_its_name() {
        let base = place(&["o/m/config.json", "data/models/o/m/config.json"]);
        let find = || find_below(base.path(), None, "o/m").unwrap();
        assert_eq!(find(), base.path().join("o/m"));
        fs::remove_file(base.path().join("o/m/config.json")).unwrap();
        assert_eq!(find(), base.path().join("data/models/o/m"));
    }

    #[test]
    fn a_model_of_the_shared_cache_is_found_after_all_others() {
        let base = place(&["hub/models--o--m/snapshots/c0ffee/config.json"]);
        let cache = base.path().join("hub");
        let find = || find_below(base.path(), Some(&cache), "o/m");
        assert!(find().is_err());
        fs::create_dir_all(cache.join("models--o--m/refs")).unwrap();
        fs::write(cache.join("models--o--m/refs/main"), "c0ffee\n").unwrap();
        let snapshot = cache.join("models--o--m/snapshots/c0ffee");
        assert_eq!(find().unwrap(), snapshot);
        fs::write(cache.join("models--o--m/refs/main"), "../../c0ffee").unwrap();
        assert!(find().is_err());
        fs::create_dir_all(base.path().join("o/m")).unwrap();
        fs::write(base.path().join("o/m/config.json"), "{}").unwrap();
        assert_eq!(find().unwrap(), base.path().join("o/m"));
    }

    #[test]
    fn an_adapter_is_found_too() {
        let base = place(&["mine/adapter_config.json"]);
        assert_eq!(
            find_below(base.path(), None, "mine").unwrap(),
            base.path().join("mine")
        );
    }

    #[test]
    fn without_a_model_both_places_are_told() {
        let base = place(&["o/m/README.md"]);
        let told = |name| {
            let message = find_below(base.path(), None, name).unwrap_err().to_string();
            message.replace(&base.path().display().to_string(), "BASE")
        };
        assert_eq!(
            told("o/m"),
            "there is no model `o/m`: BASE/o/m has neither a config.json nor an \
             adapter_config.json, it has not been fetched to BASE/data/models/o/m, and the cache of \
             Hugging Face does not have it; get it by `gloss fetch o/m`"
        );
        assert_eq!(
            told("nowhere"),
            "there is no model `nowhere`: BASE/nowhere is not a folder; name a folder with a model, \
             or a model of the hub as organisation/name"
        );
    }

    #[test]
    fn a_fetched_model_of_which_something_is_missing_is_refused() {
        let base = place(&[
            "data/models/o/m/config.json",
            "data/models/o/m/model.safetensors",
        ]);
        let folder = base.path().join("data/models/o/m");
        let file = |path: &str| ModelFile {
            path: path.into(),
            bytes: 2,
        };
        let model = FetchedModel {
            name: "o/m".into(),
            revision: "main".into(),
            commit: "c0ffee".into(),
            files: vec![file("config.json"), file("model.safetensors")],
        };
        model.write(&folder).unwrap();
        assert_eq!(find_below(base.path(), None, "o/m").unwrap(), folder);
        assert_eq!(FetchedModel::of(&folder).unwrap(), Some(model));
        fs::write(folder.join("model.safetensors"), "").unwrap();
        let message = find_below(base.path(), None, "o/m")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("it has 0 bytes, but 2 were fetched"),
            "{message}"
        );
        fs::remove_file(folder.join("model.safetensors")).unwrap();
        assert!(find_below(base.path(), None, "o/m").is_err());
        fs::write(folder.join(FetchedModel::FILE), "[]").unwrap();
        let message = find_below(base.path(), None, "o/m")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("this is not a record of a fetched model"),
            "{message}"
        );
    }
}
