//! A plugin crate of this workspace cannot vanish from the binary without a word.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use gloss as _;
use gloss_core::Registry;
use serde_json::Value;

/// The crates in the folders under `plugins/` that this build should have, by folder: not those
/// that others merely share, nor those that need a libtorch that is left out.
fn crates() -> Vec<(String, String)> {
    let (mut crates, manifests) = manifests();
    let shared = |name: &str| {
        let line = format!("{name}.workspace = true");
        manifests.iter().any(|manifest| manifest.contains(&line))
    };
    let needs_libtorch = |name: &str| {
        let own = manifests
            .iter()
            .find(|m| m.contains(&format!("name = \"{name}\"")));
        own.is_some_and(|manifest| manifest.contains("tch.workspace = true"))
    };
    crates.retain(|(_, name)| !shared(name));
    crates.retain(|(_, name)| cfg!(feature = "libtorch") || !needs_libtorch(name));
    crates
}

/// The folders and names of all crates under `plugins/`, and their manifests.
fn manifests() -> (Vec<(String, String)>, Vec<String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins");
    let (mut crates, mut manifests) = (Vec::new(), Vec::new());
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
        manifests.push(manifest);
    }
    assert!(!crates.is_empty());
    (crates, manifests)
}

fn assert_all_present(origins: &BTreeSet<String>, place: &str) {
    for (folder, name) in crates() {
        let module = name.replace('-', "_");
        assert!(
            origins.contains(&name),
            "no component of {name} (plugins/{folder}) is in {place}. Add\n  \
             `{name}.workspace = true` to [dependencies] of the root Cargo.toml,\n  \
             `use {module} as _;` to cli/gloss/lib.rs,\n  \
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
