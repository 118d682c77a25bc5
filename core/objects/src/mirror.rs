//! Objects brought to this machine.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path as Folder, PathBuf};

use futures_util::TryStreamExt;
use gloss_core::{Error, Result, Unit, hash_file, move_into_place};
use object_store::path::Path;
use object_store::{Attribute, GetResult, ObjectMeta, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;

use crate::address::Address;
use crate::store::{Objects, folders, in_words};

/// The attribute of objects that gloss wrote: the BLAKE3 hash of their content.
pub(crate) const HASH: &str = "blake3";

/// The object that a file is the mirror of.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// The version of the object, as the store names it.
    pub(crate) e_tag: Option<String>,
    pub(crate) size: u64,
    /// The hash of the content.
    pub(crate) blake3: String,
}

impl Objects {
    /// Brings the object `url`, or all objects below it, to this machine, and returns the file or the
    /// folder. What is there already is compared with its checksum and with the store; files that the
    /// store does not have are removed. The folder is empty if there is no object.
    ///
    /// # Errors
    /// If the store cannot be reached or refuses, or an object is not what its checksum says.
    pub fn mirror(&self, url: &str) -> Result<PathBuf> {
        let address = Address::parse(url)?;
        let objects = self.list(&address)?;
        let (files, records) = folders(&self.root);
        let place = |path: &Path| (address.mirror(&files, path), address.mirror(&records, path));
        let (root, _) = place(&address.path);
        let is_one = objects.len() == 1 && objects[0].location == address.path;
        if !is_one {
            let own: HashSet<PathBuf> = objects
                .iter()
                .map(|object| place(&object.location).0)
                .collect();
            if root.is_file() {
                remove(&root)?;
            }
            fs::create_dir_all(&root).map_err(Error::io("create the folder", &root))?;
            remove_others(&root, &own)?;
        }
        let total = objects.iter().map(|object| object.size).sum();
        let task = self
            .context
            .task(&format!("Fetching {url}"), Some(total), Unit::Bytes);
        for object in &objects {
            let (file, record) = place(&object.location);
            if !is_mirrored(object, &file, &record)? {
                let blake3 = self.download(&address, object, &file)?;
                let made = Record {
                    e_tag: object.e_tag.clone(),
                    size: object.size,
                    blake3,
                };
                made.write(&record)?;
            }
            task.advance(object.size)?;
        }
        Ok(root)
    }

    /// The place of the mirror of `url`.
    ///
    /// # Errors
    /// If `url` is no address.
    pub fn place(&self, url: &str) -> Result<PathBuf> {
        let address = Address::parse(url)?;
        Ok(address.mirror(&folders(&self.root).0, &address.path))
    }

    /// Downloads all objects below `url` into `folder`. Returns `false`, and writes nothing, if `needed`
    /// is not among them.
    ///
    /// # Errors
    /// As [`mirror`](Objects::mirror).
    pub fn download_folder(&self, url: &str, needed: &str, folder: &Folder) -> Result<bool> {
        let address = Address::parse(url)?;
        let objects = self.list(&address)?;
        let last = crate::store::below(&address.path, &[needed.to_string()]);
        if !objects.iter().any(|object| object.location == last) {
            return Ok(false);
        }
        for object in &objects {
            let Some(parts) = object.location.prefix_match(&address.path) else {
                continue;
            };
            let file = parts.fold(folder.to_path_buf(), |file, part| file.join(part.as_ref()));
            self.download(&address, object, &file)?;
        }
        Ok(true)
    }

    /// Downloads an object to `file`, and returns the hash of its content.
    fn download(&self, address: &Address, object: &ObjectMeta, file: &Folder) -> Result<String> {
        let url = address.of(&object.location);
        let store = self.store(address)?;
        let folder = file.parent().unwrap_or(file);
        fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
        let part = file.with_extension(format!("part-{}", std::process::id()));
        let got = self.wait(store.get(&object.location))?;
        let got = got.map_err(|error| in_words(&url, error))?;
        let stated = got.attributes.get(&Attribute::Metadata(HASH.into()));
        let stated = stated.map(|hash| hash.as_ref().to_string());
        let written = self
            .wait(write(got, &part, &url))
            .and_then(|written| written);
        let checked = written.and_then(|(size, blake3)| {
            let fault = match (size == object.size, stated) {
                (false, _) => format!("{size} bytes came of {}", object.size),
                (true, Some(stated)) if stated != blake3 => {
                    "its content is not what its checksum says".to_string()
                }
                _ => return Ok(blake3),
            };
            Err(Error::Network(format!("{url}: {fault}")))
        });
        match checked {
            Ok(blake3) => move_into_place(&part, file).map(|()| blake3),
            Err(error) => {
                let _ = fs::remove_file(&part);
                Err(error)
            }
        }
    }
}

/// Writes what a store sends, and returns its size and hash.
async fn write(got: GetResult, part: &Folder, url: &str) -> Result<(u64, String)> {
    let failed = || Error::io("write", part);
    let mut file = tokio::fs::File::create(part).await.map_err(failed())?;
    let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
    let mut stream = got.into_stream();
    while let Some(bytes) = stream
        .try_next()
        .await
        .map_err(|error| in_words(url, error))?
    {
        hasher.update(&bytes);
        size += bytes.len() as u64;
        file.write_all(&bytes).await.map_err(failed())?;
    }
    file.sync_all().await.map_err(failed())?;
    Ok((size, hasher.finalize().to_hex().to_string()))
}

impl Record {
    pub(crate) fn write(&self, path: &Folder) -> Result<()> {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder).map_err(Error::io("create the folder", folder))?;
        let text = serde_json::to_vec(self).map_err(|error| Error::Internal(error.to_string()))?;
        let part = path.with_extension(format!("part-{}", std::process::id()));
        fs::write(&part, text).map_err(Error::io("write", &part))?;
        move_into_place(&part, path)
    }

    pub(crate) fn read(path: &Folder) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }
}

/// Returns `true` if `file` is the mirror of the object, to the last bit.
pub(crate) fn is_mirrored(object: &ObjectMeta, file: &Folder, record: &Folder) -> Result<bool> {
    let Some(record) = Record::read(record) else {
        return Ok(false);
    };
    let is_same =
        record.e_tag.is_some() && record.e_tag == object.e_tag && record.size == object.size;
    Ok(is_same && file.is_file() && hash_file(file)? == record.blake3)
}

/// Removes the files below `folder` that are not `own`.
fn remove_others(folder: &Folder, own: &HashSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read the folder", folder))? {
        let path = entry.map_err(Error::io("read the folder", folder))?.path();
        match path.is_dir() {
            true => remove_others(&path, own)?,
            false if !own.contains(&path) => remove(&path)?,
            false => {}
        }
    }
    Ok(())
}

fn remove(path: &Folder) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("remove", path)(error)),
        _ => Ok(()),
    }
}
