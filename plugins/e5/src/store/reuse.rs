//! Vectors that another index has already.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use gloss_core::Result;
use hashbrown::{HashMap, HashSet};

use super::header::{Hash, Identity};
use super::open::{FILE, open_any};

/// The most indexes that are looked into.
const INDEXES: usize = 8;

/// The vectors of those texts of which an index near `folder`, made by the same encoder in the
/// same way, has one. An index that cannot be read has none.
pub(super) fn vectors(
    folder: &Path,
    identity: &Identity,
    hashes: &[Hash],
) -> HashMap<Hash, Vec<f32>> {
    let mut wanted: HashSet<Hash> = hashes.iter().copied().collect();
    let mut known = HashMap::new();
    for path in neighbours(folder).into_iter().take(INDEXES) {
        if wanted.is_empty() {
            break;
        }
        if let Err(error) = add(&path, identity, &mut wanted, &mut known) {
            tracing::debug!(%error, "an index was not used again");
        }
    }
    known
}

fn add(
    path: &Path,
    identity: &Identity,
    wanted: &mut HashSet<Hash>,
    known: &mut HashMap<Hash, Vec<f32>>,
) -> Result<()> {
    let stored = open_any(path)?;
    if !identity.shares_vectors(&stored.header.identity) {
        return Ok(());
    }
    let vectors = stored.vectors()?;
    for (hash, vector) in stored.hashes()?.iter().zip(vectors.rows()) {
        if wanted.remove(hash) {
            known.insert(*hash, vector.to_vec());
        }
    }
    Ok(())
}

/// The files of other indexes: of the one that is in `folder` itself, of those in the folders
/// beside it, and, where it is part of a larger index, of the same part of those beside that.
/// Latest first.
fn neighbours(folder: &Path) -> Vec<PathBuf> {
    let parent = folder.parent();
    let beside = parent.map(subfolders).unwrap_or_default();
    let parts = parent
        .and_then(Path::parent)
        .map(subfolders)
        .unwrap_or_default();
    let parts = parts
        .iter()
        .filter_map(|larger| Some(larger.join(folder.file_name()?)));
    let mut found: Vec<(SystemTime, PathBuf)> = beside
        .iter()
        .cloned()
        .chain(parts)
        .map(|folder| folder.join(FILE))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.dedup();
    found.into_iter().map(|(_, path)| path).collect()
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect()
}
