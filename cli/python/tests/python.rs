//! The Python package with the module that was built here, in a folder of its own.
//!
//! Tests named `python_` need the packages of `requirements.txt`; `GLOSS_PYTHON` names an interpreter
//! that has them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

fn source() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with the package, as an installed wheel has it.
fn package() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("gloss");
    fs::create_dir(&package).unwrap();
    for entry in fs::read_dir(source().join("python/gloss")).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            // A link as the file that it names.
            fs::copy(entry.path(), package.join(entry.file_name())).unwrap();
        }
    }
    let library = format!("{DLL_PREFIX}_gloss{DLL_SUFFIX}");
    let built = env::current_exe().unwrap().with_file_name(library);
    #[cfg(unix)]
    std::os::unix::fs::symlink(built, package.join("_gloss.abi3.so")).unwrap();
    #[cfg(not(unix))]
    fs::copy(built, package.join("_gloss.pyd")).unwrap();
    folder
}

/// Runs the tests of a file beside this one.
fn run(python: &str, file: &str, arguments: &[&str]) {
    let package = package();
    let shop = source().join("../../examples/shop");
    let encoder = source().join("../../plugins/torch/encoder/tests/golden/fixtures/bert");
    let output = Command::new(python)
        .arg(source().join("tests").join(file))
        .args(arguments)
        .env("PYTHONPATH", package.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("GLOSS_SHOP", shop.canonicalize().unwrap())
        .env("GLOSS_ENCODER", encoder.canonicalize().unwrap())
        .env_remove("GLOSS_CACHE")
        .current_dir(package.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{words}\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    println!("{words}");
}

#[test]
fn commands_runs_and_components_need_no_further_package() {
    run("python3", "test_plain.py", &[]);
}

/// An interpreter with the packages of `requirements.txt`.
fn python() -> String {
    env::var("GLOSS_PYTHON").unwrap_or_else(|_| {
        panic!("name an interpreter with the packages of cli/python/tests/requirements.txt in GLOSS_PYTHON")
    })
}

#[test]
#[ignore = "needs an interpreter with further packages, named by GLOSS_PYTHON"]
fn python_evaluation_agrees_with_ranx() {
    run(&python(), "test_evaluate.py", &[]);
}

#[test]
#[ignore = "needs an interpreter with further packages, named by GLOSS_PYTHON"]
fn python_tables_search_and_datasets() {
    run(&python(), "test_libraries.py", &[]);
}

/// The notebook of the examples from its first cell to its last, on the shop.
#[test]
#[ignore = "needs an interpreter with further packages, named by GLOSS_PYTHON"]
fn python_the_notebook_runs_from_top_to_bottom() {
    let package = package();
    let examples = source().join("../../examples");
    let place = tempfile::tempdir().unwrap();
    fs::copy(
        examples.join("quickstart.ipynb"),
        place.path().join("quickstart.ipynb"),
    )
    .unwrap();
    fs::create_dir(place.path().join("shop")).unwrap();
    for entry in fs::read_dir(examples.join("shop")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(
            entry.path(),
            place.path().join("shop").join(entry.file_name()),
        )
        .unwrap();
    }
    let convert = ["-m", "nbconvert", "--to", "notebook", "--execute"];
    let output = Command::new(python())
        .args(convert)
        .args(["--output", "executed.ipynb", "quickstart.ipynb"])
        .env("PYTHONPATH", package.path())
        .env_remove("GLOSS_CACHE")
        .current_dir(place.path())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let executed = fs::read_to_string(place.path().join("executed.ipynb")).unwrap();
    for part in ["0.1572", "image/png", "did you mean `category`?", "srcdoc"] {
        assert!(executed.contains(part), "no {part}");
    }
}

#[test]
fn the_package_without_models_has_the_same_files() {
    let names = |folder: &str| {
        let entries = fs::read_dir(source().join(folder)).unwrap();
        let files = entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_file());
        let mut names: Vec<_> = files.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("python/gloss"), names("lite/python/gloss"));
}
