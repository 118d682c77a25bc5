//! The record of an artefact.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use gloss_core::{Error, InputFile, Result, hash_file};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::files::{damaged, for_each_file, read_record, write_record};
use crate::stage::Provenance;

/// The file in an artefact's folder that describes it. It is written last.
pub const RECORD: &str = "artefact.json";

/// A file of an artefact or a run, with its checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// The path in the folder, with `/` between its parts.
    pub path: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The BLAKE3 hash of the content, in hexadecimal.
    pub blake3: String,
}

/// An artefact's description.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// The version of gloss that built it.
    gloss: String,
    pub(super) stage: String,
    key: String,
    /// Everything that decides the artefact.
    pub(super) provenance: BTreeMap<String, Value>,
    /// The files that it was made from.
    inputs: Vec<InputFile>,
    /// Its files.
    pub(super) files: Vec<FileRecord>,
    /// The time that building it took, in seconds.
    pub(super) seconds: f64,
}

impl Record {
    /// Describes what was written into `folder`.
    pub(super) fn write(
        folder: &Path,
        stage: &str,
        provenance: &Provenance,
        seconds: f64,
    ) -> Result<Self> {
        let record = Record {
            gloss: crate::program::VERSION.to_string(),
            stage: stage.to_string(),
            key: provenance.key(stage),
            provenance: provenance.parts().clone(),
            inputs: provenance.inputs().to_vec(),
            files: checksums(folder)?,
            seconds,
        };
        write_record(&folder.join(RECORD), &record)?;
        Ok(record)
    }

    /// Reads the record of the artefact in `folder`; `None` if there is no artefact.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(RECORD);
        if !path.exists() {
            return Ok(None);
        }
        match read_record(&path)? {
            (record, true) => Ok(Some(record)),
            (_, false) => Err(damaged(&path, "its checksum is another")),
        }
    }

    /// The first problem of the artefact in `folder`, which should have been built from
    /// `provenance`; `None` if it is intact.
    pub(super) fn problem(&self, folder: &Path, provenance: &Provenance) -> Result<Option<String>> {
        if self.provenance != *provenance.parts() {
            let path = folder.join(RECORD);
            let problem = "states another provenance than the folder's name";
            return Ok(Some(format!("{} {problem}", path.display())));
        }
        first_mismatch(folder, &self.files)
    }
}

/// Returns the checksums of all files in `folder`, except its record.
pub(crate) fn checksums(folder: &Path) -> Result<Vec<FileRecord>> {
    let mut files = Vec::new();
    for_each_file(folder, &mut |path| {
        let below = path.strip_prefix(folder).unwrap_or(path);
        let parts = below
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        let file = InputFile::read(path)?;
        files.push(FileRecord {
            path: parts.collect::<Vec<_>>().join("/"),
            bytes: file.bytes,
            blake3: file.blake3,
        });
        Ok(())
    })?;
    files.retain(|file| file.path != RECORD);
    Ok(files)
}

/// Returns a description of the first file in `folder` that is missing or has another checksum.
pub(crate) fn first_mismatch(folder: &Path, files: &[FileRecord]) -> Result<Option<String>> {
    for file in files {
        let path = folder.join(&file.path);
        let found = fs::metadata(&path).map(|metadata| metadata.len());
        match found {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Some(format!("{} is missing", path.display())));
            }
            Ok(bytes) if bytes == file.bytes && hash_file(&path)? == file.blake3 => {}
            Ok(_) => {
                let what = "does not have the content that was written";
                return Ok(Some(format!("{} {what}", path.display())));
            }
            Err(error) => return Err(Error::io("read", &path)(error)),
        }
    }
    Ok(None)
}

/// An artefact that is in use.
#[derive(Debug, Clone)]
pub(crate) struct Artefact {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The checksums of its files, by path.
    pub(super) files: BTreeMap<String, String>,
}

impl Artefact {
    pub(super) fn new(folder: PathBuf, record: Record) -> Self {
        let files = record.files.into_iter();
        Artefact {
            folder,
            files: files.map(|file| (file.path, file.blake3)).collect(),
        }
    }

    /// Removes the record from a copy of the artefact.
    pub(crate) fn remove_record(&self, copy: &Path) -> Result<()> {
        let path = copy.join(RECORD);
        fs::remove_file(&path).map_err(Error::io("remove", &path))
    }

    /// The content of all files, as a part of the provenance of what is made from it.
    pub(crate) fn content(&self) -> Value {
        json!(self.files)
    }

    /// The content of these files.
    pub(crate) fn content_of(&self, files: &[&str]) -> Value {
        let content = files.iter().map(|file| (*file, self.files.get(*file)));
        json!(content.collect::<BTreeMap<_, _>>())
    }
}
