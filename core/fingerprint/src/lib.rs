//! Fingerprints of crates, for the keys of cached artefacts.
//!
//! A crate of components has a build script of one line:
//!
//! ```ignore
//! fn main() { gloss_fingerprint::emit() }
//! ```
//!
//! It sets `GLOSS_FINGERPRINT` for the compilation, which `gloss_core::plugin!` reads. The
//! fingerprint changes with whatever can change the compiled code: the crate's sources and those of
//! its path dependencies, the locked versions of all other dependencies, the compiler, target,
//! features and profile. It does not change with comments, documentation, formatting or modules of
//! tests.
//!
//! Without a `Cargo.lock` above the build folder, or with `CARGO_TARGET_DIR`, no fingerprint is set;
//! the hash of the whole program then takes its place, so that nothing is ever stale.

mod dependencies;
mod modules;
mod source;

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use dependencies::Dependencies;
use modules::Modules;

/// Variables that move cargo's build folder out of the workspace.
const TARGET_FOLDERS: [&str; 2] = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];

/// Sets `GLOSS_FINGERPRINT` for the crate whose build script calls this.
pub fn emit() {
    emit_modules(&[]);
}

/// Like [`emit`]. For each module, such as `train`, it also sets `GLOSS_FINGERPRINT_TRAIN`, which
/// changes only with that module, the modules that it refers to, and the crate's dependencies; of those given by path,
/// the ones that these modules name.
pub fn emit_modules(modules: &[&str]) {
    let folder = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let build = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed=build.rs");
    for name in TARGET_FOLDERS {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if TARGET_FOLDERS
        .iter()
        .any(|name| env::var_os(name).is_some())
    {
        // The lock file above that folder may be another workspace's.
        return;
    }
    for (suffix, fingerprint) in fingerprints(&folder, &build, modules, &environment()) {
        println!("cargo::rustc-env=GLOSS_FINGERPRINT{suffix}={fingerprint}");
    }
}

/// The variable suffixes and the fingerprints; none if something that decides them is unknown.
fn fingerprints(
    folder: &Path,
    build: &Path,
    modules: &[&str],
    environment: &str,
) -> Vec<(String, String)> {
    let dependencies = |used: &dyn Fn(&str) -> bool| Dependencies::of(folder, build, used);
    let Some(all) = dependencies(&|_| true) else {
        return Vec::new();
    };
    all.files().for_each(watch);
    let sources = source::folder(folder);
    watch(&sources);
    let digest = |files: &BTreeSet<PathBuf>, dependencies: &Dependencies| {
        let mut hasher = blake3::Hasher::new();
        hasher.update((dependencies.describe() + environment).as_bytes());
        for file in files {
            let name = file.strip_prefix(folder).unwrap_or(file);
            hasher.update(name.to_string_lossy().as_bytes());
            hasher.update(source::digest(file)?.as_bytes());
        }
        Some(hasher.finalize().to_hex()[..32].to_string())
    };
    let mut found = Vec::new();
    if let Some(whole) = source::files(folder).and_then(|files| digest(&files, &all)) {
        found.push((String::new(), whole));
    }
    let graph = Modules::read(&sources);
    for module in modules {
        let part = || {
            let files = graph.as_ref()?.closure(module)?;
            let words = source::words(&files)?;
            digest(&files, &dependencies(&|name| words.contains(name))?)
        };
        if let Some(part) = part() {
            let name = module.replace("::", "_").to_uppercase();
            found.push((format!("_{name}"), part));
        }
    }
    found
}

/// Returns the circles among the modules of each folder of a crate whose sources lie in `folder`,
/// such as `cache -> config -> cache`; `None` if a file is not Rust. For tests of the architecture.
#[doc(hidden)]
pub fn module_circles(folder: &Path) -> Option<Vec<String>> {
    Modules::read(folder).map(|modules| modules.circles())
}

/// Returns the files that the fingerprint of a module, such as `train`, covers besides the crate's
/// dependencies; `None` if there is no such module. For tests of the architecture.
#[doc(hidden)]
pub fn module_files(folder: &Path, module: &str) -> Option<BTreeSet<PathBuf>> {
    Modules::read(folder)?.closure(module)
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

/// Compiler, target, features and profile, as cargo passes them to a build script.
fn environment() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let decides = |name: &str| {
        let fixed = ["TARGET", "OPT_LEVEL", "CARGO_ENCODED_RUSTFLAGS"];
        fixed.contains(&name)
            || name.starts_with("CARGO_CFG_")
            || name.starts_with("CARGO_FEATURE_")
    };
    let variables: BTreeSet<(String, String)> =
        env::vars().filter(|(name, _)| decides(name)).collect();
    format!("{version:?} {variables:?}")
}

#[cfg(test)]
mod tests;
