//! The architecture: layers of crates, modules without circles, and the map in the README.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folders of all crates but the root's, from the root.
fn crates() -> Vec<PathBuf> {
    let mut found = ["cli", "core"].map(PathBuf::from).to_vec();
    crates_in(Path::new("cli"), &mut found);
    crates_in(Path::new("core"), &mut found);
    crates_in(Path::new("plugins"), &mut found);
    found.sort();
    found
}

/// Appends the crates in the folders of a folder, and those in the folders of these crates.
fn crates_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(root().join(folder)).unwrap() {
        let path = folder.join(entry.unwrap().file_name());
        if root().join(&path).join("Cargo.toml").is_file() {
            crates_in(&path, found);
            found.push(path);
        }
    }
}

#[test]
fn modules_have_no_circles() {
    let mut circles = Vec::new();
    for folder in crates() {
        let found = gloss_fingerprint::module_circles(&root().join(&folder).join("src"));
        let found = found.unwrap().into_iter();
        circles.extend(found.map(|circle| format!("{}: {circle}", folder.display())));
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_cached_training_does_not_depend_on_the_code_of_generation() {
    let sources = root().join("plugins/llama/src");
    let files = gloss_fingerprint::module_files(&sources, "train").unwrap();
    let depends = |name: &str| files.contains(&sources.join(format!("{name}.rs")));
    for name in ["decoder", "engine", "generator", "trie"] {
        assert!(sources.join(format!("{name}.rs")).is_file(), "{name}");
        assert!(!depends(name), "{name}");
    }
    for name in ["model", "layer", "tokenizer", "config", "train/examples"] {
        assert!(depends(name), "{name}");
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let only_exported = file.ends_with("lib.rs");
        assert!(
            only_exported || !text.contains("gloss_decoding"),
            "{file:?}"
        );
    }
}

#[test]
fn cached_vectors_do_not_depend_on_the_code_of_the_search() {
    let own = own_dependencies("plugins/torch/encoder/Cargo.toml");
    let expected = ["gloss-core", "gloss-fingerprint", "gloss-torch"];
    assert_eq!(own, BTreeSet::from(expected.map(str::to_string)));
}

#[test]
fn the_core_depends_on_little() {
    let manifest = fs::read_to_string(root().join("core/Cargo.toml")).unwrap();
    for heavy in [
        "parquet",
        "arrow",
        "jsonschema",
        "toml",
        "libloading",
        "tch",
        "tantivy",
    ] {
        let line = format!("\n{heavy}");
        assert!(!manifest.contains(&line), "gloss-core depends on {heavy}");
    }
}

/// Programs that load the programs of others know their plugin; all others are added by name.
#[test]
fn the_command_line_depends_on_no_plugin_but_that_of_programs() {
    let own = own_dependencies("cli/Cargo.toml");
    let expected = [
        "gloss-command",
        "gloss-core",
        "gloss-engine",
        "gloss-http",
        "gloss-objects",
        "gloss-trackers",
    ];
    assert_eq!(own, BTreeSet::from(expected.map(str::to_string)));
}

/// The crates of this workspace that a manifest depends on, those for tests apart.
fn own_dependencies(manifest: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(manifest)).unwrap();
    let compiled_in = manifest.split("[dev-dependencies]").next().unwrap();
    let lines = compiled_in
        .lines()
        .filter_map(|line| line.split(['.', ' ']).next());
    let own = lines.filter(|name| name.starts_with("gloss-"));
    own.map(str::to_string).collect()
}

#[test]
fn plugins_depend_on_the_engine_in_tests_alone() {
    for folder in crates()
        .iter()
        .filter(|folder| folder.starts_with("plugins"))
    {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let compiled_in = manifest.split("[dev-dependencies]").next().unwrap();
        assert!(
            !compiled_in.contains("gloss-engine"),
            "{}",
            folder.display()
        );
    }
}

#[test]
fn the_map_in_the_readme_is_the_tree() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let rows = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("/`"));
    let mapped: BTreeSet<PathBuf> = rows.map(|(folder, _)| PathBuf::from(folder)).collect();
    let others = ["cli/gloss", "examples", "tests", "core/docs"].map(PathBuf::from);
    let tree: BTreeSet<PathBuf> = crates().into_iter().chain(others).collect();
    assert_eq!(mapped, tree);
}
