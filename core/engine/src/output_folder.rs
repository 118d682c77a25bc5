//! A folder that is written beside its place and moved there when it is complete.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use gloss_core::{Context, Error, Result, move_into_place};

use crate::cache::wait_for;
use crate::files::{create_folder, remove_folder};

/// An output folder. It is written beside its place and moved there when it is complete.
#[derive(Debug)]
pub struct OutputFolder {
    folder: PathBuf,
    partial: PathBuf,
    entries: Vec<String>,
    /// Keeps other processes from writing the folder.
    _lock: Option<Lock>,
}

/// A lock file beside the folder, removed when the work is done.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: File,
}

impl OutputFolder {
    /// Like [`OutputFolder::new`], but waits until no other process writes the folder, and locks it
    /// until the result is dropped. File systems without locks are used without.
    ///
    /// # Errors
    /// As [`OutputFolder::new`].
    pub fn locked(folder: &Path, context: &Context) -> Result<Self> {
        let place = OutputFolder::new(folder)?;
        let lock = Lock::take(place.partial.with_extension("lock"), context)?;
        Ok(OutputFolder {
            _lock: lock,
            ..OutputFolder::new(folder)?
        })
    }

    /// The output folder `folder`, which need not exist yet; a link is followed. Writes nothing.
    ///
    /// # Errors
    /// If it is a file, cannot be read, has no name of its own, such as `/`, or one that is not
    /// UTF-8, or is a link to nothing.
    pub fn new(folder: &Path) -> Result<Self> {
        check_name(folder)?;
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries
                .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
                .collect::<std::io::Result<Vec<_>>>()
                .map_err(Error::io("read the output folder", folder))?,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(Error::io("use as the output folder", folder)(error)),
        };
        let real = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
        let is_used = std::env::current_dir().is_ok_and(|current| current.starts_with(&real));
        let (Some(name), false) = (real.file_name(), is_used) else {
            return Err(Error::Usage(format!(
                "{} cannot be the output folder: it is the current folder or contains it",
                folder.display()
            )));
        };
        let partial = format!(".{}.partial", name.to_string_lossy());
        Ok(OutputFolder {
            partial: real.with_file_name(partial),
            folder: real,
            entries,
            _lock: None,
        })
    }

    /// The names of everything in the folder.
    pub fn entries(&self) -> &[String] {
        &self.entries
    }

    /// Creates the empty folder to write into; that of an interrupted attempt is removed.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn begin(&self) -> Result<&Path> {
        remove_folder(&self.partial)?;
        create_folder(&self.partial)?;
        Ok(&self.partial)
    }

    /// The folder to write into.
    pub(crate) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Moves the written folder into place, and removes what was there before.
    ///
    /// # Errors
    /// If the system refuses; what was there before is then kept.
    pub fn finish(&self) -> Result<()> {
        let old = self.partial.with_extension("old");
        remove_folder(&old)?;
        if self.folder.exists() {
            fs::rename(&self.folder, &old).map_err(Error::io("move aside", &self.folder))?;
        }
        if let Err(error) = move_into_place(&self.partial, &self.folder) {
            // Best effort: the first error is the one to report.
            let _ = fs::rename(&old, &self.folder);
            return Err(error);
        }
        remove_folder(&old)
    }
}

/// Refuses names under which the work could not be moved into place or described.
fn check_name(folder: &Path) -> Result<()> {
    let refused = |why: &str| {
        let folder = folder.display();
        Err(Error::Usage(format!(
            "{folder} cannot be the output folder: {why}"
        )))
    };
    if folder.to_str().is_none() {
        return refused("its name is not UTF-8");
    }
    match folder.is_symlink() && !folder.exists() {
        true => refused("it is a link to something that does not exist"),
        false => Ok(()),
    }
}

impl Lock {
    /// Waits for the lock; `None` if the file cannot be created.
    fn take(path: PathBuf, context: &Context) -> Result<Option<Self>> {
        if let Some(parent) = path.parent() {
            create_folder(parent)?;
        }
        loop {
            let Ok(file) = File::create(&path) else {
                return Ok(None);
            };
            wait_for(&file, context)?;
            // The process that held it may have removed it since.
            if same_file(&file, &path) {
                return Ok(Some(Lock { path, _file: file }));
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Best effort: a file that stays is not locked.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(unix)]
fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let of = |metadata: std::io::Result<fs::Metadata>| metadata.ok().map(|m| (m.dev(), m.ino()));
    of(file.metadata()) == of(fs::metadata(path))
}

#[cfg(not(unix))]
fn same_file(_: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_replaced_as_a_whole_and_through_a_link() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("big");
        fs::create_dir(&place).unwrap();
        fs::write(place.join("old"), "").unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&place, &link).unwrap();
        let output = OutputFolder::new(&link).unwrap();
        assert_eq!(output.entries(), ["old"]);
        fs::write(output.begin().unwrap().join("new"), "").unwrap();
        assert!(place.join("old").exists());
        output.finish().unwrap();
        assert!(link.is_symlink() && place.join("new").exists() && !place.join("old").exists());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_name_that_cannot_be_used_is_refused_before_any_work() {
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("link");
        std::os::unix::fs::symlink(root.path().join("nowhere"), &link).unwrap();
        let message = OutputFolder::new(&link).unwrap_err().to_string();
        assert!(message.contains("does not exist"), "{message}");
        let name = std::ffi::OsStr::from_bytes(b"a\xff");
        let message = OutputFolder::new(&root.path().join(name))
            .unwrap_err()
            .to_string();
        assert!(message.contains("not UTF-8"), "{message}");
    }

    #[test]
    fn one_at_a_time_has_a_folder_in_hand() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("runs/one");
        let context = Context::default();
        let first = OutputFolder::locked(&place, &context).unwrap();
        let around = root.path().join("runs/../runs/one");
        let second = std::thread::spawn(move || {
            let output = OutputFolder::locked(&around, &Context::default()).unwrap();
            output.entries().to_vec()
        });
        std::thread::sleep(std::time::Duration::from_millis(200));
        fs::write(first.begin().unwrap().join("new"), "").unwrap();
        first.finish().unwrap();
        drop(first);
        assert_eq!(second.join().unwrap(), ["new"]);
        assert_eq!(fs::read_dir(place.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_and_the_current_folder_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(matches!(OutputFolder::new(&file), Err(Error::Io { .. })));
        for folder in [".", "/"] {
            assert!(matches!(
                OutputFolder::new(Path::new(folder)),
                Err(Error::Usage(_))
            ));
        }
    }
}
