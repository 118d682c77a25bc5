//! Files that survive a power cut once they have their names.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use crate::{Error, Result};

/// Writes a folder's files, its subfolders and itself through to the disk, so that they survive a
/// power cut once the folder is renamed.
fn sync_folder(folder: &Path) -> Result<()> {
    let failed = || Error::io("write", folder);
    for entry in fs::read_dir(folder).map_err(failed())? {
        let path = entry.map_err(failed())?.path();
        match path.is_dir() {
            true => sync_folder(&path)?,
            false => sync(&path)?,
        }
    }
    sync(folder)
}

/// Writes a file, or the names in a folder, through to the disk, where the file system can.
fn sync(path: &Path) -> Result<()> {
    match File::open(path).and_then(|file| file.sync_all()) {
        Err(error) if cfg!(unix) && error.kind() != ErrorKind::InvalidInput => {
            Err(Error::io("write", path)(error))
        }
        _ => Ok(()),
    }
}

/// Gives a complete file or folder its final name: data, then the name, are on disk when this
/// returns.
///
/// # Errors
/// If the system refuses.
pub fn move_into_place(from: &Path, to: &Path) -> Result<()> {
    match from.is_dir() {
        true => sync_folder(from)?,
        false => sync(from)?,
    }
    fs::rename(from, to).map_err(Error::io("move into place", from))?;
    match to.parent() {
        Some(parent) if parent.as_os_str().is_empty() => sync(Path::new(".")),
        Some(parent) => sync(parent),
        None => Ok(()),
    }
}
