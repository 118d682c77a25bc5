//! Tells the core from which source, by which compiler and for which system it was built, so that
//! a plugin library that was built with another core is refused.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=build.rs");
    let source = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("src");
    let mut files = BTreeMap::new();
    collect(&source, &source, &mut files)?;
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    let compiler = Command::new(std::env::var("RUSTC")?)
        .arg("--version")
        .output()?;
    let compiler = String::from_utf8(compiler.stdout)?;
    let target = std::env::var("TARGET")?;
    println!("cargo::rustc-env=GLOSS_SOURCE={:016x}", hasher.finish());
    println!(
        "cargo::rustc-env=GLOSS_COMPILER={} for {target}",
        compiler.trim()
    );
    println!("cargo::rustc-env=GLOSS_LAYOUT={}", layout_flags());
    Ok(())
}

/// All files below `folder` with their content, by their paths below `root`.
fn collect(
    root: &Path,
    folder: &Path,
    files: &mut BTreeMap<PathBuf, Vec<u8>>,
) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else {
            files.insert(path.strip_prefix(root)?.to_path_buf(), fs::read(&path)?);
        }
    }
    Ok(())
}

/// The compiler's unstable flags, such as `-Zrandomize-layout`: they may change the layout of types in
/// memory.
fn layout_flags() -> String {
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let flags: Vec<&str> = flags.split('\u{1f}').collect();
    let unstable = flags
        .iter()
        .enumerate()
        .filter(|(at, flag)| flag.starts_with("-Z") || (*at > 0 && flags[at - 1] == "-Z"));
    unstable
        .map(|(_, flag)| *flag)
        .collect::<Vec<_>>()
        .join(" ")
}
