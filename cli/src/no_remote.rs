//! The refusal of addresses of object stores in a program that was built without them.

use std::path::{Path, PathBuf};

use gloss_core::{Context, Error, Result};
use gloss_engine::{Cache, ExperimentConfig};

/// Schemes that need object stores.
const SCHEMES: [&str; 3] = ["s3://", "gs://", "hf://"];

/// No object stores.
#[derive(Debug, Clone)]
pub(crate) struct Remote;

impl Remote {
    pub(crate) fn new(_: &Context) -> Result<Self> {
        Ok(Remote)
    }

    pub(crate) fn local(&self, path: &Path) -> Result<PathBuf> {
        match address(path) {
            Some(url) => Err(refusal(url)),
            None => Ok(path.to_path_buf()),
        }
    }

    pub(crate) fn mirror(&self, config: &mut ExperimentConfig) -> Result<()> {
        config.mirror(|text| match address(Path::new(text)) {
            Some(url) => Err(refusal(url)),
            None => Ok(None),
        })
    }

    pub(crate) fn cache(&self, folder: &Path) -> Result<Cache> {
        self.local(folder).map(Cache::new)
    }

    pub(crate) fn upload(&self, _: &Path, url: &Path) -> Result<()> {
        self.local(url).map(drop)
    }
}

pub(crate) fn address(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    SCHEMES
        .iter()
        .any(|scheme| text.starts_with(scheme))
        .then_some(text)
}

fn refusal(url: &str) -> Error {
    Error::Usage(format!(
        "`{url}` needs the feature `objects` of gloss-cli, which this program was built without; add it \
         to `features` in Cargo.toml"
    ))
}
