//! Artefacts on disk, each in a folder named by the hash of what it was made from.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::config::describe_component;
use crate::content::hash_file;
use crate::{Component, Context, Error, Result, Unit};

/// The file in an artefact's folder that says what it was made from.
const MADE_FROM: &str = "made-from.json";

/// A place for artefacts that can be made again. An artefact appears whole or not at all, and is
/// found again only by what made it: content of files, options, versions.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// An artefact in a [`Store`].
#[derive(Debug, Clone)]
pub struct Artefact {
    /// Where it is.
    pub folder: PathBuf,
    /// The hash of what it was made from.
    pub key: String,
    /// Whether it was there already.
    pub reused: bool,
    /// How long it took to find or to make, in seconds.
    pub seconds: f64,
}

/// What happens to the remains of an attempt that was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Remains {
    /// They are removed, and the work starts anew.
    Remove,
    /// They are kept, and the work goes on from them.
    Continue,
}

impl Store {
    /// The artefacts under `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Store { root: root.into() }
    }

    /// The folder of all artefacts.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Waits until no other process has the lock `name`, and has it until the answer is dropped or
    /// the process ends, however it ends. A file system without locks is worked on without.
    fn lock(&self, name: &str, context: &Context) -> Result<File> {
        let locks = self.root.join("locks");
        create_folder(&locks)?;
        let path = locks.join(name);
        let file = File::create(&path).map_err(Error::io("write", &path))?;
        wait_for(&file, context)?;
        Ok(file)
    }

    /// Finds the artefact of `stage` that was made from `made_from`, or has `make` write it into
    /// a folder. Two processes that want the same one wait for each other.
    pub(crate) fn obtain(
        &self,
        stage: &str,
        made_from: Value,
        remains: Remains,
        context: &Context,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<Artefact> {
        let start = Instant::now();
        let made_from = json!({ "build": build(), "stage": stage, "from": made_from });
        let key = hash(&made_from);
        let folder = self.root.join(stage).join(&key);
        let artefact = |reused| Artefact {
            folder: folder.clone(),
            key: key.clone(),
            reused,
            seconds: start.elapsed().as_secs_f64(),
        };
        if is_made(&folder, &made_from)? {
            tracing::info!(stage, key, "found");
            return Ok(artefact(true));
        }
        let _lock = self.lock(&key, context)?;
        if is_made(&folder, &made_from)? {
            return Ok(artefact(true));
        }
        let partial = self.root.join(stage).join(format!("{key}.partial"));
        if remains == Remains::Remove {
            remove_folder(&partial)?;
        }
        create_folder(&partial)?;
        make(&partial)?;
        write_json(&partial.join(MADE_FROM), &made_from)?;
        fs::rename(&partial, &folder).map_err(Error::io("move into place", &partial))?;
        let made = artefact(false);
        tracing::info!(stage, key, seconds = made.seconds, "made");
        Ok(made)
    }
}

/// The version of gloss.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The code that makes artefacts, part of their identity: the hash of the running program, so that
/// a component that was changed and built again never meets what it made before. The version where
/// the program cannot be read.
pub(crate) fn build() -> &'static str {
    static BUILD: OnceLock<String> = OnceLock::new();
    BUILD.get_or_init(|| {
        let mut hasher = blake3::Hasher::new();
        let hashed = std::env::current_exe().and_then(|program| {
            hasher.update_mmap_rayon(program)?;
            Ok(hasher.finalize().to_hex()[..16].to_string())
        });
        hashed.unwrap_or_else(|_| VERSION.to_string())
    })
}

/// Whether `folder` holds the artefact made from `made_from`.
/// Waits until no other process has a file's lock, which this one has from then on.
pub(crate) fn wait_for(file: &File, context: &Context) -> Result<()> {
    let mut told = false;
    while let Err(TryLockError::WouldBlock) = file.try_lock() {
        if !told {
            tracing::warn!("waiting for another gloss that does the same work");
            told = true;
        }
        context.check()?;
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn is_made(folder: &Path, made_from: &Value) -> Result<bool> {
    let path = folder.join(MADE_FROM);
    match fs::read(&path) {
        Ok(bytes) => match serde_json::from_slice::<Value>(&bytes) {
            Ok(found) if found == *made_from => Ok(true),
            _ => Err(Error::Stale {
                path,
                message: "says that this artefact was made from something else than its name \
                          tells; remove the folder, and it is made again"
                    .into(),
            }),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("read", &path)(error)),
    }
}

/// A component as part of an artefact's identity: its options, the package that it is from, and its
/// code.
pub(crate) fn identity(component: &dyn Component) -> Result<Value> {
    let (package, version) = component.package();
    Ok(json!({
        "options": describe_component(component)?,
        "package": package,
        "version": version,
        "code": Input::identity(&component.code()?),
    }))
}

/// A file that something was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Where it was.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// The BLAKE3 hash of its content, in hexadecimal.
    pub blake3: String,
}

impl Input {
    /// The file `path` as it is now.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let mut inputs = read_inputs(vec![path.to_path_buf()], &Context::default())?;
        let input = inputs.pop();
        input.ok_or_else(|| Error::Internal("a file that was read is gone".into()))
    }

    /// What tells this file's content from others'.
    pub(crate) fn identity(inputs: &[Input]) -> Value {
        let name = |input: &Input| {
            input
                .path
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
        };
        inputs
            .iter()
            .map(|input| json!([name(input), input.blake3]))
            .collect()
    }
}

/// Hashes the content of files.
pub(crate) fn read_inputs(paths: Vec<PathBuf>, context: &Context) -> Result<Vec<Input>> {
    let size = |path: &PathBuf| Ok(fs::metadata(path).map_err(Error::io("read", path))?.len());
    let sizes = paths.iter().map(size).collect::<Result<Vec<u64>>>()?;
    let task = context.task("Checking files", Some(sizes.iter().sum()), Unit::Bytes);
    paths
        .into_par_iter()
        .zip(sizes)
        .map(|(path, bytes)| {
            let blake3 = hash_file(&path)?;
            task.advance(bytes)?;
            Ok(Input {
                blake3,
                path,
                bytes,
            })
        })
        .collect()
}

/// A short hash of `value`, in hexadecimal.
pub(crate) fn hash(value: &Value) -> String {
    let digest = blake3::hash(value.to_string().as_bytes());
    digest.to_hex()[..32].to_string()
}

/// Makes a folder and those around it.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("make the folder", folder))
}

/// Removes a folder with all that is in it, if it exists.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io("remove the folder", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Writes a value as indented JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Internal(format!("{}: {error}", path.display())))?;
    text.push('\n');
    fs::write(path, text).map_err(Error::io("write", path))
}

/// Reads a value from JSON that gloss wrote.
pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| damaged(path, error))
}

/// The error of an artefact whose file does not hold what gloss wrote.
pub(crate) fn damaged(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::Stale {
        path: path.to_path_buf(),
        message: format!("is damaged ({error}); remove its folder, and it is made again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &str) -> impl FnOnce(&Path) -> Result<()> + '_ {
        move |folder| {
            let path = folder.join("x");
            let before = fs::read_to_string(&path).unwrap_or_default();
            fs::write(&path, before + text).map_err(Error::io("write", &path))
        }
    }

    fn fail(folder: &Path) -> Result<()> {
        write("half ")(folder)?;
        Err(Error::Interrupted)
    }

    #[test]
    fn an_artefact_is_made_once_and_told_from_others() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(root.path());
        let obtain = |from: &str| {
            store
                .obtain(
                    "s",
                    json!(from),
                    Remains::Remove,
                    &Context::default(),
                    write(from),
                )
                .unwrap()
        };
        let (a, b, again) = (obtain("a"), obtain("b"), obtain("a"));
        assert!(!a.reused && !b.reused && again.reused);
        assert_ne!(a.folder, b.folder);
        assert_eq!(fs::read_to_string(again.folder.join("x")).unwrap(), "a");
    }

    #[test]
    fn a_failed_attempt_leaves_no_artefact_and_its_remains_are_as_asked() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(root.path());
        for (remains, expected) in [
            (Remains::Remove, "whole"),
            (Remains::Continue, "half whole"),
        ] {
            let from = json!(expected);
            assert!(
                store
                    .obtain("s", from.clone(), remains, &Context::default(), fail)
                    .is_err()
            );
            let made = store
                .obtain("s", from, remains, &Context::default(), write("whole"))
                .unwrap();
            assert!(!made.reused);
            assert_eq!(fs::read_to_string(made.folder.join("x")).unwrap(), expected);
        }
    }

    #[test]
    fn an_artefact_under_a_false_name_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::new(root.path());
        let made = store
            .obtain(
                "s",
                json!(1),
                Remains::Remove,
                &Context::default(),
                write(""),
            )
            .unwrap();
        fs::write(made.folder.join(MADE_FROM), "{}").unwrap();
        let error = store
            .obtain(
                "s",
                json!(1),
                Remains::Remove,
                &Context::default(),
                write(""),
            )
            .unwrap_err();
        assert!(matches!(error, Error::Stale { .. }), "{error}");
    }
}
