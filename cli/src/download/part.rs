//! The part of a file that has arrived, and which file it is a part of.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use gloss_core::{Error, Result, move_into_place};
use serde::{Deserialize, Serialize};

/// `path` with `suffix` after its last letter.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The version of a file on a server, as far as the server states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) url: String,
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
    pub(super) total: Option<u64>,
}

impl Version {
    /// The validator by which a request makes the server check that the file is unchanged. Servers
    /// must not accept weak tags there.
    pub(super) fn validator(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|tag| !tag.starts_with("W/"));
        strong.or(self.last_modified.as_deref())
    }

    /// Returns `true` if anything distinguishes this version from another.
    fn is_distinct(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some() || self.total.is_some()
    }

    /// Returns `true` if this is the other version still: the same tag, and no other sign of a difference.
    /// (A server that sends a part always repeats the tag, but need not repeat the date.)
    pub(super) fn agrees(&self, other: &Version) -> bool {
        fn same<T: PartialEq>(a: &Option<T>, b: &Option<T>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        self.url == other.url
            && self.etag == other.etag
            && same(&self.last_modified, &other.last_modified)
            && same(&self.total, &other.total)
    }
}

/// A file that is arriving.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    version: PathBuf,
}

impl Part {
    /// The part of the file that will be `path`.
    pub(super) fn of(path: &Path) -> Self {
        Part {
            path: with_suffix(path, ".part"),
            version: with_suffix(path, ".part.json"),
        }
    }

    /// The device.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of bytes that have arrived, of whatever version.
    pub(super) fn arrived(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    /// Returns the size and version of what has arrived, if it can be resumed from `url`.
    pub(super) fn resumable(&self, url: &str) -> Option<(u64, Version)> {
        let arrived = self.arrived();
        let version: Version = serde_json::from_slice(&fs::read(&self.version).ok()?).ok()?;
        let fits = version.total.is_none_or(|total| arrived <= total);
        (arrived > 0 && fits && version.url == url && version.is_distinct())
            .then_some((arrived, version))
    }

    /// Opens it empty, for a file of this version.
    ///
    /// # Errors
    /// If it cannot be written, or another process is writing it.
    pub(super) fn start(&self, version: &Version) -> Result<PartFile<'_>> {
        let file = self.open()?;
        // In this order, so that the version never describes another one's bytes.
        file.0.set_len(0).map_err(Error::io("empty", &self.path))?;
        let json = serde_json::to_vec(version).map_err(|e| Error::Internal(e.to_string()))?;
        fs::write(&self.version, json).map_err(|error| self.refused(error))?;
        Ok(file)
    }

    /// Opens it to add to its end.
    ///
    /// # Errors
    /// If it cannot be written, or another process is writing it.
    pub(super) fn open(&self) -> Result<PartFile<'_>> {
        let open = File::options().create(true).append(true).open(&self.path);
        let file = open.map_err(Error::io("open", &self.path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::Usage(format!(
                "{} is being downloaded by another process; wait for it to end",
                self.path.display()
            ))),
            // A file system without locks is no reason not to download.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(PartFile(file, self)),
        }
    }

    /// Gives the complete file its name.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub(super) fn finish(&self, path: &Path) -> Result<()> {
        move_into_place(&self.path, path)?;
        remove(&self.version)
    }

    /// Removes what has arrived.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub(super) fn remove(&self) -> Result<()> {
        remove(&self.path)?;
        remove(&self.version)
    }

    /// Turns a refusal to write into an error; if the disk is full, makes room again.
    fn refused(&self, error: std::io::Error) -> Error {
        let full = matches!(
            error.kind(),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded
        );
        if full && let Err(error) = self.remove() {
            return error;
        }
        Error::io("write", &self.path)(error)
    }
}

/// The file of a [`Part`], opened for this process alone.
#[derive(Debug)]
pub(super) struct PartFile<'a>(File, &'a Part);

impl PartFile<'_> {
    /// The name that the complete file will have.
    pub(super) fn name(&self) -> String {
        let stem = self.1.path.file_stem().unwrap_or_default();
        stem.to_string_lossy().into_owned()
    }

    /// Adds to its end.
    ///
    /// # Errors
    /// If the system refuses; after a full disk, nothing is left of the part.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.0
            .write_all(bytes)
            .map_err(|error| self.1.refused(error))
    }

    /// Makes sure that all of it is on the disk.
    ///
    /// # Errors
    /// If the system refuses; after a full disk, nothing is left of the part.
    pub(super) fn sync(&self) -> Result<()> {
        self.0.sync_all().map_err(|error| self.1.refused(error))
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(etag: &str) -> Version {
        Version {
            url: "http://x/y".to_string(),
            etag: Some(etag.to_string()),
            last_modified: None,
            total: Some(10),
        }
    }

    #[test]
    fn a_part_is_gone_on_with_only_for_its_own_address_and_version() {
        let folder = tempfile::tempdir().unwrap();
        let part = Part::of(&folder.path().join("y"));
        assert!(part.resumable("http://x/y").is_none());
        part.start(&version("\"a\""))
            .unwrap()
            .append(b"12345")
            .unwrap();
        assert_eq!(part.resumable("http://x/y"), Some((5, version("\"a\""))));
        assert!(part.resumable("http://x/z").is_none());
        part.start(&version("\"b\"")).unwrap();
        assert!(
            part.resumable("http://x/y").is_none(),
            "nothing has arrived"
        );
        part.open().unwrap().append(b"12345678901").unwrap();
        assert!(part.resumable("http://x/y").is_none(), "more than there is");
    }

    #[test]
    fn versions_differ_if_their_tags_or_sizes_do() {
        let mut other = version("\"a\"");
        assert!(other.agrees(&version("\"a\"")));
        assert!(!other.agrees(&version("\"b\"")));
        other.total = None;
        assert!(other.agrees(&version("\"a\"")));
        other.etag = None;
        assert!(!other.agrees(&version("\"a\"")));
        other.etag = version("\"a\"").etag;
        other.total = Some(11);
        assert!(!other.agrees(&version("\"a\"")));
    }

    #[test]
    fn a_weak_tag_is_not_offered_as_a_validator() {
        let mut weak = version("W/\"a\"");
        assert_eq!(weak.validator(), None);
        weak.last_modified = Some("Tue, 15 Nov 1994 12:45:26 GMT".to_string());
        assert_eq!(weak.validator(), weak.last_modified.as_deref());
    }

    #[test]
    fn two_processes_cannot_write_one_part() {
        let folder = tempfile::tempdir().unwrap();
        let part = Part::of(&folder.path().join("y"));
        let _first = part.start(&version("\"a\"")).unwrap();
        assert!(matches!(part.open(), Err(Error::Usage(_))));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_leaves_nothing_of_the_part() {
        let folder = tempfile::tempdir().unwrap();
        let part = Part::of(&folder.path().join("y"));
        drop(part.start(&version("\"a\"")).unwrap());
        let full = File::options().append(true).open("/dev/full").unwrap();
        let error = PartFile(full, &part).append(b"x").unwrap_err();
        assert_eq!(error.class(), gloss_core::ErrorClass::Machine);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
