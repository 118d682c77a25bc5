//! Reading and writing gloss's own files, durably.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use gloss_core::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Creates a folder and its parents.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))
}

/// Removes a folder and everything in it, if it exists.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::io("remove the folder", folder)(error))
        }
        _ => Ok(()),
    }
}

/// Writes a value as indented JSON.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::Internal(format!("{}: {error}", path.display())))?;
    text.push('\n');
    fs::write(path, text).map_err(Error::io("write", path))
}

/// Reads a value from JSON that gloss wrote.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| damaged(path, error))
}

/// The key of a record's checksum.
const CHECKSUM: &str = "checksum";

/// Writes a value, which must be an object, as indented JSON with a checksum of all its content.
pub(crate) fn write_record(path: &Path, value: &impl Serialize) -> Result<()> {
    let value = serde_json::to_value(value);
    let mut value = value.map_err(|error| Error::Internal(error.to_string()))?;
    let checksum = checksum(&value);
    if let Some(object) = value.as_object_mut() {
        object.insert(CHECKSUM.to_string(), checksum.into());
    }
    write_json(path, &value)
}

/// Reads what [`write_record`] wrote, and whether its checksum is right.
pub(crate) fn read_record<T: DeserializeOwned>(path: &Path) -> Result<(T, bool)> {
    let mut value: Value = read_json(path)?;
    let object = value.as_object_mut();
    let recorded = object.and_then(|object| object.remove(CHECKSUM));
    let intact = recorded.is_some_and(|recorded| recorded == checksum(&value).as_str());
    let value = serde_json::from_value(value).map_err(|error| damaged(path, error))?;
    Ok((value, intact))
}

fn checksum(value: &Value) -> String {
    blake3::hash(value.to_string().as_bytes())
        .to_hex()
        .to_string()
}

/// The error of a file that gloss wrote and that is not in its format any more.
pub(crate) fn damaged(path: &Path, error: impl std::fmt::Display) -> Error {
    Error::Stale {
        path: path.to_path_buf(),
        message: format!("is damaged ({error}); remove its folder and run again"),
    }
}

/// Calls `visit` with every file below `folder`, in the order of names.
pub(crate) fn for_each_file(
    folder: &Path,
    visit: &mut dyn FnMut(&Path) -> Result<()>,
) -> Result<()> {
    let failed = || Error::io("read the folder", folder);
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(failed())?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        match path.is_dir() {
            true => for_each_file(&path, visit)?,
            false => visit(&path)?,
        }
    }
    Ok(())
}
