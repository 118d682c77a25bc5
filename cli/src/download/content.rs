//! Checks that what arrived is the file that was asked for.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use gloss_core::{Error, Result, lfs_pointer};
use safetensors::tensor::Metadata;
use sha2::{Digest, Sha256};

/// The bytes at a file's start that are looked at.
const START: usize = 1024;
/// The most bytes of a safetensors header, as in the format's own library.
const LONGEST_HEADER: u64 = 100_000_000;

/// The facts that a server states about a file before it sends it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// Its length in bytes.
    pub(crate) size: Option<u64>,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub(crate) sha256: Option<String>,
    /// True for a file of a model, whose name says what it holds.
    pub(crate) of_model: bool,
}

impl Expected {
    /// A file of a model, of which no more is known.
    pub(crate) fn of_model() -> Self {
        Expected {
            of_model: true,
            ..Expected::default()
        }
    }
}

/// Describes why the file at `path` is not the one that is called `name`; `None` if it can be.
///
/// # Errors
/// If it cannot be read.
pub(super) fn fault(path: &Path, name: &Path, expected: &Expected) -> Result<Option<String>> {
    let size = path.metadata().map_err(Error::io("read", path))?.len();
    let start = start(path)?;
    if is_page(&start) && name.extension().is_none_or(|end| end != "html") {
        return Ok(Some(
            "it is a web page, such as one to log in, instead of the file".to_string(),
        ));
    }
    if let Some(expected) = expected.size.filter(|expected| *expected != size) {
        return Ok(Some(format!(
            "it has {size} bytes, but the server says {expected}"
        )));
    }
    if let Some(expected) = &expected.sha256 {
        let found = sha256(path)?;
        if found != expected.to_ascii_lowercase() {
            return Ok(Some(format!(
                "its SHA-256 is {found}, but the server says {expected}"
            )));
        }
    }
    let end = name.extension().and_then(|end| end.to_str());
    match end.filter(|_| expected.of_model) {
        _ if lfs_pointer(&start).is_some() => Ok(Some(
            "it is a pointer of git-lfs instead of the file".to_string(),
        )),
        Some("safetensors") => safetensors(path, size),
        Some("json") => json(path),
        _ => Ok(None),
    }
}

fn start(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let mut start = Vec::new();
    let read = file.take(START as u64).read_to_end(&mut start);
    read.map_err(Error::io("read", path))?;
    Ok(start)
}

fn is_page(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start.trim_ascii_start()).to_ascii_lowercase();
    text.starts_with("<!doctype html") || text.starts_with("<html")
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let mut hasher = Sha256::new();
    std::io::copy(&mut file, &mut hasher).map_err(Error::io("read", path))?;
    Ok(format!("{:x}", hasher.finalize()))
}

/// Checks the header, and that the file is as long as it says.
fn safetensors(path: &Path, size: u64) -> Result<Option<String>> {
    let fault = |what: &str| Ok(Some(format!("it is not a safetensors file: {what}")));
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let mut length = [0; 8];
    if size < 8 {
        return fault("it is too short");
    }
    file.read_exact(&mut length)
        .map_err(Error::io("read", path))?;
    let length = u64::from_le_bytes(length);
    if length > LONGEST_HEADER.min(size - 8) {
        return fault("it does not begin with the length of a header");
    }
    let header = BufReader::new(file.take(length));
    let header: Metadata = match serde_json::from_reader(header) {
        Ok(header) => header,
        Err(error) => return fault(&format!("its header cannot be read: {error}")),
    };
    let needed = 8 + length + header.data_len() as u64;
    match needed == size {
        true => Ok(None),
        false => fault(&format!(
            "it has {size} bytes, but its header says {needed}"
        )),
    }
}

fn json(path: &Path) -> Result<Option<String>> {
    let file = File::open(path).map_err(Error::io("read", path))?;
    let parsed = serde_json::from_reader::<_, serde::de::IgnoredAny>(BufReader::new(file));
    Ok(parsed.err().map(|error| format!("it is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str, content: &[u8], expected: Expected) -> Option<String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        fault(file.path(), Path::new(name), &expected).unwrap()
    }

    fn weights() -> Vec<u8> {
        let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        let length = (header.len() as u64).to_le_bytes();
        [&length[..], header, &[0; 4]].concat()
    }

    #[test]
    fn a_file_is_what_its_name_says() {
        let none = Expected::of_model;
        assert_eq!(told("model.safetensors", &weights(), none()), None);
        assert_eq!(told("config.json", b"{}", none()), None);
        assert_eq!(told("README.md", b"anything", none()), None);
        assert_eq!(told("lines.json", b"{}\n{}", Expected::default()), None);
        for (name, content, expected) in [
            (
                "model.safetensors",
                b"<html>log in</html>".to_vec(),
                "a web page",
            ),
            ("config.json", b" <!DOCTYPE HTML>".to_vec(), "a web page"),
            ("data.json.gz", b"<html>".to_vec(), "a web page"),
            ("config.json", b"{".to_vec(), "not JSON"),
            ("model.safetensors", b"short".to_vec(), "too short"),
            (
                "model.safetensors",
                weights()[..weights().len() - 1].to_vec(),
                "its header says",
            ),
            (
                "model.safetensors",
                b"version https://git-lfs.github.com/spec/v1\n".to_vec(),
                "git-lfs",
            ),
        ] {
            let told = told(name, &content, none()).unwrap();
            assert!(told.contains(expected), "{name}: {told}");
        }
    }

    #[test]
    fn sizes_and_hashes_of_the_server_are_checked() {
        let of = |size, sha256: Option<&str>| Expected {
            size,
            sha256: sha256.map(str::to_string),
            of_model: false,
        };
        let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(told("x", b"abc", of(Some(3), Some(hash))), None);
        let size = told("x", b"abcd", of(Some(3), None)).unwrap();
        assert_eq!(size, "it has 4 bytes, but the server says 3");
        let other = told("x", b"abd", of(Some(3), Some(hash))).unwrap();
        assert!(other.starts_with("its SHA-256 is "), "{other}");
    }
}
