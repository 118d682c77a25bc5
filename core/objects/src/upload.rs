//! Folders taken to a store.

use std::collections::HashSet;
use std::fs;
use std::path::{Path as Folder, PathBuf};

use gloss_core::{Error, Result, Unit, hash_file};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{Attribute, Attributes, ObjectStoreExt};
use tokio::io::AsyncWriteExt;

use crate::address::Address;
use crate::mirror::{HASH, Record, is_mirrored};
use crate::store::{Objects, below, folders, in_words};

/// Bytes of a part of a large object.
const PART: usize = 8 << 20;

impl Objects {
    /// Uploads all files of `folder` to the objects below `url`, `last` after all others, so that what it
    /// describes is there. Objects that are the same already stay as they are, and those of no file are
    /// deleted. Each has the hash of its
    /// content as an attribute, and S3 verifies a SHA-256 checksum of what arrives.
    ///
    /// # Errors
    /// If a file cannot be read, or the store cannot be reached or refuses.
    pub fn upload(&self, folder: &Folder, url: &str, last: &str) -> Result<()> {
        let address = Address::parse(url)?;
        let mut files = Vec::new();
        collect(folder, &mut Vec::new(), &mut files)?;
        files.sort_by_key(|(parts, _)| (parts[..] == [last], parts.clone()));
        let size = |path: &PathBuf| fs::metadata(path).map(|data| data.len()).unwrap_or(0);
        let total = files.iter().map(|(_, path)| size(path)).sum();
        let task = self
            .context
            .task(&format!("Uploading to {url}"), Some(total), Unit::Bytes);
        let own: HashSet<Path> = files
            .iter()
            .map(|(parts, _)| below(&address.path, parts))
            .collect();
        for object in self.list(&address)? {
            if !own.contains(&object.location) {
                self.delete(&address, &object.location)?;
            }
        }
        for (parts, path) in &files {
            self.put(&address, &below(&address.path, parts), path)?;
            task.advance(size(path))?;
        }
        Ok(())
    }

    fn delete(&self, address: &Address, object: &Path) -> Result<()> {
        let deleted = self.wait(self.store(address)?.delete(object))?;
        deleted.map_err(|error| in_words(&address.of(object), error))
    }

    fn put(&self, address: &Address, to: &Path, path: &Folder) -> Result<()> {
        let store = self.store(address)?;
        let record = address.mirror(&folders(&self.root).1, to);
        let url = address.of(to);
        let there = self.wait(store.head(to))?;
        if let Ok(object) = &there
            && is_mirrored(object, path, &record)?
        {
            return Ok(());
        }
        let blake3 = hash_file(path)?;
        let hash = (Attribute::Metadata(HASH.into()), blake3.clone());
        let mut writer = BufWriter::with_capacity(store.clone(), to.clone(), PART)
            .with_attributes(Attributes::from_iter([hash]));
        let sent = self.wait(async {
            let mut file = tokio::fs::File::open(path).await?;
            let sent = tokio::io::copy(&mut file, &mut writer).await?;
            writer.shutdown().await?;
            Ok::<u64, std::io::Error>(sent)
        })?;
        let sent = sent.map_err(|error| Error::Network(format!("{url}: {error}")))?;
        let object = self.wait(store.head(to))?;
        let object = object.map_err(|error| in_words(&url, error))?;
        if object.size != sent {
            let stored = object.size;
            return Err(Error::Network(format!(
                "{url}: {stored} bytes are stored of {sent}"
            )));
        }
        let made = Record {
            e_tag: object.e_tag,
            size: object.size,
            blake3,
        };
        made.write(&record)
    }
}

/// The files below a folder, by the parts of their paths.
fn collect(
    folder: &Folder,
    parts: &mut Vec<String>,
    files: &mut Vec<(Vec<String>, PathBuf)>,
) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io("read the folder", folder))? {
        let path = entry.map_err(Error::io("read the folder", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            Error::input(&path, "its name is not UTF-8, which objects' names are")
        })?;
        parts.push(name.to_string());
        match path.is_dir() {
            true => collect(&path, parts, files)?,
            false => files.push((parts.clone(), path.clone())),
        }
        parts.pop();
    }
    Ok(())
}
