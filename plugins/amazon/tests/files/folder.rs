//! A folder with made-up files.

use gloss_amazon::{Amazon, Layout};
use gloss_core::{Context, Data, Dataset, Result};
use std::path::Path;

pub(crate) struct Folder {
    folder: tempfile::TempDir,
    pub(crate) options: Amazon,
}

impl Folder {
    /// A folder for category `Tea` in `layout`, still without files.
    pub(crate) fn new(layout: Layout) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Amazon::new("Tea");
        options.folder = folder.path().into();
        options.layout = layout;
        Folder { folder, options }
    }

    /// The 2014 layout with these reviews and metadata.
    pub(crate) fn with(reviews: impl AsRef<[u8]>, metadata: impl AsRef<[u8]>) -> Self {
        let folder = Folder::new(Layout::Of2014);
        folder.write("reviews_Tea_5.json", reviews);
        folder.write("meta_Tea.json", metadata);
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path().join(name), content).unwrap();
    }

    pub(crate) fn load(&self) -> Result<Data> {
        self.options.load(&Context::default())
    }

    /// The error of loading, without the folder's name.
    pub(crate) fn error(&self) -> String {
        let error = self.load().unwrap_err().to_string();
        error.replace(&format!("{}", self.path().display()), "FOLDER")
    }
}
