//! Shared by the fuzzers: files in memory, and components by name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gloss_amazon as _;
use gloss_core::{AnyComponent, Context, Data, Dataset, Error, ErrorClass, Kind, Registry, Result};
use gloss_lis as _;
use gloss_metrics as _;
use gloss_precomputed as _;
use gloss_tabular as _;
use serde_json::Value;

/// A folder in memory, one for each process.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new("/dev/shm").join(format!("gloss-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("/dev/shm can be written");
        folder
    })
}

/// Writes a file of the folder, and returns its path.
pub fn write(name: &str, content: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, content).expect("/dev/shm can be written");
    path
}

/// The registry of all components here.
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| Registry::compiled_in().expect("names are distinct"))
}

/// Loads the dataset `name`; an error has to be the user's, and to state a reason.
pub fn load(name: &str, options: Value) {
    let entry = registry()
        .get(Kind::Dataset, name, "")
        .expect("it is compiled in");
    let AnyComponent::Dataset(dataset) = entry.parse(options).expect("the options are right")
    else {
        panic!("{name} is not a dataset");
    };
    check(read(dataset.as_ref()));
}

fn read(dataset: &dyn Dataset) -> Result<Data> {
    dataset.inputs()?;
    dataset.load(&Context::default())
}

/// A result of reading a file that a user may have: right, or an error of the user.
pub fn check<T>(result: Result<T>) {
    if let Err(error) = result {
        assert!(error.class() == ErrorClass::User, "{error}");
        assert!(!error.to_string().trim().is_empty());
        let _: Error = error;
    }
}
