//! The recorded checksum of a file: one line of `b3sum` in a file next to it.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use gloss_core::{Context, Error, Result, Unit, hash_file};

/// Returns the file of the checksum of `path`.
pub(super) fn beside(path: &Path) -> PathBuf {
    super::part::with_suffix(path, ".blake3")
}

/// The BLAKE3 checksum of a file's content, in hexadecimal digits.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn compute(path: &Path, context: &Context) -> Result<String> {
    let name = name_of(path);
    let _task = context.task(&format!("Checking {name}"), None, Unit::Bytes);
    hash_file(path)
}

/// The recorded checksum, if there is one.
///
/// # Errors
/// If the record cannot be read, or is not one.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    let record = beside(path);
    let bytes = match fs::read(&record) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("read", &record)(error)),
    };
    let text = String::from_utf8_lossy(&bytes);
    let digits = text.split_whitespace().next().unwrap_or_default();
    let valid = blake3::Hash::from_hex(digits).map_err(|_| {
        let expected = "expected 64 hexadecimal digits and the file's name, as b3sum writes";
        Error::input(
            &record,
            format!(
                "this is not a checksum: {expected}; delete it to record the file as it is now"
            ),
        )
    })?;
    Ok(Some(valid.to_hex().to_string()))
}

/// Records a checksum.
///
/// # Errors
/// If the record cannot be written.
pub(super) fn write(path: &Path, checksum: &str) -> Result<()> {
    let record = beside(path);
    let line = format!("{checksum}  {}\n", name_of(path));
    fs::write(&record, line).map_err(Error::io("write", &record))
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
