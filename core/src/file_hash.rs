//! Hashes of files, each computed once per process.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, open_regular};

/// A file that was written this recently may be written again without a later modification time,
/// whose resolution is limited.
const SETTLED: Duration = Duration::from_secs(2);

/// Bytes that are hashed at once, by all cores.
const BLOCK: u64 = 16 << 20;

/// Size, modification time and hash of the files that were hashed.
static KNOWN: LazyLock<Mutex<HashMap<PathBuf, Known>>> = LazyLock::new(Mutex::default);

struct Known {
    bytes: u64,
    modified: SystemTime,
    hash: String,
}

/// Returns the BLAKE3 hash of a file's content, in hexadecimal. A process reads each file once
/// unless it changes.
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
    let hash = read(path)?;
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

/// Hashes a file by reading it: a file that is mapped and then cut short would end the process.
fn read(path: &Path) -> Result<String> {
    let mut file = open_regular(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut block = Vec::new();
    loop {
        block.clear();
        let read = file.by_ref().take(BLOCK).read_to_end(&mut block);
        if read.map_err(Error::io("read", path))? == 0 {
            return Ok(hasher.finalize().to_hex().to_string());
        }
        hasher.update_rayon(&block);
    }
}

/// A file that something was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path.
    pub path: PathBuf,
    /// The size in bytes.
    pub bytes: u64,
    /// The BLAKE3 hash of the content, in hexadecimal.
    pub blake3: String,
}

impl InputFile {
    /// The file `path` with its present content.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::metadata(path).map_err(Error::io("read", path))?.len();
        Ok(InputFile {
            path: path.to_path_buf(),
            bytes,
            blake3: hash_file(path)?,
        })
    }
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
