//! Folders of weights.

use std::fs;
use std::path::Path;

use gloss_core::{Error, Result, move_into_place};

/// Puts the folder `from` in the place of `to`.
///
/// # Errors
/// If one cannot be removed or renamed.
pub fn replace_folder(from: &Path, to: &Path) -> Result<()> {
    remove_folder(to)?;
    move_into_place(from, to)
}

/// Removes a folder, if it is there.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("remove the folder", folder)(error))
        }
        _ => Ok(()),
    }
}
