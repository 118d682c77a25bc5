//! Where fixtures, real models and the data are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A file or folder beside the golden scripts.
pub(crate) fn golden(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/golden").join(name)
}

/// Amazon 2014.
pub(crate) fn data() -> PathBuf {
    shared("GLOSS_TEST_DATA", "data").join("amazon2014")
}

/// A real model: from GLOSS_TEST_MODELS, or made by the tool beside the data, once.
pub(crate) fn model(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("GLOSS_TEST_MODELS") {
        return PathBuf::from(folder).join(name);
    }
    let tool = shared("GLOSS_TEST_TOOLS", "tools").join("get_models.py");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    if !folder.join(name).join("COMPLETE").exists() {
        let mut command = Command::new("python3");
        command.arg(tool).arg(&folder).args(["--only", name]);
        assert!(command.env_remove("PYTHONPATH").status().unwrap().success());
    }
    folder.join(name)
}

/// The folder that a variable names, or one beside the checkout.
fn shared(variable: &str, beside: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let above = root
        .ancestors()
        .map(|above| above.join("shared").join(beside));
    let default = || above.filter(|folder| folder.is_dir()).last();
    let named = std::env::var_os(variable).map(PathBuf::from);
    let folder = named.or_else(default).unwrap_or_default();
    assert!(
        folder.is_dir(),
        "no folder {}; set {variable}",
        folder.display()
    );
    folder
}
