//! Lists and removes artefacts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gloss_core::{Error, Result};
use serde::Serialize;

use super::artefact::Record;
use super::{Cache, lock};
use crate::files::remove_folder;

/// The suffix of the folder of an artefact that is being built, or whose building was interrupted.
const PARTIAL: &str = "partial";

/// An artefact in the cache.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CachedArtefact {
    /// The stage.
    pub stage: String,
    /// The key.
    pub key: String,
    /// The size of all files, in bytes.
    pub bytes: u64,
    /// The time since the last use, in seconds.
    pub unused_seconds: u64,
    /// The time that building it took, in seconds; `None` for an interrupted attempt.
    pub build_seconds: Option<f64>,
    /// True if a process uses or builds it now.
    pub in_use: bool,
    /// The folder.
    pub folder: PathBuf,
}

/// The artefacts to remove: those that meet all conditions given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PruneFilter {
    /// Artefacts of this stage.
    pub stage: Option<String>,
    /// Artefacts that were not used for this long.
    pub unused_for: Option<Duration>,
    /// The least recently used artefacts, until this many bytes are left in the cache.
    pub keep_bytes: Option<u64>,
}

impl Cache {
    /// All artefacts, the least recently used first.
    ///
    /// # Errors
    /// If the cache cannot be read.
    pub fn list(&self) -> Result<Vec<CachedArtefact>> {
        let mut artefacts = Vec::new();
        for stage in subfolders(&self.root)? {
            let name = name(&stage);
            if name == "locks" {
                continue;
            }
            for folder in subfolders(&stage)? {
                artefacts.push(self.describe(&name, folder)?);
            }
        }
        artefacts.sort_by(|a, b| {
            let by_use = b.unused_seconds.cmp(&a.unused_seconds);
            by_use.then_with(|| a.folder.cmp(&b.folder))
        });
        Ok(artefacts)
    }

    fn describe(&self, stage: &str, folder: PathBuf) -> Result<CachedArtefact> {
        let full = name(&folder);
        let key = full.strip_suffix(&format!(".{PARTIAL}")).unwrap_or(&full);
        let path = self.lock_file(stage, key);
        let used = fs::metadata(if path.exists() { &path } else { &folder });
        let used = used.and_then(|used| used.modified());
        let used = used.map_err(Error::io("read", &folder))?;
        let record = Record::read(&folder).ok().flatten();
        Ok(CachedArtefact {
            stage: stage.to_string(),
            key: key.to_string(),
            bytes: size(&folder)?,
            unused_seconds: SystemTime::now()
                .duration_since(used)
                .map_or(0, |unused| unused.as_secs()),
            build_seconds: record.map(|record| record.seconds),
            in_use: path.exists() && claim(&path)?.is_none(),
            folder,
        })
    }

    /// Removes artefacts and returns those that were removed. An artefact that a process uses or
    /// builds is kept, whatever the filter.
    ///
    /// # Errors
    /// If the cache cannot be read or a folder cannot be removed.
    pub fn prune(&self, filter: &PruneFilter) -> Result<Vec<CachedArtefact>> {
        let all = self.list()?;
        let mut left: u64 = all.iter().map(|artefact| artefact.bytes).sum();
        let mut removed = Vec::new();
        for artefact in all {
            let unused = Duration::from_secs(artefact.unused_seconds);
            let is_meant = filter.stage.as_ref().is_none_or(|s| *s == artefact.stage)
                && filter.unused_for.is_none_or(|limit| unused >= limit)
                && filter.keep_bytes.is_none_or(|keep| left > keep);
            if !is_meant {
                continue;
            }
            let path = self.lock_file(&artefact.stage, &artefact.key);
            let Some(_lock) = claim(&path)? else {
                continue;
            };
            remove_folder(&artefact.folder)?;
            left -= artefact.bytes;
            removed.push(artefact);
        }
        Ok(removed)
    }
}

/// The lock of an artefact; `None` if another process has it. Leaves the time of the last use.
fn claim(path: &Path) -> Result<Option<File>> {
    let file = match path.exists() {
        true => File::options().write(true).open(path),
        false => return lock::open(path).map(Some),
    };
    let file = file.map_err(Error::io("write", path))?;
    Ok(file.try_lock().is_ok().then_some(file))
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The folders in `folder`, by name; none if it does not exist.
fn subfolders(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.map_err(Error::io("read the folder", folder))?;
    let mut folders: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    Ok(folders)
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    crate::files::for_each_file(folder, &mut |path| {
        let metadata = fs::metadata(path).map_err(Error::io("read", path))?;
        bytes += metadata.len();
        Ok(())
    })?;
    Ok(bytes)
}
