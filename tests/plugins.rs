//! A plugin crate of this workspace cannot vanish from the binary without a word.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use gloss as _;
use gloss_core::Registry;
use serde_json::Value;

/// The names of the crates in the folders under `plugins/`, by folder.
fn crates() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    let mut crates = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let Ok(manifest) = fs::read_to_string(entry.path().join("Cargo.toml")) else {
            continue;
        };
        let name = manifest
            .lines()
            .find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
            .unwrap();
        crates.push((entry.file_name().into_string().unwrap(), name.to_string()));
    }
    assert!(!crates.is_empty());
    crates
}

fn assert_all_present(origins: &BTreeSet<String>, place: &str) {
    for (folder, name) in crates() {
        let module = name.replace('-', "_");
        assert!(
            origins.contains(&name),
            "no component of {name} (plugins/{folder}) is in {place}. Add\n  \
             `{name}.workspace = true` to [dependencies] of the root Cargo.toml,\n  \
             `use {module} as _;` to cli/plugins.rs,\n  \
             and see that plugins/{folder}/src/lib.rs declares its components by `plugin!`."
        );
    }
}

#[test]
fn every_plugin_crate_is_in_the_library() {
    let registry = Registry::compiled_in().unwrap();
    let origins = registry.entries().map(|entry| entry.origin.name.clone());
    assert_all_present(&origins.collect(), "the library gloss");
}

#[test]
fn every_plugin_crate_is_in_the_command() {
    let output = Command::new(env!("CARGO_BIN_EXE_gloss"))
        .args(["list", "--json"])
        .output()
        .unwrap();
    let listed: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let origins = listed.iter().filter_map(|row| row["origin"].as_str());
    assert_all_present(&origins.map(str::to_string).collect(), "the command gloss");
}
