//! Files in object stores, where commands take them in place of paths.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gloss_core::{Context, Error, Result};
use gloss_engine::{ArtefactMirror, Cache, ExperimentConfig, MANIFEST, RECORD};
use gloss_objects::{Objects, is_url};

use crate::download::{fetch_address, is_hub_address};

/// The folder of mirrors, below that of the cache.
const MIRRORS: &str = "objects";
/// The folder of the cache on this machine, where its flag names an address.
const CACHE: &str = ".gloss";

/// Object stores, and the folder in which their objects are mirrored.
#[derive(Clone)]
pub(crate) struct Remote {
    objects: Arc<Objects>,
    context: Context,
}

impl Remote {
    /// Connects to nothing.
    ///
    /// # Errors
    /// If the system has no threads left.
    pub(crate) fn new(context: &Context) -> Result<Self> {
        Ok(Remote {
            objects: Arc::new(Objects::new(Path::new(CACHE).join(MIRRORS), context)?),
            context: context.clone(),
        })
    }

    /// The path itself, or that of the mirror of an address, which is brought up to date.
    ///
    /// # Errors
    /// If a store cannot be reached or refuses.
    pub(crate) fn local(&self, path: &Path) -> Result<PathBuf> {
        refuse_hub(path)?;
        match address(path) {
            Some(url) => self.objects.mirror(url),
            None => Ok(path.to_path_buf()),
        }
    }

    /// The mirror of a text that is an address of an object store or of the hub.
    fn mirror_of(&self, text: &str) -> Result<Option<PathBuf>> {
        if is_hub_address(text) {
            let root = Path::new(CACHE).join(MIRRORS).join("files");
            return fetch_address(text, &root, &self.context).map(Some);
        }
        is_url(text).then(|| self.objects.mirror(text)).transpose()
    }

    /// Replaces the addresses in an experiment by their mirrors.
    ///
    /// # Errors
    /// As [`local`](Remote::local); if there is nothing at an address.
    pub(crate) fn mirror(&self, config: &mut ExperimentConfig) -> Result<()> {
        config.mirror(|text| {
            let mirror = self.mirror_of(text)?;
            match mirror.as_ref().is_some_and(|path| is_empty(path)) {
                true => Err(Error::Usage(format!("there are no objects at {text}"))),
                false => Ok(mirror),
            }
        })
    }

    /// The cache in a folder; or in that of this machine, with an address as its mirror.
    pub(crate) fn cache(&self, folder: &Path) -> Result<Cache> {
        refuse_hub(folder)?;
        Ok(match address(folder) {
            None => Cache::new(folder),
            Some(url) => Cache::new(CACHE).with_mirror(Arc::new(Artefacts {
                objects: Arc::clone(&self.objects),
                url: url.trim_end_matches('/').to_string(),
            })),
        })
    }

    /// Uploads a folder that has a manifest to an address.
    ///
    /// # Errors
    /// As [`Objects::upload`].
    pub(crate) fn upload(&self, folder: &Path, url: &Path) -> Result<()> {
        match address(url) {
            Some(url) => self.objects.upload(folder, url, MANIFEST),
            None => Ok(()),
        }
    }
}

/// The address of an object store that was given in place of a path.
pub(crate) fn address(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| is_url(text))
}

/// The hub holds models and data that an experiment reads, no runs and no caches.
fn refuse_hub(path: &Path) -> Result<()> {
    match path.to_str().is_some_and(is_hub_address) {
        true => Err(Error::Usage(format!(
            "`{}` is an address of the hub, from which an experiment reads models and data; runs and caches \
             are in folders or object stores",
            path.display()
        ))),
        false => Ok(()),
    }
}

fn is_empty(path: &Path) -> bool {
    path.is_dir()
        && path
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_none())
}

/// Artefacts below an address, as `STAGE/KEY/FILE`.
#[derive(Debug)]
struct Artefacts {
    objects: Arc<Objects>,
    url: String,
}

impl ArtefactMirror for Artefacts {
    fn fetch(&self, stage: &str, key: &str, folder: &Path) -> Result<bool> {
        let url = format!("{}/{stage}/{key}", self.url);
        self.objects.download_folder(&url, RECORD, folder)
    }

    fn publish(&self, stage: &str, key: &str, folder: &Path) -> Result<()> {
        let url = format!("{}/{stage}/{key}", self.url);
        self.objects.upload(folder, &url, RECORD)
    }
}
