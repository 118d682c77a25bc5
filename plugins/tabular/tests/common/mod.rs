//! Tables on disk, and their loading.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by tests, which may fail"
)]

use std::path::{Path, PathBuf};

use gloss_core::{AnyComponent, Context, Data, Kind, Registry};
use gloss_tabular as _;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with an interactions and an items file.
pub(crate) struct Tables {
    pub(crate) folder: TempDir,
    pub(crate) format: &'static str,
    pub(crate) options: Value,
}

impl Tables {
    /// The two files with the given contents, and `options` besides their paths.
    pub(crate) fn new(
        format: &'static str,
        interactions: impl AsRef<[u8]>,
        items: impl AsRef<[u8]>,
        options: Value,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tables = Tables {
            folder,
            format,
            options,
        };
        std::fs::write(tables.path("interactions"), interactions).unwrap();
        std::fs::write(tables.path("items"), items).unwrap();
        tables
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All options, the paths among them.
    pub(crate) fn options(&self) -> Value {
        let mut options = self.options.clone();
        for file in ["interactions", "items"] {
            options[file] = self.path(file).to_str().unwrap().into();
        }
        options
    }

    /// The data, or the error with the folder's name left out.
    pub(crate) fn load(&self) -> Result<Data, String> {
        let options = self.options();
        let registry = Registry::compiled_in().unwrap();
        let entry = registry.get(Kind::Dataset, self.format, "").unwrap();
        let AnyComponent::Dataset(dataset) = entry.parse(options)? else {
            panic!("{} is not a data set", self.format);
        };
        if let Some(diagnostic) = dataset.check().first() {
            return Err(diagnostic.to_string());
        }
        let load = || {
            dataset.inputs()?;
            dataset.load(&Context::default())
        };
        load().map_err(|error| without(error.to_string(), self.folder.path()))
    }
}

fn without(message: String, folder: &Path) -> String {
    message.replace(&format!("{}/", folder.display()), "")
}
