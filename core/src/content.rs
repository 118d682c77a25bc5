//! Hashes of files, each computed once.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hashbrown::HashMap;

use crate::{Error, Result};

/// A file that was written so shortly before it was hashed might be written again without a later
/// time, as file systems tell it.
const SETTLED: Duration = Duration::from_secs(2);

/// What is known of files: their size and time, and the hash that they had then.
static KNOWN: LazyLock<Mutex<HashMap<PathBuf, Known>>> = LazyLock::new(Mutex::default);

struct Known {
    bytes: u64,
    modified: SystemTime,
    hash: String,
}

/// The BLAKE3 hash of a file's content, in hexadecimal. However often a process asks for it, a file
/// is read once, unless it changes.
///
/// # Errors
/// If the file cannot be read.
pub fn hash_file(path: &Path) -> Result<String> {
    let failed = Error::io("read", path);
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let file = fs::metadata(path).and_then(|file| Ok((file.len(), file.modified()?)));
    let (bytes, modified) = match file {
        Ok(file) => file,
        Err(error) => return Err(failed(error)),
    };
    if let Some(known) = known().get(path)
        && (known.bytes, known.modified) == (bytes, modified)
    {
        return Ok(known.hash.clone());
    }
    let settled = modified.elapsed().is_ok_and(|elapsed| elapsed > SETTLED);
    let mut hasher = blake3::Hasher::new();
    hasher.update_mmap_rayon(path).map_err(failed)?;
    let hash = hasher.finalize().to_hex().to_string();
    if settled {
        let file = Known {
            bytes,
            modified,
            hash: hash.clone(),
        };
        known().insert(path.to_path_buf(), file);
    }
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str, age: Duration) {
        fs::write(path, text).unwrap();
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    #[test]
    fn a_file_that_was_left_alone_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let hour = Duration::from_secs(3600);
        write(&path, "one", hour);
        let first = hash_file(&path).unwrap();
        assert_eq!(first, blake3::hash(b"one").to_hex().to_string());
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "two").unwrap();
        let file = fs::File::options().append(true).open(&path).unwrap();
        file.set_modified(modified).unwrap();
        assert_eq!(
            hash_file(&path).unwrap(),
            first,
            "nothing tells of a change"
        );
        write(&path, "two", hour / 2);
        assert_ne!(hash_file(&path).unwrap(), first);
    }

    #[test]
    fn a_file_that_was_just_written_is_read_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for text in ["one", "two"] {
            fs::write(&path, text).unwrap();
            let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
            assert_eq!(hash_file(&path).unwrap(), hash);
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let error = hash_file(Path::new("/no/such/file")).unwrap_err();
        assert!(error.to_string().contains("/no/such/file"), "{error}");
    }
}
